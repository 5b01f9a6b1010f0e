"""The networks of ``face-verify`` in Keras: MTCNN's three, dlib's embedding, and a small one to train.

MTCNN: Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks"
(2016). dlib's: a ResNet-34 of 29 convolutions with half the filters (He et al., 2015; dnn_face_recognition_ex.cpp). The
small one: nn4.small2 of OpenFace (Amos et al., 2016), of the Inception family (Szegedy et al., 2014). In: pictures
(batch, rows, columns, 3), normalized as each wants them. Out: what the functions say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from dltools.models.faces.dlib_file import BLOCKS, EMBEDDING_SIZE, INPUT_SIZE, EmbeddingNetwork, Floats

Tensor = Any

PROPOSAL_SIZE, REFINE_SIZE, OUTPUT_SIZE = 12, 24, 48  # pixels that one decision of each network looks at


def build_proposal(weights: Sequence[Floats] | None = None) -> keras.Model:
    """Return MTCNN's P-Net: for every second pixel four box offsets and the logit of a face, (batch, rows, columns, 5).

    ``weights``: kernel, bias and slopes of each layer in order, then of the boxes and of the two classes.
    """
    picture = keras.Input((96, 96, 3), name="picture")  # of any size, once it is in LiteRT's form
    tensor = _prelu_convolution(picture, 10, 3, "conv1")
    tensor = layers.MaxPooling2D(2, 2, padding="same", name="pool1")(tensor)
    tensor = _prelu_convolution(tensor, 16, 3, "conv2")
    tensor = _prelu_convolution(tensor, 32, 3, "conv3")
    found = layers.Conv2D(5, 1, name="found")(tensor)
    return _with_weights(keras.Model(picture, found, name="proposal"), weights, heads=2)


def build_refine(weights: Sequence[Floats] | None = None) -> keras.Model:
    """Return MTCNN's R-Net: four box offsets and the logit of a face, (batch, 5)."""
    picture = keras.Input((REFINE_SIZE, REFINE_SIZE, 3), name="picture")
    tensor = _prelu_convolution(picture, 28, 3, "conv1")
    tensor = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(tensor)
    tensor = _prelu_convolution(tensor, 48, 3, "conv2")
    tensor = layers.MaxPooling2D(3, 2, name="pool2")(tensor)
    tensor = _prelu_convolution(tensor, 64, 2, "conv3")
    found = _decide(tensor, 128, 5)
    return _with_weights(keras.Model(picture, found, name="refine"), weights, heads=2)


def build_output(weights: Sequence[Floats] | None = None) -> keras.Model:
    """Return MTCNN's O-Net: four box offsets, five points as x... and y..., the logit of a face, (batch, 15)."""
    picture = keras.Input((OUTPUT_SIZE, OUTPUT_SIZE, 3), name="picture")
    tensor = _prelu_convolution(picture, 32, 3, "conv1")
    tensor = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(tensor)
    tensor = _prelu_convolution(tensor, 64, 3, "conv2")
    tensor = layers.MaxPooling2D(3, 2, name="pool2")(tensor)
    tensor = _prelu_convolution(tensor, 64, 3, "conv3")
    tensor = layers.MaxPooling2D(2, 2, padding="same", name="pool3")(tensor)
    tensor = _prelu_convolution(tensor, 128, 2, "conv4")
    found = _decide(tensor, 256, 15)
    return _with_weights(keras.Model(picture, found, name="output"), weights, heads=3)


def _prelu_convolution(tensor: Tensor, filters: int, size: int, name: str) -> Tensor:
    tensor = layers.Conv2D(filters, size, name=name)(tensor)
    return layers.PReLU(shared_axes=[1, 2], name=f"{name}_slopes")(tensor)


def _decide(tensor: Tensor, units: int, outputs: int) -> Tensor:
    """Flatten column by column, as the weights were trained, and decide."""
    tensor = layers.Flatten(name="flat")(layers.Permute((2, 1, 3), name="by_columns")(tensor))
    tensor = layers.PReLU(name="dense_slopes")(layers.Dense(units, name="dense")(tensor))
    return layers.Dense(outputs, name="found")(tensor)


def _with_weights(model: keras.Model, weights: Sequence[Floats] | None, *, heads: int) -> keras.Model:
    """Set the weights of a network whose heads were trained as several layers, the last of them two classes.

    All heads become one layer, and the two classes one logit: a softmax of two is the sigmoid of their difference.
    """
    if weights is None:
        return model
    body, tail = list(weights[: -2 * heads]), list(weights[-2 * heads :])
    kernel, bias = tail[-2], tail[-1]
    parts = [*tail[:-2:2], kernel[..., 1:] - kernel[..., :1]]
    biases = [*tail[1:-2:2], bias[1:] - bias[:1]]
    model.set_weights([*body, ops.concatenate(parts, axis=-1), ops.concatenate(biases, axis=-1)])
    return model


def build_dlib(weights: EmbeddingNetwork | None = None) -> keras.Model:
    """Return dlib's network: chips (batch, 150, 150, 3), normalized, to embeddings (batch, 128)."""
    picture = keras.Input((INPUT_SIZE, INPUT_SIZE, 3), name="picture")
    names: list[str] = []

    def convolve(tensor: Tensor, filters: int, size: int, stride: int) -> Tensor:
        names.append(f"conv{len(names) + 1}")
        padding = "same" if stride == 1 else "valid"
        return layers.Conv2D(filters, size, stride, padding=padding, name=names[-1])(tensor)

    tensor = layers.MaxPooling2D(3, 2, name="pool")(ops.relu(convolve(picture, 32, 7, 2)))
    for filters, down in BLOCKS:
        within = ops.relu(convolve(tensor, filters, 3, 2 if down else 1))
        within = convolve(within, filters, 3, 1)
        shortcut = layers.AveragePooling2D(2, 2)(tensor) if down else tensor
        tensor = ops.relu(_add_padded(within, shortcut))
    average = layers.GlobalAveragePooling2D(name="average")(tensor)
    embedding = layers.Dense(EMBEDDING_SIZE, use_bias=False, name="embedding")(average)
    model = keras.Model(picture, embedding, name="dlib")
    if weights is not None:
        for name, convolution in zip(names, weights.convolutions, strict=True):
            model.get_layer(name).set_weights([convolution.kernel, convolution.bias])
        model.get_layer("embedding").set_weights([weights.projection])
    return model


def _add_padded(one: Tensor, other: Tensor) -> Tensor:
    """Add two tensors; rows, columns and channels that one of them lacks are zeros (dlib's ``add_prev``)."""
    if one.shape == other.shape:
        return one + other
    whole = [max(pair) for pair in zip(one.shape[1:], other.shape[1:], strict=True)]
    parts = []
    for tensor in (one, other):
        lacking = [(0, size - own) for size, own in zip(whole, tensor.shape[1:], strict=True)]
        parts.append(ops.pad(tensor, [(0, 0), *lacking]))
    return parts[0] + parts[1]
