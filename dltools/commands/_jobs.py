"""Several inputs at once, in threads, with their results in the order of the input."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

In = TypeVar("In")
Out = TypeVar("Out")

#: Inputs taken in for each thread: the one it works on, and the next.
_AHEAD = 2
#: How long an interrupted run waits for the inputs at work, so that no file stays half written.
_PATIENCE_SECONDS = 5.0


class Jobs(Generic[In, Out]):
    """Threads that each have a function of their own, since a network is not safe to run in two at once.

    The functions must not raise. Threads are daemons: one that waits for an input forever does not keep the process.
    """

    def __init__(self, functions: Sequence[Callable[[In], Out]]) -> None:
        self._todo: queue.Queue[tuple[In, queue.SimpleQueue[Out]] | None] = queue.Queue()
        self._waiting: queue.Queue[queue.SimpleQueue[Out] | BaseException | None] = queue.Queue(_AHEAD * len(functions))
        self._stopped = False
        self._busy = [threading.Thread(target=self._work, args=(function,), daemon=True) for function in functions]

    def __enter__(self) -> Self:
        for thread in self._busy:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        for _ in self._busy:
            self._todo.put(None)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for thread in self._busy:
            thread.join(max(0.0, deadline - time.monotonic()))

    def run(self, items: Iterable[In]) -> Iterator[Out]:
        """Yield the result of each item, in order; items are taken in as threads come free."""
        threading.Thread(target=self._feed, args=(items,), daemon=True).start()
        while (each := self._waiting.get()) is not None:
            if isinstance(each, BaseException):
                raise each
            yield each.get()

    def _feed(self, items: Iterable[In]) -> None:
        try:
            for item in items:
                result: queue.SimpleQueue[Out] = queue.SimpleQueue()
                self._waiting.put(result)
                self._todo.put((item, result))
            self._waiting.put(None)
        except BaseException as error:
            self._waiting.put(error)

    def _work(self, function: Callable[[In], Out]) -> None:
        while (task := self._todo.get()) is not None and not self._stopped:
            item, result = task
            result.put(function(item))
