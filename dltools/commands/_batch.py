"""A run over many inputs: order, errors, reading ahead, output format and the report, for every command alike."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import click

from dltools.commands import _render
from dltools.commands._boundary import Context, Settings, crash, open_context, raw_stdin, tell
from dltools.commands._jobs import Jobs
from dltools.errors import DltoolsError, InputError, OutputError, UsageError
from dltools.io.inputs import STDIN, Item, Read, TextItem, audio_items, image_items, listed_items, read_all, read_file
from dltools.io.records import Record, encode_ndjson, encode_tsv, findings, tsv_header, tsv_row
from dltools.io.report import Report
from dltools.io.text import printable_line

#: How many inputs are at work at once unless ``--jobs`` says: one is decoded while a network runs on another.
DEFAULT_JOBS = 2

Out = TypeVar("Out")

#: What a command makes of an item, in a thread of its own.
Work = Callable[[Item], Record]
#: An item with its record, or with what was raised instead.
Done = tuple[Item, "Record | Exception"]
#: What turns operands, the items of a list, and standard input into all items.
Gather = Callable[[Iterable[str], Iterable[Item], Read], Iterator[Item]]


@dataclasses.dataclass(frozen=True)
class View:
    """How a command's records look when they are not NDJSON.

    ``columns``: the record keys of TSV. ``human``: lines for people.
    ``plain``: a text command's one line for one input, which is its ``auto`` format. ``alone``: the lines for an
    input that the operands gave and that nothing has to line up with, if they are others. ``rows``: the TSV rows.
    ``rank``: what a text command that ranks its records sorts them by.
    """

    columns: Sequence[str]
    human: Callable[[Record, Callable[..., str]], str]
    plain: Callable[[Record], str] | None = None
    alone: Callable[[Record], str] | None = None
    rows: Callable[[Record], list[Record]] = findings
    rank: Callable[[Record], float] | None = None


def image_batch(view: View) -> Callable[[Callable[..., Work]], Callable[..., int]]:
    """Make a subcommand of a function that prepares a model and returns what is done with an item."""

    def decorate(function: Callable[..., Work]) -> Callable[..., int]:
        @click.pass_context
        @functools.wraps(function)
        def subcommand(ctx: click.Context, /, **own: Any) -> int:
            context = open_context(ctx)
            items, known = asked_items(ctx, context.settings)
            with open_jobs(context, lambda job: _passing(function(job, **own)), known) as run:
                return _run(context, run(_told_apart(items, context)), view, known)

        return subcommand

    return decorate


def audio_batch(view: View) -> Callable[[Callable[..., Work]], Callable[..., int]]:
    """Do the same where ``-`` is one input, which the work itself reads, and where findings may come before its end."""

    def decorate(function: Callable[..., Work]) -> Callable[..., int]:
        @click.pass_context
        @functools.wraps(function)
        def subcommand(ctx: click.Context, /, **own: Any) -> int:
            context = open_context(ctx)
            items, known = asked_items(ctx, context.settings, audio_items)
            if context.settings.streamed or known == 1:
                # In this thread, which Ctrl-C ends at once, also while it waits for sound.
                work = _passing(function(context, **own))
                done = (_attempt(work, item) for item in _told_apart(items, context))
                return _run(context, done, view, known)
            with open_jobs(context, lambda job: _passing(function(job, **own)), known) as run:
                return _run(context, run(_told_apart(items, context)), view, known)

        return subcommand

    return decorate


@contextlib.contextmanager
def open_jobs(
    context: Context, prepare: Callable[[Context], Callable[[Item], Out]], most: int | None
) -> Iterator[Callable[[Iterable[Item]], Iterator[tuple[Item, Out | Exception]]]]:
    """Give what runs items through several jobs at once, each with what ``prepare`` made for it; in their order.

    ``most``: how many items there will be, if known. An item comes back with its result, or with what was raised.
    """
    context.jobs = min(context.settings.jobs or DEFAULT_JOBS, context.cores, most or context.cores)
    works = [prepare(context.for_job(number)) for number in range(context.jobs)]
    with Jobs([functools.partial(_attempt, work) for work in works]) as jobs:
        yield jobs.run


def asked_items(
    ctx: click.Context, settings: Settings, gather: Gather = image_items
) -> tuple[Iterator[Item], int | None]:
    """Return the items that the command line asks for, and how many there are, if that can be known."""
    source = settings.files_from
    if source is None and not settings.operands:
        demand_pipe(ctx)
        source = STDIN
    if source == STDIN and STDIN in settings.operands:
        raise UsageError("standard input cannot be both an input (-) and the list of --files-from")
    stdin = raw_stdin()
    listed = _listed(source, stdin, null=settings.null) if source is not None else iter(())
    known = source is None and (gather is audio_items or STDIN not in settings.operands)
    return gather(settings.operands, listed, stdin), len(settings.operands) if known else None


def demand_pipe(ctx: click.Context) -> None:
    """End the run with short help if standard input, the only input left, is a terminal or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        tell(ctx.get_usage())
        tell(f"Try '{ctx.command_path} --help'.")
        ctx.exit(UsageError.exit_status)


