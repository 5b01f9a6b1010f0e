"""What a classifier's file says about itself, beside its weights: how pictures are prepared, classes, thresholds."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, get_args

from dltools.io.jsontext import read_json

FORMAT_VERSION = 1
#: No network takes pictures of longer sides.
MAX_SIDE = 4096
#: What networks that start from ImageNet's weights take at least and, of features, at most.
MIN_SIDE, MAX_FEATURES_SIDE = 32, 512

Arch = Literal["squeezenet", "resnet50", "vgg19", "convnet", "logistic", "mlp"]
Sampling = Literal["opencv", "bicubic", "box"]
Resize = Literal["stretch", "crop"]
Channels = Literal["rgb", "bgr"]


@dataclasses.dataclass(frozen=True)
class Preparation:
    """How a picture becomes a network's input (size, size, 3), float32.

    ``resize``: ``stretch`` fills the square with the whole picture; ``crop`` brings its shorter side to ``short``
    pixels and cuts the square out of its middle. ``sampling``: ``opencv`` (bilinear, no smoothing), ``bicubic``
    (smoothed, as Pillow has it), ``box`` (means of areas). Then channels are put in order, ``mean`` is taken off, and
    ``scale`` divides. ``mirror``: the picture and its mirror image both count, by the mean of their probabilities.
    """

    size: int
    resize: Resize = "stretch"
    short: int = 0
    sampling: Sampling = "bicubic"
    channels: Channels = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    mirror: bool = False


@dataclasses.dataclass(frozen=True)
class ClassifierConfig:
    """A whole classifier: its architecture, its preparation, and its classes in the order of the network's outputs.

    ``min_score``: a class that scores less is not given unless asked for. ``network``: what the file's arrays are,
    where NumPy runs them. ``training``: how it was trained and what was measured.
    """

    name: str
    arch: Arch
    preparation: Preparation
    classes: tuple[str, ...]
    min_score: float = 0.0
    network: dict[str, Any] = dataclasses.field(default_factory=dict)
    training: dict[str, Any] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        fields = dataclasses.asdict(self)
        return json.dumps({"format": FORMAT_VERSION, "model": "classify", **fields}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> ClassifierConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = read_json(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "classify":
            raise ValueError("not a classifier's configuration")
        parts = fields.pop("preparation")
        for name in ("mean", "scale"):
            first, second, third = map(float, parts[name])
            parts[name] = (first, second, third)
        config = cls(preparation=Preparation(**parts), classes=tuple(map(str, fields.pop("classes"))), **fields)
        config._check()
        return config

    def _check(self) -> None:
        """Raise ``ValueError`` where a part is none that can be used."""
        parts = self.preparation
        choices = ((parts.resize, Resize), (parts.sampling, Sampling), (parts.channels, Channels), (self.arch, Arch))
        if any(chosen not in get_args(kind) for chosen, kind in choices):
            raise ValueError("a choice that there is not")
        if not all(type(side) is int and 0 <= side <= MAX_SIDE for side in (parts.size, parts.short)) or not parts.size:
            raise ValueError("a size that no network has")
        if 0 in parts.scale or len(self.classes) < 2 or not isinstance(self.name, str):
            raise ValueError("no scale, no classes or no name")
        if type(parts.mirror) is not bool or type(self.min_score) not in (int, float):
            raise ValueError("a number that is none")
        "".join(self.classes).encode("utf-8")  # what is no text raises
