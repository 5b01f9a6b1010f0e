"""A names model's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError
from dltools.models.names.config import GATES, NamesConfig, Weights
from dltools.runtime.arrayfile import encode_arrays, read_arrays


def encode(config: NamesConfig, weights: Weights) -> bytes:
    """Return the bytes of a model's file, the same for the same model; weights are stored as float16."""
    return encode_arrays(
        config.to_json(), {name: value.astype(np.float16) for name, value in weights._asdict().items()}
    )


def decode(path: Path) -> tuple[NamesConfig, Weights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, "a names model's file")
    try:
        config = NamesConfig.from_json(text)
        weights = Weights(*(arrays[name] for name in Weights._fields))
        members, units = weights.recurrent.shape[:2]
        dimensions, columns, classes = weights.kernel.shape[1], GATES[config.kind] * units, len(config.alphabet) + 1
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{path}: not a names model's file") from error
    shapes = (
        (members, classes, dimensions),
        (members, dimensions, columns),
        (members, units, columns),
        (members, columns),
        (members, units, classes),
        (members, classes),
    )
    if not members or any(array.shape != shape for array, shape in zip(weights, shapes, strict=True)):
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    return config, weights
