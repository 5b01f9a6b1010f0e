"""The backbones with their layers and weights, and what a user may choose: the one place for what was tuned."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, NamedTuple

from dltools.models.style.optimizers import Name as OptimizerName

BackboneName = Literal["vgg19", "vgg16", "squeezenet"]
Init = Literal["content", "noise", "style"]


class Weights(NamedTuple):
    """Layers with their shares of the content and the style cost, and the weights of the three costs.

    :mod:`dltools.models.style.engine` says how a cost is computed.
    """

    content: Mapping[str, float]
    style: Mapping[str, float]
    content_weight: float
    style_weight: float
    tv_weight: float

    @property
    def layers(self) -> list[str]:
        """All layers that are looked at, each once, style layers first."""
        return list(dict.fromkeys((*self.style, *self.content)))

    def chosen(self, settings: Settings) -> Weights:
        """Return the weights with those that the user chose."""
        wishes = {name: getattr(settings, name) for name in ("content_weight", "style_weight", "tv_weight")}
        return self._replace(**{name: value for name, value in wishes.items() if value is not None})


class Backbone(NamedTuple):
    """How a network is looked at, and what it takes.

    ``base``: MiB that the process takes before the first picture; ``pixel``: bytes that it takes at most for a pixel.
    """

    weights: Weights
    base: int
    pixel: int


# CARD.md has the pictures' figures behind these choices.
# - The last convolution of a block, not the first: what matches only first ones fills flat places with ripples.
# - Small shares for deep layers, which copy things of the painting into the photograph.
_VGG = Weights(
    {"block4_conv2": 1.0},
    {"block1_conv2": 0.3, "block2_conv2": 0.3, "block3_conv3": 0.25, "block4_conv3": 0.15},
    content_weight=1.0,
    style_weight=40.0,
    tv_weight=40.0,
)
# - Content in fire7, which knows things and not their outlines: fire5 and below keep the photograph's own texture.
# - Style not in fire7, for the same reason: with it colours stay the photograph's, and no stroke is added.
# - Variation 20: at 1 the pixels are noisier than the painting's, at 50 strokes melt.
_SQUEEZENET = Weights(
    {"fire7": 1.0},
    {"conv1": 0.2, "fire2": 0.2, "fire3": 0.3, "fire5": 0.3},
    content_weight=1.0,
    style_weight=25.0,
    tv_weight=20.0,
)

#: The best first, to our eyes (CARD.md): vgg16's weights were trained further to find edges, and paint ripples.
BACKBONES: Mapping[BackboneName, Backbone] = {
    "vgg19": Backbone(_VGG, 900, 3000),
    "squeezenet": Backbone(_SQUEEZENET, 700, 1200),
    "vgg16": Backbone(_VGG, 900, 3000),
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a picture is painted.

    ``size``: pixels of the result's longer side; None: the content's own. ``iterations``: steps at the last
    size at most; smaller ones have :data:`EARLY_SHARE` of them.
    ``content_weight``, ``style_weight``, ``tv_weight``: None for the backbone's. ``blend``: the share of each style,
    brought to a sum of 1; empty for equal shares. ``style_scale``: how large strokes are, against the
    style's own in a picture of the result's area. ``pyramid``: how many sizes, each twice the one before; None for as
    many as :data:`LEAST_SIDE` allows. ``tolerance``: the share of its cost that :data:`WINDOW` steps must take off, or
    the size is done. ``seed``: of the noise to start from.
    """

    size: int | None = None
    iterations: int = 100
    optimizer: OptimizerName = "lbfgs"
    content_weight: float | None = None
    style_weight: float | None = None
    tv_weight: float | None = None
    blend: tuple[float, ...] = ()
    style_scale: float = 1.0
    init: Init = "content"
    preserve_colors: bool = False
    pyramid: int | None = None
    tolerance: float = 0.005
    seed: int = 0


#: The shorter side, in pixels, below which a pyramid has no further size: strokes would be larger than things.
LEAST_SIDE = 64
#: A small size only has to find what is large; its steps are cheap, and more of them hardly help the next.
EARLY_SHARE = 0.15
#: Steps over which the cost has to fall (``tolerance``).
WINDOW = 10
