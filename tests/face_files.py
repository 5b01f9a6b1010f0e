"""Writes small files in the forms that the readers of face models read: dlib's, TensorFlow's frozen graphs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

#: The residual blocks of a tiny network: filters, and whether the block halves the picture.
TINY_BLOCKS = ((3, False), (4, True))


class DlibWriter:
    """Bytes as dlib's serialize.h writes them."""

    def __init__(self) -> None:
        self.data = b""

    def integers(self, *values: int) -> DlibWriter:
        for value in values:
            size = max(1, (abs(value).bit_length() + 7) // 8)
            self.data += bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")
        return self

    def reals(self, *values: float) -> DlibWriter:
        for value in values:
            mantissa, exponent = math.frexp(value)
            self.integers(int(mantissa * (1 << 53)), exponent - 53 if mantissa else 0)
        return self

    def text(self, text: str) -> DlibWriter:
        self.integers(len(text))
        self.data += text.encode("latin-1")
        return self

    def tensor(self, values: np.ndarray) -> DlibWriter:
        shape = (*values.shape, *(1,) * (4 - values.ndim))
        self.integers(2, *shape)
        self.data += values.astype("<f4").tobytes()
        return self

    def end_layer(self) -> DlibWriter:
        self.data += b"101"
        for _ in range(3):
            self.integers(2, 0, 0, 0, 0)
        return self

    def column(self, values: Sequence[float]) -> DlibWriter:
        return self.integers(-len(values), -1).reals(*values)


def dlib_embedding(blocks: Iterable[tuple[int, bool]] = TINY_BLOCKS, *, loss: str = "loss_metric_2") -> bytes:
    """Return an embedding network in dlib's form, of random numbers: what ``dlib_file.BLOCKS`` says it holds."""
    random = np.random.default_rng(5)
    out = DlibWriter().integers(1).text(loss).reals(0.04, 0.6).integers(1, 2, 1, 3)
    out.text("input_rgb_image_sized").reals(122.782, 117.001, 104.298).integers(150, 150)

    def convolution(size: int, channels: int, filters: int, stride: int, *, first: bool = False) -> None:
        count = filters * channels * size * size
        padding = 0 if stride == 2 else size // 2
        out.text("con_4").tensor(random.normal(0, 0.1, count + filters))
        out.integers(filters, size, size, stride, stride, padding, padding)
        out.integers(1, filters, channels, size, size).integers(1, 1, filters, 1, 1).reals(1, 1, 1, 0).end_layer()
        if first:
            out.integers(1)
        out.text("affine_").tensor(random.normal(1, 0.1, 2 * filters))
        out.integers(1, 1, filters, 1, 1).integers(1, 1, filters, 1, 1).integers(0).end_layer()

    def layer(name: str, *numbers: int) -> None:
        out.text(name).integers(*numbers).end_layer()

    convolution(7, 3, 32, 2, first=True)
    layer("relu_")
    layer("max_pool_2", 3, 3, 2, 2, 0, 0)
    channels = 32
    for filters, down in blocks:
        convolution(3, channels, filters, 2 if down else 1)
        layer("relu_")
        convolution(3, filters, filters, 1)
        if down:
            layer("avg_pool_2", 2, 2, 2, 2, 0, 0)
        layer("add_prev_")
        layer("relu_")
        channels = filters
    layer("avg_pool_2", 0, 0, 1, 1, 0, 0)
    out.text("fc_2").integers(128, channels).tensor(random.normal(0, 0.1, (channels, 128)))
    out.integers(1, channels, 128, 1, 1).integers(1, 0, 0, 0, 0).integers(1).reals(1, 1, 1, 0).end_layer()
    return out.data


def dlib_predictor(*, forests: int = 2, trees: int = 3, depth: int = 2, pixels: int = 7) -> bytes:
    """Return a shape predictor of five points in dlib's form, of random numbers."""
    random = np.random.default_rng(6)
    splits, leaves = (1 << depth) - 1, 1 << depth
    out = DlibWriter().integers(1).column(random.random(10).tolist()).integers(forests)
    for _ in range(forests):
        out.integers(trees)
        for _ in range(trees):
            out.integers(splits)
            for _ in range(splits):
                out.integers(*map(int, random.integers(0, pixels, 2))).reals(float(random.normal(0, 20)))
            out.integers(leaves)
            for _ in range(leaves):
                out.column(random.normal(0, 0.01, 10).tolist())
    out.integers(forests)
    for _ in range(forests):
        out.integers(pixels, *map(int, random.integers(0, 5, pixels)))
    out.integers(forests)
    for _ in range(forests):
        out.integers(pixels).reals(*random.normal(0, 0.1, 2 * pixels).tolist())
    return out.data


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def constant(name: str, values: np.ndarray, *, kind: str = "Const", dtype: int = 1) -> bytes:
    """Return a node of a graph that is a constant (GraphDef.node)."""
    shape = b"".join(_field(2, _field(1, size)) for size in values.shape)
    tensor = _field(1, dtype) + _field(2, shape) + _field(4, values.astype("<f4").tobytes())
    value = _field(1, b"value") + _field(2, _field(8, tensor))
    return _field(1, _field(1, name.encode()) + _field(2, kind.encode()) + _field(5, value))


def facenet_graph(*, convolutions: int = 132, last: int = 512) -> bytes:
    """Return a graph with as many convolutions as FaceNet has, each of two filters of one pixel."""
    random = np.random.default_rng(7)
    root = "InceptionResnetV1/"
    nodes = [constant("other", np.zeros(2)), constant(f"{root}step", np.zeros(()), dtype=3)]
    for number in range(convolutions):
        bias = "biases" if number % 2 else "Conv2D_bn_offset"
        nodes.append(constant(f"{root}c{number}/weights", random.normal(size=(1, 1, 1, 2))))
        nodes.append(constant(f"{root}c{number}/{bias}", random.normal(size=2)))
    nodes.append(constant(f"{root}Bottleneck/weights", random.normal(size=(3, last))))
    for part in ("beta", "moving_mean", "moving_variance"):
        nodes.append(constant(f"{root}Bottleneck/BatchNorm/{part}", random.random(last)))
    return b"".join(nodes)
