"""The cost of a picture, and its gradient, as a compiled TensorFlow function.

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks" (2016), with relative costs, so that
weights mean the same with every layer, network and picture:

- content: over the content layers, the mean square of (features - the content's) over that of the content's;
- style: over the style layers, the mean square of (Gram matrix - the style's) over that of the style's, the Gram
  matrix being features' products, averaged over places (or over a mask's places: Gatys et al., "Controlling perceptual
  factors in neural style transfer", 2017, section 4);
- total variation: the mean square of the differences between neighbours, down and across.

In: float32 pictures (rows, columns, 3) RGB from 0 to 1. Out: costs, and a gradient of the picture's shape.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from dltools.errors import UsageError
from dltools.models.style.config import Weights
from dltools.models.style.network import Network, enough_memory
from dltools.models.style.pictures import Floats, Size, resize

_TINY = 1e-12  # what a cost is divided by at least: a black picture has no features to speak of


class Costs(NamedTuple):
    """What a picture costs, each part with its weight; ``total`` is their sum."""

    total: float
    content: float
    style: float
    variation: float


class Region(NamedTuple):
    """A part of the picture: its styles with their shares, its mask (rows, columns, 1) or None, and its weight."""

    styles: Sequence[tuple[Floats, float]]
    mask: Floats | None
    weight: float


class _Target(NamedTuple):
    """A layer's Gram matrix, the mean square of it, and how much each place counts, (places, 1), or None."""

    gram: Any
    size: Any
    guide: Any


class Cost:
    """A network's cost of pictures, compiled once for all sizes: tracing it takes as long as many steps."""

    def __init__(self, network: Network, layers: Weights) -> None:
        """Take a network, and the layers and their shares of ``layers``; compile nothing yet."""
        self.network = network
        self._layers = layers
        self._compiled = tf.function(self._differentiate, reduce_retracing=True)

    def __call__(self, picture: Any, weights: Any, content: Any, regions: Any) -> tuple[Costs, Any]:
        """Return the costs of a picture (rows, columns, 3) and its gradient.

        ``weights`` (3,): of content, style and variation. ``content``: what each layer should be. ``regions``: how much
        each counts, and its targets. Raise :class:`UsageError` where the cost is not finite, :class:`InputError` where
        memory does not do.
        """
        with enough_memory():
            costs, gradient = self._compiled(picture, weights, content, regions)
            found = Costs(*costs.numpy().tolist())
        if not math.isfinite(found.total):
            raise UsageError("the cost is no finite number: the weights of the costs or of the network are too large")
        return found, gradient

    def targets(self, region: Region, seen: Mapping[str, Any]) -> dict[str, _Target]:
        """Return what a region should be in each layer of a picture whose content is ``seen``."""
        grams: dict[str, Any] = {}
        for style, share in region.styles:
            features = self.network.look(style)
            for name in self._layers.style:
                grams[name] = grams.get(name, 0.0) + share * _gram(features[name], None)
        return {
            name: _Target(
                gram,
                tf.maximum(_mean_square(gram), _TINY),
                None if region.mask is None else _guide(region.mask, seen[name]),
            )
            for name, gram in grams.items()
        }

    def contents(self, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the layers ``seen`` that the content is compared in."""
        return {name: seen[name] for name in self._layers.content}

    def _differentiate(self, picture: Any, weights: Any, content: Any, regions: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(picture)
            costs = weights * self._costs(picture, content, regions)
            total = tf.reduce_sum(costs)
        return tf.concat([[total], costs], axis=0), tape.gradient(total, picture)

    def _costs(self, picture: Any, wanted: Any, regions: Any) -> Any:
        shares, seen = self._layers, self.network.trace(picture)
        content = tf.add_n(
            [
                shares.content[name] * _mean_square(seen[name] - target) / tf.maximum(_mean_square(target), _TINY)
                for name, target in wanted.items()
            ]
        )
        style = tf.add_n(
            [
                area * shares.style[name] * _mean_square(_gram(seen[name], guide) - gram) / size
                for area, targets in regions
                for name, (gram, size, guide) in targets.items()
            ]
        )
        variation = _mean_square(picture[1:] - picture[:-1]) + _mean_square(picture[:, 1:] - picture[:, :-1])
        return tf.stack([content, style, variation])


class Objective:
    """The cost of pictures of one size against a content and regions of styles."""

    def __init__(self, cost: Cost, weights: Weights, content: Floats, regions: Sequence[Region]) -> None:
        """Look at ``content`` (rows, columns, 3) and the regions' styles (any size)."""
        self.shape = content.shape
        self.last = Costs(0.0, 0.0, 0.0, 0.0)
        self._cost = cost
        seen = cost.network.look(content)
        self._weights = tf.constant([weights.content_weight, weights.style_weight, weights.tv_weight], tf.float32)
        self._content = cost.contents(seen)
        self._regions = [(tf.constant(_area(region), tf.float32), cost.targets(region, seen)) for region in regions]

    def __call__(self, values: Floats) -> tuple[float, Floats]:
        """Return the total cost and its gradient at a picture, both pictures as vectors; keep :attr:`last`.

        Raise what :class:`Cost` raises.
        """
        picture = tf.constant(values.reshape(self.shape))
        self.last, gradient = self._cost(picture, self._weights, self._content, self._regions)
        return self.last.total, gradient.numpy().ravel()


def _area(region: Region) -> float:
    """Return how much a region counts: its weight, by the part of the picture that it covers."""
    return region.weight * (1.0 if region.mask is None else float(region.mask.mean()))


def _mean_square(tensor: Any) -> Any:
    return tf.reduce_mean(tf.square(tensor))


def _gram(features: Any, guide: Any) -> Any:
    """Return the mean over places of features' products, (channels, channels); ``guide`` (places, 1) weighs places."""
    flat = tf.reshape(features, (-1, features.shape[-1]))  # (places, channels)
    if guide is None:
        return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)
    return tf.matmul(flat * guide, flat, transpose_a=True)


def _guide(mask: Floats, features: Any) -> Any:
    """Return the mask's mean around each place of ``features``, (places, 1), with the sum 1."""
    rows, columns = features.shape[1:3]
    small = resize(mask, Size(rows, columns)).reshape(-1, 1)
    return tf.constant(small / max(float(small.sum()), _TINY), tf.float32)
