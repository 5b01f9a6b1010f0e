"""date-translate beside dateparser and python-dateutil: right answers on dates.tsv, time and memory.

``DATES_MODEL`` in the environment names the file of another model than the one that comes with the toolkit.
"""

from __future__ import annotations

import argparse
import datetime as dt
import io
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from _harness import Absent, Case, Program, Result, answer_of, markdown

FEW, MANY, MOST = 4_000, 40_000, 200_000
TABLE = Path(__file__).with_name("dates.tsv")  # text, date (empty: says none), en, another language, or not

_OWN = "date-translate"
_TEXT = "25th of June, 2009"
_DATE = "2009-06-25"

#: One line a line: its date, or an empty one. What a parser raises is a refusal.
_LINES = """
import sys
{imports}
for line in sys.stdin:
    try:
        found = {call}
    except Exception:
        found = None
    print(found.date().isoformat() if found else "")
"""
_PEERS = {
    "dateparser": ("import dateparser", "dateparser.parse({})"),
    "python-dateutil": ("from dateutil import parser", "parser.parse({})"),
}
_MODULES = {"dateparser": "dateparser", "python-dateutil": "dateutil"}

#: All fix day, month and year, and all three programs read them.
_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y/%m/%d %H:%M",
    "%d %B %Y",
    "%B %d, %Y",
    "%A, %B %d, %Y",
    "%A %d %B %Y",
    "%d-%b-%Y",
    "%b %d %Y",
    "%d %b %Y %H:%M",
    "%a, %d %b %Y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
)
_FIRST = dt.datetime(1950, 1, 1)


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the versions of the peers; None where one is not there."""
    return {
        name: answer_of(_python(f"import {module}; print({module}.__version__)")) for name, module in _MODULES.items()
    }


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    found = versions()

    def pair(title: str, peer: str, ours: Program, theirs: Program, inputs: int | None = None) -> Case:
        there = theirs if found[peer] else Absent(f"not installed: pip install {peer}")
        return Case(title, ours, peer, there, inputs=inputs)

    def once(peer: str) -> Case:
        """Return a case of one text; the peer that reads what ours does is the overview's."""
        imports, call = _PEERS[peer]
        theirs = Program(_python(f"{imports}; print({call.format(repr(_TEXT))})"), _one)
        return pair("one text", peer, Program([*_own(), _TEXT], _one), theirs, 1 if peer == "dateparser" else None)

    def piped(count: int, peer: str) -> Case:
        ours, theirs = (_piped(program, count, folder) for program in (_own(), _reader(peer)))
        return pair(_title(count), peer, ours, theirs, count if peer == "dateparser" else None)

    return [
        *map(once, _PEERS),
        *(piped(FEW, peer) for peer in _PEERS),
        piped(MANY, "python-dateutil"),
        Case(_title(MOST), _piped(_own(), MOST, folder), "none", Absent("for the memory")),
    ]


def notes(results: Sequence[Result]) -> str:
    """Return a table of how much each program reads right, and one of how many lines it reads a second."""
    rows = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines()]
    kinds = [(row[2] if row[2] in ("en", "not") else "other") for row in rows]
    languages = len({row[2] for row in rows} - {"en", "not"})
    titles = {"en": "English", "other": f"{languages} other languages", "not": "no date, refused"}
    programs = {_OWN: _own(), **{name: _reader(name) for name, version in versions().items() if version}}
    answers = {name: _answers(program, [row[0] for row in rows]) for name, program in programs.items()}
    table = [["dates.tsv", *programs]]
    for kind, title in titles.items():
        chosen = [number for number, each in enumerate(kinds) if each == kind]
        right = [sum(got[number] == rows[number][1] for number in chosen) for got in answers.values()]
        table.append([f"{title}, {len(chosen)} rows", *(f"{count / len(chosen):.1%}" for count in right)])
    return f"{markdown(table)}\n\n{markdown([['from a pipe', 'program', 'lines a second'], *_speeds(results)])}"


def _speeds(results: Sequence[Result]) -> list[list[str]]:
    """Return the best of what a program did, one row for each number of lines and program."""
    best: dict[tuple[int, str], float] = {}
    for case, ours, peer, *_ in results:
        count = next((each for each in (FEW, MANY, MOST) if case.title == _title(each)), None)
        for name, runs in ((_OWN, ours), (case.peer_name, peer)):
            if count is not None and runs:
                best[count, name] = min(best.get((count, name), runs[0].wall), *(one.wall for one in runs))
    return [[_title(count), name, f"{count / wall:,.0f}"] for (count, name), wall in sorted(best.items())]


def _title(count: int) -> str:
    return f"{count:,} lines"


def _own() -> list[str]:
    model = os.environ.get("DATES_MODEL")
    return [str(Path(sys.executable).with_name(_OWN)), *(["--model", model] if model else [])]


def _python(code: str) -> list[str]:
    return [sys.executable, "-X", "utf8", "-c", code]


def _reader(peer: str) -> list[str]:
    imports, call = _PEERS[peer]
    return _python(_LINES.format(imports=imports, call=call.format(r'line.rstrip("\n")')))


def _piped(argv: Sequence[str], count: int, folder: Path) -> Program:
    """Return a program that reads so many lines from a pipe; that it refuses some (3) is for the check."""
    texts, dates = folder / f"texts-{count}", folder / f"dates-{count}"
    if not texts.exists():
        _write(texts, dates, count)
    script = 'file=$1; shift; cat "$file" | "$@" || [ $? -eq 3 ]'
    return Program(["sh", "-c", script, "sh", str(texts), *argv], _mostly(dates, count))


def _answers(argv: Sequence[str], texts: Sequence[str]) -> list[str]:
    done = subprocess.run(argv, input="".join(f"{text}\n" for text in texts).encode(), capture_output=True)
    found = done.stdout.decode().split("\n")[:-1]
    if done.returncode not in (0, 3) or len(found) != len(texts):
        raise SystemExit(f"{argv[0]}: exit status {done.returncode}, {len(found)} lines for {len(texts)}")
    return found


def _write(texts: Path, dates: Path, count: int) -> None:
    """Write as many texts, no two alike, and their dates; always the same. Nothing is held: peaks would show it."""
    draw = random.Random(20090625)
    days, step = 36525, 7919  # without a common divisor: each format meets each day once
    with texts.open("w", encoding="utf-8") as questions, dates.open("w", encoding="utf-8") as answers:
        for number in range(count):
            turn, form = divmod(number, len(_FORMATS))
            moment = _FIRST + dt.timedelta(days=turn * step % days, seconds=draw.randrange(86400))
            print(moment.strftime(_FORMATS[form]), file=questions)
            print(moment.date().isoformat(), file=answers)


def _one(output: bytes) -> str | None:
    return None if output.decode().startswith(_DATE) else f"does not say {_DATE}"


def _mostly(dates: Path, count: int) -> Callable[[bytes], str | None]:
    """Return a check that so many lines come out, of which 19 in 20 are right."""

    def check(output: bytes) -> str | None:
        with dates.open("rb") as wanted:
            right = sum(line == date for line, date in zip(io.BytesIO(output), wanted, strict=False))
        found = output.count(b"\n")
        return None if found == count and right >= 0.95 * count else f"{right} of {found} lines right, not {count}"

    return check
