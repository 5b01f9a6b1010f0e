"""What keeps a network from learning its examples by heart: L2, dropout, early stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from dltools.errors import UsageError
from dltools.models.nn.layer import Array, Layer, Shape, Start


class L2:
    """Add ``strength`` times the sum of the squares of all penalized weights to the loss, as Keras does."""

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def penalty(self, weights: Mapping[str, Array]) -> float:
        """Return what ``weights`` add to the loss."""
        return self.strength * sum(float(np.square(each).sum()) for each in weights.values())

    def add_gradients(self, weights: Mapping[str, Array], gradients: dict[str, Array]) -> None:
        """Add the penalty's gradient to those of the same names."""
        for name, each in weights.items():
            gradients[name] = gradients[name] + (2 * self.strength) * each


class Dropout(Layer):
    """In training, set a share ``rate`` of all numbers to 0 and divide the others by 1 - rate (Srivastava et al. 2014).

    Otherwise inputs, of any shape, pass as they are.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        if not 0 <= rate < 1:
            raise UsageError(f"dropout is a share from 0 to below 1, not {rate:g}")
        self.rate = rate
        self._random = np.random.default_rng(0)

    def build(self, shape: Shape, start: Start) -> Shape:
        self.reseed(int(start.random.integers(2**31)))
        return shape

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        if not training or not self.rate:
            self._mask = None
            return inputs
        kept = self._random.random(inputs.shape, np.float32) >= self.rate
        self._mask = kept / inputs.dtype.type(1 - self.rate)
        dropped: Array = inputs * self._mask
        return dropped

    def backward(self, gradient: Array) -> Array:
        return gradient if self._mask is None else gradient * self._mask

    def reseed(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)


class EarlyStopping:
    """Remember the best weights, and say when ``patience`` epochs have brought nothing better (Prechelt 1998)."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best_loss, self.best_epoch = math.inf, 0
        self._best: dict[str, Array] = {}

    def stop(self, epoch: int, loss: float, arrays: Mapping[str, Array]) -> bool:
        """Take note of an epoch's validation loss and of the network's arrays; return whether to stop."""
        if loss < self.best_loss:
            self.best_loss, self.best_epoch = loss, epoch
            self._best = {name: array.copy() for name, array in arrays.items()}
        return epoch - self.best_epoch >= self.patience

    def restore(self, arrays: Mapping[str, Array]) -> None:
        """Put the best weights back, in place."""
        for name, best in self._best.items():
            arrays[name][...] = best
