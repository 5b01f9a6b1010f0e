"""An emoji model's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError
from dltools.models.emoji.config import AverageWeights, EmojiConfig, Weights
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_KINDS: dict[str, type[Weights] | type[AverageWeights]] = {"average": AverageWeights, "lstm": Weights}


def encode(config: EmojiConfig, weights: Weights | AverageWeights) -> bytes:
    """Return the bytes of a model's file, the same for the same model; weights are stored as float16."""
    return encode_arrays(
        config.to_json(), {name: value.astype(np.float16) for name, value in weights._asdict().items()}
    )


def decode(path: Path) -> tuple[EmojiConfig, Weights | AverageWeights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, "an emoji model's file")
    try:
        config = EmojiConfig.from_json(text)
        kind = _KINDS[config.kind]
        weights = kind(*(arrays[name] for name in kind._fields))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
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
    if not fits:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
