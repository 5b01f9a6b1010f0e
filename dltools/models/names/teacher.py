"""What a network learns from in the end: names that the trained networks and the n-gram model make up together.

Both know a list in different ways, and their mixture is better than either. A network that is shown what the mixture
says after each character of names that it drew learns to say the same (Hinton, Vinyals and Dean, "Distilling the
Knowledge in a Neural Network", 2015). In: names. Out: numbers of characters (length,) and the probabilities of what may
follow the start and each of them (length + 1, classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.names.config import EDGE, MAX_LENGTH, Floats
from dltools.models.names.infer import Namer
from dltools.models.names.ngram import NGram
from dltools.models.names.recurrent import BLOCK, State
from dltools.models.names.sampler import choose

Doubles = npt.NDArray[np.float64]

_ROWS = 16 * BLOCK  # drawn together
_SHARES = np.linspace(0, 1, 21)


class Lesson(NamedTuple):
    """A name, ``numbers`` (length,), and what may come at each place of it, ``targets`` (length + 1, classes)."""

    numbers: list[int]
    targets: Floats


class Teacher:
    """The mixture of a network and an n-gram model that know the same names; ``share`` is the network's."""

    def __init__(self, namer: Namer, ngram: NGram, share: float) -> None:
        self._namer, self._ngram, self.share = namer, ngram, share
        self._tables: dict[str, Doubles] = {}

    def lessons(self, count: int, random: np.random.Generator) -> list[Lesson]:
        """Draw ``count`` names; those without an end after the longest length are left out."""
        found: list[Lesson] = []
        for start in range(0, count, _ROWS):
            found += self._draw(min(_ROWS, count - start), random)
        return found

    def _draw(self, count: int, random: np.random.Generator) -> list[Lesson]:
        blocks = -(-count // BLOCK)
        state = State(self._namer.network, blocks)
        last = np.zeros(blocks * BLOCK, np.intp)
        texts, ended = [""] * count, np.zeros(count, bool)
        numbers: list[list[int]] = [[] for _ in range(count)]
        targets: list[list[Doubles]] = [[] for _ in range(count)]
        for _ in range(MAX_LENGTH + 1):
            alive = np.flatnonzero(~ended)
            if not len(alive):
                break
            ours = _softmax(state.advance(last.reshape(blocks, BLOCK)).reshape(blocks * BLOCK, -1)[alive])
            theirs = np.array([self._table(texts[row]) for row in alive])
            mixed = self.share * ours + (1 - self.share) * theirs
            chosen = choose(mixed.astype(np.float32), random.random(len(alive)) * (1 - 2.0**-24))
            for row, number, shares in zip(alive.tolist(), chosen.tolist(), mixed, strict=True):
                targets[row].append(shares)
                if number == EDGE:
                    ended[row] = True
                else:
                    numbers[row].append(number)
                    texts[row] += self._namer.config.alphabet[number - 1]
            last[alive] = chosen
        return [
            Lesson(name, np.array(shares, np.float32))
            for name, shares, whole in zip(numbers, targets, ended, strict=True)
            if whole and name
        ]

    def _table(self, text: str) -> Doubles:
        """Return the n-gram model's probabilities of what follows ``text`` (classes,)."""
        context = self._ngram.context(text)
        if context not in self._tables:
            classes = (self._ngram.END, *self._namer.config.alphabet)
            shares = np.array([self._ngram.probability(context, character) for character in classes])
            self._tables[context] = shares / shares.sum()
        return self._tables[context]


def best_share(namer: Namer, ngram: NGram, names: Sequence[str]) -> float:
    """Return the network's share in the mixture under which ``names`` are likeliest, to a twentieth."""
    ours = np.concatenate([np.exp(-nats) for nats in namer.nats_by_place(names)])
    theirs = np.concatenate([ngram.by_place(name) for name in names])
    losses = [-np.log(share * ours + (1 - share) * theirs).mean() for share in _SHARES]
    return float(_SHARES[int(np.argmin(losses))])


def _softmax(logits: Floats) -> Doubles:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares
