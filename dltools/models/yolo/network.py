"""Build the Keras network that a Darknet description stands for.

Architectures: Redmon and Farhadi, "YOLO9000" (2016) and "YOLOv3" (2018); Bochkovskiy, Wang and Liao, "YOLOv4" (2020).
In: float32 pictures, (batch, rows, columns, 3), red, green, blue from 0 to 1. Out: one float32 tensor for each head,
(batch, rows, columns, anchors * (5 + classes)), raw, as Darknet feeds it to its detection layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
from keras import layers, ops

from dltools.models.yolo import darknet
from dltools.models.yolo.darknet_weights import ConvolutionWeights

Tensor: TypeAlias = Any  # keras.KerasTensor; Keras publishes no types

LEAKY_SLOPE = 0.1  # Darknet's constant
_MISH_LIMIT = 10.0  # beyond it mish(x) is x in float32, and exp(2 x) is still far from overflowing


def build(network: darknet.Network, weights: Sequence[ConvolutionWeights | None] | None = None) -> keras.Model:
    """Return the Keras model of ``network``, its outputs in the order of the heads.

    ``weights``: one entry a layer, as :func:`read_weights` gives them; without, Keras' initial values.
    The input is float32, (batch, ``network.height``, ``network.width``, 3), RGB from 0 to 1. Layers with weights are
    named ``convolution_<index>`` after Darknet's numbering; a grouped one is ``convolution_<index>_<group>``.
    """
    picture = keras.Input((network.height, network.width, network.channels), name="picture")
    tensors: dict[int, Tensor] = {darknet.INPUT: picture}
    outputs: list[Tensor] = []
    for layer in network.layers:
        inputs = [tensors[index] for index in layer.inputs]
        if isinstance(layer, darknet.Detection):
            outputs.append(inputs[0])
            continue
        if isinstance(layer, darknet.Convolution):
            tensor = _convolution(inputs[0], layer, None if weights is None else weights[layer.index])
            tensor = _activate(tensor, layer.activation, layer.index)
        elif isinstance(layer, darknet.MaxPool):
            tensor = _max_pool(inputs[0], layer)
        else:
            tensor = _without_weights(inputs, layer)
        tensors[layer.index] = tensor
    return keras.Model(picture, outputs, name="yolo")


def sensitive_layers(network: darknet.Network) -> tuple[str, ...]:
    """Return the names of the convolutions to keep in float32 when the others are stored as int8.

    All of 1x1: the heads are, whose errors move boxes directly, and what leads to them. In YOLOv3-tiny they hold 6 %
    of the weights and cause most of the loss of int8 (see CARD.md).
    """
    used: set[int] = set()  # a layer that leads to no head is no part of the model
    for layer in reversed(network.layers):
        if isinstance(layer, darknet.Detection) or layer.index in used:
            used.update(layer.inputs)
    convolutions = [layer for layer in network.layers if isinstance(layer, darknet.Convolution) and layer.index in used]
    chosen = [layer for layer in convolutions if layer.size == 1]
    return tuple(_name(layer, group) for layer in chosen for group in range(layer.groups))


def _name(layer: darknet.Convolution, group: int) -> str:
    return f"convolution_{layer.index}" + (f"_{group}" if layer.groups > 1 else "")


def _without_weights(inputs: list[Tensor], layer: darknet.Layer) -> Tensor:
    if isinstance(layer, darknet.Route):
        return _route(inputs, layer)
    if isinstance(layer, darknet.Shortcut):
        return _activate(layers.Add(name=f"shortcut_{layer.index}")(inputs), layer.activation, layer.index)
    if isinstance(layer, darknet.Upsample):
        return _upsample(inputs[0], layer.stride)
    if isinstance(layer, darknet.Reorg):
        return _reorg(inputs[0], layer)
    raise TypeError(f"no Keras form of {layer.title}")


def _convolution(tensor: Tensor, layer: darknet.Convolution, weights: ConvolutionWeights | None) -> Tensor:
    """Convolve without activation; groups are split by hand, since TensorFlow has no grouped kernel on every CPU."""
    tensor, padding = _pad(tensor, layer, before=layer.pad, fill=0.0)
    parts = _split(tensor, layer.groups)
    outputs = []
    for group, part in enumerate(parts):
        name = _name(layer, group)
        convolve = layers.Conv2D(
            layer.filters // layer.groups, layer.size, strides=layer.stride, padding=padding, name=name
        )
        outputs.append(convolve(part))
        if weights is not None:
            own = slice(group * layer.filters // layer.groups, (group + 1) * layer.filters // layer.groups)
            convolve.set_weights([weights.kernel[..., own], weights.bias[own]])
    return outputs[0] if layer.groups == 1 else ops.concatenate(outputs, axis=-1)


def _max_pool(tensor: Tensor, layer: darknet.MaxPool) -> Tensor:
    """Darknet pads in front by half of the whole, rounded down; padding never wins a maximum."""
    tensor, padding = _pad(tensor, layer, before=layer.pad // 2, fill=float("-inf"))
    return layers.MaxPooling2D(layer.size, layer.stride, padding=padding, name=f"maxpool_{layer.index}")(tensor)


def _pad(tensor: Tensor, layer: darknet.Convolution | darknet.MaxPool, before: int, fill: float) -> tuple[Tensor, str]:
    """Pad as Darknet does, and say which of TensorFlow's paddings is left to do.

    TensorFlow's ``same`` depends on the stride and puts the larger part behind; it is used only where it gives
    exactly Darknet's windows (it costs nothing), else rows and columns are added in front and, as far as the last
    window reaches, behind.
    """
    sides = tensor.shape[1:3]
    amounts = []
    same = True
    for side, count in zip(sides, layer.shape[:2], strict=True):
        reach = (count - 1) * layer.stride + layer.size - side  # what the windows need beyond the picture
        same = same and count == -(-side // layer.stride) and before == max(reach, 0) // 2
        amounts.append((before, max(reach - before, 0)))
    if not any(sum(pair) for pair in amounts):
        return tensor, "valid"
    if same:
        return tensor, "same"
    if fill == 0.0:
        return layers.ZeroPadding2D(tuple(amounts), name=f"padding_{layer.index}")(tensor), "valid"
    return ops.pad(tensor, ((0, 0), *amounts, (0, 0)), constant_values=fill), "valid"


def _route(inputs: list[Tensor], layer: darknet.Route) -> Tensor:
    parts = [_split(tensor, layer.groups)[layer.group_id] for tensor in inputs]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)


def _split(tensor: Tensor, groups: int) -> list[Tensor]:
    """Cut the channels into equal parts by slices: only those that are used stay in the graph."""
    if groups == 1:
        return [tensor]
    size = tensor.shape[-1] // groups
    return [tensor[..., group * size : (group + 1) * size] for group in range(groups)]


def _upsample(tensor: Tensor, stride: int) -> Tensor:
    """Repeat columns, then rows, by joining copies: nearest neighbour without an operation that XNNPACK lacks."""
    if stride == 1:
        return tensor
    _, rows, columns, channels = tensor.shape
    wide = ops.concatenate([tensor] * stride, axis=-1)  # (batch, rows, columns, stride * channels)
    lines = ops.reshape(wide, (-1, rows, 1, stride * columns * channels))
    tall = ops.concatenate([lines] * stride, axis=2)  # (batch, rows, stride, stride * columns * channels)
    return ops.reshape(tall, (-1, stride * rows, stride * columns, channels))


def _reorg(tensor: Tensor, layer: darknet.Reorg) -> Tensor:
    """Regroup as Darknet's ``reorg``, which reads its input as if it had fewer channels and more rows and columns."""
    _, rows, columns, channels = tensor.shape
    stride = layer.stride
    first = ops.transpose(tensor, (0, 3, 1, 2))  # (batch, channels, rows, columns)
    lines = channels // stride**2 * rows
    fine = ops.reshape(first, (-1, lines, stride, columns, stride))
    moved = ops.transpose(fine, (0, 2, 4, 1, 3))  # (batch, stride, stride, lines, columns)
    coarse = ops.reshape(moved, (-1, channels * stride**2, rows // stride, columns // stride))
    return ops.transpose(coarse, (0, 2, 3, 1))  # (batch, rows, columns, channels)


def _activate(tensor: Tensor, activation: darknet.Activation, index: int) -> Tensor:
    if activation == "leaky":
        return layers.LeakyReLU(negative_slope=LEAKY_SLOPE, name=f"leaky_{index}")(tensor)
    if activation == "mish":
        return _mish(tensor)
    if activation == "logistic":
        return ops.sigmoid(tensor)
    if activation == "relu":
        return ops.relu(tensor)
    if activation == "swish":
        return tensor * ops.sigmoid(tensor)
    return tensor


def _mish(tensor: Tensor) -> Tensor:
    """x tanh(ln(1 + e^x)) (Misra 2019) as x n / (n + 2), n = e^x (e^x + 2): builtin operations, no cancellation."""
    power = ops.exp(ops.minimum(tensor, _MISH_LIMIT))
    numerator = power * (power + 2.0)
    return tensor * (numerator / (numerator + 2.0))
