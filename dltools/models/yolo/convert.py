"""Convert a Darknet detector to a model file: ``.cfg`` and ``.weights`` to Keras to LiteRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dltools.models.yolo.darknet import Network, detector_config
from dltools.models.yolo.darknet_weights import read_weights
from dltools.runtime.export import Quantization, quiet_tensorflow, to_litert
from dltools.runtime.modelfile import append_config


def convert(
    network: Network, weights: Path, names: Sequence[str], *, name: str, quantize: Quantization = "float32"
) -> bytes:
    """Return the bytes of the model file for Darknet's files; raise :class:`ModelFileError`.

    With ``dynamic_int8`` the layers that suffer most from it stay float. Everything is read and checked before
    TensorFlow, which takes seconds, is imported.
    """
    config = detector_config(network, names, name)
    values = read_weights(weights, network)
    with quiet_tensorflow():
        from dltools.models.yolo.network import build, sensitive_layers

        model = build(network, values)
    keep_float = sensitive_layers(network) if quantize == "dynamic_int8" else ()
    return append_config(to_litert(model, quantize=quantize, keep_float=keep_float), config.to_json())
