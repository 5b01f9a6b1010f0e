"""The journal of a long run: what was answered already, so that a run that was cut off goes on where it was.

A file of JSON lines: first the command line, then one line a chunk with its number, the SHA-256 of its input and its
outcome. A line is only ever added, and one that a kill cut short is dropped when the journal is opened again.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from dltools.errors import InputError, OutputError, UsageError
from dltools.runtime.chunk import Outcome

_FORMAT = "dltools map journal 1"


class Journal:
    """Outcomes by the number and the content of their chunk, kept in a file; see :func:`open_journal`."""

    def __init__(self, stream: BinaryIO, path: Path, argv: Sequence[str]) -> None:
        self._stream = stream
        self._path = path
        self._places: dict[int, tuple[str, int]] = {}  # chunk -> SHA-256 of its input, where its line begins
        self._read(list(argv))

    def _read(self, argv: list[str]) -> None:
        end = 0
        for number, line in enumerate(self._stream):
            entry = self._parse(line)
            if entry is None:
                break
            if number == 0:
                if entry.get("format") != _FORMAT:
                    raise InputError(f"{self._path}: not a journal of 'dltools map'", code="bad_journal")
                if entry.get("argv") != argv:
                    raise UsageError(f"{self._path}: the journal of another command: {' '.join(entry.get('argv', []))}")
            else:
                self._places[entry["chunk"]] = (entry["input"], end)
            end += len(line)
        if end == 0 and self._stream.seek(0, os.SEEK_END):
            raise InputError(f"{self._path}: not a journal of 'dltools map'", code="bad_journal")
        self._stream.seek(end)
        self._stream.truncate()
        if end == 0:
            self._append({"format": _FORMAT, "argv": argv})

    @staticmethod
    def _parse(line: bytes) -> dict[str, Any] | None:
        """Return the entry of a whole line, or None for one that was cut off."""
        try:
            entry = json.loads(line) if line.endswith(b"\n") else None
        except ValueError:
            return None
        return entry if isinstance(entry, dict) else None

    def find(self, chunk: int, data: bytes) -> Outcome | None:
        """Return what was made of a chunk of this number and content, or None if it was not done yet."""
        digest, place = self._places.get(chunk, ("", 0))
        if digest != _digest(data):
            return None
        self._stream.seek(place)
        entry = json.loads(self._stream.readline())
        return Outcome(entry["status"], entry["output"], entry["errors"])

    def add(self, chunk: int, data: bytes, outcome: Outcome) -> None:
        """Write down what was made of a chunk; raise :class:`OutputError`."""
        self._places[chunk] = (_digest(data), self._stream.seek(0, os.SEEK_END))
        self._append({"chunk": chunk, "input": _digest(data), **outcome._asdict()})

    def _append(self, entry: dict[str, object]) -> None:
        try:
            self._stream.write(json.dumps(entry).encode("ascii") + b"\n")
            self._stream.flush()
        except OSError as error:
            raise OutputError(f"{self._path}: cannot write ({(error.strerror or str(error)).lower()})") from error


def _digest(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def open_journal(path: Path, argv: Sequence[str]) -> Iterator[Journal]:
    """Open the journal of ``argv`` at ``path``, or begin one; nobody else can have it open meanwhile.

    Raise :class:`InputError` if the file is something else, :class:`UsageError` if it is another command's or in use,
    :class:`OutputError` if it cannot be written.
    """
    import fcntl

    try:
        stream = open(path, "a+b")  # noqa: SIM115 - closed by the with below
    except OSError as error:
        raise OutputError(f"{path}: cannot write ({(error.strerror or str(error)).lower()})") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UsageError(f"{path}: another run writes this journal") from error
        stream.seek(0)
        yield Journal(stream, path, argv)
