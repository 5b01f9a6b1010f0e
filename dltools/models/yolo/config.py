"""What a detector's file says about itself, beside its weights.

Redmon and Farhadi, "YOLO9000" (2016) section 2 and "YOLOv3" (2018) section 2.1 define the heads;
``scale_x_y`` is from Bochkovskiy, Wang and Liao, "YOLOv4" (2020) section 3.4.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal

FORMAT_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Head:
    """One detection head: how one output tensor of the network is read.

    ``kind``: ``region`` (YOLOv2: softmax classes, anchors in grid cells) or ``yolo`` (v3, v4: logistic
    classes, anchors in network input pixels). ``anchors``: ``(width, height)`` of this head's own
    anchors only (the mask is already applied), in the unit of its kind. ``classes``: how many.
    """

    kind: Literal["region", "yolo"]
    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_x_y: float = 1.0


@dataclasses.dataclass(frozen=True)
class DetectorConfig:
    """A whole detector: input size in pixels, heads in the order of the network's outputs, class names."""

    name: str
    width: int
    height: int
    heads: tuple[Head, ...]
    names: tuple[str, ...]

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps({"format": FORMAT_VERSION, "model": "yolo", **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> DetectorConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError`` or ``KeyError`` where it does not fit."""
        fields: dict[str, Any] = json.loads(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "yolo":
            raise ValueError("not a detector's configuration")
        heads = tuple(
            Head(
                kind=head["kind"],
                anchors=tuple((float(width), float(height)) for width, height in head["anchors"]),
                classes=int(head["classes"]),
                scale_x_y=float(head["scale_x_y"]),
            )
            for head in fields.pop("heads")
        )
        return cls(heads=heads, names=tuple(fields.pop("names")), **fields)
