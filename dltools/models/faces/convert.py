"""Convert the published face models to model files: read and checked, built in Keras, brought to LiteRT's form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from dltools.models.faces.config import EmbedderConfig
from dltools.models.faces.dlib_file import EMBEDDING_SIZE, INPUT_SIZE, Floats, read_embedding
from dltools.models.faces.frozen_graph import read_facenet
from dltools.runtime.export import quiet_tensorflow, to_litert
from dltools.runtime.modelfile import append_config

#: Below these Euclidean distances two faces are taken for one person's; CARD.md says how they were chosen.
DLIB_THRESHOLD, FACENET_THRESHOLD = 0.6, 1.1

Part = Literal["proposal", "refine", "output"]


def convert_dlib(path: Path) -> bytes:
    """Return the model file of ``dlib_face_recognition_resnet_model_v1.dat``; raise :class:`ModelFileError`.

    Everything is read and checked before TensorFlow, which takes seconds, is imported.
    """
    weights = read_embedding(path)
    red, green, blue = weights.mean.tolist()
    config = EmbedderConfig("dlib-resnet", INPUT_SIZE, EMBEDDING_SIZE, DLIB_THRESHOLD, mean=(red, green, blue))
    with quiet_tensorflow():
        from dltools.models.faces.network import build_dlib

        model = build_dlib(weights)
    return append_config(to_litert(model, quantize="float16"), config.to_json())


def convert_facenet(path: Path) -> bytes:
    """Return the model file of FaceNet's frozen graph; raise :class:`ModelFileError`."""
    weights = read_facenet(path)
    config = EmbedderConfig(
        "facenet", 160, 512, FACENET_THRESHOLD, alignment="box", scaling="symmetric", margin=32.0, normalize=True
    )
    with quiet_tensorflow():
        from dltools.models.faces.inception import build_facenet

        model = build_facenet(weights)
    return append_config(to_litert(model, quantize="float32"), config.to_json())


def convert_detector(part: Part, weights: Sequence[Floats]) -> bytes:
    """Return one of MTCNN's networks in LiteRT's form; ``weights``: see :mod:`dltools.models.faces.network`."""
    with quiet_tensorflow():
        from dltools.models.faces import network

        build = {"proposal": network.build_proposal, "refine": network.build_refine, "output": network.build_output}
        model = build[part](weights)
    return to_litert(model, quantize="float16")
