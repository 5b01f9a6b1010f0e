"""What a network learns from in the end: names that the trained networks and n-gram models make up together.

Each knows a list in its own way, and their mixture is better than any of them. A network that is shown what the mixture
says after each character of names that it drew, or of given ones, learns to say the same (Hinton, Vinyals and Dean,
"Distilling the Knowledge in a Neural Network", 2015). In: names. Out: numbers of characters (length,) and the
probabilities of what may follow the start and each of them (length + 1, classes).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dltools.models.names.config import EDGE, MAX_LENGTH, Floats
from dltools.models.names.infer import Namer
from dltools.models.names.ngram import Doubles, NGram
from dltools.models.names.recurrent import BLOCK, Numbers, State
from dltools.models.names.sampler import choose

#: What comes next: in rows that have not ended, at a step, after what the mixture says (rows, classes).
_Next = Callable[[Numbers, int, Doubles], Numbers]

_ROWS = 16 * BLOCK  # drawn together
_STEPS = 20


class Lesson(NamedTuple):
    """A name, ``numbers`` (length,), and what may come at each place of it, ``targets`` (length + 1, classes); None
    where that is the name itself."""

    numbers: list[int]
    targets: Floats | None = None


class Teacher:
    """The mixture of networks and n-gram models, whose shares are ``shares``, the networks' first."""

    def __init__(self, namer: Namer, ngrams: Sequence[NGram], shares: Doubles) -> None:
        self._namer, self._ngrams, self.shares = namer, ngrams, shares
        self._longest = max(ngrams, key=lambda ngram: ngram.order)
        self._known: list[dict[str, Doubles]] = [{} for _ in ngrams]
        self._tables: dict[str, Doubles] = {}

    def lessons(self, count: int, random: np.random.Generator) -> list[Lesson]:
        """Draw ``count`` names; those without an end after the longest length are left out."""

        def drawn(rows: Numbers, _step: int, mixed: Doubles) -> Numbers:
            return choose(mixed.astype(np.float32), random.random(len(rows)) * (1 - 2.0**-24))

        found: list[Lesson] = []
        for start in range(0, count, _ROWS):
            found += self._spelt(min(_ROWS, count - start), drawn)
        return found

    def lessons_of(self, names: Sequence[str]) -> list[Lesson]:
        """Return the lessons of given names, the shortest first."""
        numbers = {character: number for number, character in enumerate(self._namer.config.alphabet, 1)}
        ranked = sorted(names, key=len)
        found: list[Lesson] = []
        for start in range(0, len(ranked), _ROWS):
            some = ranked[start : start + _ROWS]
            padded = np.full((len(some), MAX_LENGTH + 1), EDGE, np.intp)
            for row, name in enumerate(some):
                padded[row, : len(name)] = [numbers[character] for character in name]

            def given(rows: Numbers, step: int, _mixed: Doubles, padded: Numbers = padded) -> Numbers:
                spelt: Numbers = padded[rows, step]
                return spelt

            found += self._spelt(len(some), given)
        return found

    def _spelt(self, count: int, following: _Next) -> list[Lesson]:
        """Return the lessons of ``count`` names, which ``following`` spells."""
        blocks = -(-count // BLOCK)
        state = State(self._namer.network, blocks)
        last = np.zeros(blocks * BLOCK, np.intp)
        texts, ended = [""] * count, np.zeros(count, bool)
        numbers: list[list[int]] = [[] for _ in range(count)]
        targets: list[list[Doubles]] = [[] for _ in range(count)]
        for step in range(MAX_LENGTH + 1):
            alive = np.flatnonzero(~ended)
            if not len(alive):
                break
            ours = _softmax(state.advance(last.reshape(blocks, BLOCK)).reshape(blocks * BLOCK, -1)[alive])
            theirs = np.array([self._table(texts[row]) for row in alive])
            mixed = self.shares[0] * ours + theirs
            chosen = following(alive, step, mixed)
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
        """Return the n-gram models' part in the probabilities of what follows ``text`` (classes,)."""
        context = self._longest.context(text)
        if context not in self._tables:
            classes = (NGram.END, *self._namer.config.alphabet)
            table = np.array(
                [
                    ngram.distribution(context[max(0, len(context) - ngram.order + 1) :], classes, known)
                    for ngram, known in zip(self._ngrams, self._known, strict=True)
                ]
            )
            self._tables[context] = self.shares[1:] @ (table / table.sum(axis=1, keepdims=True))
        return self._tables[context]


def by_place(models: Sequence[Namer | NGram], names: Sequence[str]) -> Doubles:
    """Return each model's probabilities of all characters of ``names`` and of their ends (models, places)."""
    return np.array([np.concatenate([np.asarray(place) for place in _places(model, names)]) for model in models])


def _places(model: Namer | NGram, names: Sequence[str]) -> list[Doubles] | list[list[float]]:
    if isinstance(model, NGram):
        return [model.by_place(name) for name in names]
    return [np.exp(-nats) for nats in model.nats_by_place(names)]


def best_shares(models: Sequence[Namer | NGram], names: Sequence[str]) -> Doubles:
    """Return the shares (models,) of a mixture under which ``names`` are likeliest, each to a twentieth."""
    table = by_place(models, names)
    some = itertools.product(range(_STEPS + 1), repeat=len(models) - 1)
    ways = [np.array([*each, _STEPS - sum(each)]) / _STEPS for each in some if sum(each) <= _STEPS]
    best: Doubles = min(ways, key=lambda shares: mixture_loss(shares, table))
    return best


def mixture_loss(shares: Doubles, table: Doubles) -> float:
    """Return the nats a character of a mixture, from what :func:`by_place` says."""
    return float(-np.log(shares @ table).mean())


def _softmax(logits: Floats) -> Doubles:
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return shares
