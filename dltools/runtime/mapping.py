"""A stream of inputs through a command on many workers, in order, in bounded memory, whatever happens to a worker.

In: lines as bytes. Out: an :class:`~dltools.runtime.chunk.Outcome` for each chunk of them, in order. A chunk whose
process ends without having answered is halved until the one input that ends it stands alone; that one gets an error
record.
"""

from __future__ import annotations

import collections
import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from dltools.errors import DltoolsError, UsageError
from dltools.runtime.chunk import Outcome, run_chunk
from dltools.runtime.journal import Journal

#: A chunk is closed, however few its lines, when it has so many bytes.
MAX_CHUNK_BYTES = 2**24
#: The lines of the first chunks, and of how many chunks in a row, before they double.
_FIRST_LINES, _OF_ONE_SIZE = 32, 4
#: Chunks under way or waiting for their turn, for each that can run at once: enough to keep all busy.
_AHEAD = 2

Wait = Callable[[], Outcome]


class Workers(Protocol):
    """Whatever runs functions elsewhere; see :class:`dltools.runtime.cluster.Cluster`."""

    @property
    def size(self) -> int:
        """How many can run at once."""

    def submit(self, function: Callable[..., Outcome], *arguments: object) -> Wait:
        """Start a function; return what waits for its outcome."""


class Chunk(NamedTuple):
    """Consecutive lines of the stream: its number from 0, the lines with their ends, and how many stand before them."""

    number: int
    lines: Sequence[bytes]
    before: int = 0

    @property
    def data(self) -> bytes:
        """The lines as one text."""
        return b"".join(self.lines)


def growing(most: int) -> Callable[[int], int]:
    """Return the sizes of chunks, by their number: small ones that keep all workers busy, then up to ``most`` lines.

    A process is started for each, so that a long stream wants large ones. The sizes depend on nothing else, so that
    a journal is good for any number of workers.
    """
    return lambda number: int(min(most, _FIRST_LINES << min(number // _OF_ONE_SIZE, 32)))


def chunks(parts: Iterable[bytes], separator: bytes, size: Callable[[int], int]) -> Iterator[Chunk]:
    """Yield ``parts`` in chunks, each ended by ``separator``.

    ``size`` gives the lines of a chunk by its number; it has fewer where these are long.
    """
    lines: list[bytes] = []
    number = before = held = 0
    for part in parts:
        lines.append(part + separator)
        held += len(part)
        if len(lines) == size(number) or held > MAX_CHUNK_BYTES:
            yield Chunk(number, lines, before)
            number, before = number + 1, before + len(lines)
            lines, held = [], 0
    if lines:
        yield Chunk(number, lines, before)


class Mapping:
    """One run of a command over a stream.

    ``argv``: the command line behind ``dltools``. ``failure``: gives what the command would write for an input
    that cannot be answered, from a chunk of this one line, a code and a message. ``timeout``: seconds a chunk may take.
    """

    def __init__(
        self,
        argv: Sequence[str],
        workers: Workers,
        failure: Callable[[Chunk, str, str], Outcome],
        *,
        timeout: float | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._argv = list(argv)
        self._workers = workers
        self._failure = failure
        self._timeout = timeout
        self._journal = journal
        self._folder = os.getcwd()
        self._proven = False  # whether the command line is known to work; until it is, wrong usage ends the run

    def run(self, stream: Iterable[Chunk]) -> Iterator[tuple[Chunk, Outcome]]:
        """Yield each chunk with its outcome, in order; raise :class:`DltoolsError` if the command cannot work."""
        waiting: collections.deque[tuple[Chunk, Wait]] = collections.deque()
        for chunk in stream:
            waiting.append((chunk, self._start(chunk)))
            if len(waiting) > _AHEAD * self._workers.size:
                yield self._finish(*waiting.popleft())
        while waiting:
            yield self._finish(*waiting.popleft())

    def _start(self, chunk: Chunk) -> Wait:
        known = self._journal.find(chunk.number, chunk.data) if self._journal else None
        if known is not None:
            return lambda: known
        return functools.partial(self._settle, chunk, self._submit(chunk))

    def _submit(self, chunk: Chunk) -> Wait:
        return self._workers.submit(run_chunk, self._argv, self._folder, chunk.data, chunk.before, self._timeout)

    def _settle(self, chunk: Chunk, wait: Wait) -> Outcome:
        outcome = self._answer(chunk, wait())
        if self._journal:
            self._journal.add(chunk.number, chunk.data, outcome)
        return outcome

    def _finish(self, chunk: Chunk, wait: Wait) -> tuple[Chunk, Outcome]:
        outcome = wait()
        self._proven = True
        return chunk, outcome

    def _answer(self, chunk: Chunk, outcome: Outcome) -> Outcome:
        """Return an outcome that answers every line, by halving the chunk where ``outcome`` does not."""
        if outcome.answered:
            self._proven = True
            return outcome
        if not self._proven and outcome.status in (2, 4):
            raise _as_error(outcome)
        if len(chunk.lines) == 1:
            if outcome.output:  # the command has written the error itself
                return outcome
            return self._failure(chunk, "timeout" if outcome.status is None else "crashed", outcome.reason)
        halves = [(half, self._submit(half)) for half in _halves(chunk)]
        first, second = (self._answer(half, wait()) for half, wait in halves)
        return Outcome(
            overall((first.status, second.status)), first.output + second.output, first.errors + second.errors
        )


def _halves(chunk: Chunk) -> tuple[Chunk, Chunk]:
    middle = len(chunk.lines) // 2
    first = chunk._replace(lines=chunk.lines[:middle])
    return first, chunk._replace(lines=chunk.lines[middle:], before=chunk.before + middle)


def overall(statuses: Iterable[int | None]) -> int:
    """Return the exit status of a run from those of its chunks: ours, failed, done, or a no where all said no."""
    seen = set(statuses)
    for status in (70, 3, 0, 1):
        if status in seen:
            return status
    return 0


def _as_error(outcome: Outcome) -> DltoolsError:
    """Return what the command said of its own command line."""
    first = outcome.errors.strip().splitlines()
    error = UsageError(first[0].partition(": ")[2] or first[0]) if first else UsageError("the command cannot start")
    error.exit_status = outcome.status or UsageError.exit_status
    return error
