"""A trigger model's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError
from dltools.models.trigger.config import Floats, TriggerConfig, Weights
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_WHAT = "a trigger model's file"


def encode(config: TriggerConfig, weights: Weights) -> bytes:
    """Return the bytes of a model's file, the same for the same model; weights are stored as float16."""
    return encode_arrays(config.to_json(), {name: value.astype(np.float16) for name, value in weights.arrays().items()})


def halved(weights: Weights) -> Weights:
    """Return weights as a file gives them back: rounded to float16."""

    def half(array: Floats) -> Floats:
        return array.astype(np.float16).astype(np.float32)

    return weights.map(half)


def decode(path: Path) -> tuple[TriggerConfig, Weights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, _WHAT)
    try:
        config = TriggerConfig.from_json(text)
        weights = Weights.of(arrays)
        members, taps, features, width = weights.conv_kernel.shape
        fitting = members > 0 and len(weights.recurrences) > 0 and taps >= config.stride
        fitting &= features == {"embedding": 96, "course": 101}[config.kind]
        fitting &= weights.conv_bias.shape == (members, width)
        for kernel, recurrent, bias in weights.recurrences:
            units = recurrent.shape[1]
            fitting &= kernel.shape == (members, width, 3 * units) and recurrent.shape == (members, units, 3 * units)
            fitting &= bias.shape == (members, 2, 3 * units)
            width = units
        fitting &= weights.output_kernel.shape == (members, width, 1) and weights.output_bias.shape == (members, 1)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{path}: not {_WHAT}") from error
    if not fitting:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    return config, weights
