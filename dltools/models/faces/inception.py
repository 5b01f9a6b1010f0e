"""Embedding networks of the Inception family in Keras: FaceNet's, and the small one that is trained here.

FaceNet: Inception-ResNet-v1 (Szegedy et al., "Inception-v4", 2016) as Sandberg trained it. The small one: nn4.small2 of
OpenFace (Amos et al., 2016), after Schroff et al., "FaceNet" (2015). In: pictures (batch, size, size, 3), normalized.
Out: embeddings (batch, dimensions); those of the small network have length 1.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from dltools.errors import ModelFileError
from dltools.models.faces.frozen_graph import EMBEDDING_SIZE, FaceNetWeights

Tensor = Any

FACENET_SIZE = 160  # pixels
_SMALL_NORMALIZATION = {"momentum": 0.9, "epsilon": 1e-5}


class _FaceNet:
    """Builds FaceNet layer by layer, each convolution with the weights of its name."""

    def __init__(self, weights: FaceNetWeights | None) -> None:
        self._weights = weights
        self._used: set[str] = set()

    def convolve(
        self, tensor: Tensor, name: str, filters: int, size: tuple[int, int] | int, *, stride: int = 1,
        padding: str = "same", activate: bool = True,
    ) -> Tensor:  # fmt: skip
        layer = layers.Conv2D(filters, size, stride, padding=padding, name=name.replace("/", "_"))
        output = layer(tensor)
        if self._weights is not None:
            kernel, bias = self._weights.convolutions.get(name, (None, None))
            if kernel is None or kernel.shape != layer.kernel.shape:
                raise ModelFileError(f"FaceNet's graph has no {name} of {tuple(layer.kernel.shape)}")
            layer.set_weights([kernel, bias])
            self._used.add(name)
        return ops.relu(output) if activate else output

    def residual(self, tensor: Tensor, name: str, branches: Tensor, scale: float, *, activate: bool = True) -> Tensor:
        joined = ops.concatenate(branches, axis=-1)
        up = self.convolve(joined, f"{name}/Conv2d_1x1", tensor.shape[-1], 1, activate=False)
        total = tensor + scale * up
        return ops.relu(total) if activate else total

    def finish(self) -> None:
        if self._weights is not None and self._used != set(self._weights.convolutions):
            raise ModelFileError("FaceNet's graph has convolutions that the network has not")


def build_facenet(weights: FaceNetWeights | None = None) -> keras.Model:
    """Return FaceNet: pictures (batch, 160, 160, 3) to embeddings (batch, 512), not yet of length 1."""
    net = _FaceNet(weights)
    picture = keras.Input((FACENET_SIZE, FACENET_SIZE, 3), name="picture")
    tensor = net.convolve(picture, "Conv2d_1a_3x3", 32, 3, stride=2, padding="valid")
    tensor = net.convolve(tensor, "Conv2d_2a_3x3", 32, 3, padding="valid")
    tensor = net.convolve(tensor, "Conv2d_2b_3x3", 64, 3)
    tensor = layers.MaxPooling2D(3, 2)(tensor)
    tensor = net.convolve(tensor, "Conv2d_3b_1x1", 80, 1, padding="valid")
    tensor = net.convolve(tensor, "Conv2d_4a_3x3", 192, 3, padding="valid")
    tensor = net.convolve(tensor, "Conv2d_4b_3x3", 256, 3, stride=2, padding="valid")
    for number in range(1, 6):
        tensor = _block35(net, tensor, f"Repeat/block35_{number}")
    tensor = _reduction_a(net, tensor)
    for number in range(1, 11):
        tensor = _block17(net, tensor, f"Repeat_1/block17_{number}")
    tensor = _reduction_b(net, tensor)
    for number in range(1, 6):
        tensor = _block8(net, tensor, f"Repeat_2/block8_{number}", 0.20)
    tensor = _block8(net, tensor, "Block8", 1.0, activate=False)
    net.finish()
    average = layers.GlobalAveragePooling2D(name="average")(tensor)
    last = layers.Dense(EMBEDDING_SIZE, name="embedding")
    embedding = last(average)
    if weights is not None:
        last.set_weights([weights.projection, weights.bias])
    return keras.Model(picture, embedding, name="facenet")


def _block35(net: _FaceNet, tensor: Tensor, name: str) -> Tensor:
    first = net.convolve(tensor, f"{name}/Branch_0/Conv2d_1x1", 32, 1)
    second = net.convolve(tensor, f"{name}/Branch_1/Conv2d_0a_1x1", 32, 1)
    second = net.convolve(second, f"{name}/Branch_1/Conv2d_0b_3x3", 32, 3)
    third = net.convolve(tensor, f"{name}/Branch_2/Conv2d_0a_1x1", 32, 1)
    third = net.convolve(third, f"{name}/Branch_2/Conv2d_0b_3x3", 32, 3)
    third = net.convolve(third, f"{name}/Branch_2/Conv2d_0c_3x3", 32, 3)
    return net.residual(tensor, name, [first, second, third], 0.17)


def _block17(net: _FaceNet, tensor: Tensor, name: str) -> Tensor:
    first = net.convolve(tensor, f"{name}/Branch_0/Conv2d_1x1", 128, 1)
    second = net.convolve(tensor, f"{name}/Branch_1/Conv2d_0a_1x1", 128, 1)
    second = net.convolve(second, f"{name}/Branch_1/Conv2d_0b_1x7", 128, (1, 7))
    second = net.convolve(second, f"{name}/Branch_1/Conv2d_0c_7x1", 128, (7, 1))
    return net.residual(tensor, name, [first, second], 0.10)


def _block8(net: _FaceNet, tensor: Tensor, name: str, scale: float, *, activate: bool = True) -> Tensor:
    first = net.convolve(tensor, f"{name}/Branch_0/Conv2d_1x1", 192, 1)
    second = net.convolve(tensor, f"{name}/Branch_1/Conv2d_0a_1x1", 192, 1)
    second = net.convolve(second, f"{name}/Branch_1/Conv2d_0b_1x3", 192, (1, 3))
    second = net.convolve(second, f"{name}/Branch_1/Conv2d_0c_3x1", 192, (3, 1))
    return net.residual(tensor, name, [first, second], scale, activate=activate)


def _reduction_a(net: _FaceNet, tensor: Tensor) -> Tensor:
    first = net.convolve(tensor, "Mixed_6a/Branch_0/Conv2d_1a_3x3", 384, 3, stride=2, padding="valid")
    second = net.convolve(tensor, "Mixed_6a/Branch_1/Conv2d_0a_1x1", 192, 1)
    second = net.convolve(second, "Mixed_6a/Branch_1/Conv2d_0b_3x3", 192, 3)
    second = net.convolve(second, "Mixed_6a/Branch_1/Conv2d_1a_3x3", 256, 3, stride=2, padding="valid")
    return ops.concatenate([first, second, layers.MaxPooling2D(3, 2)(tensor)], axis=-1)


def _reduction_b(net: _FaceNet, tensor: Tensor) -> Tensor:
    branches = []
    for number, filters in ((0, 384), (1, 256)):
        branch = net.convolve(tensor, f"Mixed_7a/Branch_{number}/Conv2d_0a_1x1", 256, 1)
        name = f"Mixed_7a/Branch_{number}/Conv2d_1a_3x3"
        branches.append(net.convolve(branch, name, filters, 3, stride=2, padding="valid"))
    third = net.convolve(tensor, "Mixed_7a/Branch_2/Conv2d_0a_1x1", 256, 1)
    third = net.convolve(third, "Mixed_7a/Branch_2/Conv2d_0b_3x3", 256, 3)
    third = net.convolve(third, "Mixed_7a/Branch_2/Conv2d_1a_3x3", 256, 3, stride=2, padding="valid")
    return ops.concatenate([*branches, third, layers.MaxPooling2D(3, 2)(tensor)], axis=-1)


def build_small(size: int, dimensions: int, width: float = 1.0) -> keras.Model:
    """Return an untrained nn4.small2: pictures (batch, size, size, 3) to embeddings (batch, dimensions) of length 1.

    ``size``: of the pictures in pixels, at least 32; OpenFace has 96. ``width``: how many filters, as a share of
    OpenFace's.
    """

    def filters(count: int) -> int:
        return max(4, round(count * width))

    picture = keras.Input((size, size, 3), name="picture")
    tensor = _unit(picture, filters(64), 7, "conv1", stride=2)
    tensor = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(tensor)
    tensor = _unit(tensor, filters(64), 1, "conv2")
    tensor = _unit(tensor, filters(192), 3, "conv3")
    tensor = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(tensor)
    tensor = _mixed(tensor, "3a", (96, 128), (16, 32), 32, 64, filters)
    tensor = _mixed(tensor, "3b", (96, 128), (32, 64), 64, 64, filters)
    tensor = _mixed(tensor, "3c", (128, 256), (32, 64), 0, 0, filters, stride=2)
    tensor = _mixed(tensor, "4a", (96, 192), (32, 64), 128, 256, filters)
    tensor = _mixed(tensor, "4e", (160, 256), (64, 128), 0, 0, filters, stride=2)
    tensor = _mixed(tensor, "5a", (96, 384), None, 96, 256, filters)
    tensor = _mixed(tensor, "5b", (96, 384), None, 96, 256, filters)
    average = layers.GlobalAveragePooling2D(name="average")(tensor)
    embedding = layers.Dense(dimensions, name="embedding")(average)
    return keras.Model(picture, _unit_length(embedding), name="small")


def _unit_length(embedding: Tensor) -> Tensor:
    return embedding * ops.rsqrt(ops.maximum(ops.sum(embedding**2, axis=-1, keepdims=True), 1e-12))


def _unit(tensor: Tensor, filters: int, size: int, name: str, *, stride: int = 1) -> Tensor:
    tensor = layers.Conv2D(filters, size, stride, padding="same", use_bias=False, name=name)(tensor)
    return ops.relu(layers.BatchNormalization(**_SMALL_NORMALIZATION, name=f"{name}_norm")(tensor))


def _mixed(
    tensor: Tensor, name: str, three: tuple[int, int], five: tuple[int, int] | None, pooled: int, one: int,
    filters: Any, *, stride: int = 1,
) -> Tensor:  # fmt: skip
    """Join a 3 x 3, a 5 x 5, a pooled and a 1 x 1 branch of the filters given; 0 for a pool alone, and for none."""
    reduced = _unit(tensor, filters(three[0]), 1, f"{name}_3x3_reduce")
    branches = [_unit(reduced, filters(three[1]), 3, f"{name}_3x3", stride=stride)]
    if five is not None:
        reduced = _unit(tensor, filters(five[0]), 1, f"{name}_5x5_reduce")
        branches.append(_unit(reduced, filters(five[1]), 5, f"{name}_5x5", stride=stride))
    pool = layers.MaxPooling2D(3, stride, padding="same", name=f"{name}_pool")(tensor)
    branches.append(_unit(pool, filters(pooled), 1, f"{name}_pool_project") if pooled else pool)
    if one:
        branches.append(_unit(tensor, filters(one), 1, f"{name}_1x1"))
    return ops.concatenate(branches, axis=-1)
