"""Convert published weights to model files: Keras' HDF5 to Keras to LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dltools.errors import ModelFileError
from dltools.models.classify.config import ClassifierConfig, Preparation
from dltools.runtime.export import quiet_tensorflow, to_litert
from dltools.runtime.modelfile import append_config

#: Blue, green and red of ImageNet's mean, which the networks of Caffe's time want taken off.
_CAFFE_MEAN = (103.939, 116.779, 123.68)
#: The published accuracy of Keras' networks is that of Pillow's bicubic, the shorter side 256, the middle 224 pixels.
KERAS = Preparation(224, "crop", 256, "bicubic", "bgr", _CAFFE_MEAN)
#: The whole picture stretched, as these weights were trained, sampled as OpenCV does; see CARD.md for the alternatives.
SQUEEZENET = Preparation(227, "stretch", 0, "opencv", "bgr", _CAFFE_MEAN, mirror=True)


def convert(name: str, weights: Path, classes: Sequence[str]) -> bytes:
    """Return the bytes of the model file of ``resnet50`` or ``vgg19`` with Keras' weights, in float32.

    Raise :class:`ModelFileError` where the weights do not fit.
    """
    with quiet_tensorflow():
        from dltools.models.backbones import vgg
        from dltools.models.classify import network

        if name == "resnet50":
            model = network.resnet50()
            network.load_weights(model, weights)
        else:
            model = vgg.classifier("vgg19")
            vgg.load_weights(model, weights)
    config = ClassifierConfig(name, "resnet50" if name == "resnet50" else "vgg19", KERAS, tuple(classes))
    return append_config(to_litert(model, quantize="float32"), config.to_json())


def convert_squeezenet(weights: Path, classes: Sequence[str]) -> bytes:
    """Return the bytes of SqueezeNet's model file, float16, with the features of a picture as its second output."""
    with quiet_tensorflow():
        from dltools.models.backbones import squeezenet

        values = squeezenet.read_weights(weights)
        model = squeezenet.classifier(with_features=True)
        squeezenet.set_weights(model, values)
    if len(classes) != squeezenet.CLASSES:
        raise ModelFileError(f"{len(classes)} class names, not {squeezenet.CLASSES}")
    config = ClassifierConfig("squeezenet", "squeezenet", SQUEEZENET, tuple(classes))
    return append_config(to_litert(model, quantize="float16"), config.to_json())
