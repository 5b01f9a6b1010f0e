"""The one boundary between a command and its process: streams, signals, and errors to exit status."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click

from dltools.errors import OutputError
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.outputs import OutputFolder

EXIT_USAGE = 2
EXIT_INTERNAL = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
EXIT_TERMINATED = 143


@dataclasses.dataclass
class Settings:
    """What the shared options say, whichever bundle they came from; lives in click's ``ctx.obj``."""

    format: str = "auto"
    each: bool = False
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    color: str = "auto"
    fail_fast: bool = False
    exit_status: bool = False
    force: bool = False
    threads: int | None = None
    jobs: int | None = None
    offline: bool = False
    operands: tuple[str, ...] = ()
    file: str | None = None
    files_from: str | None = None
    null: bool = False
    rank: bool = False
    streamed: bool = False


@dataclasses.dataclass
class Context:
    """What a command works with: its name, its streams and the shared settings.

    ``jobs``: how many inputs are at work at once. ``folders``: those that the run writes files into, by their names.
    ``emit``: writes a record before its input is done with, while a batch runs.
    """

    command: str
    settings: Settings
    stdout: IO[bytes]
    jobs: int = 1
    folders: dict[str, OutputFolder] = dataclasses.field(default_factory=dict)
    emit: Callable[[dict[str, Any]], None] | None = None

    @property
    def cores(self) -> int:
        """How many threads the run may use: ``--threads``, else every core that this process may use."""
        if self.settings.threads:
            return self.settings.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    @property
    def threads(self) -> int:
        """How many threads one network may use: a job's share of the cores."""
        return max(1, self.cores // self.jobs)

    def for_job(self, number: int) -> Context:
        """Return what job ``number`` works with: the same, but the details are told once, by the first."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, verbose=False)) if number else self

    def output_folder(self, path: str | None) -> OutputFolder | None:
        """Return the folder that an option named, one for all jobs, or None if it named none."""
        if path is None:
            return None
        if path not in self.folders:
            from dltools.io.outputs import OutputFolder

            self.folders[path] = OutputFolder(Path(path), force=self.settings.force)
        return self.folders[path]

    @property
    def offline(self) -> bool:
        """Whether the network is off limits."""
        return self.settings.offline

    def say(self, message: str) -> None:
        """Write one line to standard error, behind the command's name."""
        tell(f"{self.command}: {printable(message)}")

    def note(self, message: str) -> None:
        """Write one line to standard error unless ``--quiet``."""
        if not self.settings.quiet:
            self.say(message)

    def detail(self, message: str) -> None:
        """Write one line to standard error if ``--verbose``."""
        if self.settings.verbose:
            self.say(message)

    def announce(self, message: str) -> None:
        """Write a note that is of use only to who waits: on a terminal."""
        if sys.stderr is not None and sys.stderr.isatty():
            self.note(message)

    def write(self, data: bytes) -> None:
        """Write to standard output at once; raise :class:`OutputError` unless the reader just went away."""
        try:
            self.stdout.write(data)
            self.stdout.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"standard output: cannot write ({str(reason).lower()})") from error


def tell(message: str | bytes, *, end: bool = True) -> None:
    """Write a line to standard error. Where that takes none, nobody reads it, and the run goes on without."""
    try:
        click.echo(message, err=True, nl=end)
    except (OSError, ValueError):
        _into_nothing(sys.stderr)


def open_context(ctx: click.Context) -> Context:
    """Return the context of the running command; raise :class:`OutputError` where there is no standard output."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    return Context(command_name(ctx), ctx.ensure_object(Settings), sys.stdout.buffer)


def one_blas_thread() -> None:
    """Keep NumPy's matrix products to one thread, unless the user's environment says otherwise.

    For small products, whose threads would only wait for each other. Read when NumPy is first imported, so that it must
    be said before.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def command_name(ctx: click.Context) -> str:
    """Return the name of the command whose subcommand runs, however it was started."""
    group = ctx.parent.command if ctx.parent is not None else ctx.command
    return group.name or "dltools"


def raw_stdin() -> Callable[[int], bytes]:
    """Return a reader of standard input that hands out what has come so far, with no buffer of its own.

    A buffered reader would hold a live stream's frames back, and would end the process with an error
    when a thread still waits in it.
    """
    if sys.stdin is None:
        return lambda _limit: b""
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):  # a stream without a descriptor: click's test runner
        return sys.stdin.buffer.read
    return lambda limit: os.read(descriptor, limit)


def entry_point(group: click.Group) -> Callable[[], NoReturn]:
    """Return the function that a console script calls."""

    def main() -> NoReturn:
        sys.exit(run(group, sys.argv[1:]))

    return main


def run(group: click.Group, arguments: list[str]) -> int:
    """Run a command and return its exit status; nothing but SystemExit of a signal gets past it."""
    name = group.name or "dltools"
    _install_signals()
    warnings.simplefilter("ignore")  # libraries tell developers of damaged metadata and the like; users have records
    try:
        result = _invoke(group, name, arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return result
    except BrokenPipeError:
        return _reader_gone()
    except OSError as error:  # the last flush, or a help text
        place, reason = printable(str(error.filename or "standard output")), error.strerror or str(error)
        tell(f"{name}: {place}: cannot write ({reason.lower()})")
        _into_nothing(sys.stdout)
        return OutputError.exit_status


def _invoke(group: click.Group, name: str, arguments: list[str]) -> int:
    """Do what ``click.Group.main`` does, but for its own reading of aborts and broken pipes as status 1."""
    variable = f"_{name}_COMPLETE".replace("-", "_").upper()
    try:
        if instruction := os.environ.get(variable):
            from click.shell_completion import shell_complete

            return shell_complete(group, {}, name, variable, instruction)
        with group.make_context(name, arguments) as ctx:
            result: Any = group.invoke(ctx)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.UsageError as error:
        _usage(error, name)
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        return EXIT_INTERRUPTED
    except OSError:
        raise
    except Exception as error:  # outside of every command: a mistake in how the options are declared
        crash(name, error, debug="--debug" in arguments)
        return EXIT_INTERNAL
    return result if isinstance(result, int) else 0


def crash(name: str, error: Exception, *, debug: bool) -> None:
    """Say that we made a mistake, and how to see where."""
    if debug:
        import traceback

        lines = "".join(traceback.format_exception(error)).splitlines()
        tell("\n".join(map(printable, lines)))
    hint = "" if debug else " (--debug shows where)"
    tell(f"{name}: internal error: {type(error).__name__}: {printable(str(error))}{hint}")


def _usage(error: click.UsageError, name: str) -> None:
    message = error.format_message()
    if error.ctx is not None:
        name = command_name(error.ctx)
    tell(f"{name}: {printable(message[:1].lower() + message[1:].rstrip('.'))}")
    path = error.ctx.command_path if error.ctx is not None else name
    tell(f"Try '{path} --help'.")


def _reader_gone() -> int:
    """Point standard output at nothing, so that Python's own last flush finds a reader."""
    _into_nothing(sys.stdout)
    return EXIT_BROKEN_PIPE


def _into_nothing(stream: IO[str] | None) -> None:
    """Let a stream's descriptor take whatever is still written to it."""
    try:
        if stream is not None:
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.dup2(descriptor, stream.fileno())
            os.close(descriptor)
    except (OSError, ValueError):
        pass


def _install_signals() -> None:
    """Make a polite kill unwind like Ctrl-C, so that temporary files go; only the main thread may."""

    def terminate(_number: int, _frame: object) -> NoReturn:
        sys.exit(EXIT_TERMINATED)

    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, terminate)
