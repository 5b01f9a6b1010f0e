"""Where the model files of ``face-verify`` come from: embedded, cached, converted once, or the user's own."""

from __future__ import annotations

from pathlib import Path

from dltools.errors import ModelFileError
from dltools.models.faces.config import FORMAT_VERSION, EmbedderConfig
from dltools.runtime.assets import Notify, Progress, Registry, embedded_path, no_model
from dltools.runtime.converted import converted_path, write_converted
from dltools.runtime.modelfile import read_config

COMMAND = "face-verify"
DEFAULT_MODEL = "dlib-resnet"
#: The embeddings that ``--model`` knows by name.
EMBEDDERS = (DEFAULT_MODEL, "facenet")
#: What finds and aligns faces for all of them.
DETECTOR_PARTS = ("mtcnn-proposal", "mtcnn-refine", "mtcnn-output")
LANDMARKS = "face-landmarks"

#: Part of every converted file's name: a change of the conversion must not find the old files.
_CONVERTER_VERSION = 1


def part_file(name: str) -> Path:
    """Return the embedded model file ``name``; raise :class:`ModelFileError` where it is not there."""
    path = embedded_path(Registry.load().model(name, COMMAND))
    if path is None:
        raise ModelFileError(f"{name} is not embedded")
    return path


def embedder_file(
    model: str, *, offline: bool = False, progress: Progress | None = None, notify: Notify | None = None
) -> Path:
    """Return the model file of the embedding ``model``: a name (fetched and converted if need be), or a path.

    Raise :class:`UsageError` where it is neither, :class:`MissingError` where it cannot be had.
    """
    if model not in EMBEDDERS:
        path = Path(model)
        if not path.is_file():
            raise no_model(model, EMBEDDERS)
        return path
    entry = Registry.load().model(model, COMMAND)
    embedded = embedded_path(entry)
    if embedded is not None:
        return embedded
    target = converted_path(f"{model}-{FORMAT_VERSION}.{_CONVERTER_VERSION}.tflite")
    if target.is_file():
        return target
    from dltools.models.faces.convert import convert_facenet
    from dltools.runtime.fetch import fetch_model

    graph = fetch_model(entry, offline=offline, progress=progress)["graph"]
    with write_converted(target, f"{model} for LiteRT", notify) as stream:
        stream.write(convert_facenet(graph))
    return target


def read_embedder_config(path: Path) -> EmbedderConfig:
    """Return what an embedding model's file says about itself; raise :class:`ModelFileError`."""
    try:
        return EmbedderConfig.from_json(read_config(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: not an embedding model's file") from error
