"""A trained network's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import DltoolsError, ModelFileError
from dltools.models.nn.config import ModelConfig
from dltools.models.nn.infer import Model
from dltools.models.nn.layer import Start
from dltools.models.nn.model import Network
from dltools.models.nn.spec import make, parse
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_WHAT = "a network's file"


def encode(model: Model) -> bytes:
    """Return the bytes of a model's file, the same for the same model."""
    return encode_arrays(model.config.to_json(), {**model.network.arrays, "mean": model.mean, "scale": model.scale})


def decode(path: Path) -> Model:
    """Read a model's file; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, _WHAT)
    try:
        config = ModelConfig.from_json(text)
        mean, scale = arrays.pop("mean"), arrays.pop("scale")
        network = Network(
            [make(word) for word in parse(",".join(config.layers))],
            config.loss,
            config.shape,
            Start(np.random.default_rng(0), "zeros"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, MemoryError, DltoolsError) as error:
        raise ModelFileError(f"{path}: not {_WHAT}") from error
    own = network.arrays
    fits = own.keys() == arrays.keys() and all(own[name].shape == arrays[name].shape for name in own)
    width = max(len(config.classes), 1)
    if not fits or mean.shape != scale.shape or network.output_shape not in {(width,), (max(width - 1, 1),)}:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    for name, array in own.items():
        array[...] = arrays[name]
    return Model(config, network, mean, scale)
