"""dltools demo: each command once, on what comes with the installation."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import COMMANDS, _render
from dltools.commands import _options as options
from dltools.commands._boundary import Context, open_context, tell
from dltools.errors import InputError, UsageError
from dltools.io.outputs import make_folder
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    import subprocess

#: The registered files that the lines of :data:`COMMANDS` read: ``coffee.jpg``, ``astronaut.jpg``, ``activate.flac``.
_EXAMPLES = ("example-photo", "example-face", "example-sound")


@click.command(
    "demo",
    short_help="Run each command once, and show what it does.",
    epilog="Example: dltools demo emojify wordvec",
)
@click.argument("names", metavar="[COMMAND]...", nargs=-1, type=click.Choice(list(COMMANDS)))
@click.option(
    "-o", "--out", type=options.FILE, metavar="DIR", help="Keep the files that are read and made, in this folder."
)
@options.general_options
@click.pass_context
def demo(ctx: click.Context, /, names: tuple[str, ...], out: str | None) -> int:
    """Run every command, or those named, once on what comes with the installation, without the network.

    Each line that is run is shown before what it writes, and how long it took, so that it can be tried again.
    """
    import shlex
    import subprocess
    import tempfile

    context, report = open_context(ctx), Report()
    paint = _render.style(context.settings.color, context.stdout.isatty())
    environment = {**os.environ, "DLTOOLS_OFFLINE": "1", "PYTHONPATH": _python_path()}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(out or temporary)
        _lay_out(folder)
        for name in names or COMMANDS:
            line = COMMANDS[name].demo
            context.write(f"{paint('$ ' + line, bold=True)}\n".encode())
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "dltools", *shlex.split(line)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            took = time.perf_counter() - started
            context.write(done.stdout + f"{paint(f'({took:.2f} s)', dim=True)}\n\n".encode())
            _judge(context, report, name, done)
    context.note(report.summary())
    return report.exit_status()


def _python_path() -> str:
    """Return a PYTHONPATH by which a process of another folder finds this package, installed or not."""
    place = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, (place, os.environ.get("PYTHONPATH", ""))))


def _lay_out(folder: Path) -> None:
    """Put the files that the lines read into ``folder``."""
    from dltools.io.outputs import atomic_write
    from dltools.runtime.assets import Registry, embedded_path

    registry = Registry.load()
    examples = [embedded_path(registry.model(name)) for name in _EXAMPLES]
    make_folder(folder)
    for example in examples:
        if example is None:
            raise InputError("an example is missing: install dltools again", code="missing")
        if (folder / example.name).exists():
            raise UsageError(f"{folder / example.name}: exists already: name another folder")
    for example in filter(None, examples):
        with atomic_write(folder / example.name) as stream:
            stream.write(example.read_bytes())


def _judge(context: Context, report: Report, name: str, done: subprocess.CompletedProcess[bytes]) -> None:
    """Count a finished line, and pass on what one that failed said."""
    if done.returncode == 0:
        report.done += 1
        return
    report.failed += 1
    for line in done.stderr.decode("utf-8", "replace").splitlines():
        tell(printable(line))
    context.say(f"{name}: ended with status {done.returncode}")
