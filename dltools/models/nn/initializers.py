"""How weights begin: zeros, random, Xavier (Glorot, Bengio 2010), He (He et al. 2015), orthogonal (Saxe et al. 2013).

In: the weights' shape, and how many inputs and outputs each joins. Out: float64 weights of that shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Rule = Callable[[tuple[int, ...], int, int, np.random.Generator], Array]

_RANDOM_DEVIATION = 0.05  # that of Keras' RandomNormal


def initialize(name: str, shape: tuple[int, ...], fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
    """Return weights of ``shape`` by the rule ``name`` of :data:`INITIALIZERS`."""
    return INITIALIZERS[name](shape, fan_in, fan_out, random)


def _zeros(shape: tuple[int, ...], _fan_in: int, _fan_out: int, _random: np.random.Generator) -> Array:
    return np.zeros(shape)


def _random(shape: tuple[int, ...], _fan_in: int, _fan_out: int, random: np.random.Generator) -> Array:
    return random.normal(0.0, _RANDOM_DEVIATION, shape)


def _xavier(shape: tuple[int, ...], fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
    """Draw uniformly with variance 2 / (fan_in + fan_out), as Keras' GlorotUniform."""
    limit = np.sqrt(6.0 / (fan_in + fan_out))
    return random.uniform(-limit, limit, shape)


def _he(shape: tuple[int, ...], fan_in: int, _fan_out: int, random: np.random.Generator) -> Array:
    """Draw normally with variance 2 / fan_in."""
    return random.normal(0.0, np.sqrt(2.0 / fan_in), shape)


def _orthogonal(shape: tuple[int, ...], _fan_in: int, _fan_out: int, random: np.random.Generator) -> Array:
    """Return a square orthogonal matrix, uniform among all: the signs of R's diagonal make it so (Mezzadri 2007)."""
    q, r = np.linalg.qr(random.normal(size=shape))
    turned: Array = q * np.sign(np.diag(r))
    return turned


INITIALIZERS: dict[str, Rule] = {
    "zeros": _zeros,
    "random": _random,
    "xavier": _xavier,
    "he": _he,
    "orthogonal": _orthogonal,
}
