"""Measure whole processes from outside, in pairs, and lay the results out as a table.

Wall time is ``time.perf_counter`` around a process, from before it is started until it is reaped; CPU time and peak
memory are what ``os.wait4`` tells of the finished child (its own, and of the processes that it waited for). Two
programs run in turn, A B A B ..., so that what slows the machine down for a while slows both, and the ratio is taken
pair by pair. Only the standard library, and little of it: on Linux a process keeps the peak of the one that it was
forked from, so nothing smaller than the harness can be seen.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

MEBIBYTE = 1 << 20
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; getrusage(2) of either system


class BrokenRunError(Exception):
    """A program failed or found nothing, so that its time means nothing."""


class Program(NamedTuple):
    """A command line; ``check`` returns what is wrong with its standard output, or None.

    ``clock`` reads the seconds out of the output of a program that times a part of itself; they stand in place of the
    wall time.
    """

    argv: Sequence[str]
    check: Callable[[bytes], str | None] = lambda _output: None
    cwd: Path | None = None
    environment: Mapping[str, str] = {}
    clock: Callable[[bytes], float] | None = None


class Absent(NamedTuple):
    """A program that cannot run here, and why or how to get it."""

    reason: str


class Case(NamedTuple):
    """Ours beside a peer; ``most_ratio`` of wall times and ``most_memory``, in MiB, are targets or None.

    ``inputs``: how many photographs, lines or names a run does, if the overview shows the case: a command's first
    such case there is its cold start, the last its throughput.
    """

    title: str
    ours: Program | Absent
    peer_name: str
    peer: Program | Absent
    most_ratio: float | None = None
    most_memory: int | None = None
    inputs: int | None = None


#: What stands beside a command that has no peer: the interpreter with NumPy, the least that it could take.
BARE_NAME = 'python -c "import numpy"'
BARE = Program([sys.executable, "-c", "import numpy"])


class Run(NamedTuple):
    """One finished process: ``wall`` and ``cpu`` (user and system) in seconds, ``peak`` resident memory in bytes."""

    wall: float
    cpu: float
    peak: int


class Result(NamedTuple):
    """The counted runs of a case, in pairs; ``problem``: why the case has none, or not both."""

    case: Case
    ours: Sequence[Run]
    peer: Sequence[Run]
    problem: str | None
    failed: bool

    @property
    def ratios(self) -> list[float]:
        """Wall time of ours over the peer's, one a pair."""
        return [ours.wall / peer.wall for ours, peer in zip(self.ours, self.peer, strict=False)]

    @property
    def missed(self) -> list[str]:
        """Return the targets that were measured and not met: ``time``, ``memory``."""
        ratio, memory = self.case.most_ratio, self.case.most_memory
        missed = []
        if ratio is not None and self.ratios and statistics.median(self.ratios) > ratio:
            missed.append("time")
        if memory is not None and self.ours and _peak(self.ours) >= memory:
            missed.append("memory")
        return missed


def run(program: Program) -> Run:
    """Run a program once; raise :class:`BrokenRunError` unless it did its work."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        try:
            process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=program.cwd,
                env={**os.environ, **program.environment},
            )
        except OSError as error:
            raise BrokenRunError(f"{program.argv[0]}: {error.strerror}") from error
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped: Popen must not wait for it
        if process.returncode != 0:
            raise BrokenRunError(f"exit status {process.returncode}: {_last_line(errors)}")
        complaint = program.check(_content(output))
        if complaint is not None:
            raise BrokenRunError(complaint)
        if program.clock is not None:
            wall = program.clock(_content(output))
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _MAXRSS_UNIT)


def measure(case: Case, count: int) -> Result:
    """Run a case: an uncounted warm-up of each, then ``count`` pairs, or ours alone where the peer is absent."""
    if isinstance(case.ours, Absent):
        return Result(case, [], [], case.ours.reason, failed=False)
    programs = [case.ours] if isinstance(case.peer, Absent) else [case.ours, case.peer]
    runs: list[list[Run]] = [[] for _ in programs]
    names = ["ours", case.peer_name]
    for number in range(1 + count):
        for program, name, done in zip(programs, names, runs, strict=False):
            try:
                one = run(program)
            except BrokenRunError as error:
                return Result(case, [], [], f"{name} failed: {error}", failed=True)
            if number:
                done.append(one)
    if isinstance(case.peer, Absent):
        return Result(case, runs[0], [], case.peer.reason, failed=False)
    return Result(case, runs[0], runs[1], None, failed=False)


def answer_of(argv: Sequence[str]) -> str | None:
    """Return what a program prints, without the white space around it; None where it is not there or fails."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


