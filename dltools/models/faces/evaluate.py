"""How well distances tell whether two faces are one person's: the measures of LFW and of biometrics.

Huang et al., "Labeled Faces in the Wild" (2007): accuracy by ten folds, the threshold chosen on nine for the tenth.
In: distances (n,), and whether each pair is of one person (n,). Out: fractions 0 to 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FOLDS = 10


class Verification(NamedTuple):
    """The measures over all pairs.

    ``accuracy``: by ten folds, and ``deviation`` the standard deviation of the ten. ``threshold``: the mean of the ten
    that were chosen. ``auc``: the area under the receiver's operating curve. ``eer``: where as large a share of one
    person's pairs is refused as of the others is accepted. ``tar_1``, ``tar_01``: the share of one person's pairs that
    is accepted where 1 % and 0.1 % of the others are.
    """

    accuracy: float
    deviation: float
    threshold: float
    auc: float
    eer: float
    tar_1: float
    tar_01: float


def measure(distances: Floats, same: Bools) -> Verification:
    """Return the measures of pairs; raise :class:`InputError` where there are not two of one person and of two."""
    if same.sum() < 2 or (~same).sum() < 2:
        raise InputError("evaluation needs two pairs or more of one person, and of two", code="too_few")
    accuracies, thresholds = [], []
    folds = _folds(same)
    for fold in range(folds.max() + 1):
        inside = folds == fold
        chosen = best_threshold(distances[~inside], same[~inside])
        thresholds.append(chosen)
        accuracies.append(accuracy(distances[inside], same[inside], chosen))
    return Verification(
        float(np.mean(accuracies)),
        float(np.std(accuracies)),
        float(np.mean(thresholds)),
        auc(distances, same),
        eer(distances, same),
        tar_at(distances, same, 0.01),
        tar_at(distances, same, 0.001),
    )


def accuracy(distances: Floats, same: Bools, threshold: float) -> float:
    """Return the share of pairs on the right side of ``threshold``."""
    return float(((distances < threshold) == same).mean())


def best_threshold(distances: Floats, same: Bools) -> float:
    """Return the threshold with the most pairs on the right side, midway between the two distances that it parts."""
    order = np.argsort(distances, kind="stable")
    values, flags = distances[order], same[order]
    right = np.concatenate([[0], np.cumsum(np.where(flags, 1, -1))])  # gained by accepting the first k
    usable = np.concatenate([[True], values[1:] > values[:-1], [True]])  # equal distances cannot be parted
    at = int(np.where(usable, right, right.min() - 1).argmax())
    low = values[at - 1] if at else values[0] - 1e-6
    high = values[at] if at < len(values) else values[-1] + 1e-6
    return float((low + high) / 2)


def auc(distances: Floats, same: Bools) -> float:
    """Return the chance that a pair of one person is nearer than a pair of two, ties counted half."""
    apart = np.sort(distances[~same])
    nearer = len(apart) - np.searchsorted(apart, distances[same], "right")
    tied = np.searchsorted(apart, distances[same], "right") - np.searchsorted(apart, distances[same], "left")
    return float((nearer + tied / 2).mean() / len(apart))


def eer(distances: Floats, same: Bools) -> float:
    """Return the equal error rate, between the two thresholds around it by a straight line."""
    thresholds = np.concatenate([[-np.inf], np.unique(distances)])
    accepted = np.searchsorted(np.sort(distances[~same]), thresholds, "right") / (~same).sum()
    refused = 1 - np.searchsorted(np.sort(distances[same]), thresholds, "right") / same.sum()
    gap = accepted - refused
    after = int((gap >= 0).argmax())
    before = max(0, after - 1)
    share = 0.0 if gap[after] == gap[before] else -gap[before] / (gap[after] - gap[before])
    return float(accepted[before] + share * (accepted[after] - accepted[before]))


def tar_at(distances: Floats, same: Bools, far: float) -> float:
    """Return the share of pairs of one person that is accepted where at most ``far`` of the others is."""
    apart = np.sort(distances[~same])
    allowed = int(np.floor(far * len(apart) + 1e-9))
    limit = apart[allowed] if allowed < len(apart) else np.inf
    return float((distances[same] < limit).mean())


def roc(distances: Floats, same: Bools, steps: int = 100) -> list[float]:
    """Return the shares of pairs of one person accepted where 0/steps, 1/steps, ..., 1 of the others are."""
    return [tar_at(distances, same, step / steps) for step in range(steps + 1)]


def _folds(same: Bools) -> npt.NDArray[np.intp]:
    """Return each pair's fold: tenths of the pairs of one person and of those of two, in their order (LFW's own)."""
    smaller = int(min(same.sum(), (~same).sum()))
    count = min(FOLDS, smaller)
    folds = np.zeros(len(same), np.intp)
    for kind in (same, ~same):
        places = np.flatnonzero(kind)
        folds[places] = np.arange(len(places)) * count // len(places)
    return folds
