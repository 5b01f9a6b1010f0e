"""The recurrent network in NumPy: what :mod:`dltools.models.emoji.network` computes, without TensorFlow.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997). In: the word vectors of a batch, each word once, and for
each text the numbers of its words. Out: logits (members, texts, classes).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltools.models.emoji.config import Floats, Weights
from dltools.models.nn.cells import lstm_step, split_gates

#: Texts that go through the network together: their state should stay in the processor's cache.
CHUNK = 192
_VERY_LOW = np.float32(-1e9)  # below every output of a cell


class Recurrent:
    """The network's weights, made ready."""

    def __init__(self, weights: Weights, *, threads: int = 1) -> None:
        self.threads = threads
        self.units = weights.recurrent.shape[1]
        self.members = len(weights.output_kernel)
        self._kernel = split_gates(weights.kernel)
        self._recurrent = split_gates(weights.recurrent)
        self._bias = split_gates(weights.bias)[:, :, None]
        self._output_kernel = weights.output_kernel
        self._output_bias = weights.output_bias[:, None]

    def logits(self, vectors: Floats, texts: Sequence[Sequence[int]]) -> Floats:
        """Return the logits (members, texts, classes); ``texts`` are rows of ``vectors``, at least one a text."""
        given = vectors @ self._kernel + self._bias  # (4, runs, words, units): each word's share, computed once
        lengths = np.array([len(text) for text in texts])
        order = np.argsort(-lengths, kind="stable")  # texts of one length together: no step is wasted on padding
        logits = np.empty((self.members, len(texts), self._output_bias.shape[-1]), np.float32)

        def work(start: int) -> None:
            chosen = order[start : start + CHUNK]
            features = self._features(given, [texts[index] for index in chosen], lengths[chosen])
            logits[:, chosen] = features @ self._output_kernel + self._output_bias

        starts = range(0, len(order), CHUNK)
        if self.threads == 1 or len(starts) == 1:
            for start in starts:
                work(start)
        else:  # NumPy lets go of the interpreter's lock
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(work, starts))
        return logits

    def _features(
        self, given: Floats, texts: list[Sequence[int]], lengths: np.ndarray[tuple[int], np.dtype[np.int64]]
    ) -> Floats:
        """Return the maxima over time (members, texts, 2 units) of texts in descending order of their lengths."""
        count, steps, units, runs = len(texts), int(lengths[0]), self.units, given.shape[1]
        words = np.zeros((2, count, steps), np.intp)  # forward and backward, both from the left
        for index, text in enumerate(texts):
            words[0, index, : len(text)] = text
            words[1, index, : len(text)] = text[::-1]
        hidden = np.zeros((runs, count, units), np.float32)
        cell = np.zeros((runs, count, units), np.float32)
        best = np.full((runs, count, units), _VERY_LOW, np.float32)
        gates = np.empty((4, runs, count, units), np.float32)
        for step in range(steps):
            active = int(np.searchsorted(-lengths, -step, side="left"))  # how many texts are longer than step
            now = gates[:, :, :active]
            if step:
                np.matmul(hidden[:, :active], self._recurrent, out=now)
                now[:, 0::2] += given[:, 0::2, words[0, :active, step]]
                now[:, 1::2] += given[:, 1::2, words[1, :active, step]]
            else:
                now[:, 0::2] = given[:, 0::2, words[0, :active, 0]]
                now[:, 1::2] = given[:, 1::2, words[1, :active, 0]]
            state, output = cell[:, :active], hidden[:, :active]
            lstm_step(now, state, output)
            np.maximum(best[:, :active], output, out=best[:, :active])
        pairs = best.reshape(self.members, 2, count, units)
        features: Floats = np.concatenate([pairs[:, 0], pairs[:, 1]], axis=-1)
        return features
