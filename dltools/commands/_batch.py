"""A run over many inputs: order, errors, reading ahead, output format and the report, for every command alike."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

import click

from dltools.commands import _render
from dltools.commands._boundary import Context, Settings, crash, open_context, raw_stdin
from dltools.errors import DltoolsError, InputError, OutputError, UsageError
from dltools.io.inputs import STDIN, Item, Read, TextItem, audio_items, image_items, listed_items
from dltools.io.records import Record, encode_ndjson, encode_tsv, findings, tsv_header, tsv_row
from dltools.io.report import Report

#: How many inputs are decoded ahead of the one at work: enough to hide decoding, little enough to hold.
READ_AHEAD = 2

#: What a command makes of an item: first, perhaps in another thread, all that needs no network; then, when the
#: result is called, the rest, which gives the record.
Work = Callable[[Item], Callable[[], Record]]
#: An item on its way, with its second half, or with what the first half raised.
Started = tuple[Item, Callable[[], Record]]
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
    return _file_batch(view, image_items)


def audio_batch(view: View) -> Callable[[Callable[..., Work]], Callable[..., int]]:
    """Do the same where ``-`` is one input, which the work itself reads from standard input."""
    return _file_batch(view, audio_items)


def _file_batch(view: View, gather: Gather) -> Callable[[Callable[..., Work]], Callable[..., int]]:

    def decorate(function: Callable[..., Work]) -> Callable[..., int]:
        @click.pass_context
        @functools.wraps(function)
        def subcommand(ctx: click.Context, /, **own: Any) -> int:
            context = open_context(ctx)
            items, alone = _file_items(ctx, context.settings, gather)
            work = function(context, **own)
            started = (_start(item, work) for item in items)
            return _run(context, started if alone else _ahead(started), view)

        return subcommand

    return decorate


def _file_items(ctx: click.Context, settings: Settings, gather: Gather) -> tuple[Iterator[Item], bool]:
    """Return the items that the command line asks for, and whether there is but one."""
    source = settings.files_from
    if source is None and not settings.operands:
        demand_pipe(ctx)
        source = STDIN
    if source == STDIN and STDIN in settings.operands:
        raise UsageError("standard input cannot be both an input (-) and the list of --files-from")
    stdin = raw_stdin()
    listed = _listed(source, stdin, null=settings.null) if source is not None else iter(())
    alone = source is None and len(settings.operands) == 1 and STDIN not in settings.operands
    return gather(settings.operands, listed, stdin), alone


def demand_pipe(ctx: click.Context) -> None:
    """End the run with short help if standard input, the only input left, is a terminal or closed."""
    if sys.stdin is None or sys.stdin.isatty():
        click.echo(ctx.get_usage(), err=True)
        click.echo(f"Try '{ctx.command_path} --help'.", err=True)
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


def _listed(source: str, stdin: Callable[[int], bytes], *, null: bool) -> Iterator[Item]:
    with open_source(source, stdin) as read:
        yield from listed_items(read, source=source, null=null)


def _start(item: Item, work: Work) -> Started:
    """Do the first half of the work; what it raises is raised again by the second half, in its turn."""
    if item.is_error:
        return item, item.record
    try:
        return item, work(item)
    except Exception as error:
        return item, functools.partial(_raise, error)


def _raise(error: Exception) -> NoReturn:
    raise error


def _ahead(started: Iterator[Started]) -> Iterator[Started]:
    """Start the next items in a thread while the network works on this one; keep their order."""
    waiting: queue.Queue[Started | BaseException | None] = queue.Queue(READ_AHEAD)

    def feed() -> None:
        try:
            for each in started:
                waiting.put(each)
            waiting.put(None)
        except BaseException as error:
            waiting.put(error)

    threading.Thread(target=feed, daemon=True).start()
    while (each := waiting.get()) is not None:
        if isinstance(each, BaseException):
            raise each
        yield each


def _run(context: Context, started: Iterator[Started], view: View) -> int:
    settings, report = context.settings, Report()
    write = context.emit = record_writer(context, view)
    with _render.Progress(context) as progress:
        for item, finish in started:
            record = _one(context, item, finish, report)
            if not settings.streamed or "error" in record:
                write(record)
            progress.advance()
            if settings.fail_fast and report.failed:
                break
    if report.inputs > 1:
        context.note(report.summary())
    return report.exit_status(must_find=settings.exit_status)


def _one(context: Context, item: Item, finish: Callable[[], Record], report: Report) -> Record:
    """Return the record of one item; whatever goes wrong with it stays with it."""
    if item.is_error:
        report.passed += 1
        return finish()
    try:
        record = finish()
    except Exception as error:
        return failed(context, item, error, report)
    report.done += 1
    report.found += len(record.get("items", ()))
    return record


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
    settings = context.settings
    chosen = auto if settings.format == "auto" else settings.format
    if chosen == "tsv":
        context.write(encode_tsv(tsv_header(view.columns)))
        return lambda record: b"".join(encode_tsv(tsv_row(row, view.columns)) for row in view.rows(record))
    if chosen == "human":
        style = _render.style(settings.color, context.stdout.isatty())
        return lambda record: _render.human(record, view.human, style)
    if settings.each:
        return lambda record: b"".join(map(encode_ndjson, findings(record)))
    return encode_ndjson


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
