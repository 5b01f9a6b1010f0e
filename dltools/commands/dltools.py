"""dltools: every command under one name, and the assets that they run on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dltools.commands import COMMANDS
from dltools.commands import _options as options
from dltools.commands._batch import View, record_writer
from dltools.commands._boundary import Context, entry_point, open_context
from dltools.commands._demo import demo
from dltools.commands._group import DefaultGroup
from dltools.commands._map import map_stream
from dltools.commands._render import FetchProgress
from dltools.errors import DltoolsError
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.runtime.assets import ModelEntry

cli = DefaultGroup(
    "dltools",
    default="list",
    operands=False,
    entries=COMMANDS,
    help="""Deep-learning models as Unix commands: this one lists, fetches and checks what they run on.

    Each command also stands alone: 'dltools yolo-detect' is 'yolo-detect'.""",
)
main = entry_point(cli)


def _asset_batch(function: Callable[[Context, ModelEntry], Record]) -> Callable[..., int]:
    """Make a subcommand over model names of a function that turns one registered model into its record."""

    @click.pass_context
    @functools.wraps(function)
    def subcommand(ctx: click.Context, /, names: tuple[str, ...]) -> int:
        from dltools.runtime.assets import Registry

        context, report = open_context(ctx), Report()
        registry = Registry.load()
        models = [registry.model(name) for name in names or registry.names()]
        widths = {key: max(len(getattr(model, key)) for model in models) for key in ("name", "command", "licence")}
        row = functools.partial(_row, widths=widths, where=context.settings.verbose)
        write = record_writer(context, View(_COLUMNS, row))
        failure: DltoolsError | None = None
        for model in models:
            try:
                record = function(context, model)
                report.done += 1
            except DltoolsError as error:
                failure = error
                report.failed += 1
                context.say(str(error))
                record = {"name": model.name, "error": {"code": error.code, "message": str(error)}}
            write(record)
        if report.failed and report.inputs > 1:
            context.note(report.summary())
        return failure.exit_status if failure else 0

    return subcommand


def _facts(model: ModelEntry) -> Record:
    from dltools.runtime.assets import cached_path, verify

    sizes = [model.embedded.size] if model.embedded else [file.size for file in model.files.values()]
    location = model.embedded.path if model.embedded else cached_path(next(iter(model.files.values()))).parent
    return {
        "name": model.name,
        "command": model.command,
        "state": verify(model),
        "bytes": sum(size for size in sizes if size),
        "licence": model.licence,
        "location": str(location),
        "summary": model.summary,
    }


_STATE_COLOURS = {"embedded": "green", "cached": "green", "absent": "yellow", "corrupt": "red"}


def _row(record: Record, paint: Callable[..., str], *, widths: dict[str, int], where: bool) -> str:
    name, command, licence = (f"{record[key]:{width}}" for key, width in widths.items())
    state = paint(f"{record['state']:8}", fg=_STATE_COLOURS[record["state"]])
    line = f"{name}  {command}  {state} {record['bytes'] / 1e6:6.1f} MB  {licence}  {record['summary']}"
    return f"{line}\n    {printable(record['location'])}" if where else line


_COLUMNS = ("name", "command", "state", "bytes", "licence", "location", "summary")
_NAMES = click.argument("names", metavar="[MODEL]...", nargs=-1, type=options.ModelName(None))


@cli.command("list", short_help="Models, their sizes and licences, and whether they are here.")
@_NAMES
@options.format_options
@options.general_options
@_asset_batch
def list_models(_context: Context, model: ModelEntry) -> Record:
    """List the models of all commands: embedded, cached, or absent and to be fetched. -v adds where each lies."""
    return _facts(model)


@cli.command("fetch", short_help="Fetch models ahead of their first use.")
@click.argument("names", metavar="MODEL...", nargs=-1, required=True, type=options.ModelName(None))
@options.format_options
@options.offline_option
@options.general_options
@_asset_batch
def fetch(context: Context, model: ModelEntry) -> Record:
    """Fetch models into the cache, checked against their SHA-256, so that they work with no network later."""
    from dltools.runtime.fetch import fetch_model

    if not model.embedded:
        with FetchProgress(context) as progress:
            fetch_model(model, offline=context.offline, progress=progress)
    return _facts(model)


@cli.command("verify", short_help="Check the SHA-256 of what is here.")
@_NAMES
@options.format_options
@options.general_options
@_asset_batch
def verify(_context: Context, model: ModelEntry) -> Record:
    """Compute the checksums of embedded and cached models anew. Exit 3 if one is damaged."""
    record = _facts(model)
    if record["state"] == "corrupt":
        raise DltoolsError(
            f"{model.name}: damaged in {record['location']}: "
            + ("install dltools again" if model.embedded else f"'dltools fetch {model.name}' replaces it"),
            code="corrupt",
        )
    return record


def _finding(record: Record, paint: Callable[..., str]) -> str:
    mark = paint("ok     ", fg="green") if record["ok"] else paint("missing", fg="red")
    advice = f"\n        {printable(record['advice'])}" if record["advice"] else ""
    return f"{mark} {record['name']:24} {printable(record['found'])}{advice}"


@cli.command("doctor", short_help="Say what is missing, and how to get it.")
@options.format_options
@options.general_options
@click.pass_context
def doctor(ctx: click.Context) -> int:
    """Check packages, the runtime, the embedded models and the cache. Exit 4 if something is missing."""
    from dltools.runtime.doctor import examine

    context = open_context(ctx)
    write = record_writer(context, View(("name", "ok", "found", "advice"), _finding))
    missing = 0
    for check in examine():
        write(check._asdict())
        missing += check.required and not check.ok
    return 4 if missing else 0


cli.add_command(demo)
cli.add_command(map_stream)
