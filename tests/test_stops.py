"""Signals that wait for the end of a step."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from dltools.commands._stops import stops_between_steps


def test_an_interrupt_waits_for_the_end_of_a_step() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stops_between_steps() as stop:
        stop()
        os.kill(os.getpid(), signal.SIGINT)
        done = sum(range(100_000))  # a step, which it does not interrupt
        with pytest.raises(KeyboardInterrupt):
            stop()
    assert done == 4_999_950_000
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_interrupt_does_not_wait() -> None:
    with stops_between_steps():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            sum(range(100_000))


def test_a_kill_does_what_it_did() -> None:
    def polite(_number: int, _frame: object) -> None:
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, polite)
    try:
        with stops_between_steps() as stop:
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(SystemExit, match="143"):
                stop()
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGTERM)
            sum(range(100_000))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_nothing_is_held_back() -> None:
    found: list[object] = []

    def work() -> None:
        with stops_between_steps() as stop:
            stop()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
