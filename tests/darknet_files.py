"""Darknet files for tests: descriptions built from the published architectures, and seeded random weights.

Architectures: Redmon and Farhadi, "YOLO9000" (2016), "YOLOv3" (2018); Bochkovskiy, Wang and Liao, "YOLOv4" (2020),
figures of CSPDarknet-53, SPP and PAN; Wang et al., "Scaled-YOLOv4" (2021) for the tiny form.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dltools.models.yolo import darknet

V3_TINY_ANCHORS = "10,14, 23,27, 37,58, 81,82, 135,169, 344,319"
V4_ANCHORS = "12,16, 19,36, 40,28, 36,75, 76,55, 72,146, 142,110, 192,243, 459,401"


class Cfg:
    """Collects the sections of a ``.cfg`` text; ``divide`` makes every inner layer narrower by that factor."""

    def __init__(self, width: int, height: int, divide: int = 1) -> None:
        self._text = [f"[net]\nwidth={width}\nheight={height}\nchannels=3\n"]
        self._divide = divide

    def add(self, kind: str, **options: object) -> Cfg:
        lines = "".join(f"{key.rstrip('_')}={value}\n" for key, value in options.items())
        self._text.append(f"[{kind}]\n{lines}")
        return self

    def conv(self, filters: int, size: int = 1, stride: int = 1, activation: str = "leaky", **more: object) -> Cfg:
        filters //= self._divide
        return self.add(
            "convolutional",
            batch_normalize=1, filters=filters, size=size, stride=stride, pad=1, activation=activation, **more,
        )  # fmt: skip

    def pool(self, size: int, stride: int) -> Cfg:
        return self.add("maxpool", size=size, stride=stride)

    def route(self, *layers: int, **more: object) -> Cfg:
        return self.add("route", layers=",".join(map(str, layers)), **more)

    def yolo(self, mask: str, anchors: str, classes: int, **more: object) -> Cfg:
        """A linear 1x1 convolution and the detection layer that reads it."""
        filters = len(mask.split(",")) * (5 + classes)
        self.add("convolutional", size=1, stride=1, pad=1, filters=filters, activation="linear")
        num = len(anchors.split(",")) // 2
        return self.add("yolo", mask=mask, anchors=anchors, classes=classes, num=num, **more)

    def region(self, anchors: str, classes: int) -> Cfg:
        num = len(anchors.split(",")) // 2
        self.add("convolutional", size=1, stride=1, pad=1, filters=num * (5 + classes), activation="linear")
        return self.add("region", anchors=anchors, classes=classes, num=num, coords=4, softmax=1)

    def text(self) -> str:
        return "\n".join(self._text)


def yolov4_tiny(side: int = 416, classes: int = 80, divide: int = 1) -> str:
    cfg = Cfg(side, side, divide).conv(32, 3, 2).conv(64, 3, 2)
    for filters in (64, 128, 256):  # cross-stage partial: half of the channels take the long way
        cfg.conv(filters, 3).route(-1, groups=2, group_id=1).conv(filters // 2, 3).conv(filters // 2, 3)
        cfg.route(-1, -2).conv(filters).route(-6, -1).pool(2, 2)
    cfg.conv(512, 3).conv(256).conv(512, 3).yolo("3,4,5", V3_TINY_ANCHORS, classes, scale_x_y=1.05)
    cfg.route(-4).conv(128).add("upsample", stride=2).route(-1, 23).conv(256, 3)
    return cfg.yolo("1,2,3", V3_TINY_ANCHORS, classes, scale_x_y=1.05).text()


def yolov4(side: int = 608, classes: int = 80, divide: int = 1) -> str:
    cfg = Cfg(side, side, divide).conv(32, 3, activation="mish")
    for filters, half, inner, blocks in ((64, 64, 32, 1), (128, 64, 64, 2), (256, 128, 128, 8), (512, 256, 256, 8),
                                         (1024, 512, 512, 4)):  # fmt: skip
        cfg.conv(filters, 3, 2, "mish").conv(half, activation="mish").route(-2).conv(half, activation="mish")
        for _ in range(blocks):
            cfg.conv(inner, activation="mish").conv(half, 3, activation="mish")
            cfg.add("shortcut", from_=-3, activation="linear")
        cfg.conv(half, activation="mish").route(-1, -(3 * blocks + 4)).conv(filters, activation="mish")
    cfg.conv(512).conv(1024, 3).conv(512)
    cfg.pool(5, 1).route(-2).pool(9, 1).route(-4).pool(13, 1).route(-1, -3, -5, -6)  # spatial pyramid
    cfg.conv(512).conv(1024, 3).conv(512)
    for filters, lateral in ((256, 85), (128, 54)):  # path aggregation, upwards
        cfg.conv(filters).add("upsample", stride=2).route(lateral).conv(filters).route(-1, -3)
        cfg.conv(filters).conv(2 * filters, 3).conv(filters).conv(2 * filters, 3).conv(filters)
    cfg.conv(256, 3).yolo("0,1,2", V4_ANCHORS, classes, scale_x_y=1.2)
    for filters, back, mask, scale in ((256, -16, "3,4,5", 1.1), (512, -37, "6,7,8", 1.05)):  # and downwards
        cfg.route(-4).conv(filters, 3, 2).route(-1, back)
        cfg.conv(filters).conv(2 * filters, 3).conv(filters).conv(2 * filters, 3).conv(filters)
        cfg.conv(2 * filters, 3).yolo(mask, V4_ANCHORS, classes, scale_x_y=scale)
    return cfg.text()


def write_random_weights(
    path: Path,
    network: darknet.Network,
    seed: int,
    version: tuple[int, int, int] = (0, 2, 0),
    seen_bytes: int = 8,
    objectness: float = -2.0,
) -> None:
    """Write a ``.weights`` file of the right size for ``network``.

    Kernels are He's (2015), so that activations keep their scale; the branch that a shortcut adds is made small, so
    that they also keep it over many blocks. Heads say "object" (objectness above 0.5) for a part of the cells, which
    ``objectness``, the bias before the sigmoid, makes smaller or larger.
    """
    generator = np.random.default_rng(seed)
    small = {layer.inputs[0] for layer in network.layers if isinstance(layer, darknet.Shortcut)}
    heads = {layer.inputs[0]: layer.head.classes for layer in network.detections}
    with path.open("wb") as stream:
        stream.write(struct.pack("<3i", *version) + (32_013_312).to_bytes(seen_bytes, "little"))
        for layer in network.layers:
            if isinstance(layer, darknet.Convolution):
                gain = 0.1 if layer.index in small else 1.0
                for block in _random_layer(generator, layer, gain, heads.get(layer.index), objectness):
                    stream.write(np.ascontiguousarray(block, dtype="<f4").tobytes())


def _random_layer(
    generator: np.random.Generator, layer: darknet.Convolution, gain: float, classes: int | None, objectness: float
) -> Sequence[np.ndarray]:
    fan_in = layer.kernel_parameters // layer.filters
    kernel = generator.standard_normal((layer.filters, fan_in), dtype=np.float32) * np.sqrt(2 / fan_in)
    bias = generator.normal(0, 0.1, layer.filters)
    if classes is not None:
        kernel = 2.5 * (kernel - kernel.mean(axis=1, keepdims=True))  # answer to patterns, not to the mean activation
        bias[4 :: 5 + classes] = objectness
    if not layer.batch_normalize:
        return bias, kernel
    scale = gain * generator.uniform(0.9, 1.1, layer.filters)
    mean = generator.normal(0, 0.1, layer.filters)
    variance = generator.uniform(0.8, 1.2, layer.filters)
    return bias, scale, mean, variance, kernel
