"""The baseline: an n-gram model of characters with interpolated modified Kneser-Ney smoothing.

Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1999). What a network of
:mod:`dltools.models.names.network` has to beat, a part of the mixture that teaches it
(:mod:`dltools.models.names.teacher`), and who says independently whether invented names look like real ones. In: names.
Out: probabilities of characters, the end of a name counted as one.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from dltools.models.names.config import Told

Doubles = npt.NDArray[np.float64]
#: For each order the discounts of an n-gram seen once, twice, and more often.
Discounts: TypeAlias = tuple[tuple[float, float, float], ...]

ORDER = 5
_STEPS = (0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3, 2.6)
_SWEEPS = 2


class NGram:
    """Probabilities of the next character after up to ``order - 1`` before it, the start of the name among them.

    Orders below the highest count in how many contexts an n-gram was seen, except at the start of a name, where there
    is but one. Below the unigrams all characters that were seen are alike, and one that was not takes their share.
    """

    START, END = "\x02", "\x03"  # of a name; no characters of one

    def __init__(self, names: Sequence[str], *, discounts: Discounts | None = None, order: int = ORDER) -> None:
        self.order = order
        self.discounts = discounts or ((0.8, 1.0, 1.3),) * order
        counts = _counts(names, order)
        self._counts = [_continuations(counts, size) for size in range(1, order)] + [counts[order - 1]]
        self._rest = 1 / (len(counts[0]) + 1)  # one more for every character that was never seen
        self._after: list[dict[str, list[int]]] = []  # by context: the sum, and how many seen once, twice, more often
        for table in self._counts:
            after: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
            for gram, count in table.items():
                row = after[gram[:-1]]
                row[0] += count
                row[min(count, 3)] += 1
            self._after.append(after)

    def context(self, text: str) -> str:
        """Return what the character after ``text`` depends on: its last characters, or the start and all of it."""
        before = self.START + text
        return before[max(0, len(before) - self.order + 1) :]

    def probability(self, before: str, character: str) -> float:
        """Return the probability of ``character`` (or :data:`END`) after the context ``before``."""
        share = self._rest
        for size in range(len(before) + 1):
            context = before[len(before) - size :]
            row = self._after[size].get(context)
            if row is not None:
                discounts, count = self.discounts[size], self._counts[size].get(context + character, 0)
                kept = count - discounts[min(count, 3) - 1] if count else 0.0
                share = (kept + _spread(discounts, row) * share) / row[0]
        return share

    def distribution(self, before: str, characters: Sequence[str], known: dict[str, Doubles]) -> Doubles:
        """Return the probabilities (characters,) of what follows the context ``before``, as :meth:`probability` does.

        ``known`` keeps them, for the next call with the same characters.
        """
        if before in known:
            return known[before]
        shares = self.distribution(before[1:], characters, known) if before else np.full(len(characters), self._rest)
        row = self._after[len(before)].get(before)
        if row is not None:
            discounts, table = self.discounts[len(before)], self._counts[len(before)]
            counts = np.array([table.get(before + character, 0) for character in characters])
            kept = np.where(counts, counts - np.take(discounts, np.minimum(counts, 3) - 1), 0.0)
            shares = (kept + _spread(discounts, row) * shares) / row[0]
        known[before] = shares
        return shares

    def nats(self, name: str) -> float:
        """Return minus the log-probability of ``name`` and its end, in nats a character, the end counted as one."""
        shares = self.by_place(name)
        return -sum(map(math.log, shares)) / len(shares)

    def by_place(self, name: str) -> list[float]:
        """Return the probability of each character of ``name`` and of its end (length + 1)."""
        return [self.probability(self.context(name[:at]), character) for at, character in enumerate(name + self.END)]

    def loss(self, names: Sequence[str]) -> float:
        """Return the nats a character over all characters and ends of ``names``."""
        return sum(self.nats(name) * (len(name) + 1) for name in names) / sum(len(name) + 1 for name in names)


def tuned(train: Sequence[str], validation: Sequence[str], order: int = ORDER, told: Told | None = None) -> Discounts:
    """Return the discounts under which ``validation`` is likeliest after ``train``, one changed at a time."""
    model = NGram(train, order=order)
    rows = [list(row) for row in model.discounts]
    best = model.loss(validation)
    sizes = [*reversed(range(order))] * _SWEEPS
    for done, size in enumerate(sizes, 1):
        for seen in range(3):
            for step in _STEPS:
                if step > seen + 1:
                    break
                kept, rows[size][seen] = rows[size][seen], step
                model.discounts = tuple((row[0], row[1], row[2]) for row in rows)
                loss = model.loss(validation)
                if loss < best:
                    best = loss
                else:
                    rows[size][seen] = kept
        if told is not None:
            told(done, len(sizes))
    return tuple((row[0], row[1], row[2]) for row in rows)


def _spread(discounts: Sequence[float], row: Sequence[int]) -> float:
    """Return what the discounts of a context leave to shorter ones, of its sum."""
    return sum(discount * seen for discount, seen in zip(discounts, row[1:], strict=True))


def _counts(names: Sequence[str], order: int) -> list[Counter[str]]:
    """Return how often each n-gram of each size stands in ``names``, those that are only the start left out."""
    counts: list[Counter[str]] = [Counter() for _ in range(order)]
    for name in names:
        text = NGram.START + name + NGram.END
        for at in range(2, len(text) + 1):
            for size in range(1, min(order, at) + 1):
                counts[size - 1][text[at - size : at]] += 1
    return counts


def _continuations(counts: list[Counter[str]], size: int) -> Counter[str]:
    """Return before how many characters each n-gram of ``size`` stands, or how often where it begins a name."""
    found = Counter(gram[1:] for gram in counts[size])
    found.update({gram: count for gram, count in counts[size - 1].items() if gram[0] == NGram.START})
    return found
