"""Hold analytic gradients against numerical ones: the slope between two points close to each other on either side.

The measure is the relative difference of whole arrays, ||a - n|| / (||a|| + ||n||), as in Andrew Ng's course: below
1e-7 in float64 for a gradient that is right, near 1 for one that is not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from dltools.models.nn.layer import Array, Layer
from dltools.models.nn.model import Network

#: The relative difference that a right gradient stays below, in float64.
TOLERANCE = 1e-7
#: Distances to either side. Where a relu or a maximum has its kink in between, a shorter one gets out of its way.
_STEPS = (1e-5, 1e-6, 1e-7)
#: Differences of smaller gradients are taken relative to this: rounding alone makes some 1e-11 of a slope, also where
#: the true one is 0, as that of a bias before a batch normalization.
_LEAST_SCALE = 1e-3


def gradient_check(
    function: Callable[[], float],
    parameters: Mapping[str, Array],
    gradients: Mapping[str, Array],
    *,
    most: int | None = None,
) -> dict[str, float]:
    """Return the relative difference between ``gradients`` and numerical ones, for each of ``parameters``.

    ``function`` gives the loss as a number, reading the arrays of ``parameters`` (float64), which are changed in place
    and put back. ``most``: of an array with more numbers only so many, spread over it, are looked at.
    """
    return {name: _difference(function, array, gradients[name], most) for name, array in parameters.items()}


def _difference(function: Callable[[], float], array: Array, gradient: Array, most: int | None) -> float:
    if not array.size:
        return 0.0
    places = np.linspace(0, array.size - 1, min(array.size, most or array.size)).round().astype(np.int64)
    analytic, numerical = gradient.reshape(-1)[places], np.empty(len(places))
    near = TOLERANCE * float(np.linalg.norm(analytic)) / len(places) ** 0.5
    for number, place in enumerate(places):
        wanted, slopes = float(analytic[number]), []
        for step in _STEPS:
            slopes.append(_slope(function, array, np.unravel_index(place, array.shape), step))
            if abs(slopes[-1] - wanted) <= near:
                break
        numerical[number] = min(slopes, key=lambda slope: abs(slope - wanted))
    scale = max(float(np.linalg.norm(analytic) + np.linalg.norm(numerical)), _LEAST_SCALE)
    return float(np.linalg.norm(analytic - numerical)) / scale


def _slope(function: Callable[[], float], array: Array, place: tuple[np.intp, ...], step: float) -> float:
    value = array[place]
    array[place] = value + step
    above = function()
    array[place] = value - step
    below = function()
    array[place] = value
    return (above - below) / (2 * step)


def check_layer(layer: Layer, inputs: Array, *, seed: int = 0) -> dict[str, float]:
    """Return the relative differences of a built layer (float64): of its parameters, and of ``inputs`` if not whole.

    The loss is a sum of the outputs with random weights. Training is on; what is random is drawn alike each time.
    """
    weights = np.random.default_rng(seed).normal(size=_run(layer, inputs, seed).shape)
    gradients = {"inputs": layer.backward(weights), **layer.gradients}
    own = {"inputs": inputs} if inputs.dtype.kind == "f" else {}
    return gradient_check(
        lambda: float((_run(layer, inputs, seed) * weights).sum()), {**own, **layer.parameters}, gradients
    )


def _run(layer: Layer, inputs: Array, seed: int) -> Array:
    layer.reseed(seed)
    return layer.forward(inputs, training=True)


def check_network(
    network: Network, inputs: Array, targets: Array, *, seed: int = 0, most: int | None = None
) -> dict[str, float]:
    """Return the relative differences of a network's parameters (float64), with its own loss, training on.

    ``most``: as :func:`gradient_check` has it.
    """

    def loss() -> float:
        network.reseed(seed)
        return network.loss.value(network.forward(inputs, training=True), targets)

    network.reseed(seed)
    network.learn(inputs, targets)
    return gradient_check(loss, network.parameters, network.gradients, most=most)
