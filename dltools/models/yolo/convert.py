"""Convert a Darknet detector to a model file: ``.cfg`` and ``.weights`` to Keras to LiteRT."""

from __future__ import annotations

from pathlib import Path

from dltools.models.yolo import darknet
from dltools.models.yolo.store import coco_names
from dltools.runtime.export import Quantization, quiet_tensorflow, to_litert
from dltools.runtime.modelfile import append_config

_COCO_CLASSES = 80


def convert(cfg: Path, weights: Path, names: Path | None, *, name: str, quantize: Quantization = "float32") -> bytes:
    """Return the bytes of the model file for Darknet's files; raise :class:`ModelFileError`.

    With ``dynamic_int8`` the layers that suffer most from it stay float. Everything is read and checked before
    TensorFlow, which takes seconds, is imported.
    """
    network = darknet.read_cfg(cfg)
    config = darknet.detector_config(network, _names(names, network), name)
    values = darknet.read_weights(weights, network)
    with quiet_tensorflow():
        from dltools.models.yolo.network import build, sensitive_layers

        model = build(network, values)
    keep_float = sensitive_layers(network) if quantize == "dynamic_int8" else ()
    return append_config(to_litert(model, quantize=quantize, keep_float=keep_float), config.to_json())


def _names(path: Path | None, network: darknet.Network) -> tuple[str, ...]:
    if path is not None:
        return darknet.read_names(path)
    classes = network.heads[0].classes
    return coco_names() if classes == _COCO_CLASSES else tuple(map(str, range(classes)))
