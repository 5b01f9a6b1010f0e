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

from dltools.models.names.config import EDGE, MAX_LENGTH, Floats, Told
from dltools.models.names.infer import Namer
from dltools.models.names.ngram import Doubles, NGram
from dltools.models.names.recurrent import BLOCK, Numbers, State
from dltools.models.names.sampler import choose

#: What comes next: in rows that have not ended, at a step, after what the mixture says (rows, classes).
_Next = Callable[[Numbers, int, Doubles], Numbers]

_ROWS = 16 * BLOCK  # drawn together
_STEPS = 20
_STAYS = 0.8  # what expectation maximization begins with: a model goes on
_ROUNDS = 60
_DOUBT = 0.1  # of a place, added to each count: nothing is impossible


class Lesson(NamedTuple):
    """A name, ``numbers`` (length,), and what may come at each place of it, ``targets`` (length + 1, classes); None
    where that is the name itself."""

    numbers: list[int]
    targets: Floats | None = None


class Shares(NamedTuple):
    """The shares of the models of a mixture: ``first`` (models,), where a name begins.

    ``changes`` (models, models): what share each has at the next place of the part that the first had in what came
    (rows sum to 1), so that the mixture hears most whom the name proves right; None where shares stay as they are.
    """

    first: Doubles
    changes: Doubles | None = None

    def after(self, shares: Doubles, likelihoods: Doubles) -> Doubles:
        """Return the next shares (rows, models), after characters to which the models gave ``likelihoods``."""
        if self.changes is None:
            return shares
        told = shares * likelihoods
        after: Doubles = _to_one(told, axis=1) @ self.changes
        return after


class Teacher:
    """The mixture of networks and n-gram models, whose shares are ``shares``, the networks' first."""

    def __init__(self, namer: Namer, ngrams: Sequence[NGram], shares: Shares) -> None:
        self._namer, self._ngrams, self._shares = namer, ngrams, shares
        self._known: list[dict[str, Doubles]] = [{} for _ in ngrams]

    def lessons(self, count: int, random: np.random.Generator, told: Told | None = None) -> list[Lesson]:
        """Draw ``count`` names; those without an end after the longest length are left out."""

        def drawn(rows: Numbers, _step: int, mixed: Doubles) -> Numbers:
            return choose(mixed.astype(np.float32), random.random(len(rows)) * (1 - 2.0**-24))

        found: list[Lesson] = []
        for start in range(0, count, _ROWS):
            found += self._spelt(min(_ROWS, count - start), drawn)
            if told is not None:
                told(min(start + _ROWS, count), count)
        return found

    def lessons_of(self, names: Sequence[str], told: Told | None = None) -> list[Lesson]:
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
            if told is not None:
                told(start + len(some), len(ranked))
        return found

    def _spelt(self, count: int, following: _Next) -> list[Lesson]:
        """Return the lessons of ``count`` names, which ``following`` spells."""
        blocks = -(-count // BLOCK)
        state = State(self._namer.network, blocks)
        last = np.zeros(blocks * BLOCK, np.intp)
        texts, ended = [""] * count, np.zeros(count, bool)
        numbers: list[list[int]] = [[] for _ in range(count)]
        targets: list[list[Doubles]] = [[] for _ in range(count)]
        shares = np.tile(self._shares.first, (count, 1))
        for step in range(MAX_LENGTH + 1):
            alive = np.flatnonzero(~ended)
            if not len(alive):
                break
            ours = _softmax(state.advance(last.reshape(blocks, BLOCK)).reshape(blocks * BLOCK, -1)[alive])
            theirs = self._theirs([texts[row] for row in alive])
            now = shares[alive]
            mixed = now[:, :1] * ours + (now[:, 1:, None] * theirs).sum(axis=1)
            chosen = following(alive, step, mixed)
            said = [ours[range(len(alive)), chosen], *theirs[range(len(alive)), :, chosen].T]
            shares[alive] = self._shares.after(now, np.stack(said, axis=1))
            for row, number, places in zip(alive.tolist(), chosen.tolist(), mixed, strict=True):
                targets[row].append(places)
                if number == EDGE:
                    ended[row] = True
                else:
                    numbers[row].append(number)
                    texts[row] += self._namer.config.alphabet[number - 1]
            last[alive] = chosen
        return [
            Lesson(name, np.array(places, np.float32))
            for name, places, whole in zip(numbers, targets, ended, strict=True)
            if whole and name
        ]

    def _theirs(self, texts: Sequence[str]) -> Doubles:
        """Return the n-gram models' probabilities of what follows each of ``texts`` (rows, models, classes)."""
        classes = (NGram.END, *self._namer.config.alphabet)
        pairs = list(zip(self._ngrams, self._known, strict=True))
        found = np.array(
            [[ngram.distribution(ngram.context(text), classes, known) for ngram, known in pairs] for text in texts]
        )
        return _to_one(found, axis=2)


def by_place(models: Sequence[Namer | NGram], names: Sequence[str]) -> Doubles:
    """Return each model's probabilities of all characters of ``names`` and of their ends (models, places)."""
    return np.array([np.concatenate([np.asarray(place) for place in _places(model, names)]) for model in models])


def _places(model: Namer | NGram, names: Sequence[str]) -> Sequence[Doubles | list[float]]:
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


def changing_shares(models: Sequence[Namer | NGram], names: Sequence[str]) -> Shares:
    """Return shares that change from place to place, under which ``names`` are likely.

    Which model a character comes from is a hidden Markov chain; its probabilities are found by expectation maximization
    (Baum et al., "A Maximization Technique Occurring in the Statistical Analysis of Probabilistic Functions of Markov
    Chains", 1970).
    """
    count, steps = len(models), max(map(len, names)) + 1
    said = np.ones((steps, len(names), count))  # beyond the end of a name all are right
    for number, model in enumerate(models):
        for row, place in enumerate(_places(model, names)):
            said[: len(place), row, number] = place
    follows = np.arange(1, steps)[:, None] <= [len(name) for name in names]  # whether there is a place after the first
    first, changes = np.full(count, 1 / count), _STAYS * np.eye(count) + (1 - _STAYS) / count
    for _ in range(_ROUNDS):
        heard = np.empty_like(said)  # how likely each model is the source, after what came up to here
        now = np.tile(first, (len(names), 1))
        for step in range(steps):
            heard[step] = _to_one(now * said[step], axis=1)
            now = heard[step] @ changes
        moved, later = np.full((count, count), _DOUBT), np.ones((len(names), count))
        for step in reversed(range(steps - 1)):
            ahead = said[step + 1] * later
            both = _to_one(heard[step][:, :, None] * changes * ahead[:, None], axis=(1, 2))
            moved += both[follows[step]].sum(axis=0)
            later = _to_one(ahead @ changes.T, axis=1)
        first = _to_one(_to_one(heard[0] * later, axis=1).sum(axis=0) + _DOUBT, axis=0)
        changes = _to_one(moved, axis=1)
    return Shares(first, changes)


def _to_one(shares: Doubles, axis: int | tuple[int, ...]) -> Doubles:
    part: Doubles = shares / shares.sum(axis=axis, keepdims=True)
    return part


def mixture_loss(shares: Doubles, table: Doubles) -> float:
    """Return the nats a character of a mixture, from what :func:`by_place` says."""
    return float(-np.log(shares @ table).mean())


def _softmax(logits: Floats) -> Doubles:
    return _to_one(np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True)), axis=1)
