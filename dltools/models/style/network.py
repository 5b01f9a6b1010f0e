"""The network that pictures are compared by: a backbone, cut off behind the last layer that is looked at.

In: a picture (rows, columns, 3), float32 RGB from 0 to 1. Out: a tensor (1, rows', columns', channels) a layer.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from dltools.errors import InputError
from dltools.models.backbones import squeezenet, vgg
from dltools.models.style.config import BackboneName
from dltools.models.style.pictures import Floats

#: Pixels by which a picture is mirrored beyond its edges: where networks pad with zeros, paintings get a grey frame.
RIM = 16
_PROBE = 512  # pixels, a side of a picture that shows how much smaller each layer is


def use_threads(count: int) -> None:
    """Let TensorFlow take ``count`` threads, 0 for all cores; without effect after its first computation."""
    with contextlib.suppress(RuntimeError):  # it has begun already
        tf.config.threading.set_intra_op_parallelism_threads(count)


@contextlib.contextmanager
def enough_memory() -> Iterator[None]:
    """Say in our words what TensorFlow says where memory does not do: the estimate was one."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise InputError("not enough memory: paint at a smaller size", code="too_large") from error


class Network:
    """A backbone that gives the outputs of some of its layers by their names."""

    def __init__(self, name: BackboneName, weights: Path, layers: Sequence[str]) -> None:
        """Build the backbone ``name`` as far as ``layers`` need it, with the weights of the file ``weights``.

        Raise :class:`ModelFileError` where the file is not the backbone's.
        """
        base = squeezenet.features() if name == "squeezenet" else vgg.features(name, average=True)
        self._model = keras.Model(base.input, [base.get_layer(layer).output for layer in layers], name=name)
        if name == "squeezenet":
            squeezenet.set_weights(self._model, _squeezenet_weights(weights))
        else:
            vgg.load_weights(self._model, weights)
        self._layers = tuple(layers)
        shapes = self._model.compute_output_shape((1, _PROBE, _PROBE, 3))
        self._rims = [RIM >> round(math.log2(_PROBE / shape[1])) for shape in shapes]
        self._mean = tf.constant(squeezenet.MEAN if name == "squeezenet" else vgg.MEAN, tf.float32)
        self._compiled = tf.function(self.trace, input_signature=[tf.TensorSpec((None, None, 3), tf.float32)])

    def trace(self, picture: Any) -> dict[str, Any]:
        """Return what the layers make of a tensor (rows, columns, 3), inside a function that is being compiled."""
        rimmed = tf.pad(picture, [[RIM, RIM], [RIM, RIM], [0, 0]], "SYMMETRIC")
        outputs = self._model(rimmed[None, ..., ::-1] * 255.0 - self._mean, training=False)
        return {
            name: output[:, rim:-rim, rim:-rim]
            for name, rim, output in zip(self._layers, self._rims, outputs, strict=True)
        }

    def look(self, picture: Floats) -> dict[str, Any]:
        """Return what the layers make of a picture (rows, columns, 3)."""
        with enough_memory():
            seen: dict[str, Any] = self._compiled(tf.constant(picture))
        return seen


def _squeezenet_weights(path: Path) -> dict[str, list[npt.NDArray[np.float32]]]:
    """Return kernel and bias by layer name out of the embedded classifier, or of the published HDF5."""
    return squeezenet.read_converted(path) if path.suffix == ".tflite" else squeezenet.read_weights(path)
