"""dino-names beside what tutorials do: a Keras network of the same size, one name and one character at a time."""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path

from _harness import Absent, Case, Program

FEW, MANY = 10, 100_000
MOST_MEMORY = 250  # MiB

_PEER = Path(__file__).with_name("peers") / "keras_names.py"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the versions of the peers: Keras; TensorFlow's is told anyway."""
    return {"Keras": metadata.version("keras")}


def cases(_arguments: argparse.Namespace, _folder: Path) -> list[Case]:
    """Return the cases."""
    own = str(Path(sys.executable).with_name("dino-names"))
    peer = Program([sys.executable, str(_PEER), str(FEW)], lambda output: _count(output, FEW))
    alone = Absent("has no batches")
    return [
        Case(f"{FEW} names", Program([own], lambda output: _count(output, FEW)), "Keras", peer, 0.1, MOST_MEMORY, FEW),
        Case(
            f"{MANY:,} names",
            Program([own, "-n", str(MANY)], lambda output: _count(output, MANY)),
            "Keras",
            alone,
            None,
            MOST_MEMORY,
            MANY,
        ),
    ]


def _count(output: bytes, wanted: int) -> str | None:
    found = output.decode().split()
    return None if len(found) == wanted else f"{len(found)} names"
