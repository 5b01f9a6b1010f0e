"""How biased vectors are, and how much of a bias can be read off their neighbourhoods after it was removed.

Bolukbasi et al. (2016): direct bias. Gonen and Goldberg, "Lipstick on a Pig" (2019): the most biased words still form
two clusters, and a profession's share of biased neighbours still follows its old bias.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.runtime.vectors import VectorStore

Doubles = npt.NDArray[np.float64]

_FREQUENT = 50_000  # Gonen and Goldberg's vocabulary is the most frequent words too
_EXTREME = 500  # words of each side that are clustered
_NEIGHBOURS = 100
_RESTARTS = 10


class Audit(NamedTuple):
    """Measures of one set of vectors; the old bias is that of the vectors before any change.

    ``direct_bias``: mean absolute cosine of the professions with the direction. ``cluster_accuracy`` (0.5 to 1): how
    well two clusters of the most biased words match the two sides. ``neighbour_correlation`` (-1 to 1): of a
    profession's old bias with the share of its neighbours that were biased to the first side.
    """

    direct_bias: float
    cluster_accuracy: float
    neighbour_correlation: float


class Auditor:
    """The words that an audit looks at, chosen once by the vectors before any change."""

    def __init__(
        self, store: VectorStore, axis: Doubles, professions: Sequence[str], specific: Collection[str], seed: int = 0
    ) -> None:
        self._axis = axis.astype(np.float32)
        self._seed = seed
        left_out = set(specific)
        words = store.words(0, min(_FREQUENT, store.rows))
        usable = [row for row, word in enumerate(words) if word.isalpha() and word not in left_out]
        self._rows = np.array(usable or range(len(words)), np.int64)
        self._bias = store.unit(self._rows) @ self._axis
        order = np.argsort(self._bias, kind="stable")
        extreme = min(_EXTREME, len(order) // 2)
        self._extreme = self._rows[np.concatenate([order[:extreme], order[len(order) - extreme :]])]
        found = [store.resolve(word) for word in professions]
        self._professions = np.array([row for row in found if row is not None], np.int64)
        self._old_bias = store.unit(self._professions) @ self._axis

    def measure(self, store: VectorStore) -> Audit:
        """Return the measures of ``store``, whose rows are those of the vectors before."""
        professions = store.unit(self._professions)
        direct = float(np.abs(professions @ self._axis).mean()) if len(professions) else 0.0
        return Audit(direct, self._cluster_accuracy(store), self._neighbour_correlation(store))

    def _cluster_accuracy(self, store: VectorStore) -> float:
        vectors = store.unit(self._extreme).astype(np.float64)
        half = len(vectors) // 2
        if not half:
            return 0.5
        second = two_means(vectors, self._seed)
        agreement = float((second == (np.arange(len(vectors)) >= half)).mean())
        return max(agreement, 1 - agreement)

    def _neighbour_correlation(self, store: VectorStore) -> float:
        """Correlate the old bias of the professions with the share of neighbours whose old bias was positive."""
        if len(self._professions) < 3:
            return 0.0
        scores = store.unit(self._professions) @ store.unit(self._rows).T  # (professions, vocabulary)
        scores[self._professions[:, None] == self._rows[None]] = -np.inf
        count = min(_NEIGHBOURS, len(self._rows) - 1)
        nearest = np.argpartition(-scores, count - 1, axis=1)[:, :count]
        share = (self._bias[nearest] > 0).mean(axis=1)
        return pearson(self._old_bias.astype(np.float64), share)


def two_means(vectors: Doubles, seed: int) -> npt.NDArray[np.bool_]:
    """Return which of ``vectors`` (n, dimensions) fall into the second of two clusters: Lloyd's k-means, restarted."""
    generator = np.random.default_rng(seed)
    best, lowest = np.zeros(len(vectors), np.bool_), np.inf
    for _ in range(_RESTARTS):
        centres = vectors[generator.choice(len(vectors), 2, replace=False)]  # (2, dimensions)
        second = np.zeros(len(vectors), np.bool_)
        for _ in range(100):
            distances = ((vectors[:, None] - centres[None]) ** 2).sum(axis=2)  # (n, 2)
            moved = distances[:, 1] < distances[:, 0]
            if (moved == second).all() or moved.all() or not moved.any():
                second = moved
                break
            second = moved
            centres = np.stack([vectors[~second].mean(axis=0), vectors[second].mean(axis=0)])
        inertia = float(distances.min(axis=1).sum())
        if inertia < lowest:
            best, lowest = second, inertia
    return best


def pearson(one: Doubles, other: Doubles) -> float:
    """Return the correlation (-1 to 1) of two rows of numbers, 0 where one is constant."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0 else 0.0
