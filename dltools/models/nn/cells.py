"""One step of a long short-term memory for running only: in place, one tanh for all gates, no memory of its own.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997). Gates in Keras' order: input, forget, candidate, output.
A logistic gate is (tanh(x / 2) + 1) / 2, so that one tanh serves all four; the halves are put into the weights once.
In: gates (..., 4 units) before their activation. Out: state and output (..., units).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def halve_gates(weights: Floats) -> Floats:
    """Return a kernel, recurrent kernel or bias (..., 4 units) with the halves in it that :func:`lstm_step` expects."""
    units = weights.shape[-1] // 4
    halves = np.full(4 * units, 0.5, np.float32)
    halves[2 * units : 3 * units] = 1  # the candidate is a tanh of its own
    halved: Floats = weights * halves
    return halved


def lstm_step(gates: Floats, state: Floats, output: Floats) -> None:
    """Advance ``state`` and ``output`` (..., units) by ``gates`` (..., 4 units), all in place; ``gates`` is spoilt."""
    units = gates.shape[-1] // 4
    np.tanh(gates, out=gates)
    enter, forget, candidate, leave = (gates[..., at * units : (at + 1) * units] for at in range(4))
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
