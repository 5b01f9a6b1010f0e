"""yolo-detect beside Darknet and OpenCV, on the released YOLOv3-tiny."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from _harness import Absent, Case, Program, answer_of

DARKNET_HOME = Path("/usr/share/darknet")  # where Debian's package keeps cfg/ and data/
MANY = 100
MOST_MEMORY = 200  # MiB

_DARKNET_FINDING = re.compile(rb"^[^:\n]+: \d+%$", re.MULTILINE)
_OPENCV = "opencv-python-headless>=4.8,<5"

_NO_WEIGHTS = Absent("no weights: dltools fetch yolov3-tiny.weights yolov3-tiny.cfg")

_FETCH = """
import json
from dltools.runtime.assets import Registry
from dltools.runtime.fetch import fetch
registry = Registry.load()
print(json.dumps([str(fetch(registry.file(name))) for name in ("yolov3-tiny.cfg", "yolov3-tiny.weights")]))
"""

_OPENCV_VERSION = """
import cv2
cv2.dnn.readNetFromDarknet
print(cv2.__version__)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos",
        metavar="DIR",
        type=Path,
        nargs="+",
        default=[DARKNET_HOME / "data"],
        help="folders of JPEG photographs with something to find in each batch (default: %(default)s)",
    )


def versions() -> dict[str, str | None]:
    """Return the versions of the peers; None for one that is not there."""
    return {"darknet": _darknet_version(), "OpenCV": _opencv_version()}


def cases(arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    photos = sorted(photo for place in arguments.photos for photo in place.glob("*.jpg"))
    if not photos:
        raise SystemExit(f"no *.jpg in {', '.join(map(str, arguments.photos))}: give a folder with --photos")
    one = next((photo for photo in photos if photo.name == "dog.jpg"), photos[0]).absolute()
    many = _many(photos, folder / "photos")

    fetched = _fetched()
    darknet, opencv = _peers(fetched, folder)
    own = str(Path(sys.executable).with_name("yolo-detect"))
    cache = folder / "cache"
    float32: Program | Absent = _NO_WEIGHTS
    if fetched is not None:
        cfg, weights = fetched
        float32 = Program(
            [own, "--json", "--cfg", cfg, "--weights", weights, str(one)],
            _finds(1),
            environment={"DLTOOLS_CACHE": str(cache)},
        )
    small = Program([own, str(one)], _finds(1))
    return [
        Case("one photo", small, "darknet", darknet(one), 0.35, MOST_MEMORY, 1),
        Case("one photo", small, "OpenCV", opencv([one]), None, MOST_MEMORY),
        Case(
            f"{MANY} photos",
            Program([own, "--json", *map(str, many)], _finds(MANY)),
            "OpenCV",
            opencv(many),
            0.5,
            MOST_MEMORY,
            MANY,
        ),
        Case("one photo, --cfg --weights (float32)", float32, "darknet", darknet(one)),
        Case(
            "--help",
            Program([own, "--help"], lambda output: None if output.startswith(b"Usage:") else "printed no help"),
            'python -c "import click"',
            Program([sys.executable, "-c", "import click"]),
            2.0,
        ),
    ]


def _many(photos: list[Path], folder: Path) -> list[Path]:
    """Copy the photos in turn until there are :data:`MANY`."""
    folder.mkdir()
    copies = [folder / f"{number:03}-{photos[number % len(photos)].name}" for number in range(MANY)]
    for number, copy in enumerate(copies):
        shutil.copyfile(photos[number % len(photos)], copy)
    return copies


def _fetched() -> list[str] | None:
    """Return network description and weights from the toolkit's cache, fetched if need be (in a process of its own)."""
    answer = answer_of([sys.executable, "-c", _FETCH])
    found: list[str] | None = json.loads(answer) if answer else None
    return found


def _peers(
    fetched: list[str] | None, folder: Path
) -> tuple[Callable[[Path], Program | Absent], Callable[[list[Path]], Program | Absent]]:
    """Return what makes a peer's program of photographs: Darknet's, of one, and OpenCV's, of any number."""

    def darknet(photo: Path) -> Program | Absent:
        if _darknet_version() is None:
            return Absent("not installed: apt-get install darknet")
        if fetched is None:
            return _NO_WEIGHTS
        argv = ["darknet", "detect", "cfg/yolov3-tiny.cfg", fetched[1], str(photo), "-out", str(folder / "drawn")]
        return Program(argv, _darknet_finds, cwd=DARKNET_HOME)

    def opencv(photos: list[Path]) -> Program | Absent:
        if _opencv_version() is None:
            return Absent(f"not installed: pip install '{_OPENCV}'")
        if fetched is None:
            return _NO_WEIGHTS
        script = Path(__file__).with_name("peers") / "opencv_yolo.py"
        return Program([sys.executable, str(script), *fetched, *map(str, photos)], _finds(len(photos)))

    return darknet, opencv


def _darknet_version() -> str | None:
    if shutil.which("darknet") is None or not DARKNET_HOME.is_dir():
        return None
    return answer_of(["dpkg-query", "--show", "--showformat=${Version}", "darknet"]) or "of unknown version"


def _opencv_version() -> str | None:
    return answer_of([sys.executable, "-c", _OPENCV_VERSION])


def _finds(count: int) -> Callable[[bytes], str | None]:
    """Return a check of NDJSON: so many records, none of an error, and something found in half of them or more."""

    def check(output: bytes) -> str | None:
        try:
            records = [json.loads(line) for line in output.splitlines()]
        except ValueError:
            return "printed no NDJSON"
        if len(records) != count:
            return f"{len(records)} records for {count} photos"
        found = sum(bool(record.get("items")) for record in records)
        return None if 2 * found >= count else f"found something in {found} of {count} photos only"

    return check


def _darknet_finds(output: bytes) -> str | None:
    return None if _DARKNET_FINDING.search(output) else "found nothing"
