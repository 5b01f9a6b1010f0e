"""image-classify beside the same network, with the same weights, in Keras."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from _harness import Case, Program, Result

MANY = 200
MOST_MEMORY = 200  # MiB
MOST_COLD, LEAST_RATE = 0.30, 40  # seconds, photos a second

_PEER = Path(__file__).with_name("peers") / "keras_squeezenet.py"
_COFFEE = Path(__file__).parent.parent / "dltools" / "assets" / "coffee.jpg"
_DARKNET = Path("/usr/share/darknet/data")  # where Debian's package keeps its photographs


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the versions of the peers: TensorFlow's is in the head anyway."""
    return {}


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    photos = [_COFFEE, *sorted(_DARKNET.glob("*.jpg"))]
    copies = [folder / f"{number:03}.jpg" for number in range(MANY)]
    for number, copy in enumerate(copies):
        shutil.copyfile(photos[number % len(photos)], copy)
    return [
        Case("one photo", _own([_COFFEE]), "Keras", _keras([_COFFEE]), 0.2, MOST_MEMORY, 1),
        Case(f"{MANY} photos", _own(copies), "Keras", _keras(copies), None, MOST_MEMORY, MANY),
    ]


def notes(results: Sequence[Result]) -> str:
    """Return how the times stand to their bounds, whatever the peer takes."""
    one, many = (statistics.median([run.wall for run in result.ours]) for result in results)
    rate = MANY / many
    return (
        f"One photo: {one:.3f} s (target: at most {MOST_COLD:.2f}; {'met' if one <= MOST_COLD else 'missed'}). "
        f"Many: {rate:.0f} photos a second (target: at least {LEAST_RATE}; "
        f"{'met' if rate >= LEAST_RATE else 'missed'})."
    )


def _own(photos: list[Path]) -> Program:
    own = str(Path(sys.executable).with_name("image-classify"))
    return Program([own, "--json", "-n", "1", *map(str, photos)], _classified(photos))


def _keras(photos: list[Path]) -> Program:
    return Program([sys.executable, str(_PEER), *map(str, photos)], _classified(photos))


def _classified(photos: list[Path]) -> Callable[[bytes], str | None]:
    """Return a check of NDJSON: a record a photo, and an espresso (class 967) in the first, which is the package's."""

    def check(output: bytes) -> str | None:
        records = [json.loads(line) for line in output.splitlines()]
        if len(records) != len(photos):
            return f"{len(records)} records for {len(photos)} photos"
        return None if records[0]["items"][0]["class_id"] == 967 else "does not see the espresso"

    return check
