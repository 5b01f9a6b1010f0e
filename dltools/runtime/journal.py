"""The journal of a long run: what was answered already, so that a run that was cut off goes on where it was.

A file of JSON lines: first the command line, then one line a chunk with its number, the SHA-256 of its input and its
outcome. A line is only ever added, and one that a kill cut short is dropped when the journal is opened again, with all
behind it.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from dltools.errors import InputError, OutputError, UsageError
from dltools.io.jsontext import read_json
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
            if number == 0:
                self._check(entry, argv)
            elif _is_outcome(entry):
                self._places[entry["chunk"]] = (entry["input"], end)
            else:
                break
            end += len(line)
        self._stream.seek(end)
        self._stream.truncate()
        if end == 0:
            self._append({"format": _FORMAT, "argv": argv})

    def _check(self, entry: Any, argv: list[str]) -> None:
        if not isinstance(entry, dict) or entry.get("format") != _FORMAT:
            raise self._strange()
        if entry.get("argv") != argv:
            told = entry.get("argv")
            words = " ".join(map(str, told)) if isinstance(told, list) else "?"
            raise UsageError(f"{self._path}: the journal of another command: {words}")

    def _strange(self) -> InputError:
        return InputError(f"{self._path}: not a journal of 'dltools map'", code="bad_journal")

    @staticmethod
    def _parse(line: bytes) -> Any:
        """Return the value of a line, or None for one that is cut off or no JSON."""
        try:
            return read_json(line) if line.endswith(b"\n") else None
        except ValueError:
            return None

    def find(self, chunk: int, data: bytes) -> Outcome | None:
        """Return what was made of a chunk of this number and content, or None if it was not done yet."""
        digest, place = self._places.get(chunk, ("", 0))
        if digest != _digest(data):
            return None
        self._stream.seek(place)
        entry = read_json(self._stream.readline())
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


def _is_outcome(entry: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether a line's value is what :meth:`Journal.add` writes."""
    kinds: dict[str, type | tuple[type, ...]]
    kinds = {"chunk": int, "input": str, "status": (int, type(None)), "output": str, "errors": str}
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key, ...), kind) for key, kind in kinds.items()):
        return False
    try:
        (entry["output"] + entry["errors"]).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


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
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise UsageError(f"{path}: a journal has to be a regular file")
        stream.seek(0)
        yield Journal(stream, path, argv)
