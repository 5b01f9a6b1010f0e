"""VGG-16 and VGG-19 in Keras.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition" (2015), configurations D
and E, with Keras' layer names. In: float32 pictures (batch, rows, columns, 3), blue, green, red from 0 to 255, with
:data:`MEAN` taken off. Out: what the last block makes of them, (batch, rows / 32, columns / 32, 512), or
(:func:`classifier`) a probability a class.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dltools.errors import ModelFileError

if TYPE_CHECKING:
    import h5py

Name = Literal["vgg16", "vgg19"]
Tensor: TypeAlias = Any  # keras.KerasTensor; Keras publishes no types

#: What the published weights want taken off blue, green and red (the means of ImageNet, as Caffe's models have them).
MEAN = (103.939, 116.779, 123.68)
SIZE = 224  # pixels, the side that the weights were trained on
CLASSES = 1000

#: How many convolutions each of the five blocks has (table 1, columns D and E), and how many channels each gives.
CONVOLUTIONS: dict[Name, tuple[int, ...]] = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
CHANNELS = (64, 128, 256, 512, 512)
_DENSE = 4096


def features(name: Name, rows: int | None = None, columns: int | None = None, *, average: bool = False) -> keras.Model:
    """Return the convolutional part for pictures (batch, rows, columns, 3), untrained; None: of any size.

    ``average``: pool by the mean instead of the maximum, as those do who paint with it. Layers are called
    ``block1_conv1``, ``block1_conv2``, ``block1_pool`` and so on to ``block5_pool``, whose output is the model's; each
    convolution's output is rectified.
    """
    pooling = layers.AveragePooling2D if average else layers.MaxPooling2D
    tensor = picture = keras.Input((rows, columns, 3), name="picture")
    for block, (count, channels) in enumerate(zip(CONVOLUTIONS[name], CHANNELS, strict=True), 1):
        for number in range(1, count + 1):
            convolution = layers.Conv2D(
                channels, 3, padding="same", activation="relu", name=f"block{block}_conv{number}"
            )
            tensor = convolution(tensor)
        tensor = pooling(2, name=f"block{block}_pool")(tensor)
    return keras.Model(picture, tensor, name=f"{name}_features")


def classifier(name: Name, classes: int = CLASSES) -> keras.Model:
    """Return the whole network for pictures (batch, 224, 224, 3), untrained: probabilities (batch, classes).

    With 1,000 classes VGG-16 has 138,357,544 parameters, VGG-19 143,667,240.
    """
    base = features(name, SIZE, SIZE)
    tensor = layers.Flatten(name="flatten")(base.output)
    for number in (1, 2):
        tensor = layers.Dense(_DENSE, activation="relu", name=f"fc{number}")(tensor)
    tensor = layers.Dense(classes, activation="softmax", name="predictions")(tensor)
    return keras.Model(base.input, tensor, name=name)


def load_weights(model: keras.Model, path: Path) -> None:
    """Fill the layers of ``model``, whole or a part of the network, with what a Keras weight file has for them.

    Three layouts are read: the published HDF5, with a group for each layer by its name; Keras 3's ``.weights.h5`` of
    the same networks; and one with a group for each block (``block1/layers/conv2d``). What the model has no layer for
    is left alone. Raise :class:`ModelFileError` where the file is none of these, or its shapes are others.
    """
    import h5py

    wanted = [layer for layer in model.layers if layer.weights]
    try:
        with h5py.File(path) as file:
            arrays = [_arrays(file, model, layer.name) for layer in wanted]
    except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:80]
        raise ModelFileError(f"{path}: not the weights of {model.name} ({reason})") from error
    for layer, (kernel, bias) in zip(wanted, arrays, strict=True):
        if [kernel.shape, bias.shape] != [tuple(weight.shape) for weight in layer.weights]:
            raise ModelFileError(f"{path}: not the weights of {model.name} (layer {layer.name} has other shapes)")
        layer.set_weights([kernel, bias])


def _arrays(file: h5py.File, model: keras.Model, name: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return kernel and bias of the layer ``name``; raise ``KeyError`` where the file has none."""
    groups = file.get("model_weights", file)  # a whole model saved as HDF5 keeps them one level down
    if name in groups:
        group = groups[name]
        kernel, bias = (group[part] for part in group.attrs["weight_names"])
    else:
        group = file[_numbered(file, model, name)]["vars"]
        kernel, bias = group["0"], group["1"]
    return np.asarray(kernel, np.float32), np.asarray(bias, np.float32)


def _numbered(file: h5py.File, model: keras.Model, name: str) -> str:
    """Return the group of the layer ``name`` in a file that counts layers of a kind: conv2d, conv2d_1, ..."""
    block = name.partition("_")[0]
    by_block = block in file
    kind = "dense" if isinstance(model.get_layer(name), layers.Dense) else "conv2d"
    alike = [
        layer.name
        for layer in model.layers
        if layer.weights
        and isinstance(layer, layers.Dense) == (kind == "dense")
        and (not by_block or layer.name.startswith(f"{block}_"))
    ]
    number = alike.index(name)
    return f"{block + '/' if by_block else ''}layers/{kind}{f'_{number}' if number else ''}"
