"""The network in NumPy: what :mod:`dltools.models.dates.network` computes, without TensorFlow.

In: characters (batch, steps), filled up at the end, and hints (batch, 2). Out: what was read (batch, 1 + steps, 2 H),
the hint standing first, and step by step logits (batch, 28).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.dates.characters import PADDING
from dltools.models.dates.config import Floats, Weights
from dltools.models.nn.cells import lstm_step, split_gates

Ints = npt.NDArray[np.int32]
_NEVER = np.float32(-1e9)
_FAINT = np.float32(-50)  # below it powers come near to subnormal numbers, on which processors are slow


class Reading(NamedTuple):
    """What the encoder made of texts: ``read`` (batch, 1 + steps, 2 H), ``hidden`` (batch, 1 + steps), added to the
    scores of the attention, and the decoder's first ``output`` (batch, D)."""

    read: Floats
    hidden: Floats
    output: Floats

    def rows(self, chosen: npt.NDArray[np.intp]) -> Reading:
        """Return the texts with the numbers ``chosen``, which may repeat."""
        return Reading(self.read[chosen], self.hidden[chosen], self.output[chosen])


class Decoder:
    """A batch in the midst of being written: ``output`` and ``state`` (batch, D) of the LSTM."""

    def __init__(self, network: Network, reading: Reading) -> None:
        self._network = network
        self._reading = reading
        self.output = reading.output.copy()
        self.state = np.zeros_like(self.output)

    def step(self, before: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
        """Return the logits (batch, S) of the symbol after ``before``, and the attention (batch, 1 + steps)."""
        network, reading = self._network, self._reading
        query = self.output @ network.query
        scores = np.matmul(reading.read, query[:, :, None])[:, :, 0]
        scores += reading.hidden
        scores -= scores.max(axis=1, keepdims=True)
        np.maximum(scores, _FAINT, out=scores)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        context = np.matmul(scores[:, None, :], reading.read)[:, 0]  # (batch, 2 H)
        gates = np.matmul(np.concatenate([context, self.output], axis=1), network.decoder_kernel)  # (4, batch, D)
        gates += network.decoder_symbols[:, before]
        lstm_step(gates, self.state, self.output)
        logits: Floats = self.output @ network.output_kernel + context @ network.context_kernel + network.output_bias
        return logits, scores

    def follow(self, parents: npt.NDArray[np.intp]) -> None:
        """Go on from the states of ``parents`` (batch,), for a beam search within each text."""
        self.output = self.output[parents]
        self.state = self.state[parents]


class Network:
    """The network's weights, made ready: whatever depends on one character alone is computed once, here."""

    def __init__(self, weights: Weights) -> None:
        units, decoder = weights.encoder_recurrent.shape[1], weights.decoder_recurrent.shape[0]
        self.units, self.decoder = units, decoder
        kernels, biases = split_gates(weights.encoder_kernel), split_gates(weights.encoder_bias)  # (4, 2, ...) both
        self._characters = weights.embedding @ kernels + biases[:, :, None]  # (4, 2, A, H)
        self._orders = weights.orders @ kernels + biases[:, :, None]
        self._languages = weights.languages @ kernels
        self._recurrent = split_gates(weights.encoder_recurrent)  # (4, 2, H, H)
        self._bridge_kernel, self._bridge_bias = weights.bridge_kernel, weights.bridge_bias
        self.query = weights.query_kernel
        self.decoder_kernel = np.concatenate(
            [split_gates(weights.decoder_kernel), split_gates(weights.decoder_recurrent)], axis=1
        )  # (4, 2 H + D, D)
        self.decoder_symbols = split_gates(weights.decoder_symbols) + split_gates(weights.decoder_bias)[:, None]
        self.output_kernel, self.context_kernel = weights.output_kernel[:decoder], weights.output_kernel[decoder:]
        self.output_bias = weights.output_bias

    def read(self, characters: Ints, hints: Ints) -> Reading:
        """Read texts: ``characters`` (batch, steps), ``hints`` (batch, 2) of order and language."""
        batch, steps = characters.shape
        units = self.units
        read = np.empty((batch, 1 + steps, 2 * units), np.float32)
        last = np.empty((batch, 2 * units), np.float32)
        gates = np.empty((4, batch, units), np.float32)
        turned = np.empty_like(gates)
        for way in range(2):
            rows, recurrent = self._characters[:, way], self._recurrent[:, way]
            hint = self._orders[:, way, hints[:, 0]] + self._languages[:, way, hints[:, 1]]
            output = np.zeros((batch, units), np.float32)
            state = np.zeros((batch, units), np.float32)
            share = slice(way * units, (way + 1) * units)
            for at in range(1 + steps) if way == 0 else range(steps, -1, -1):
                np.matmul(output, recurrent, out=turned)
                if at:
                    for gate in range(4):
                        np.take(rows[gate], characters[:, at - 1], axis=0, out=gates[gate], mode="clip")
                    gates += turned
                else:
                    np.add(hint, turned, out=gates)
                lstm_step(gates, state, output)
                read[:, at, share] = output
            last[:, share] = output
        hidden = np.zeros((batch, 1 + steps), np.float32)
        hidden[:, 1:] = np.where(characters == PADDING, _NEVER, np.float32(0))
        return Reading(read, hidden, np.tanh(last @ self._bridge_kernel + self._bridge_bias))
