"""A run over texts: many at once where many are ready, one line of output for each line of input."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import click

from dltools.commands import _render
from dltools.commands._batch import View, demand_pipe, failed, open_source, record_encoder
from dltools.commands._boundary import Context, Settings, open_context, raw_stdin
from dltools.errors import DltoolsError, InputError, UsageError
from dltools.io.inputs import STDIN, TextItem, text_items, text_lines, text_records
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

#: What a command makes of some items: for each its record, or what is wrong with it alone.
TextWork = Callable[[list[TextItem]], Sequence[Record | InputError]]


@runtime_checkable
class LookAhead(Protocol):
    """Work that wants to see batches before any of them is done."""

    def ahead(self, batches: Iterator[list[TextItem]]) -> Iterator[list[TextItem]]:
        """Yield all of ``batches``, in order, having looked at as many as it needs to."""


def text_batch(view: View, *, one_query: bool = False) -> Callable[[Callable[..., TextWork]], Callable[..., int]]:
    """Make a subcommand of a function that prepares a model and returns what is done with a batch of texts.

    The batch is what has arrived, up to :data:`dltools.io.inputs.MAX_BATCH` texts; one that fails is tried one by one.
    ``one_query``: the operands are the words of a single text, joined by spaces (by tabs if one holds a space).
    """

    def decorate(function: Callable[..., TextWork]) -> Callable[..., int]:
        @click.pass_context
        @functools.wraps(function)
        def subcommand(ctx: click.Context, /, **own: Any) -> int:
            context = open_context(ctx)
            batches = _batches(ctx, context.settings, one_query)
            work = function(context, **own)
            if isinstance(work, LookAhead):
                batches = work.ahead(batches)
            return _run(context, batches, work, view)

        return subcommand

    return decorate


def _batches(ctx: click.Context, settings: Settings, one_query: bool) -> Iterator[list[TextItem]]:
    texts, file, records = settings.operands, settings.file, settings.files_from
    if not texts and file is None and records is None:
        demand_pipe(ctx)
        file = STDIN
    if file == records == STDIN:
        raise UsageError("standard input cannot be both --file and --files-from")
    if one_query and texts:
        texts = (("\t" if any(" " in text for text in texts) else " ").join(texts),)
    return text_items(texts, _listed(file, records))


def _listed(file: str | None, records: str | None) -> Iterator[list[TextItem]]:
    stdin = raw_stdin()
    for source, items in ((file, text_lines), (records, text_records)):
        if source is not None:
            with open_source(source, stdin) as read:
                yield from items(read, "" if source == STDIN else source)


def _run(context: Context, batches: Iterator[list[TextItem]], work: TextWork, view: View) -> int:
    settings, report = context.settings, Report()
    encode, ranked = text_encoder(context, view), settings.rank and view.rank
    held: list[Record] = []
    with _render.Progress(context) as progress:
        for batch in batches:
            records = _answers(context, batch, work, report)
            if ranked:
                held += records
            else:
                context.write(b"".join(map(encode, records)))
            progress.advance(len(records))
            if settings.fail_fast and report.failed:
                break
    if ranked:
        context.write(b"".join(map(encode, sorted(held, key=ranked))))
    if report.inputs > 1 and (report.failed or settings.verbose):
        context.note(report.summary())
    return report.exit_status(must_find=settings.exit_status)


def _answers(context: Context, batch: list[TextItem], work: TextWork, report: Report) -> list[Record]:
    """Return the records of a batch, in order; with --fail-fast only up to the first failure."""
    usable = [item for item in batch if item.error is None and not item.is_error]
    results = iter(_attempt(usable, work))
    records = []
    for item in batch:
        if item.is_error:
            report.passed += 1
            records.append(item.record())
            continue
        result = item.error if item.error is not None else next(results)
        if isinstance(result, Exception):
            records.append(failed(context, item, result, report))
            if context.settings.fail_fast:
                break
        else:
            report.done += 1
            records.append(result)
    return records


def _attempt(items: list[TextItem], work: TextWork) -> Sequence[Record | Exception]:
    """Do the work on all items together, or one by one where that fails, so that one cannot spoil the others."""
    if not items:
        return []
    try:
        results = work(items)
        if len(results) != len(items):
            raise RuntimeError(f"{len(results)} records for {len(items)} texts")
    except BrokenPipeError:
        raise
    except Exception as error:
        if isinstance(error, DltoolsError) and not isinstance(error, InputError):
            raise
        return [error] if len(items) == 1 else [_attempt([item], work)[0] for item in items]
    return results


def text_encoder(context: Context, view: View) -> Callable[[Record], bytes]:
    """Return what encodes records: for ``auto`` one plain line for each, an empty one for a failure."""
    if context.settings.format != "auto" or view.plain is None:
        return record_encoder(context, view, auto="ndjson")
    plain, terminal = view.plain, context.stdout.isatty()
    if view.alone is not None and context.settings.operands:
        return _block_encoder(view.alone, terminal)

    def encode(record: Record) -> bytes:
        if "error" in record:
            return b"\n"
        line = plain(record)
        if terminal or not line.isprintable():
            line = _one_line(line, terminal)
        return line.encode("utf-8", "replace") + b"\n"

    return encode


def _block_encoder(alone: Callable[[Record], str], terminal: bool) -> Callable[[Record], bytes]:
    def encode(record: Record) -> bytes:
        if "error" in record:
            return b""
        lines = alone(record).split("\n")
        return "".join(_one_line(line, terminal) + "\n" for line in lines).encode("utf-8", "replace")

    return encode


def _one_line(line: str, terminal: bool) -> str:
    """Keep ``line`` one line for every reader, and harmless for a terminal; tabs separate columns and stay."""
    if terminal:
        return "\t".join(map(printable, line.split("\t")))
    return line.replace("\n", "\\n").replace("\r", "\\r")