# --- the table ------------------------------------------------------------------------------------------------

_HEADER = (
    "case",
    "peer",
    "ours, s",
    "peer, s",
    "ours / peer (range)",
    "target",
    "met",
    "ours, CPU s",
    "peer, CPU s",
    "ours, MiB",
    "peer, MiB",
)


def table(results: Iterable[Result]) -> str:
    """Return the results as a Markdown table."""
    return markdown([_HEADER, *map(_row, results)])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return rows, the head first, as a Markdown table, padded so that it reads as text too."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    head, *body = (f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)
    return "\n".join((head, f"| {' | '.join('-' * width for width in widths)} |", *body))


_OVERVIEW = (
    "command",
    "cold",
    "ours, s",
    "peer",
    "peer, s",
    "ours / peer (range)",
    "many",
    "ours, a second",
    "peer",
    "peer, a second",
    "ours, MiB",
    "peer, MiB",
    "--help, s",
)


def overview(measured: Mapping[str, tuple[Result, Result | None, Result]]) -> str:
    """Return one line a command, of its cold start, its throughput and its ``--help``; memory is the most of all."""
    return markdown([_OVERVIEW, *(_line(command, *three) for command, three in measured.items())])


def _line(command: str, cold: Result, many: Result | None, short: Result) -> tuple[str, ...]:
    ours = [one for result in (cold, many) if result for one in result.ours]
    peers = [one for result in (cold, many) if result for one in result.peer]
    rival = many if many is not None and many.case.peer is not BARE else None  # which reads nothing
    return (
        command,
        cold.case.title,
        _seconds([one.wall for one in cold.ours]),
        cold.case.peer_name,
        _seconds([one.wall for one in cold.peer]),
        _ratio(cold.ratios) if cold.ratios else cold.problem or "",
        many.case.title if many else "",
        _rate(many, many.ours) if many else "",
        rival.case.peer_name if rival else "",
        (_rate(rival, rival.peer) or rival.problem or "") if rival else "",
        f"{_peak(ours):.0f}" if ours else "",
        f"{_peak(peers):.0f}" if peers else "",
        _seconds([one.wall for one in short.ours]),
    )


def _rate(result: Result, runs: Sequence[Run]) -> str:
    """Return how many inputs a second a program does, the start of its process included."""
    if not runs or result.case.inputs is None:
        return ""
    return f"{result.case.inputs / statistics.median([one.wall for one in runs]):,.0f}"


def _row(result: Result) -> tuple[str, ...]:
    case, ours, peer = result.case, result.ours, result.peer
    return (
        case.title,
        case.peer_name,
        _seconds([one.wall for one in ours]),
        _seconds([one.wall for one in peer]),
        _ratio(result.ratios) if result.problem is None else result.problem.replace("|", "/"),
        _target(case),
        _verdict(result),
        _seconds([one.cpu for one in ours]),
        _seconds([one.cpu for one in peer]),
        f"{_peak(ours):.0f}" if ours else "",
        f"{_peak(peer):.0f}" if peer else "",
    )


def _seconds(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.3f}" if values else ""


def _ratio(ratios: Sequence[float]) -> str:
    digits = 2 if min(ratios) >= 0.01 else 4
    return f"{statistics.median(ratios):.{digits}f} ({min(ratios):.{digits}f} to {max(ratios):.{digits}f})"


def _peak(runs: Sequence[Run]) -> float:
    """Return the most memory of any run, in MiB."""
    return max(one.peak for one in runs) / MEBIBYTE


def _target(case: Case) -> str:
    ratio = [f"≤ {case.most_ratio:.2f}"] if case.most_ratio is not None else []
    memory = [f"< {case.most_memory} MiB"] if case.most_memory is not None else []
    return ", ".join(ratio + memory)


def _verdict(result: Result) -> str:
    if result.failed:
        return "failed"
    if result.missed:
        return f"no ({', '.join(result.missed)})"
    if not _target(result.case):
        return ""
    open_ratio = result.case.most_ratio is not None and not result.ratios
    if not open_ratio:
        return "yes"
    return "time open" if result.case.most_memory is not None and result.ours else "open"


def _content(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


def _last_line(stream: IO[bytes]) -> str:
    lines = _content(stream).decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"
