"""A chunk of a stream, run through a command as a process of its own: what a worker of ``dltools map`` does.

In: a command line and the lines it reads, as bytes. Out: an :class:`Outcome`. The process shares nothing with the
worker, so that whatever ends it leaves the worker alive.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

#: Exit statuses with which a command has answered all of its inputs: yes, no, and some of them failed.
ANSWERED = frozenset({0, 1, 3})


class Outcome(NamedTuple):
    """What a command made of a chunk: its exit status (None: it took too long), and what it wrote, as text.

    Bytes that are not UTF-8 stand in the texts as lone surrogates.
    """

    status: int | None
    output: str
    errors: str

    @property
    def answered(self) -> bool:
        """Whether every input of the chunk has its answer in ``output``."""
        return self.status in ANSWERED

    @property
    def reason(self) -> str:
        """Return why there is no answer, for a message."""
        if self.status is None:
            return "took too long"
        if self.status < 0:
            return f"was killed by {_signal_name(-self.status)}"
        last = self.errors.strip().splitlines()
        return last[-1] if last else f"ended with status {self.status}"


def run_chunk(argv: Sequence[str], folder: str, data: bytes, before: int, timeout: float | None) -> Outcome:
    """Run ``dltools ARGV...`` in ``folder`` (where this machine has it) on ``data`` as its standard input.

    ``before``: how many lines stand before ``data`` in the stream, so that messages name the stream's lines.
    ``timeout``: seconds after which the process is killed.
    """
    command = [sys.executable, "-m", "dltools", *argv]
    place = folder if os.path.isdir(folder) else None
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=timeout, cwd=place, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(None, "", "")
    return Outcome(done.returncode, _text(done.stdout), _numbered(_text(done.stderr), before))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _numbered(errors: str, before: int) -> str:
    return re.sub(r"(?m)^([\w-]+: line )(\d+)(?=:)", lambda found: f"{found[1]}{int(found[2]) + before}", errors)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
