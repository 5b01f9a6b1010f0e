"""A date model's file: arrays as float16 and the configuration, in the form of :mod:`dltools.runtime.arrayfile`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError
from dltools.models.dates.config import DatesConfig, Weights
from dltools.models.dates.grammar import SYMBOLS
from dltools.runtime.arrayfile import encode_arrays, read_arrays


def encode(config: DatesConfig, weights: Weights) -> bytes:
    """Return the bytes of a model's file, the same for the same model."""
    return encode_arrays(
        config.to_json(), {name: value.astype(np.float16) for name, value in weights._asdict().items()}
    )


def decode(path: Path) -> tuple[DatesConfig, Weights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, "a date model's file")
    try:
        config = DatesConfig.from_json(text)
        weights = Weights(*(arrays[name] for name in Weights._fields))
        fits = _fits(config, weights)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{path}: not a date model's file") from error
    if not fits:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    return config, weights


def _fits(config: DatesConfig, weights: Weights) -> bool:
    embedding, units, decoder = (
        weights.embedding.shape[1],
        weights.encoder_recurrent.shape[1],
        weights.decoder_recurrent.shape[0],
    )
    symbols = len(SYMBOLS)
    shapes = (  # in the order of Weights
        (2 + len(config.alphabet), embedding),
        (4, embedding),
        (1 + len(config.languages), embedding),
        (2, embedding, 4 * units),
        (2, units, 4 * units),
        (2, 4 * units),
        (2 * units, decoder),
        (decoder,),
        (decoder, 2 * units),
        (2 * units, 4 * decoder),
        (symbols + 2, 4 * decoder),
        (decoder, 4 * decoder),
        (4 * decoder,),
        (decoder + 2 * units, symbols),
        (symbols,),
    )
    return all(array.shape == shape for array, shape in zip(weights, shapes, strict=True)) and config.temperature > 0
