"""Layers of plain matrix products and look-ups, and of none: dense, embedding, flatten, reshape."""

from __future__ import annotations

import math

import numpy as np

from dltools.errors import InputError, UsageError
from dltools.models.nn.layer import Array, Layer, Shape, Start, need_rank


class Dense(Layer):
    """``outputs = inputs @ kernel + bias`` along the last axis; alone, with a sigmoid loss, it is logistic regression.

    Inputs (batch, ..., features), outputs (batch, ..., units). Parameters: ``kernel`` (features, units), ``bias``
    (units,).
    """

    penalized = ("kernel",)

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def build(self, shape: Shape, start: Start) -> Shape:
        if not shape:
            raise UsageError("dense needs inputs with features")
        features = shape[-1]
        self.parameters = {
            "kernel": start.weights((features, self.units), features, self.units),
            "bias": start.constant((self.units,)),
        }
        return (*shape[:-1], self.units)

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._inputs = inputs
        outputs: Array = inputs @ self.parameters["kernel"]
        outputs += self.parameters["bias"]
        return outputs

    def backward(self, gradient: Array) -> Array:
        kernel = self.parameters["kernel"]
        rows, errors = self._inputs.reshape(-1, kernel.shape[0]), gradient.reshape(-1, self.units)
        self.gradients = {"kernel": rows.T @ errors, "bias": errors.sum(axis=0)}
        through: Array = gradient @ kernel.T
        return through


class Flatten(Layer):
    """Lay all axes but the batch out as one: inputs (batch, ...), outputs (batch, features)."""

    def build(self, shape: Shape, start: Start) -> Shape:
        return (math.prod(shape),)

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._shape = inputs.shape
        return inputs.reshape(len(inputs), -1)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self._shape)


class Reshape(Layer):
    """Lay each example out anew: inputs (batch, ...), outputs (batch, *sizes)."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.sizes = sizes

    def build(self, shape: Shape, start: Start) -> Shape:
        if math.prod(shape) != math.prod(self.sizes):
            raise UsageError(f"reshape: {math.prod(shape)} numbers do not make {' x '.join(map(str, self.sizes))}")
        return self.sizes

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._shape = inputs.shape
        return inputs.reshape(len(inputs), *self.sizes)

    def backward(self, gradient: Array) -> Array:
        return gradient.reshape(self._shape)


class Embedding(Layer):
    """Look numbers up in a table: inputs (batch, steps), whole numbers, outputs (batch, steps, dimensions).

    Parameters: ``table`` (words, dimensions). Numbers have no gradient: ``backward`` returns zeros.
    """

    def __init__(self, words: int, dimensions: int) -> None:
        super().__init__()
        self.words, self.dimensions = words, dimensions

    def build(self, shape: Shape, start: Start) -> Shape:
        need_rank("embedding", shape, 1, "steps")
        self.parameters = {"table": start.weights((self.words, self.dimensions), self.words, self.dimensions)}
        return (*shape, self.dimensions)

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        """Return the rows; raise :class:`InputError` for a number that is not whole, or not from 0 to words - 1."""
        self._inputs = inputs
        self._numbers = inputs.astype(np.int64)
        usable = (self._numbers == inputs) & (self._numbers >= 0) & (self._numbers < self.words)
        if not usable.all():
            wrong = float(inputs[~usable][0])
            raise InputError(f"embedding has the numbers 0 to {self.words - 1}, not {wrong:g}")
        return self.parameters["table"][self._numbers]  # (batch, steps, dimensions)

    def backward(self, gradient: Array) -> Array:
        total = np.zeros_like(self.parameters["table"])
        np.add.at(total, self._numbers, gradient)
        self.gradients = {"table": total}
        return np.zeros(self._inputs.shape, gradient.dtype)
