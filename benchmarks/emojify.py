"""emojify: no peer does this job, so the interpreter with NumPy, which it cannot do without, stands beside it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _harness import BARE, BARE_NAME, Case, Program

MANY = 10_000
MOST_MEMORY = 250  # MiB

_TEXTS = (
    "I love you",
    "not feeling happy",
    "shall we get some lunch",
    "what a match that was",
    "that joke made my day",
    "my flight is late again and nobody tells us why",
)


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the versions of the peers: there are none."""
    return {}


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    own = str(Path(sys.executable).with_name("emojify"))
    lines = folder / "lines.txt"
    lines.write_text("".join(f"{_TEXTS[number % len(_TEXTS)]} {number}\n" for number in range(MANY)), "utf-8")
    return [
        Case("one sentence", Program([own, _TEXTS[0]], _one), BARE_NAME, BARE, None, MOST_MEMORY, 1),
        Case(f"{MANY:,} sentences", Program([own, "-f", str(lines)], _all), BARE_NAME, BARE, None, MOST_MEMORY, MANY),
        Case(
            f"{MANY:,} sentences, --model average",
            Program([own, "-f", str(lines), "--model", "average"], _all),
            BARE_NAME,
            BARE,
            None,
            MOST_MEMORY,
        ),
    ]


def _one(output: bytes) -> str | None:
    return None if output.decode().strip() == "\u2764\ufe0f" else "does not say a heart"


def _all(output: bytes) -> str | None:
    lines = output.decode().splitlines()
    return None if len(lines) == MANY and all(lines) else f"{len(lines)} lines"
