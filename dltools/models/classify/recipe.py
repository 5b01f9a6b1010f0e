"""How a classifier is trained: what each architecture takes unless told otherwise, and why."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

from dltools.models.classify.augment import Augmentation
from dltools.models.classify.config import Arch

TRAINABLE: tuple[Arch, ...] = ("logistic", "mlp", "convnet", "resnet50", "squeezenet")


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that decides a training.

    ``members``: how many networks are averaged; each learns with another part of the pictures held out. ``validation``:
    the share that is held out where there is one network. ``rate`` falls as a cosine to 0 over ``epochs``; ``decay`` is
    of the weights. ``patience``: epochs without a better held-out loss before a network stops; the best is kept.
    ``balance``: every class is seen as often. ``width``: channels of a convolutional network's first stage.
    """

    arch: Arch
    seed: int
    size: int
    epochs: int
    batch: int
    rate: float
    decay: float
    members: int = 1
    validation: float = 0.2
    patience: int = 20
    balance: bool = True
    width: int = 64
    layers: str = ""
    dropout: float = 0.0
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)
    weights: Literal["none", "imagenet"] = "none"

    @classmethod
    def of(cls, arch: Arch, seed: int, **chosen: Any) -> Recipe:
        """Return the recipe of an architecture with what was ``chosen`` in place of its defaults."""
        return cls(**{"arch": arch, "seed": seed, **_DEFAULTS[arch], **chosen})

    @property
    def is_keras(self) -> bool:
        """Whether TensorFlow trains it."""
        return self.arch in ("convnet", "resnet50")


#: Chosen for some hundred pictures of two classes, by cross-validation on pictures of our own (see CARD.md): small
#: squares keep networks on bare pixels from learning details by heart; five networks scatter less than one.
_DEFAULTS: dict[Arch, dict[str, Any]] = {
    "logistic": {"size": 32, "epochs": 40, "batch": 32, "rate": 3e-4, "decay": 1e-2, "members": 5},
    "mlp": {
        "size": 32,
        "epochs": 60,
        "batch": 32,
        "rate": 5e-4,
        "decay": 1e-4,
        "members": 5,
        "layers": "dropout:0.2,128,dropout:0.3,32,dropout:0.3",
    },
    "convnet": {
        "size": 64,
        "epochs": 60,
        "batch": 32,
        "rate": 2e-3,
        "decay": 1e-2,
        "members": 4,
        "width": 16,
        "dropout": 0.4,
    },
    "resnet50": {"size": 64, "epochs": 40, "batch": 32, "rate": 1e-3, "decay": 1e-2, "members": 1},
    "squeezenet": {
        "size": 227,
        "epochs": 40,
        "batch": 32,
        "rate": 2e-3,
        "decay": 1e-3,
        "members": 5,
        "augmentation": Augmentation(0.0, 0.0, 0.0),
    },
}
