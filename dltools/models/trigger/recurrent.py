"""The network in NumPy, a step at a time: what :mod:`dltools.models.trigger.network` computes, without TensorFlow.

Convolution over time that looks back only, ReLU, gated recurrent units (Cho et al., 2014; the reset gate behind the
product, as in Keras), the mean of the members' logits, a sigmoid. In: features (count, dimensions). Out: a score for
every stride of them. What the next features need is carried, so that scores are the same for any chunking.
"""

from __future__ import annotations

import numpy as np

from dltools.models.trigger.config import Floats, Weights


class Recurrent:
    """The members of a network, with their states."""

    def __init__(self, weights: Weights, stride: int) -> None:
        self._weights = weights
        self._stride = stride
        members, self._taps, self._dimensions, filters = weights.conv_kernel.shape
        self._kernel = weights.conv_kernel.reshape(members, -1, filters)
        self._cells = [_Cell(*layer) for layer in weights.recurrences]
        self._tail = np.zeros((0, self._dimensions), np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget what was pushed."""
        # The first score comes with the first stride of features: zeros stand for the features before.
        self._tail = np.zeros((self._taps - self._stride, self._dimensions), np.float32)
        for cell in self._cells:
            cell.state[:] = 0

    def push(self, features: Floats) -> Floats:
        """Return the scores (count,), 0 to 1, that ``features`` (count, dimensions) complete."""
        held = np.concatenate([self._tail, features])
        count = max(0, (len(held) - self._taps) // self._stride + 1)
        self._tail = held[count * self._stride :]
        if not count:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held, self._taps, axis=0)[:: self._stride][:count]
        flat = windows.transpose(0, 2, 1).reshape(count, -1)  # (count, taps x dimensions)
        hidden: Floats = np.maximum(flat @ self._kernel + self._weights.conv_bias[:, None], 0)
        for cell in self._cells:
            hidden = cell.advance(hidden)
        logits = (hidden @ self._weights.output_kernel + self._weights.output_bias[:, None]).mean(axis=0)[:, 0]
        scores: Floats = (np.tanh(logits * np.float32(0.5)) + 1) * np.float32(
            0.5
        )  # the logistic function, without overflow
        return scores


class _Cell:
    """A layer of gated recurrent units of every member, and their states (members, 1, units)."""

    def __init__(self, kernel: Floats, recurrent: Floats, bias: Floats) -> None:
        members, self._units, _ = recurrent.shape
        self._kernel, self._recurrent = kernel, recurrent
        self._given, self._own = bias[:, :1], bias[:, 1:]
        self.state = np.zeros((members, 1, self._units), np.float32)

    def advance(self, inputs: Floats) -> Floats:
        """Return the states (members, steps, units) after each of ``inputs`` (members, steps, inputs)."""
        given = inputs @ self._kernel + self._given
        units, state = self._units, self.state
        outputs = np.empty((*given.shape[:2], units), np.float32)
        for step in range(given.shape[1]):
            row = given[:, step : step + 1]
            own = state @ self._recurrent + self._own
            gates = np.tanh((row[..., : 2 * units] + own[..., : 2 * units]) * np.float32(0.5))
            gates += 1
            gates *= np.float32(0.5)  # the logistic function
            update, reset = gates[..., :units], gates[..., units:]
            candidate = np.tanh(row[..., 2 * units :] + reset * own[..., 2 * units :])
            state = candidate + update * (state - candidate)
            outputs[:, step : step + 1] = state
        self.state = state.copy()
        return outputs
