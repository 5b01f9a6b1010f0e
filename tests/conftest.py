"""What several tests share: real processes of the commands, and photographs."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PHOTO = ROOT / "dltools" / "assets" / "coffee.jpg"
SOUND = ROOT / "dltools" / "assets" / "activate.flac"  # "activate" once, between 3.0 and 3.9 s
GOLDEN = ROOT / "tests" / "golden"
FACE = ROOT / "dltools" / "assets" / "astronaut.jpg"
OTHER_FACE = GOLDEN / "cameraman.jpg"
SHARED = ROOT.parent / "shared" / "data"

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

# A shell starts what it runs in the background with interrupts ignored, and every process from there on inherits that:
# the tests that interrupt a command would wait in vain.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests off the user's cache, and off the network."""
    monkeypatch.setenv("DLTOOLS_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("DLTOOLS_OFFLINE", "1")


@pytest.fixture
def run() -> Run:
    """Return a function that runs ``dltools ARGUMENT...`` as a process of its own, with no terminal."""

    def call(*arguments: object, **keywords: object) -> subprocess.CompletedProcess[bytes]:
        settings = {"capture_output": True, "timeout": 120, "stdin": subprocess.DEVNULL, **keywords}
        if "input" in settings:
            del settings["stdin"]
        return subprocess.run(command(*arguments), **settings)  # type: ignore[call-overload, no-any-return]

    return call


def command(*arguments: object) -> list[str]:
    """Return the argument list of ``dltools ARGUMENT...`` with this interpreter."""
    return [
        sys.executable,
        "-m",
        "dltools",
        *(os.fspath(word) if isinstance(word, Path) else str(word) for word in arguments),
    ]


@pytest.fixture
def photo() -> Path:
    """Return the example photograph, 600 x 400, with a cup in it."""
    return PHOTO


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of development photographs, or skip."""
    if not SHARED.is_dir():
        pytest.skip("the development photographs (../shared/data) are not here")
    return SHARED


def on_a_terminal(
    *arguments: object, environment: dict[str, str] | None = None, given: bytes | None = None
) -> tuple[int, str]:
    """Run a command whose streams are a terminal; return its exit status and what the screen got.

    ``given``: what a pipe brings to standard input instead.
    """
    leader, follower = pty.openpty()
    settings = {**os.environ, "TERM": "xterm", "COLUMNS": "100", **(environment or {})}
    process = subprocess.Popen(
        command(*arguments),
        stdin=follower if given is None else subprocess.PIPE,
        stdout=follower,
        stderr=follower,
        env=settings,
        cwd=ROOT,
    )
    os.close(follower)
    if process.stdin is not None:
        process.stdin.write(given or b"")
        process.stdin.close()
    seen = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # the last process closed its side
            break
        if not block:
            break
        seen += block
    os.close(leader)
    return process.wait(60), seen.decode("utf-8")
