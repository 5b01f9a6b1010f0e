"""One step of a long short-term memory for running only: in place, one tanh for all gates, no memory of its own.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997). A logistic gate is (tanh(x / 2) + 1) / 2, so that one tanh
serves all four; the halves are put into the weights once. Each gate is an array of its own, which keeps what is worked
on together next to each other. In: gates (4, ..., units) before their activation: input, forget, candidate, output.
Out: state and output (..., units).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def split_gates(weights: Floats) -> Floats:
    """Return a kernel, recurrent kernel or bias (..., 4 units) in Keras' order of gates as (4, ..., units).

    The halves that :func:`lstm_step` expects are in it.
    """
    units = weights.shape[-1] // 4
    planes = np.moveaxis(weights.reshape(*weights.shape[:-1], 4, units), -2, 0)
    halves = np.array([0.5, 0.5, 1, 0.5], np.float32)  # the candidate is a tanh of its own
    return np.ascontiguousarray(planes * halves.reshape(4, *[1] * (weights.ndim - 1), 1))


def lstm_step(gates: Floats, state: Floats, output: Floats) -> None:
    """Advance ``state`` and ``output`` (..., units) by ``gates`` (4, ..., units), all in place; ``gates`` is spoilt."""
    np.tanh(gates, out=gates)
    enter, forget, candidate, leave = gates
    forget += 1
    state *= forget
    enter += 1
    enter *= candidate
    state += enter
    state *= 0.5
    np.tanh(state, out=output)
    leave += 1
    leave *= 0.5
    output *= leave
