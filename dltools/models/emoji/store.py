"""An emoji model's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError, UsageError
from dltools.models.emoji.config import AverageWeights, EmojiConfig, Weights

COMMAND = "emojify"
_CONFIG = "config"
_KINDS: dict[str, type[Weights] | type[AverageWeights]] = {"average": AverageWeights, "lstm": Weights}


def model_path(name: str) -> Path:
    """Return the file that ``name`` means: of a kind that comes with the toolkit, or a path of the user's.

    Raise :class:`UsageError` where it is neither, :class:`MissingError` where the toolkit's own is not there.
    """
    from dltools.runtime.assets import Registry, embedded_path

    if name in _KINDS:
        path = embedded_path(Registry.load().model(f"{COMMAND}-{name}", COMMAND))
        if path is not None:
            return path
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"{name}: no such model; give {' or '.join(sorted(_KINDS))}, or the file of one")
    return path


def encode(config: EmojiConfig, weights: Weights | AverageWeights) -> bytes:
    """Return the bytes of a model's file, the same for the same model; weights are stored as float16."""
    arrays = {name: value.astype(np.float16) for name, value in weights._asdict().items()}
    stream = io.BytesIO()
    np.savez(stream, **{_CONFIG: np.frombuffer(config.to_json().encode("utf-8"), np.uint8), **arrays})
    return stream.getvalue()


def decode(path: Path) -> tuple[EmojiConfig, Weights | AverageWeights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            config = EmojiConfig.from_json(bytes(arrays[_CONFIG]).decode("utf-8"))
            kind = _KINDS[config.kind]
            weights = kind(*(arrays[name].astype(np.float32) for name in kind._fields))
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path}: not an emoji model's file") from error
    _check(path, config, weights)
    return config, weights


def _check(path: Path, config: EmojiConfig, weights: Weights | AverageWeights) -> None:
    classes = len(config.labels)
    if isinstance(weights, AverageWeights):
        fits = weights.kernel.shape == (config.dimensions, classes) and weights.bias.shape == (classes,)
    else:
        runs, units = weights.recurrent.shape[0], weights.recurrent.shape[1]
        shapes = (
            (runs, config.dimensions, 4 * units),
            (runs, units, 4 * units),
            (runs, 4 * units),
            (runs // 2, 2 * units, classes),
            (runs // 2, classes),
        )
        fits = runs >= 2 and all(array.shape == shape for array, shape in zip(weights, shapes, strict=True))
    if not fits or not all(np.isfinite(array).all() for array in weights):
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
