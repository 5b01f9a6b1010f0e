"""How good a classifier's probabilities are: accuracy, confusion, and the calibration error of the best class's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dltools.models.emoji.config import Floats, Label
from dltools.models.nn.calibration import calibration_error


class Measures(NamedTuple):
    """``accuracy``, ``calibration_error`` (0 to 1), ``log_loss`` (nats) over so many ``texts``; for each true label its
    recall; ``confusion``: how many texts of a true label (outer) got a label (inner)."""

    texts: int
    accuracy: float
    calibration_error: float
    log_loss: float
    per_class: dict[str, float | None]
    confusion: dict[str, dict[str, int]]


def measure(probabilities: Floats, targets: Sequence[int], labels: Sequence[Label]) -> Measures:
    """Compare ``probabilities`` (texts, classes) with the true classes."""
    truth = np.asarray(targets, np.int64)
    best = probabilities.argmax(axis=1)
    scores = probabilities[np.arange(len(truth)), best]
    right = best == truth
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, best), 1)
    chosen = np.maximum(probabilities[np.arange(len(truth)), truth], 1e-12)
    amounts = confusion.sum(axis=1)
    return Measures(
        texts=len(truth),
        accuracy=float(right.mean()),
        calibration_error=calibration_error(scores, right),
        log_loss=float(-np.log(chosen).mean()),
        per_class={
            label.name: float(confusion[at, at] / amounts[at]) if amounts[at] else None
            for at, label in enumerate(labels)
        },
        confusion={
            true.name: {label.name: int(confusion[row, column]) for column, label in enumerate(labels)}
            for row, true in enumerate(labels)
        },
    )
