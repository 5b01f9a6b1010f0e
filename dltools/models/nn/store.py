"""A trained network's file: an ``.npz`` of plain arrays, its configuration among them as JSON; nothing is unpickled."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np

from dltools.errors import DltoolsError, ModelFileError, UsageError
from dltools.models.nn.config import ModelConfig
from dltools.models.nn.infer import Model
from dltools.models.nn.layer import Array, Shape, Start
from dltools.models.nn.model import Network
from dltools.models.nn.spec import make, parse
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_WHAT = "a network's file"


@dataclasses.dataclass(frozen=True)
class Room(Start):
    """Zeros to be filled from the file, ``left`` of them and no more: a configuration can name layers of any size."""

    left: list[int] = dataclasses.field(kw_only=True)

    def weights(self, shape: Shape, fan_in: int, fan_out: int) -> Array:
        return self._take(shape)

    def recurrent(self, units: int, gates: int) -> Array:
        return self._take((units, gates * units))

    def constant(self, shape: Shape, value: float = 0.0) -> Array:
        return self._take(shape)

    def _take(self, shape: Shape) -> Array:
        self.left[0] -= math.prod(shape)
        if self.left[0] < 0:
            raise UsageError("layers that need more numbers than the file has")
        return np.zeros(shape, self.dtype)


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
            Room(np.random.default_rng(0), "zeros", left=[sum(array.size for array in arrays.values())]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, DltoolsError) as error:
        raise ModelFileError(f"{path}: not {_WHAT}") from error
    own = network.arrays
    fits = own.keys() == arrays.keys() and all(own[name].shape == arrays[name].shape for name in own)
    width = max(len(config.classes), 1)
    if not fits or network.output_shape not in {(width,), (1,) if width == 2 else (width,)}:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    if mean.shape != scale.shape or mean.shape not in {(), (1,), config.shape[-1:], config.shape}:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    for name, array in own.items():
        array[...] = arrays[name]
    return Model(config, network, mean, scale)
