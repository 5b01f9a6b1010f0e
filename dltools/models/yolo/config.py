"""What a detector's file says about itself, beside its weights.

Redmon and Farhadi, "YOLO9000" (2016) section 2 and "YOLOv3" (2018) section 2.1 define the heads;
``scale_x_y`` is from Bochkovskiy, Wang and Liao, "YOLOv4" (2020) section 3.4.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, get_args

from dltools.io.jsontext import read_json

FORMAT_VERSION = 1
Kind = Literal["region", "yolo"]
#: No network takes pictures of longer sides.
MAX_SIDE = 4096


@dataclasses.dataclass(frozen=True)
class Head:
    """One detection head: how one output tensor of the network is read.

    ``kind``: ``region`` (YOLOv2: softmax classes, anchors in grid cells) or ``yolo`` (v3, v4: logistic
    classes, anchors in network input pixels). ``anchors``: ``(width, height)`` of this head's own
    anchors only (the mask is already applied), in the unit of its kind. ``classes``: how many.
    """

    kind: Kind
    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_x_y: float = 1.0

    @property
    def channels(self) -> int:
        """How many numbers it gives for a cell."""
        return len(self.anchors) * (5 + self.classes)


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
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = read_json(text)
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
        config = cls(heads=heads, names=tuple(map(str, fields.pop("names"))), **fields)
        config._check()
        return config

    def _check(self) -> None:
        """Raise ``ValueError`` where the parts cannot belong together."""
        if not isinstance(self.name, str) or not self.heads:
            raise ValueError("no name or no heads")
        if not all(type(side) is int and 0 < side <= MAX_SIDE for side in (self.width, self.height)):
            raise ValueError("a size that no network has")
        for head in self.heads:
            usable = head.kind in get_args(Kind) and head.anchors and head.classes == len(self.names) > 0
            if not usable or min(map(min, head.anchors)) <= 0:
                raise ValueError("a head that cannot be read")
