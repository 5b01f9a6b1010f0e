"""The word-embedding association test.

Caliskan, Bryson and Narayanan, "Semantics derived automatically from language corpora contain human-like
biases" (2017).
In: unit vectors of two target and two attribute sets (words, dimensions). Out: effect size and one-sided p.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError

Doubles = npt.NDArray[np.float64]

#: Up to so many partitions of the targets all are counted, beyond it a sample.
EXACT_LIMIT = 200_000
_BLOCK = 4096


class Weat(NamedTuple):
    """The result: ``effect_size`` d, ``p`` (one-sided), how many partitions it rests on, and whether these are all."""

    effect_size: float
    p: float
    permutations: int
    exact: bool


def weat(
    first: Doubles,
    second: Doubles,
    attribute_a: Doubles,
    attribute_b: Doubles,
    *,
    samples: int = 100_000,
    seed: int = 0,
) -> Weat:
    """Test whether ``first`` lies nearer to A, and ``second`` nearer to B, than chance would have it.

    The effect size divides the difference of the means by the sample standard deviation (n - 1) over both target sets.
    p is the share of partitions of the targets, of the same sizes, whose difference is as large or larger; sampled, the
    observed partition counts as one of them, so that p is never 0. Raise :class:`InputError` for sets below two words.
    """
    if min(len(first), len(second)) < 2 or not len(attribute_a) or not len(attribute_b):
        raise InputError(
            "a test wants two known words or more in each target set, one in each attribute", code="too_few"
        )
    targets = np.concatenate([first, second]).astype(np.float64)
    association = (targets @ attribute_a.T).mean(axis=1) - (targets @ attribute_b.T).mean(axis=1)  # (targets,)
    deviation = float(association.std(ddof=1))
    count = len(first)
    observed = float(association[:count].mean() - association[count:].mean())
    size = observed / deviation if deviation > 0 else 0.0
    partitions = math.comb(len(targets), count)
    if partitions <= EXACT_LIMIT:
        larger = _exact(association, count, observed)
        return Weat(size, larger / partitions, partitions, True)
    larger = _sampled(association, count, observed, samples, seed)
    return Weat(size, (larger + 1) / (samples + 1), samples, False)


def _as_large(association: Doubles, sums: Doubles, count: int, observed: float) -> int:
    total = association.sum()
    difference = sums / count - (total - sums) / (len(association) - count)
    return int((difference >= observed - 1e-12).sum())


def _exact(association: Doubles, count: int, observed: float) -> int:
    larger = 0
    subsets = itertools.combinations(association.tolist(), count)
    while block := list(itertools.islice(subsets, _BLOCK)):
        larger += _as_large(association, np.array(block).sum(axis=1), count, observed)
    return larger


def _sampled(association: Doubles, count: int, observed: float, samples: int, seed: int) -> int:
    generator = np.random.default_rng(seed)
    larger = 0
    for start in range(0, samples, _BLOCK):
        rows = min(_BLOCK, samples - start)
        shuffled = generator.permuted(np.tile(association, (rows, 1)), axis=1)  # (rows, targets)
        larger += _as_large(association, shuffled[:, :count].sum(axis=1), count, observed)
    return larger
