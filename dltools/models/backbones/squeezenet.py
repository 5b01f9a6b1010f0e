"""SqueezeNet 1.1 in Keras.

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters" (2016), form 1.1 of its authors. In:
float32 pictures (batch, rows, columns, 3), blue, green, red from 0 to 255, with :data:`MEAN` taken off. Out: what the
last fire module makes of them, (batch, rows / 16, columns / 16, 512), or (:func:`classifier`) a probability a class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from dltools.errors import ModelFileError
from dltools.runtime.assets import Registry, embedded_path
from dltools.runtime.litert import constants

Tensor: TypeAlias = Any  # keras.KerasTensor; Keras publishes no types

#: What the published weights want taken off blue, green and red (the means of ImageNet, as Caffe's models have them).
MEAN = (103.939, 116.779, 123.68)
SIZE = 227  # pixels, the side that the weights were trained on
CLASSES = 1000


class Fire(NamedTuple):
    """A fire module: its number, how many channels it squeezes to, and how many each of its two halves expands to."""

    number: int
    squeeze: int
    expand: int


#: The fire modules, in groups; a max-pooling of 3 x 3, stride 2, stands before each group.
GROUPS = (
    (Fire(2, 16, 64), Fire(3, 16, 64)),
    (Fire(4, 32, 128), Fire(5, 32, 128)),
    (Fire(6, 48, 192), Fire(7, 48, 192), Fire(8, 64, 256), Fire(9, 64, 256)),
)


def features(rows: int | None = None, columns: int | None = None) -> keras.Model:
    """Return the convolutional part for pictures (batch, rows, columns, 3), untrained; None: of any size.

    Layers are called ``conv1``, ``fire2_squeeze``, ``fire2_expand1``, ``fire2_expand3``, ``fire2`` (both halves joined)
    and so on to ``fire9``; each convolution's output is rectified. The output is that of ``fire9``.
    """
    picture = keras.Input((rows, columns, 3), name="picture")
    tensor = layers.Conv2D(64, 3, strides=2, activation="relu", name="conv1")(picture)
    for modules in GROUPS:
        tensor = layers.MaxPooling2D(3, strides=2, name=f"pool{modules[0].number - 1}")(tensor)
        for module in modules:
            tensor = _fire(tensor, module)
    return keras.Model(picture, tensor, name="squeezenet_features")


def classifier(size: int = SIZE, classes: int = CLASSES, *, with_features: bool = False) -> keras.Model:
    """Return the whole network for pictures (batch, size, size, 3), untrained: probabilities (batch, classes).

    ``with_features``: a second output, the mean of ``fire9`` over the picture, (batch, 512).
    """
    base = features(size, size)
    tensor = layers.Dropout(0.5, name="drop9")(base.output)
    tensor = layers.Conv2D(classes, 1, activation="relu", name="conv10")(tensor)
    tensor = layers.GlobalAveragePooling2D(name="pool10")(tensor)
    outputs = [layers.Softmax(name="probabilities")(tensor)]
    if with_features:
        outputs.append(layers.GlobalAveragePooling2D(name="features")(base.output))
    return keras.Model(base.input, outputs, name="squeezenet")


def _fire(tensor: Tensor, module: Fire) -> Tensor:
    """Squeeze by 1 x 1, then expand by 1 x 1 and by 3 x 3, side by side (section 3.2)."""
    name = f"fire{module.number}"
    squeezed = layers.Conv2D(module.squeeze, 1, activation="relu", name=f"{name}_squeeze")(tensor)
    left = layers.Conv2D(module.expand, 1, activation="relu", name=f"{name}_expand1")(squeezed)
    right = layers.Conv2D(module.expand, 3, padding="same", activation="relu", name=f"{name}_expand3")(squeezed)
    return layers.Concatenate(name=name)([left, right])


def read_weights(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Return kernel and bias by layer name out of the published Keras HDF5 file; raise :class:`ModelFileError`."""
    import h5py

    try:
        with h5py.File(path) as file:
            return {ours: [np.asarray(file[theirs][f"{theirs}_{part}:0"]) for part in "Wb"] for ours, theirs in _NAMES}
    except (OSError, KeyError) as error:
        raise ModelFileError(f"{path}: not SqueezeNet's weights ({str(error)[:80]})") from error


def embedded_weights() -> dict[str, list[NDArray[np.float32]]]:
    """Return kernel and bias by layer name out of the network that comes with the package, where they are float16."""
    path = embedded_path(Registry.load().model("squeezenet", "image-classify"))
    if path is None:
        raise ModelFileError("squeezenet: not embedded in this installation")
    return read_converted(path)


def read_converted(path: Path) -> dict[str, list[NDArray[np.float32]]]:
    """Return kernel and bias by layer name out of the ``.tflite`` file that was made of :func:`classifier`.

    Raise :class:`ModelFileError` where it is another network's.
    """
    weights: dict[str, dict[int, NDArray[np.float32]]] = {}
    for name, values in constants(path).items():
        layer = re.search(r"/(\w+?)_\d+/", name)  # squeezenet_1/conv1_1/convolution, or .../BiasAdd;...
        if layer is not None and values.dtype.kind == "f":
            weights.setdefault(layer[1], {})[values.ndim] = values.astype(np.float32)
    try:
        # LiteRT has (outputs, rows, columns, inputs), Keras (rows, columns, inputs, outputs).
        return {ours: [np.moveaxis(weights[ours][4], 0, -1), weights[ours][1]] for ours, _ in _NAMES}
    except KeyError as error:
        raise ModelFileError(f"{path}: not SqueezeNet (no layer {error})") from error


#: Each convolution's name here and in the published file.
_NAMES = (
    ("conv1", "conv1"),
    *(
        (f"fire{module.number}_{ours}", f"fire{module.number}/{theirs}")
        for modules in GROUPS
        for module in modules
        for ours, theirs in (("squeeze", "squeeze1x1"), ("expand1", "expand1x1"), ("expand3", "expand3x3"))
    ),
    ("conv10", "conv10"),
)


def set_weights(model: keras.Model, weights: Mapping[str, list[NDArray[np.float32]]]) -> None:
    """Put ``weights`` (kernel and bias by layer name) into the convolutions that ``model`` has."""
    for layer in model.layers:
        if layer.name in weights:
            layer.set_weights(weights[layer.name])
