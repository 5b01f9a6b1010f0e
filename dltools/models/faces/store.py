"""Where the model files of ``face-verify`` come from: embedded, cached, converted once, or the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from dltools.errors import ModelFileError, UsageError
from dltools.models.faces.config import FORMAT_VERSION, EmbedderConfig
from dltools.runtime.assets import Registry, cache_dir, embedded_path, sha256_of
from dltools.runtime.modelfile import read_config

COMMAND = "face-verify"
DEFAULT_MODEL = "dlib-resnet"
FACENET = "facenet"
#: The embeddings that ``--model`` knows by name.
EMBEDDERS = (DEFAULT_MODEL, FACENET)
#: What finds and aligns faces for all of them.
DETECTOR_PARTS = ("mtcnn-proposal", "mtcnn-refine", "mtcnn-output")
LANDMARKS = "face-landmarks"

#: Part of every converted file's key: a change of the conversion must not find the old files.
_CONVERTER_VERSION = 1

Progress = Callable[[str, int, "int | None"], None]
Notify = Callable[[str], None]


def part_file(name: str) -> Path:
    """Return the embedded model file ``name``; raise :class:`MissingError` where it is not there."""
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
            raise UsageError(f"{model}: no such model; give {' or '.join(EMBEDDERS)}, or the file of one")
        return path
    entry = Registry.load().model(model, COMMAND)
    embedded = embedded_path(entry)
    if embedded is not None:
        return embedded
    from dltools.runtime.fetch import fetch_model

    return _converted_facenet(fetch_model(entry, offline=offline, progress=progress)["graph"], notify)


def read_embedder_config(path: Path) -> EmbedderConfig:
    """Return what an embedding model's file says about itself; raise :class:`ModelFileError`."""
    try:
        return EmbedderConfig.from_json(read_config(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: not an embedding model's file") from error


def _converted_facenet(graph: Path, notify: Notify | None) -> Path:
    """Return FaceNet's LiteRT form, converted unless a graph of this content has been before."""
    import hashlib

    text = f"faces {FORMAT_VERSION}.{_CONVERTER_VERSION}\0{sha256_of(graph)}"
    target = cache_dir() / "converted" / f"{hashlib.sha256(text.encode()).hexdigest()}.tflite"
    if target.is_file():
        return target
    from dltools.io.outputs import atomic_write, make_folder
    from dltools.models.faces.convert import convert_facenet

    make_folder(target.parent)
    if notify is not None:
        notify("converting facenet for LiteRT, once")
    model = convert_facenet(graph)
    with atomic_write(target, force=True) as stream:
        stream.write(model)
    return target
