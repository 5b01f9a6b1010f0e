"""dltools map: any command as a filter over a long stream, on many processes or many machines."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from dltools.commands import COMMANDS, _render
from dltools.commands import _options as options
from dltools.commands._batch import demand_pipe, open_source
from dltools.commands._boundary import Settings, open_context, raw_stdin, tell
from dltools.commands._group import DefaultGroup, load
from dltools.errors import UsageError
from dltools.io.inputs import STDIN, listed_items, split_parts, text_lines, text_records
from dltools.io.records import encode_ndjson
from dltools.io.text import printable_line

if TYPE_CHECKING:
    from dltools.io.inputs import Item, TextItem
    from dltools.runtime.chunk import Outcome
    from dltools.runtime.mapping import Chunk


#: The inputs of a long stream's chunks: they take seconds, of which the start of their process is a tenth or less.
_MOST_FILES, _MOST_TEXTS = 256, 8192


class Mapped(NamedTuple):
    """The command that a run spreads: its group, the subcommand, its own words and what they set."""

    group: DefaultGroup
    command: click.Command
    words: tuple[str, ...]
    settings: Settings

    @property
    def takes_text(self) -> bool:
        """Whether its inputs are texts, not files."""
        return self._has("--file")

    @property
    def separator(self) -> bytes:
        """What stands behind each input in the stream."""
        return b"\0" if self.settings.null else b"\n"

    def argv(self, threads: int) -> list[str]:
        """Return the words behind ``dltools``: quiet, and with so many threads unless the user says how many."""
        own = ["--threads", str(threads)] if self._has("--threads") and not self.settings.threads else []
        return [str(self.group.name), str(self.command.name), "--quiet", *own, *self.words]

    def _has(self, option: str) -> bool:
        return any(option in param.opts for param in self.command.params)

    def failure(self, chunk: Chunk, code: str, message: str) -> Outcome:
        """Return what the command would write for the one input of ``chunk`` if it failed with ``message``."""
        from dltools.runtime.chunk import Outcome

        item = self._item(chunk)
        if item is None:
            return Outcome(0, "", "")
        told = f"{self.group.name}: {item.name}: {message}\n"
        if self.takes_text and self.settings.format == "auto":
            return Outcome(3, "\n", told)
        record = item.record(error={"code": code, "message": message})
        return Outcome(3, encode_ndjson(record).decode("utf-8"), told)

    def _item(self, chunk: Chunk) -> Item | TextItem | None:
        """Return the input of a chunk of one line, None where the line is empty and stands for nothing."""
        whole = iter((chunk.data, b""))

        def read(_limit: int) -> bytes:
            return next(whole)

        if not self.takes_text:
            return next(listed_items(read, source="", null=self.settings.null), None)
        parse = text_records if self.settings.files_from else text_lines
        for item in next(parse(read), ()):
            item.line += chunk.before
            return item
        return None


def resolve(words: tuple[str, ...]) -> Mapped:
    """Find the command that ``words`` name and let it check them; raise :class:`UsageError`."""
    name, *rest = words
    if name not in COMMANDS:
        raise UsageError(f"{name}: no such command (there are {', '.join(COMMANDS)})")
    group = load(COMMANDS[name])
    outer = click.Context(group, info_name=name, **group.context_settings)
    command, left = group.find(outer, rest)
    with command.make_context(command.name, list(left), parent=outer) as inner:
        mapped = Mapped(group, command, tuple(left), settings := inner.ensure_object(Settings))
    if not mapped._has("--files-from"):
        raise UsageError(f"{name} {command.name}: reads no stream of inputs")
    if settings.operands or settings.file not in (None, STDIN) or settings.files_from not in (None, STDIN):
        raise UsageError(f"{name}: the inputs come from standard input, not from the command line")
    if settings.format not in ("auto", "ndjson"):
        raise UsageError(f"--format {settings.format}: map joins records (ndjson) and plain lines only")
    return mapped


@click.command(
    "map",
    short_help="Run a command over a long stream, on many processes or machines.",
    epilog="Example: find photos -type f | dltools map yolo-detect -c car > found.ndjson",
    context_settings={"allow_interspersed_args": False},
)
@click.argument("words", metavar="-- COMMAND [ARGUMENT]...", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    metavar="N",
    help="Processes of this machine (default: one a core).",
)
@click.option("--scheduler", metavar="ADDRESS", help="Use the workers of this Dask scheduler, as tcp://HOST:PORT.")
@click.option(
    "--chunk",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Inputs that a process is started for (default: few at first, later 256 files or 8192 texts).",
)
@click.option(
    "--timeout", type=options.FloatRange(0, min_open=True), metavar="SECONDS", help="Give up on a chunk after so long."
)
@click.option(
    "--journal",
    type=options.FILE,
    metavar="FILE",
    help="Note in FILE what is done; a run that was cut off goes on from it.",
)
@click.option(
    "--files-from",
    "source",
    type=options.FILE,
    metavar="FILE",
    default=STDIN,
    help="Read the stream from FILE ('-', the default: standard input).",
)
@options.general_options
@click.pass_context
def map_stream(
    ctx: click.Context,
    /,
    words: tuple[str, ...],
    workers: int | None,
    scheduler: str | None,
    chunk: int | None,
    timeout: float | None,
    journal: str | None,
    source: str,
) -> int:
    """Run COMMAND over the paths, texts or records of standard input, one a line, on many processes.

    The output is that of COMMAND alone, in the order of the input. What a lost worker had is done again; an input
    that ends every process that reads it becomes one error record. COMMAND's relative paths mean this folder.
    """
    from dltools.runtime.cluster import open_cluster
    from dltools.runtime.journal import open_journal
    from dltools.runtime.mapping import Mapping, chunks, growing, overall

    context = open_context(ctx)
    if scheduler is not None and workers is not None:
        raise UsageError("--scheduler and --workers exclude each other")
    mapped = resolve(words)
    if source == STDIN:
        demand_pipe(ctx)
    count = workers or context.threads
    size = growing(_MOST_TEXTS if mapped.takes_text else _MOST_FILES) if chunk is None else lambda _number: chunk
    argv = mapped.argv(1 if scheduler else max(1, context.threads // count))
    statuses: set[int | None] = set()
    inputs = failed = 0
    with contextlib.ExitStack() as stack:
        read = stack.enter_context(open_source(source, raw_stdin()))
        book = stack.enter_context(open_journal(Path(journal), argv)) if journal else None
        cluster = stack.enter_context(open_cluster(scheduler=scheduler, workers=count))
        progress = stack.enter_context(_render.Progress(context))
        stream = chunks(split_parts(read, mapped.separator), mapped.separator, size)
        for done, outcome in Mapping(argv, cluster, mapped.failure, timeout=timeout, journal=book).run(stream):
            context.write(_shown(outcome.output, context.stdout.isatty()))
            failed += _tell(outcome.errors, mapped)
            statuses.add(outcome.status)
            inputs += len(done.lines)
            progress.advance(len(done.lines))
    if failed or context.settings.verbose:
        context.note(f"{inputs} inputs, {failed} failed")
    return overall(statuses)


def _shown(text: str, terminal: bool) -> bytes:
    """Return what a process wrote, harmless where it goes to a terminal, which the process did not know of."""
    if terminal:
        text = "\n".join(map(printable_line, text.split("\n")))
    return text.encode("utf-8", "surrogateescape")


def _tell(errors: str, mapped: Mapped) -> int:
    """Pass on what a process wrote to standard error, and return of how many inputs it told."""
    if errors:
        tell(_shown(errors, sys.stderr is not None and sys.stderr.isatty()), end=False)
    name = mapped.group.name
    told = [line for line in errors.splitlines() if line.startswith(f"{name}: ")]
    return sum(not line.startswith(f"{name}: internal error") for line in told)
