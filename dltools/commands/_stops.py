"""Ctrl-C and a polite kill that wait for the end of a step, so that no library is interrupted within its work."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

_STOPS: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stops_between_steps() -> Iterator[Callable[[], None]]:
    """Give what is called between two steps, and does then what a signal since the last call should have done.

    A second signal does it at once. Outside of the main thread, which alone gets signals, nothing is held back.
    """
    due: list[Callable[[], object]] = []
    found = {number: signal.getsignal(number) for number in _STOPS}
    # Neither what is ignored nor what is left to the system.
    handlers = {number: handler for number, handler in found.items() if callable(handler)}

    def hold(number: int, frame: FrameType | None) -> None:
        was = handlers[number]
        if due:
            was(number, frame)
        due.append(lambda: was(number, frame))

    def stop() -> None:
        if due:
            due[0]()

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ValueError):
            for number, handler in handlers.items():
                signal.signal(number, hold)
                stack.callback(signal.signal, number, handler)
        yield stop
