"""How a classifier is trained: what each architecture takes unless told otherwise, and why."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from dltools.errors import UsageError
from dltools.models.classify.augment import Augmentation
from dltools.models.classify.config import Arch

TRAINABLE: tuple[Arch, ...] = ("logistic", "mlp", "convnet", "resnet50")

#: What a network starts from: nothing, or a network that has learned ImageNet's classes.
Weights = Literal["none", "imagenet"]

FEATURES_SIZE = 227  # pixels that the embedded network takes
_WIDTH = 64  # of the published ResNet-50


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides a training.

    ``weights``: with ``imagenet``, logistic and mlp learn from what the embedded SqueezeNet makes of a picture, convnet
    is that SqueezeNet trained further, and resnet50 starts from Keras' weights; with ``none`` all learn from bare
    pixels. ``members``: how many networks are averaged; each learns with another part of the pictures held out, the
    share ``validation`` or, where that would not go round, one of as many parts as there are networks. ``rate`` falls
    as a cosine to 0 over ``epochs``; ``decay`` is of the weights. ``patience``: epochs without a better held-out loss
    before a network stops; the best is kept. ``balance``: every class is seen as often. ``width``: channels of a
    convolutional network's first stage.
    """

    arch: Arch
    seed: int
    weights: Weights
    size: int
    epochs: int
    batch: int
    rate: float
    decay: float
    members: int = 1
    validation: float = 0.2
    patience: int = 20
    balance: bool = True
    width: int = _WIDTH
    layers: str = ""
    dropout: float = 0.0
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)

    @classmethod
    def of(cls, arch: Arch, seed: int, *, weights: Weights | None = None, **chosen: Any) -> Recipe:
        """Return the recipe of an architecture with what was ``chosen`` in place of its defaults.

        ``weights``: None for ImageNet's where they are embedded. Raise :class:`UsageError` where choices exclude each
        other.
        """
        start = weights or ("none" if arch == "resnet50" else "imagenet")
        recipe = cls(**{"arch": arch, "seed": seed, "weights": start, **_DEFAULTS[arch, start], **chosen})
        if recipe.takes_features and recipe.size != FEATURES_SIZE:
            raise UsageError(f"--arch {arch} looks at {FEATURES_SIZE} pixels; for another --size give --weights none")
        if "width" in chosen and start == "imagenet" and not (arch == "resnet50" and recipe.width == _WIDTH):
            raise UsageError("--width is for networks that start from nothing: give --weights none")
        if "width" in chosen and not recipe.is_keras:
            raise UsageError(f"--arch {arch} has no --width")
        return recipe

    @property
    def is_keras(self) -> bool:
        """Whether TensorFlow trains it."""
        return self.arch in ("convnet", "resnet50")

    @property
    def is_published(self) -> bool:
        """Whether it starts from weights that have to be fetched."""
        return self.weights == "imagenet" and self.arch == "resnet50"

    @property
    def takes_features(self) -> bool:
        """Whether it learns from what the embedded network makes of a picture, not from pixels."""
        return self.weights == "imagenet" and not self.is_keras


_HIDDEN = "dropout:0.2,128,dropout:0.3,32,dropout:0.3"
#: Chosen for some hundred pictures of two classes, on pictures of our own (see CARD.md). Small squares keep networks on
#: bare pixels from learning details by heart; several networks scatter less than one.
_DEFAULTS: dict[tuple[Arch, Weights], dict[str, Any]] = {
    ("logistic", "imagenet"): {
        "size": FEATURES_SIZE,
        "epochs": 40,
        "batch": 32,
        "rate": 2e-3,
        "decay": 1e-3,
        "members": 5,
    },
    ("logistic", "none"): {"size": 64, "epochs": 40, "batch": 32, "rate": 3e-4, "decay": 1e-2, "members": 5},
    ("mlp", "imagenet"): {
        "size": FEATURES_SIZE,
        "epochs": 60,
        "batch": 32,
        "rate": 5e-4,
        "decay": 1e-4,
        "members": 5,
        "layers": _HIDDEN,
    },
    ("mlp", "none"): {
        "size": 32,
        "epochs": 60,
        "batch": 32,
        "rate": 5e-4,
        "decay": 1e-4,
        "members": 5,
        "layers": _HIDDEN,
    },
    ("convnet", "imagenet"): {
        "size": 128,
        "epochs": 15,
        "batch": 16,
        "rate": 3e-4,
        "decay": 1e-2,
        "members": 2,
        "dropout": 0.5,
    },
    ("convnet", "none"): {
        "size": 64,
        "epochs": 60,
        "batch": 32,
        "rate": 2e-3,
        "decay": 1e-2,
        "members": 4,
        "width": 16,
        "dropout": 0.4,
    },
    ("resnet50", "none"): {"size": 64, "epochs": 40, "batch": 32, "rate": 1e-3, "decay": 1e-2},
    ("resnet50", "imagenet"): {"size": 224, "epochs": 15, "batch": 16, "rate": 1e-4, "decay": 1e-2},
}
