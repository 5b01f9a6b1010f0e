"""The classifiers' architectures in Keras: ResNet-50, a small network from scratch, and SqueezeNet for own classes.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016), with the strides where Keras has them (in
a block's first convolution). VGG-19 and SqueezeNet's convolutions are in :mod:`dltools.models.backbones`. In: float32
pictures (batch, size, size, 3), prepared. Out: a probability a class.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import keras
from keras import layers

from dltools.errors import ModelFileError, first_line
from dltools.models.backbones import squeezenet as backbone

Tensor: TypeAlias = Any  # keras.KerasTensor; Keras publishes no types

_EPSILON = 1.001e-5  # of batch normalization, Keras' constant for its residual networks
#: ResNet-50's four stages: how wide (times the network's width), how many blocks, and the stride of the first.
_STAGES = ((1, 3, 1), (2, 4, 2), (4, 6, 2), (8, 3, 2))
_EXPANSION = 4  # how many times wider a block's output is than its middle


def resnet50(size: int = 224, classes: int = 1000, *, width: int = 64) -> keras.Model:
    """Return ResNet-50, untrained, its layers named as Keras names them; ``width``: channels of the first stage.

    With 64 it is the published one, of 25,636,712 parameters for 1,000 classes.
    """
    picture = keras.Input((size, size, 3), name="picture")
    tensor = layers.ZeroPadding2D(3, name="conv1_pad")(picture)
    tensor = layers.Conv2D(width, 7, strides=2, name="conv1_conv")(tensor)
    tensor = _normalized(tensor, "conv1_bn")
    tensor = layers.ReLU(name="conv1_relu")(tensor)
    tensor = layers.ZeroPadding2D(1, name="pool1_pad")(tensor)
    tensor = layers.MaxPooling2D(3, strides=2, name="pool1_pool")(tensor)
    for stage, (times, blocks, stride) in enumerate(_STAGES, 2):
        tensor = convolutional_block(tensor, width * times, f"conv{stage}_block1", stride=stride)
        for block in range(2, blocks + 1):
            tensor = identity_block(tensor, width * times, f"conv{stage}_block{block}")
    tensor = layers.GlobalAveragePooling2D(name="avg_pool")(tensor)
    return keras.Model(picture, _probabilities(tensor, classes), name="resnet50")


def identity_block(tensor: Tensor, filters: int, name: str) -> Tensor:
    """Add to ``tensor`` (batch, rows, columns, 4 filters) what three convolutions make of it (figure 5, right)."""
    added = layers.Add(name=f"{name}_add")([tensor, _bottleneck(tensor, filters, name, stride=1)])
    return layers.ReLU(name=f"{name}_out")(added)


def convolutional_block(tensor: Tensor, filters: int, name: str, *, stride: int) -> Tensor:
    """Do as :func:`identity_block`, on a shortcut that a convolution brings to the new size and width (3.3, B)."""
    shortcut = layers.Conv2D(_EXPANSION * filters, 1, strides=stride, name=f"{name}_0_conv")(tensor)
    shortcut = _normalized(shortcut, f"{name}_0_bn")
    added = layers.Add(name=f"{name}_add")([shortcut, _bottleneck(tensor, filters, name, stride=stride)])
    return layers.ReLU(name=f"{name}_out")(added)


def _bottleneck(tensor: Tensor, filters: int, name: str, *, stride: int) -> Tensor:
    """Convolve by 1 x 1, 3 x 3 and 1 x 1, to (batch, rows / stride, columns / stride, 4 filters)."""
    tensor = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(tensor)
    tensor = _normalized(tensor, f"{name}_1_bn")
    tensor = layers.ReLU(name=f"{name}_1_relu")(tensor)
    tensor = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(tensor)
    tensor = _normalized(tensor, f"{name}_2_bn")
    tensor = layers.ReLU(name=f"{name}_2_relu")(tensor)
    tensor = layers.Conv2D(_EXPANSION * filters, 1, name=f"{name}_3_conv")(tensor)
    return _normalized(tensor, f"{name}_3_bn")


def _normalized(tensor: Tensor, name: str) -> Tensor:
    return layers.BatchNormalization(epsilon=_EPSILON, name=name)(tensor)


def _probabilities(tensor: Tensor, classes: int) -> Tensor:
    return layers.Dense(classes, activation="softmax", name="predictions")(tensor)


def squeezenet(size: int, classes: int, *, dropout: float = 0.5) -> keras.Model:
    """Return SqueezeNet's convolutions (:mod:`dltools.models.backbones.squeezenet`) under one dense layer, untrained.

    That layer begins with zeros: the first steps do not disturb what is below.
    """
    base = backbone.features(size, size)
    tensor = layers.GlobalAveragePooling2D(name="mean")(base.output)
    tensor = layers.Dropout(dropout, name="dropout")(tensor)
    tensor = layers.Dense(classes, activation="softmax", kernel_initializer="zeros", name="predictions")(tensor)
    return keras.Model(base.input, tensor, name="squeezenet")


def load_weights(model: keras.Model, path: Path) -> None:
    """Put Keras' published weights (HDF5) into ``model``, layer by layer; raise :class:`ModelFileError`."""
    try:
        model.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: not the weights of {model.name} ({first_line(error)[:100]})") from error


def convnet(size: int, classes: int, *, width: int = 32, dropout: float = 0.3, name: str = "convnet") -> keras.Model:
    """Return a small network for few pictures: blocks of convolution, normalization and pooling, then one mean.

    Each block halves the picture until it is smaller than 8 pixels; ``width``: channels of the first block.
    """
    picture = keras.Input((size, size, 3), name="picture")
    tensor, side, channels = picture, size, width
    number = 0
    while side >= 8 or not number:
        number += 1
        tensor = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"conv{number}")(tensor)
        tensor = layers.BatchNormalization(momentum=0.9, name=f"norm{number}")(tensor)
        tensor = layers.ReLU(name=f"relu{number}")(tensor)
        tensor = layers.MaxPooling2D(2, padding="same", name=f"pool{number}")(tensor)
        side, channels = -(-side // 2), min(2 * channels, 4 * width)
    tensor = layers.GlobalAveragePooling2D(name="mean")(tensor)
    tensor = layers.Dropout(dropout, name="dropout")(tensor)
    return keras.Model(picture, _probabilities(tensor, classes), name=name)