@contextlib.contextmanager
def open_source(source: str, stdin: Callable[[int], bytes]) -> Iterator[Callable[[int], bytes]]:
    """Give a reader of the file ``source``, or ``stdin`` for ``-``; raise :class:`InputError`."""
    if source == STDIN:
        yield stdin
        return
    try:
        file = open(source, "rb", buffering=0)  # noqa: SIM115 - closed by the with below
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{source}: cannot be read ({reason.lower()})") from error
    with file:
        yield file.read


def read_bytes(path: str) -> bytes:
    """Return the bytes of a file, or of standard input for ``-``; raise :class:`InputError` that names it."""
    try:
        return read_all(raw_stdin()) if path == STDIN else read_file(path)
    except InputError as error:
        raise InputError(f"{path}: {error}", code=error.code) from error


def _listed(source: str, stdin: Callable[[int], bytes], *, null: bool) -> Iterator[Item]:
    with open_source(source, stdin) as read:
        yield from listed_items(read, source=source, null=null)


def _told_apart(items: Iterator[Item], context: Context) -> Iterator[Item]:
    """Number the items of one name, in a run that writes files called after them; in order, whatever the jobs."""
    seen: collections.Counter[str] = collections.Counter()
    for item in items:
        if context.folders:
            stem = item.stem
            seen[stem] += 1
            if seen[stem] > 1:
                item.stem = f"{stem}-{seen[stem]}"
        yield item


def _passing(work: Work) -> Work:
    """Return ``work``, but for records of a failure further up the pipe, which are passed on untouched."""
    return lambda item: item.record() if item.is_error else work(item)


def _attempt(work: Callable[[Item], Out], item: Item) -> tuple[Item, Out | Exception]:
    """Return the item with its result or with what the work raised, which is raised again in its turn."""
    try:
        return item, work(item)
    except Exception as error:
        return item, error


def _run(context: Context, done: Iterable[Done], view: View, total: int | None) -> int:
    settings, report = context.settings, Report()
    write = context.emit = record_writer(context, view)
    with _render.Progress(context, total) as progress:
        for item, result in done:
            record = _count(context, item, result, report)
            if not settings.streamed or "error" in record:
                write(record)
            progress.advance()
            if settings.fail_fast and report.failed:
                break
    if report.inputs > 1:
        context.note(report.summary())
    return report.exit_status(must_find=settings.exit_status)


def _count(context: Context, item: Item, result: Record | Exception, report: Report) -> Record:
    """Return the record of one item; whatever went wrong with it stays with it."""
    if isinstance(result, Exception):
        return failed(context, item, result, report)
    if item.is_error:
        report.passed += 1
    else:
        report.done += 1
        report.found += len(result.get("items", ()))
    return result


def failed(context: Context, item: Item | TextItem, error: Exception, report: Report) -> Record:
    """Count and tell what went wrong with an item, and return its error record; raise anew what ends the run."""
    if isinstance(error, (InputError, OutputError)):
        message, code = str(error), error.code
    elif isinstance(error, (DltoolsError, BrokenPipeError)):
        raise error
    elif isinstance(error, MemoryError):
        message, code = "not enough memory", "too_large"
    else:
        crash(context.command, error, debug=context.settings.debug)
        report.crashed = True
        message, code = f"internal error ({type(error).__name__})", "internal"
    report.failed += 1
    context.say(f"{item.name}: {message}")
    return item.record(error={"code": code, "message": message})


def record_writer(context: Context, view: View) -> Callable[[Record], None]:
    """Return what writes a record in the format asked for."""
    encode = record_encoder(context, view, auto="human" if context.stdout.isatty() else "ndjson")
    return lambda record: context.write(encode(record))


def record_encoder(context: Context, view: View, *, auto: str) -> Callable[[Record], bytes]:
    """Return what gives a record's bytes in the format asked for (``auto`` if none was); write what goes before."""
    settings, terminal = context.settings, context.stdout.isatty()
    chosen = auto if settings.format == "auto" else settings.format
    if chosen == "human":
        style = _render.style(settings.color, terminal)
        return lambda record: _render.human(record, view.human, style)
    if chosen == "tsv":
        context.write(encode_tsv(tsv_header(view.columns)))
        encode = _joined(lambda row: encode_tsv(tsv_row(row, view.columns)), view.rows)
    else:
        encode = _joined(encode_ndjson, findings) if settings.each else encode_ndjson
    return (lambda record: _for_terminal(encode(record))) if terminal else encode


def _joined(encode: Callable[[Record], bytes], parts: Callable[[Record], list[Record]]) -> Callable[[Record], bytes]:
    return lambda record: b"".join(map(encode, parts(record)))


def _for_terminal(lines: bytes) -> bytes:
    """Return lines of records or rows that no name or text in them can disturb a terminal with."""
    return "\n".join(map(printable_line, lines.decode("utf-8").split("\n"))).encode("utf-8")


def write_one(context: Context, record: Record, view: View) -> None:
    """Write the one record of a command that takes its inputs together."""
    record_writer(context, view)(record)


def read_records(source: str) -> Iterator[Record]:
    """Yield the records of the NDJSON file ``source`` (``-``: standard input); raise :class:`InputError`."""
    stdin = raw_stdin()
    for number, item in enumerate(_listed(source, stdin, null=False), start=1):
        if not item.carried:
            raise InputError(f"{source}: record {number} is not a JSON object", code="bad_record")
        yield item.carried
