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
    from rich.progress import TaskID
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

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


class Progress(_Bar):
    """A count of inputs on standard error, shown only on a terminal, when nobody reads the results there.

    ``total``: how many there are, if that is known; then a bar and the time left stand beside the count. ``writing``:
    whether results are written meanwhile. rich is imported only once the work has lasted long enough to show it.
    """

    def __init__(self, context: Context, total: int | None = None, *, writing: bool = True) -> None:
        super().__init__()
        self._total = total
        free = not context.settings.quiet and not (writing and context.stdout.isatty())
        self._wanted = free and sys.stderr is not None and sys.stderr.isatty()
        self._command = context.command
        self._started = time.monotonic()
        self._count = 0
        self._task: TaskID | None = None

    def advance(self, count: int = 1) -> None:
        """Count ``count`` more inputs."""
        self._count += count
        if not self._wanted or time.monotonic() - self._started < _PATIENCE_SECONDS:
            return
        if self._bar is None:
            self._open()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._count)

    def _open(self) -> None:
        from rich import progress
        from rich.console import Console

        words, count = progress.TextColumn("{task.description}"), progress.MofNCompleteColumn()
        columns: tuple[progress.ProgressColumn, ...] = (progress.SpinnerColumn(), words, count)
        if self._total is None:
            columns += (progress.TimeElapsedColumn(),)
        else:
            columns += (progress.BarColumn(), progress.TimeRemainingColumn())
        self._bar = progress.Progress(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task(self._command, total=self._total)


class EpochProgress(_Bar):
    """Epochs of a training on standard error, with their losses, on a terminal only and once they take a while.

    ``name``: what is trained just now, if there are several.
    """

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.name = ""
        self._wanted = not context.settings.quiet and sys.stderr is not None and sys.stderr.isatty()
        self._started = time.monotonic()
        self._task: TaskID | None = None

    def __call__(self, epoch: int, epochs: int, loss: float, held_out: float | None) -> None:
        """Take note that ``epoch`` of ``epochs`` is done, with its training and held-out loss."""
        if not self._wanted or time.monotonic() - self._started < _PATIENCE_SECONDS:
            return
        if self._bar is None:
            self._open()
        if self._bar is not None and self._task is not None:
            losses = f"loss {loss:.4f}" + (f", held out {held_out:.4f}" if held_out is not None else "")
            self._bar.update(
                self._task, completed=epoch, total=epochs, description=printable(f"{self.name} {losses}".strip())
            )

    def counting(self, what: str) -> Callable[[int, int], None]:
        """Return what takes note that so many of so many inputs are done, where there is more to do than epochs."""

        def counted(done: int, total: int) -> None:
            if not self._wanted or time.monotonic() - self._started < _PATIENCE_SECONDS:
                return
            if self._bar is None:
                self._open()
            if self._bar is not None and self._task is not None:
                self._bar.update(self._task, completed=done, total=total, description=what)

        return counted

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        words = TextColumn("{task.description}", markup=False)
        columns = (words, BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("", total=None)


class PaintProgress(_Bar):
    """The share of a long work that is done, with words beside it, on standard error, on a terminal only."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._wanted = not context.settings.quiet and sys.stderr is not None and sys.stderr.isatty()
        self._started = time.monotonic()
        self._task: TaskID | None = None

    def __call__(self, share: float, words: str) -> None:
        """Take note that ``share`` (0 to 1) is done."""
        if not self._wanted or time.monotonic() - self._started < _PATIENCE_SECONDS:
            return
        if self._bar is None:
            self._open()
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=share, description=words)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        words = TextColumn("{task.description}", markup=False)
        columns = (words, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        self._task = self._bar.add_task("", total=1.0)


class FetchProgress(_Bar):
    """Tells of downloads: a bar on a terminal, else one line a file; nothing with ``--quiet``.

    ``doing``: what happens to the files, if they are not fetched; such work on what is here has a bar only.
    """

    def __init__(self, context: Context, doing: str = "fetching") -> None:
        super().__init__()
        self._context = context
        self._doing = doing
        self._tasks: dict[str, TaskID] = {}
        self._seen: set[str] = set()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Take note that ``done`` of ``total`` bytes of the file ``name`` are here."""
        if name not in self._seen:
            self._seen.add(name)
            size = f" ({total / 1e6:.1f} MB)" if total else ""
            tell = self._context.note if self._doing == "fetching" else self._context.announce
            tell(f"{self._doing} {name}{size}")
        if self._context.settings.quiet or sys.stderr is None or not sys.stderr.isatty():
            return
        if self._bar is None:
            self._open()
        if self._bar is not None:
            if name not in self._tasks:
                self._tasks[name] = self._bar.add_task(printable(name), total=total)
            self._bar.update(self._tasks[name], completed=done)

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
