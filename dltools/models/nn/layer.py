"""The protocol that all layers share.

A layer is built once for the shape of what comes in, then runs forward and backward, as many times as one likes::

    layer.build(shape, Start(random))          # makes the parameters, returns the shape of what goes out
    outputs = layer.forward(inputs, training=True)
    gradient = layer.backward(gradient)        # fills layer.gradients, returns the gradient of the inputs

Shapes given to ``build`` leave out the batch, which is the first axis of every array that runs through a layer.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from dltools.errors import UsageError
from dltools.models.nn.initializers import initialize

Array = npt.NDArray[Any]
Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Start:
    """How parameters begin: drawn from ``random`` by the rule ``init`` of :mod:`.initializers`, in ``dtype``."""

    random: np.random.Generator
    init: str = "xavier"
    dtype: type[np.float32] | type[np.float64] = np.float32

    def weights(self, shape: Shape, fan_in: int, fan_out: int) -> Array:
        """Return weights of ``shape`` that join ``fan_in`` inputs to each of ``fan_out`` outputs."""
        return initialize(self.init, shape, fan_in, fan_out, self.random).astype(self.dtype)

    def recurrent(self, units: int, gates: int) -> Array:
        """Return recurrent weights (units, gates * units): orthogonal for each gate, or zeros where all begin so."""
        rule = "zeros" if self.init == "zeros" else "orthogonal"
        drawn = [initialize(rule, (units, units), units, units, self.random) for _ in range(gates)]
        return np.concatenate(drawn, axis=1).astype(self.dtype)

    def constant(self, shape: Shape, value: float = 0.0) -> Array:
        """Return an array of ``shape`` that holds ``value``."""
        return np.full(shape, value, self.dtype)


class Layer(ABC):
    """One step of a network.

    ``parameters``: what is learned, by name. ``gradients``: the loss's gradient by each, filled by ``backward``.
    ``state``: what is kept with a model but not learned. ``penalized``: the parameters that L2 keeps small.
    """

    penalized: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.state: dict[str, Array] = {}

    def build(self, shape: Shape, start: Start) -> Shape:
        """Make the parameters for inputs of ``shape``, and return the outputs' shape, both without the batch.

        Raise :class:`UsageError` where the layer cannot take such inputs.
        """
        return shape

    @abstractmethod
    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        """Return the outputs for ``inputs`` (batch, ...), and remember what ``backward`` needs."""

    @abstractmethod
    def backward(self, gradient: Array) -> Array:
        """Return the loss's gradient by the inputs, given that by the outputs of the last ``forward``.

        The gradients by the parameters go to ``gradients``; they are sums over the batch.
        """

    def reseed(self, seed: int) -> None:  # noqa: B027 - nothing to do is what most layers want
        """Start anew what is random in the layer; most have nothing."""


def need_rank(layer: str, shape: Shape, rank: int, what: str) -> None:
    """Raise :class:`UsageError` unless ``shape`` has ``rank`` axes, which are ``what``."""
    if len(shape) != rank:
        got = " x ".join(map(str, shape)) or "nothing"
        raise UsageError(f"{layer} needs inputs of {what}, not of {got}")
