"""The shape of every command: a group whose default subcommand is its main job."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from dltools import __version__
from dltools.commands import Entry
from dltools.commands._boundary import EXIT_INTERNAL, Settings, crash, tell
from dltools.errors import DISK_FULL, DltoolsError
from dltools.io.text import printable

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class DefaultGroup(click.Group):
    """A click group where ``tool a.jpg`` means ``tool DEFAULT a.jpg``.

    ``operands``: whether the default takes operands; if not, an unknown first word is a mistyped subcommand.
    ``entries``: further commands that are imported only when they are called.
    """

    def __init__(
        self,
        name: str,
        *,
        default: str,
        operands: bool = True,
        entries: Mapping[str, Entry] | None = None,
        **settings: Any,
    ) -> None:
        settings.setdefault("context_settings", CONTEXT_SETTINGS)
        super().__init__(name, **settings)
        self.default = default
        self.operands = operands
        self.entries = entries or {}
        self.params.append(_version_option(name))

    def main_command(self) -> click.Command:
        """Return the default subcommand."""
        return self.commands[self.default]

    def find(self, ctx: click.Context, args: list[str]) -> tuple[click.Command, list[str]]:
        """Return the subcommand that ``args`` mean, and what of them is left to it; raise click's usage error."""
        _, command, rest = self.resolve_command(ctx, self._with_default(ctx, args))
        return command or self.main_command(), rest

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.commands, *self.entries]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        return load(entry) if entry else super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._with_default(ctx, args))

    def _with_default(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args:
            return [] if ctx.resilient_parsing else [self.default]
        first = args[0]
        own = {option for param in self.get_params(ctx) for option in param.opts}
        if first in own or first in self.list_commands(ctx):
            return args
        if not self.operands and not first.startswith("-"):
            return args  # click's error names what it may have been meant for
        return self._subcommand_first(ctx, args) or [self.default, *args]

    def _subcommand_first(self, ctx: click.Context, args: list[str]) -> list[str] | None:
        """Return ``args`` with a subcommand that follows options put before them, or None where none does.

        ``tool --json sub x`` must not run the default on an operand that is called "sub".
        """
        options = [param for param in self.main_command().params if isinstance(param, click.Option)]
        with_value = {name for option in options if not option.is_flag for name in option.opts}
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] not in ("-", "--"):
            at += 2 if args[at] in with_value else 1
        if at < len(args) and args[at] in self.list_commands(ctx):
            return [args[at], *args[:at], *args[at + 1 :]]
        return None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; what it raises ends here, in words, under this command's name."""
        try:
            return super().invoke(ctx)
        except DltoolsError as error:
            tell(f"{self.name}: {printable(str(error))}")
            raise click.exceptions.Exit(error.exit_status) from error
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except MemoryError as error:
            tell(f"{self.name}: not enough memory")
            raise click.exceptions.Exit(DltoolsError.exit_status) from error
        except Exception as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL:  # a help text, say: told where the process ends
                raise
            crash(self.name or "", error, debug=ctx.ensure_object(Settings).debug)
            raise click.exceptions.Exit(EXIT_INTERNAL) from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand, or name what a mistyped one may have been meant for."""
        known = self.list_commands(ctx)
        if args[0] not in known and not ctx.resilient_parsing:
            import difflib

            near = difflib.get_close_matches(args[0], known, n=2)
            hint = f" (did you mean {' or '.join(near)}?)" if near else ""
            raise click.UsageError(f"no such command {args[0]!r}{hint}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete subcommands, and whatever the default subcommand would take in their place."""
        found = super().shell_complete(ctx, incomplete)
        command = self.main_command()
        with command.make_context(self.default, [], parent=ctx, resilient_parsing=True) as inner:
            known = {item.value for item in found}
            found += [item for item in command.shell_complete(inner, incomplete) if item.value not in known]
            if self.operands and not incomplete.startswith("-"):
                operand = next(param for param in command.params if isinstance(param, click.Argument))
                found += operand.shell_complete(inner, incomplete)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = []
        for name in self.list_commands(ctx):
            entry = self.entries.get(name)
            text = entry.summary if entry else self.commands[name].get_short_help_str(limit=80)
            rows.append((name, text + (" (default)" if name == self.default else "")))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the default subcommand's options: they are what most people look for."""
        command = self.main_command()
        with command.make_context(self.default, [], parent=ctx, resilient_parsing=True) as inner:
            options = [param for param in command.get_params(inner) if isinstance(param, click.Option)]
            rows = [row for param in options if (row := param.get_help_record(inner))]
        rows[-1:-1] = [row for param in self.params if (row := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(rows)
        self.format_commands(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        command = self.main_command()
        inner = command.context_class(command, info_name=self.default, parent=ctx)
        return [f"[{self.default}]", *command.collect_usage_pieces(inner)]


def load(entry: Entry) -> DefaultGroup:
    """Import a command and return its group."""
    module, attribute = entry.target.split(":")
    group: DefaultGroup = getattr(importlib.import_module(module), attribute)
    return group


def _version_option(name: str) -> click.Option:
    def show(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(f"{name} (dltools) {__version__}")
            ctx.exit()

    return click.Option(
        ["-V", "--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the version and exit.",
    )
