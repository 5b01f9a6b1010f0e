"""Activations, as functions with their gradients, and as a layer: relu, leaky relu, tanh, sigmoid, softmax.

All gradients can be had from the output alone, so that is all that the layer keeps. In and out: arrays of one shape;
softmax works along the last axis.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dltools.models.nn.layer import Array, Layer

_LEAK = 0.1  # of a negative input; Redmon's, and Darknet's


class Function(NamedTuple):
    """``forward`` of the inputs; ``backward`` of the outputs' gradient and the outputs."""

    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]


def sigmoid(inputs: Array) -> Array:
    """Return 1 / (1 + exp(-x)) as (tanh(x / 2) + 1) / 2, which cannot overflow."""
    outputs: Array = np.tanh(inputs * inputs.dtype.type(0.5))
    outputs += 1
    outputs *= 0.5
    return outputs


def softmax(inputs: Array) -> Array:
    """Return exp(x) divided by its sum along the last axis; the largest input is taken off first."""
    powers: Array = np.exp(inputs - inputs.max(axis=-1, keepdims=True))
    powers /= powers.sum(axis=-1, keepdims=True)
    return powers


def _relu(inputs: Array) -> Array:
    outputs: Array = np.maximum(inputs, 0)
    return outputs


def _leaky_relu(inputs: Array) -> Array:
    outputs: Array = np.maximum(inputs, inputs * inputs.dtype.type(_LEAK))
    return outputs


def _leaky_relu_back(gradient: Array, outputs: Array) -> Array:
    return np.where(outputs > 0, gradient, gradient * gradient.dtype.type(_LEAK))


def _softmax_back(gradient: Array, outputs: Array) -> Array:
    shared = (gradient * outputs).sum(axis=-1, keepdims=True)
    through: Array = outputs * (gradient - shared)
    return through


ACTIVATIONS: dict[str, Function] = {
    "relu": Function(_relu, lambda gradient, outputs: gradient * (outputs > 0)),
    "leaky-relu": Function(_leaky_relu, _leaky_relu_back),
    "tanh": Function(np.tanh, lambda gradient, outputs: gradient * (1 - outputs * outputs)),
    "sigmoid": Function(sigmoid, lambda gradient, outputs: gradient * (outputs * (1 - outputs))),
    "softmax": Function(softmax, _softmax_back),
}


class Activation(Layer):
    """An activation as a layer; ``name`` is one of :data:`ACTIVATIONS`. Inputs of any shape."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._function = ACTIVATIONS[name]

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._outputs = self._function.forward(inputs)
        return self._outputs

    def backward(self, gradient: Array) -> Array:
        return self._function.backward(gradient, self._outputs)
