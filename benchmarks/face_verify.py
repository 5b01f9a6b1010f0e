"""face-verify beside face_recognition, the command and library around dlib, with the same embedding."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from _harness import Absent, Case, Program, answer_of

PACKAGE = Path(__file__).parent.parent / "dltools"
PHOTO = PACKAGE / "assets" / "astronaut.jpg"
MANY = 200
MOST_MEMORY = 250  # MiB

_PEER = "face_recognition"
_NOT_THERE = Absent(
    "not installed: pip install dlib-bin 'setuptools<81' face_recognition_models; face_recognition --no-deps"
)
_VERSIONS = """
from importlib.metadata import version
import dlib, face_recognition
print(version("face_recognition"), "with dlib", dlib.__version__)
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--faces",
        metavar="DIR",
        type=Path,
        help="a folder of photographs of faces for the batches (default: the one that comes with the package)",
    )


def versions() -> dict[str, str | None]:
    """Return the versions of the peers; None for one that is not there."""
    return {_PEER: _version()}


def cases(arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    one, other, many = _photos(arguments.faces, folder)
    own = str(Path(sys.executable).with_name("face-verify"))
    return [
        Case(
            "two photos",
            Program([own, str(one), str(other)], _same),
            _PEER,
            _command(one, other, folder / "known"),
            0.5,
            MOST_MEMORY,
            1,
        ),
        Case(
            f"{MANY} photos",
            Program([own, "embed", "--json", *map(str, many)], _faces(MANY)),
            _PEER,
            _script(many),
            None,
            MOST_MEMORY,
            MANY,
        ),
    ]


def _photos(source: Path | None, folder: Path) -> tuple[Path, Path, list[Path]]:
    """Return two photographs of one person and a batch, of 250 pixels at most, in ``folder``."""
    from PIL import Image, ImageOps

    found = sorted(path for path in (source or PHOTO.parent).glob("*.*") if path.suffix in (".jpg", ".jpeg", ".png"))
    photos = found if source else [PHOTO]
    (folder / "photos").mkdir()
    many = [folder / "photos" / f"{number:03}.jpg" for number in range(MANY)]
    for number, copy in enumerate(many):
        with Image.open(photos[number % len(photos)]) as image:
            small = ImageOps.exif_transpose(image).convert("RGB")
        small.thumbnail((250, 250))
        small.save(copy, quality=92)
    one, other = folder / "one.jpg", folder / "other.jpg"
    with Image.open(PHOTO) as image:
        image.save(one, quality=92)
        image.rotate(5).resize((250, 250)).save(other, quality=92)
    return one, other, many


def _version() -> str | None:
    return answer_of([sys.executable, "-c", _VERSIONS])


def _command(one: Path, other: Path, known: Path) -> Program | Absent:
    """Return the peer's own command: a folder of a known face, and the photograph in question."""
    program = Path(sys.executable).with_name(_PEER)
    if _version() is None or not program.exists():
        return _NOT_THERE
    known.mkdir()
    (known / "same.jpg").write_bytes(one.read_bytes())
    return Program([str(program), str(known), str(other)], _known, environment={"PYTHONWARNINGS": "ignore"})


def _script(photos: list[Path]) -> Program | Absent:
    if _version() is None:
        return _NOT_THERE
    script = Path(__file__).with_name("peers") / "dlib_faces.py"
    argv = [sys.executable, str(script), *map(str, photos)]
    return Program(argv, _faces(len(photos)), environment={"PYTHONWARNINGS": "ignore"})


def _same(output: bytes) -> str | None:
    return None if json.loads(output).get("same") is True else "did not know the face again"


def _known(output: bytes) -> str | None:
    return None if output.endswith(b",same\n") else "did not know the face again"


def _faces(count: int) -> Callable[[bytes], str | None]:
    """Return a check of NDJSON: so many records, a face in nine of ten of them or more."""

    def check(output: bytes) -> str | None:
        records = [json.loads(line) for line in output.splitlines()]
        if len(records) != count:
            return f"{len(records)} records for {count} photos"
        found = sum(bool(record.get("items")) for record in records)
        return None if 10 * found >= 9 * count else f"found a face in {found} of {count} photos only"

    return check
