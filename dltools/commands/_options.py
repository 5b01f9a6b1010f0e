"""Bundles of options that several commands share; each writes into the run's :class:`Settings`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from dltools.commands._boundary import Settings

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def _store(attribute: str) -> Callable[[click.Context, click.Parameter, Any], None]:
    """Return a callback that puts an option's value into the settings instead of the function's arguments."""

    def callback(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        if value is not None:  # not given: the settings' own default stands, or what another option said
            setattr(ctx.ensure_object(Settings), attribute, value)

    return callback


def _setting(attribute: str, *names: str, **keywords: Any) -> Callable[[Function], Function]:
    return click.option(*names, attribute, expose_value=False, callback=_store(attribute), **keywords)


def _bundle(*decorators: Callable[[Function], Function]) -> Callable[[Function], Function]:
    def apply(function: Function) -> Function:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


class FileName(click.ParamType[str]):
    """A path exactly as the system holds it, bytes that are not UTF-8 included; completes to file names."""

    name = "path"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return [CompletionItem(incomplete, type="file")]


FILE = FileName()


class FloatRange(click.FloatRange):
    """A number in a range, of which NaN is none: no comparison would ever refuse it, nor be true of it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}", param, ctx)
        return number


class KindOrFile(FileName):
    """A kind of model that comes with the toolkit, or the file of one."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = kinds

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        kinds = [CompletionItem(kind) for kind in self.kinds if kind.startswith(incomplete)]
        return kinds + super().shell_complete(ctx, param, incomplete)


def model_option(kinds: Sequence[str], text: str) -> Callable[[Function], Function]:
    """Add the choice of a model among ``kinds``, the first of which is the default, or of a file; ``text`` helps."""
    return click.option(
        "-m", "--model", type=KindOrFile(kinds), metavar="NAME|FILE", default=kinds[0], show_default=True, help=text
    )


def general_options(function: Function) -> Function:
    """Add what every subcommand takes."""
    return _bundle(
        _setting("quiet", "-q", "--quiet", is_flag=True, help="No notes and no summary on standard error."),
        _setting("verbose", "-v", "--verbose", is_flag=True, help="Say more on standard error."),
        _setting(
            "color",
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            help="Colour in human output (auto: on a terminal, unless NO_COLOR is set).",
        ),
        _setting("debug", "--debug", is_flag=True, help="Show the traceback of an internal error."),
    )(function)


def format_options(function: Function) -> Function:
    """Add the choice of output format."""
    return _formats("human on a terminal, ndjson in a pipe")(function)


def text_format_options(function: Function) -> Function:
    """Add the choice of output format of a text command."""
    return _formats("plain lines, one for each text")(function)


def _formats(auto: str) -> Callable[[Function], Function]:
    return _bundle(
        _setting(
            "format",
            "--format",
            type=click.Choice(["auto", "human", "tsv", "ndjson"]),
            help=f"Output format; auto is {auto}.",
        ),
        click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=_store_json,
            help="Short for --format ndjson.",
        ),
    )


def _store_json(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        ctx.ensure_object(Settings).format = "ndjson"


def batch_options(function: Function) -> Function:
    """Add what a run over many inputs takes."""
    return _bundle(
        _setting("fail_fast", "--fail-fast", is_flag=True, help="Stop at the first input that fails."),
    )(function)


def finding_options(function: Function) -> Function:
    """Add what a command that finds things in its inputs takes."""
    return _bundle(
        _setting("each", "--each", is_flag=True, help="One record a finding instead of one an input."),
        _setting("exit_status", "-e", "--exit-status", is_flag=True, help="Exit 1 if nothing was found."),
    )(function)


def file_inputs(metavar: str) -> Callable[[Function], Function]:
    """Add operands that are files, and lists of them."""
    return _bundle(
        click.argument(
            "operands", metavar=f"[{metavar}]...", nargs=-1, type=FILE, expose_value=False, callback=_store("operands")
        ),
        _setting(
            "files_from",
            "--files-from",
            type=FILE,
            metavar="FILE",
            help="Read paths or records, one a line, from FILE ('-': standard input).",
        ),
        _setting("null", "-0", "--null", is_flag=True, help="The list's paths end in NUL, not newline."),
    )


def text_inputs(metavar: str) -> Callable[[Function], Function]:
    """Add operands that are texts, and files and lists of them; ``metavar`` as usage shows one (``TEXT``)."""
    return _bundle(
        click.argument(
            "operands", metavar=f"[{metavar}]...", nargs=-1, expose_value=False, callback=_store("operands")
        ),
        _setting(
            "file",
            "-f",
            "--file",
            type=FILE,
            metavar="FILE",
            help="Read texts, one a line, from FILE ('-': standard input).",
        ),
        _setting(
            "files_from",
            "--files-from",
            type=FILE,
            metavar="FILE",
            help="Read NDJSON records from FILE ('-': standard input); their 'text' is the input.",
        ),
    )


def stream_option(function: Function) -> Function:
    """Add the choice to write findings as they come instead of records of whole inputs."""
    return _setting("streamed", "--stream", is_flag=True, help="One record an event, at once, none a recording.")(
        function
    )


def rank_option(function: Function) -> Function:
    """Add the choice to write the records in order of what a view ranks them by, once all are made."""
    return _setting("rank", "--sort", is_flag=True, help="Best first, after all were read; failures last.")(function)


def writing_options(function: Function) -> Function:
    """Add what a command that writes files takes."""
    return _setting("force", "--force", is_flag=True, help="Overwrite files that exist.")(function)


def offline_option(function: Function) -> Function:
    """Add the word that keeps a command off the network."""
    return _setting("offline", "--offline", is_flag=True, help="Never touch the network (as DLTOOLS_OFFLINE=1).")(
        function
    )


def threads_option(default: str) -> Callable[[Function], Function]:
    """Add how many threads a network takes; ``default`` says how many if none are given."""
    return _setting(
        "threads",
        "--threads",
        type=click.IntRange(1, 1024),
        metavar="N",
        help=f"Threads of the network (default: {default}).",
    )


def jobs_option(function: Function) -> Function:
    """Add how many inputs are at work at once."""
    return _setting(
        "jobs",
        "--jobs",
        type=click.IntRange(1, 256),
        metavar="N",
        help="Inputs at work at once, which share the threads (default: 2 in a batch).",
    )(function)


def runtime_options(function: Function) -> Function:
    """Add how a network is run."""
    return _bundle(threads_option("all cores"), offline_option)(function)


def pictures_options(function: Function) -> Function:
    """Add what a command over many pictures takes, behind its own options."""
    return _bundle(writing_options, format_options, batch_options, jobs_option, runtime_options, general_options)(
        function
    )


class ModelName(click.ParamType[str]):
    """The name of a registered model, of one command or of all; completes from the registry."""

    name = "model"

    def __init__(self, command: str | None) -> None:
        self.command = command

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Complete to the registered names."""
        from dltools.runtime.assets import Registry

        names = Registry.load().names(self.command)
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]
