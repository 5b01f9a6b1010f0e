"""A trigger model's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import ModelFileError
from dltools.models.trigger.config import Floats, Recurrence, TriggerConfig, Weights
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_WHAT = "a trigger model's file"


def encode(config: TriggerConfig, weights: Weights) -> bytes:
    """Return the bytes of a model's file, the same for the same model; weights are stored as float16."""
    return encode_arrays(config.to_json(), {name: value.astype(np.float16) for name, value in weights.arrays().items()})


def halved(weights: Weights) -> Weights:
    """Return weights as a file gives them back: rounded to float16."""

    def half(array: Floats) -> Floats:
        return array.astype(np.float16).astype(np.float32)

    layers = tuple(Recurrence(*map(half, layer)) for layer in weights.recurrences)
    return Weights(
        half(weights.conv_kernel),
        half(weights.conv_bias),
        layers,
        half(weights.output_kernel),
        half(weights.output_bias),
    )


def decode(path: Path) -> tuple[TriggerConfig, Weights]:
    """Read a model's file, weights as float32; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, _WHAT)
    try:
        config = TriggerConfig.from_json(text)
        layers = sum(name.endswith("_recurrent") for name in arrays)
        weights = Weights(
            arrays["conv_kernel"],
            arrays["conv_bias"],
            tuple(Recurrence(*(arrays[f"gru{at}_{name}"] for name in Recurrence._fields)) for at in range(layers)),
            arrays["output_kernel"],
            arrays["output_bias"],
        )
        taps, features, width = weights.conv_kernel.shape
        fitting = layers > 0 and taps >= config.stride and features == {"embedding": 96, "course": 101}[config.kind]
        fitting &= weights.conv_bias.shape == (width,)
        for kernel, recurrent, bias in weights.recurrences:
            units = len(recurrent)
            fitting &= kernel.shape == (width, 3 * units) and recurrent.shape == (units, 3 * units)
            fitting &= bias.shape == (2, 3 * units)
            width = units
        fitting &= weights.output_kernel.shape == (width, 1) and weights.output_bias.shape == (1,)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ModelFileError(f"{path}: not {_WHAT}") from error
    if not fitting:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    return config, weights
