"""Losses over a network's raw outputs, each with the activation that makes answers of them.

Binary and categorical cross-entropy take logits, fused with sigmoid and softmax: nothing overflows, and the gradient
is the plain difference (Goodfellow, Bengio and Courville 2016, 6.2.2). In: outputs and targets (batch, ..., outputs).
Out: the mean loss, in nats for cross-entropies, and its gradient by the outputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dltools.models.nn.activations import sigmoid, softmax
from dltools.models.nn.layer import Array


class Loss(NamedTuple):
    """``value`` and ``gradient`` of outputs and targets; ``answer``: what outputs mean, probabilities or values."""

    value: Callable[[Array, Array], float]
    gradient: Callable[[Array, Array], Array]
    answer: Callable[[Array], Array]


def _binary(logits: Array, targets: Array) -> float:
    """Return the mean of log(1 + exp(-|x|)) + max(x, 0) - x t."""
    each = np.log1p(np.exp(-np.abs(logits))) + np.maximum(logits, 0) - logits * targets
    return float(each.mean())


def _categorical(logits: Array, targets: Array) -> float:
    """Return the mean over all rows of log(sum(exp(x))) sum(t) - sum(x t)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return float(-(targets * logs).sum(axis=-1).mean())


def _categorical_gradient(logits: Array, targets: Array) -> Array:
    rows = math.prod(logits.shape[:-1])
    through: Array = (softmax(logits) * targets.sum(axis=-1, keepdims=True) - targets) / rows
    return through


LOSSES: dict[str, Loss] = {
    "binary-crossentropy": Loss(_binary, lambda x, targets: (sigmoid(x) - targets) / x.size, sigmoid),
    "categorical-crossentropy": Loss(_categorical, _categorical_gradient, softmax),
    "mean-squared-error": Loss(
        lambda x, targets: float(np.square(x - targets).mean()),
        lambda x, targets: (x - targets) * x.dtype.type(2 / x.size),
        lambda x: x,
    ),
}
