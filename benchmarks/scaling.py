"""Two cores beside one, and dltools map beside the plain command: the same work, the same output."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from _harness import Absent, Case, Program
from yolo_detect import DARKNET_HOME

PHOTOS, LINES, LONG = 200, 20_000, 1_000
SCRIPT = "dltools"
_ONE_CORE = ("taskset", "--cpu-list", "0")
_NO_TASKSET = Absent("no taskset: apt-get install util-linux")


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own; the photographs are Debian's darknet's."""


def versions() -> dict[str, str | None]:
    """Return the versions of the peers: there are none."""
    return {}


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    photos, many, dates = folder / "photos.txt", folder / "many.txt", folder / "dates.txt"
    found = sorted((DARKNET_HOME / "data").glob("*.jpg"))
    if not found:
        raise SystemExit(f"no photographs in {DARKNET_HOME / 'data'}: apt-get install darknet")
    for path, count in ((photos, PHOTOS), (many, LONG)):
        path.write_text("".join(f"{found[number % len(found)]}\n" for number in range(count)))
    dates.write_text("".join(f"{1 + number % 28} May {1900 + number % 120}\n" for number in range(LINES)))

    def cores(title: str, count: int, *words: str) -> Case:
        check, own = _lines(count), [_script(words[0]), *words[1:]]
        alone = Program([*_ONE_CORE, *own], check) if shutil.which("taskset") else _NO_TASKSET
        return Case(f"{words[0]}, {title}", Program(own, check), "on one core", alone)

    def mapped(title: str, count: int, command: str, option: str, path: Path) -> Case:
        check = _lines(count)
        spread = Program([_script("dltools"), "map", "-q", "--files-from", str(path), command], check)
        plain = Program([_script(command), option, str(path)], check)
        return Case(f"map {command}, {title}", spread, "without map", plain)

    return [
        cores(f"{PHOTOS} photos", PHOTOS, "yolo-detect", "--files-from", str(photos)),
        cores(f"{PHOTOS} photos", PHOTOS, "image-classify", "--files-from", str(photos)),
        cores(f"{LINES:,} lines", LINES, "date-translate", "-f", str(dates)),
        mapped(f"{LONG:,} photos", LONG, "yolo-detect", "--files-from", many),
        mapped(f"{LINES:,} lines", LINES, "date-translate", "-f", dates),
    ]


def _script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _lines(count: int) -> Callable[[bytes], str | None]:
    def check(output: bytes) -> str | None:
        found = output.count(b"\n")
        return None if found == count else f"{found} lines for {count} inputs"

    return check
