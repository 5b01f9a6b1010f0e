"""Several inputs at once: order, errors of the input, and an end that waits for what is at work."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltools.commands._jobs import Jobs


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items(delays: list[int], jobs: int) -> None:
    def work(task: tuple[int, int]) -> int:
        time.sleep(task[1] / 5000)
        return task[0]

    with Jobs([work] * jobs) as pool:
        assert list(pool.run(enumerate(delays))) == list(range(len(delays)))


def test_an_error_of_the_input_comes_after_what_was_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("the list ends here")

    seen = []
    with Jobs([str, str]) as pool, pytest.raises(OSError, match="ends here"):
        for result in pool.run(items()):
            seen.append(result)
    assert seen == ["1", "2"]


def test_each_function_stays_in_one_thread() -> None:
    threads: list[set[int]] = [set(), set()]

    def noting(number: int) -> int:
        time.sleep(0.001)
        return number

    def first(number: int) -> int:
        threads[0].add(threading.get_ident())
        return noting(number)

    def second(number: int) -> int:
        threads[1].add(threading.get_ident())
        return noting(number)

    with Jobs([first, second]) as pool:
        assert list(pool.run(range(50))) == list(range(50))
    assert [len(seen) for seen in threads] == [1, 1] and threads[0] != threads[1]


def test_few_items_are_taken_in_ahead() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with Jobs([str, str]) as pool:
        results = pool.run(items())
        next(results)
        time.sleep(0.1)
        assert len(taken) < 10


def test_the_end_waits_for_what_is_at_work() -> None:
    finished = []

    def work(number: int) -> int:
        time.sleep(0.05)
        finished.append(number)
        return number

    with Jobs([work]) as pool:
        next(pool.run(iter(range(10))))
        time.sleep(0.01)
    count = len(finished)
    time.sleep(0.15)
    assert len(finished) == count < 10
