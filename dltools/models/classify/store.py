"""Where a classifier's file comes from: embedded, converted from Keras' weights, or made by ``train``.

A file is LiteRT's flatbuffer with the configuration behind it, or an ``.npz`` of arrays that NumPy runs.
"""

from __future__ import annotations

from pathlib import Path

from dltools.errors import DltoolsError, ModelFileError
from dltools.models.classify.config import FORMAT_VERSION, ClassifierConfig
from dltools.runtime.assets import Notify, Progress, Registry, embedded_path, no_model
from dltools.runtime.converted import converted_path, write_converted
from dltools.runtime.modelfile import load_predictor, read_config
from dltools.runtime.predictor import Predictor

COMMAND = "image-classify"
DEFAULT_MODEL = "squeezenet"

#: Part of every converted file's name: a change of the conversion must not find the old files.
_CONVERTER_VERSION = 2
_ARRAYS = b"PK\x03\x04"  # what an .npz begins with; a flatbuffer has its ZIP behind it


def model_file(
    name: str, *, offline: bool = False, progress: Progress | None = None, notify: Notify | None = None
) -> Path:
    """Return the file of the model ``name``, fetched and converted if need be, or the file that is called so.

    Raise :class:`UsageError` where it is neither, :class:`MissingError` where it cannot be had.
    """
    registry = Registry.load()
    if name not in registry.names(COMMAND):
        path = Path(name)
        if path.is_file():
            return path
        raise no_model(name, registry.names(COMMAND))
    entry = registry.model(name, COMMAND)
    embedded = embedded_path(entry)
    if embedded is not None:
        return embedded
    target = converted_path(f"{name}-{FORMAT_VERSION}.{_CONVERTER_VERSION}.tflite")
    if target.is_file():
        return target
    weights = weights_file(name, offline=offline, progress=progress)
    from dltools.models.classify.convert import convert

    with write_converted(target, f"{name} for LiteRT", notify) as stream:
        stream.write(convert(name, weights, embedded_classes()))
    return target


def weights_file(name: str, *, offline: bool = False, progress: Progress | None = None) -> Path:
    """Return the file of Keras' weights of the model ``name``; raise :class:`MissingError` where it cannot be had."""
    from dltools.runtime.fetch import fetch_model

    return fetch_model(Registry.load().model(name, COMMAND), offline=offline, progress=progress)["weights"]


def embedded_classes() -> tuple[str, ...]:
    """Return the names of ImageNet's 1,000 classes, which the embedded model carries."""
    return read_classifier_config(model_file(DEFAULT_MODEL)).classes


def read_classifier_config(path: Path) -> ClassifierConfig:
    """Return the configuration in a LiteRT model file; raise :class:`ModelFileError` where it is none of ours."""
    try:
        return ClassifierConfig.from_json(read_config(path))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: not a classifier's model file") from error


def open_model(path: Path, *, threads: int) -> tuple[ClassifierConfig, Predictor]:
    """Open a model file, to run on ``threads`` threads; raise :class:`ModelFileError`."""
    try:
        with path.open("rb") as stream:
            first = stream.read(len(_ARRAYS))
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such model file") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    if first == _ARRAYS:
        from dltools.models.classify.arrays import open_arrays

        try:
            return open_arrays(path, threads=threads)
        except ModelFileError:
            raise
        except DltoolsError as error:
            raise ModelFileError(f"{path}: not a classifier's model file") from error
    config = read_classifier_config(path)
    return config, load_predictor(path, threads=threads)
