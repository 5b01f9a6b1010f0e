"""What people see: colours, records as lines, and progress on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import ProgressColumn, TaskID
    from typing_extensions import Self

    from dltools.commands._boundary import Context

#: Work that ends sooner shows no progress.
_PATIENCE_SECONDS = 1.0


def style(choice: str, terminal: bool) -> Callable[..., str]:
    """Return ``click.style``, or what leaves text plain, after ``--color``, NO_COLOR and the terminal."""
    wanted = choice == "always" or (choice == "auto" and terminal and not os.environ.get("NO_COLOR"))
    return click.style if wanted else _plain


def _plain(text: Any, **_style: Any) -> str:
    return str(text)


def human(record: Record, render: Callable[[Record, Callable[..., str]], str], paint: Callable[..., str]) -> bytes:
    """Return a record as lines for people; an error has been told on standard error already."""
    if "error" in record:
        return b""
    return (render(record, paint) + "\n").encode("utf-8", "replace")


class _Bar:
    """A rich progress bar on standard error that is made when it is first needed and goes when the block ends."""

    def __init__(self, context: Context, *, wanted: bool = True) -> None:
        self._wanted = wanted and not context.settings.quiet and sys.stderr is not None and sys.stderr.isatty()
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _opened(self) -> Bar:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(*self._columns(), console=Console(stderr=True), transient=True)
            self._bar.start()
        return self._bar

    def _columns(self) -> tuple[ProgressColumn, ...]:
        """Return what stands in the bar; its modules are loaded only now."""
        raise NotImplementedError


class _Line(_Bar):
    """A bar of one line, which shows only once the work has lasted a while."""

    def __init__(self, context: Context, *, wanted: bool = True) -> None:
        super().__init__(context, wanted=wanted)
        self._started = time.monotonic()
        self._task: TaskID | None = None

    def _show(self, words: str, done: float, total: float | None) -> None:
        if not self._wanted or time.monotonic() - self._started < _PATIENCE_SECONDS:
            return
        bar = self._opened()
        if self._task is None:
            self._task = bar.add_task("", total=total)
        bar.update(self._task, description=words, completed=done, total=total)


class Progress(_Line):
    """A count of inputs on standard error, shown only on a terminal, when nobody reads the results there.

    ``total``: how many there are, if that is known; then a bar and the time left stand beside the count. ``writing``:
    whether results are written meanwhile.
    """

    def __init__(self, context: Context, total: int | None = None, *, writing: bool = True) -> None:
        super().__init__(context, wanted=not (writing and context.stdout.isatty()))
        self._total = total
        self._command = context.command
        self._count = 0

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more inputs."""
        self._count += count
        self._show(self._command, self._count, self._total)

    def _columns(self) -> tuple[ProgressColumn, ...]:
        from rich import progress

        words, count = progress.TextColumn("{task.description}"), progress.MofNCompleteColumn()
        columns: tuple[ProgressColumn, ...] = (progress.SpinnerColumn(), words, count)
        if self._total is None:
            return (*columns, progress.TimeElapsedColumn())
        return (*columns, progress.BarColumn(), progress.TimeRemainingColumn())


class EpochProgress(_Line):
    """The epochs and other steps of a training on standard error, on a terminal only and once they take a while.

    ``name``: what is trained just now, if there are several.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.name = ""

    def __call__(self, epoch: int, epochs: int, loss: float, held_out: float | None) -> None:
        """Take note that ``epoch`` of ``epochs`` is done, with its training and held-out loss."""
        losses = f"loss {loss:.4f}" + (f", held out {held_out:.4f}" if held_out is not None else "")
        self._show(printable(f"{self.name} {losses}".strip()), epoch, epochs)

    def count(self, what: str, done: int, total: int) -> None:
        """Take note that ``done`` of ``total`` steps of ``what`` are done, which have no losses to show."""
        self._show(what, done, total)

    def _columns(self) -> tuple[ProgressColumn, ...]:
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        return words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()


class PaintProgress(_Line):
    """The share of a long work that is done, with words beside it, on standard error, on a terminal only."""

    def __call__(self, share: float, words: str) -> None:
        """Take note that ``share`` (0 to 1) is done."""
        self._show(words, share, 1.0)

    def _columns(self) -> tuple[ProgressColumn, ...]:
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        return words, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()


class FetchProgress(_Bar):
    """Tells of downloads: a bar on a terminal, else one line a file; nothing with ``--quiet``.

    ``doing``: what happens to the files, if they are not fetched; such work on what is here has a bar only.
    """

    def __init__(self, context: Context, doing: str = "fetching") -> None:
        super().__init__(context)
        self._tell = context.note if doing == "fetching" else context.announce
        self._doing = doing
        self._tasks: dict[str, TaskID] = {}
        self._seen: set[str] = set()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Take note that ``done`` of ``total`` bytes of the file ``name`` are here."""
        if name not in self._seen:
            self._seen.add(name)
            size = f" ({total / 1e6:.1f} MB)" if total else ""
            self._tell(f"{self._doing} {name}{size}")
        if not self._wanted:
            return
        bar = self._opened()
        if name not in self._tasks:
            self._tasks[name] = bar.add_task(printable(name), total=total)
        bar.update(self._tasks[name], completed=done)

    def _columns(self) -> tuple[ProgressColumn, ...]:
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

        words = TextColumn("{task.description}", markup=False)
        return words, BarColumn(), DownloadColumn(), TimeRemainingColumn()
