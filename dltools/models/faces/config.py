"""What an embedding model's file says about itself, beside its weights."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

from dltools.models.faces.geometry import PADDING

FORMAT_VERSION = 1

#: How a face becomes a chip: by dlib's five points, or by the detector's box and a margin, as FaceNet was trained.
Alignment = Literal["points", "box"]
#: How grey values become inputs: minus the mean over 256 (dlib), or minus 127.5 over 128 (FaceNet).
Scaling = Literal["dlib", "symmetric"]


@dataclasses.dataclass(frozen=True)
class EmbedderConfig:
    """How an embedding network wants its faces, and how its embeddings are compared.

    ``size``: side of the chip in pixels. ``alignment``, ``scaling``: see their types; ``mean``: the grey values that
    ``dlib`` subtracts. ``margin``: what goes around the face: a share of it with ``points``, pixels of the chip with
    ``box``, half on each side. ``dimensions``: how many numbers. ``normalize``: whether an embedding is brought to
    length 1. ``threshold``: two faces whose embeddings' Euclidean distance is below it are one person's.
    """

    name: str
    size: int
    dimensions: int
    threshold: float
    alignment: Alignment = "points"
    scaling: Scaling = "dlib"
    mean: tuple[float, float, float] = (122.782, 117.001, 104.298)
    margin: float = PADDING
    normalize: bool = False

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps({"format": FORMAT_VERSION, "model": "faces", **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> EmbedderConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` if it does not fit."""
        fields: dict[str, Any] = json.loads(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "faces":
            raise ValueError("not the configuration of an embedding model")
        red, green, blue = map(float, fields.pop("mean"))
        config = cls(mean=(red, green, blue), **fields)
        if config.alignment not in ("points", "box") or config.scaling not in ("dlib", "symmetric"):
            raise ValueError("an unknown way to prepare a face")
        whole = all(type(value) is int for value in (config.size, config.dimensions))
        if not whole or not 16 <= config.size <= 1024 or not 1 <= config.dimensions <= 4096:
            raise ValueError("sizes that no embedding model has")
        real = all(type(value) in (int, float) for value in (config.threshold, config.margin))
        if not real or not 0 < config.threshold < 1e6 or not 0 <= config.margin <= config.size / 2:
            raise ValueError("a threshold or a margin that no embedding model has")
        if not isinstance(config.name, str) or not isinstance(config.normalize, bool) or not _finite(config.mean):
            raise TypeError("a field of another kind")
        return config


def _finite(mean: tuple[float, float, float]) -> bool:
    return all(abs(value) <= 1e6 for value in mean)
