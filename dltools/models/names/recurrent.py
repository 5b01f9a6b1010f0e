"""The recurrent networks in NumPy: what :mod:`dltools.models.names.network` computes, without TensorFlow.

The members' logits are averaged, so that together they are one network. Products of different sizes may round
differently, and a name must not depend on its company: rows always come in whole blocks of :data:`BLOCK`, so that every
product has one shape. In: the numbers of the last characters (blocks, BLOCK). Out: logits of the next (blocks, BLOCK,
classes).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dltools.models.names.config import Floats, Kind, Weights
from dltools.models.nn.cells import lstm_step, split_gates

Numbers = npt.NDArray[np.intp]

#: Rows of one product.
BLOCK = 64


class Recurrent:
    """The networks' weights, made ready."""

    def __init__(self, kind: Kind, weights: Weights) -> None:
        self.kind = kind
        self.members, self.units, self.classes = weights.output_kernel.shape
        given = weights.embedding @ weights.kernel + weights.bias[:, None]  # a character's share, computed once
        apart = split_gates if kind == "lstm" else _one_gate
        self.given = apart(given)  # (gates, members, classes, units)
        self.recurrent = apart(weights.recurrent)[:, :, None]  # (gates, members, 1, units, units)
        self.output_kernel = np.ascontiguousarray(weights.output_kernel[:, None] / np.float32(self.members))
        self.output_bias = weights.output_bias.mean(axis=0)


def _one_gate(weights: Floats) -> Floats:
    return np.ascontiguousarray(weights[None], np.float32)


class State:
    """Rows on their way through the networks: buffers for ``blocks`` blocks, of which the first are in use."""

    def __init__(self, network: Recurrent, blocks: int) -> None:
        self._network = network
        rows = (blocks, BLOCK)
        self._hidden = np.zeros((network.members, *rows, network.units), np.float32)
        self._cell = np.zeros_like(self._hidden)
        # One member's, then the next one's.
        self._gates = np.empty((len(network.recurrent), *rows, network.units), np.float32)
        self._given = np.empty_like(self._gates)
        self._part = np.empty((*rows, network.classes), np.float32)

    def advance(self, numbers: Numbers) -> Floats:
        """Take one more character of every row (blocks, BLOCK); return the logits (blocks, BLOCK, classes)."""
        network, blocks = self._network, len(numbers)
        gates, given, part = self._gates[:, :blocks], self._given[:, :blocks], self._part[:blocks]
        logits = np.empty_like(part)
        logits[:] = network.output_bias
        for member in range(network.members):  # one after the other: what they work on stays in the cache
            hidden = self._hidden[member, :blocks]
            np.matmul(hidden, network.recurrent[:, member], out=gates)
            np.take(network.given[:, member], numbers, axis=1, out=given, mode="clip")
            np.add(gates, given, out=gates)
            if network.kind == "lstm":
                lstm_step(gates, self._cell[member, :blocks], hidden)
            else:
                np.tanh(gates[0], out=hidden)
            np.matmul(hidden, network.output_kernel[member], out=part)
            logits += part
        return logits

    def keep(self, rows: Numbers) -> None:
        """Move ``rows``, in ascending order, to the front; the others are forgotten."""
        for buffer in (self._hidden, self._cell):
            flat = buffer.reshape(self._network.members, -1, self._network.units)
            for member in flat:
                member[: len(rows)] = member[rows]
