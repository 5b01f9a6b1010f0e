"""Classifiers that NumPy runs, as files: networks of :mod:`dltools.models.nn`, several of which are averaged.

They take pixels, or the 512 numbers that the embedded SqueezeNet makes of a picture, and so learn new classes from few
pictures. In: (views, size, size, 3), prepared. Out: (views, classes).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dltools.errors import DltoolsError, ModelFileError
from dltools.models.classify.config import ClassifierConfig
from dltools.models.classify.prepare import Floats
from dltools.models.nn.layer import Array, Shape
from dltools.models.nn.model import Network
from dltools.models.nn.spec import make, parse
from dltools.models.nn.store import Room
from dltools.runtime.arrayfile import encode_arrays, read_arrays
from dltools.runtime.predictor import Predictor

_WHAT = "a classifier's model file"
_MOST_MEMBERS = 64
#: How many numbers the embedded network makes of a picture.
FEATURES = 512


class ArrayPredictor:
    """Networks whose answers are averaged, on pixels or on what ``features`` makes of them."""

    def __init__(self, members: Sequence[Network], features: Predictor | None = None) -> None:
        self._members = members
        self._features = features

    def predict(self, *inputs: Floats) -> Sequence[Floats]:
        """Return the mean probability of each class for one batch of prepared pictures."""
        (values,) = inputs
        if self._features is not None:
            values = self._features.predict(values)[1]
        return [self.answers(values)]

    def answers(self, values: Floats) -> Floats:
        """Return the mean probability of each class (examples, classes) for the members' own inputs."""
        total = sum(network.predict(values) for network in self._members)
        shares: Floats = np.asarray(total, np.float32) / np.float32(len(self._members))
        return np.concatenate([1 - shares, shares], axis=1) if shares.shape[1] == 1 else shares


def encode(config: ClassifierConfig, members: Sequence[Network]) -> bytes:
    """Return the bytes of a model's file, the same for the same model."""
    arrays = {f"{number}.{name}": array for number, each in enumerate(members) for name, array in each.arrays.items()}
    return encode_arrays(config.to_json(), arrays)


def described(layers: str, loss: str, shape: Shape, members: int) -> dict[str, object]:
    """Return what ``ClassifierConfig.network`` says of networks of ``layers`` (:mod:`dltools.models.nn.spec`)."""
    return {"layers": layers, "loss": loss, "shape": list(shape), "members": members}


def open_arrays(path: Path, *, threads: int) -> tuple[ClassifierConfig, Predictor]:
    """Read a model's file; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, _WHAT)
    try:
        config = ClassifierConfig.from_json(text)
        members = _members(config, arrays)
    except (ValueError, KeyError, TypeError, AttributeError, DltoolsError) as error:
        raise ModelFileError(f"{path}: not {_WHAT}") from error
    if members is None:
        raise ModelFileError(f"{path}: arrays that do not fit its configuration")
    return config, ArrayPredictor(members, embedded_features(threads) if takes_features(config) else None)


def takes_features(config: ClassifierConfig) -> bool:
    """Return whether the networks take what the embedded network makes of a picture."""
    return len(config.network["shape"]) == 1


def embedded_features(threads: int) -> Predictor:
    """Return the embedded network, whose second output is the features of a picture."""
    from dltools.models.classify.store import DEFAULT_MODEL, model_file
    from dltools.runtime.modelfile import load_predictor

    return load_predictor(model_file(DEFAULT_MODEL), threads=threads)


def _members(config: ClassifierConfig, arrays: dict[str, Array]) -> list[Network] | None:
    """Return the networks that a configuration describes with their arrays, or None where these do not fit."""
    facts, size = config.network, config.preparation.size
    shape, count = tuple(map(int, facts["shape"])), int(facts["members"])
    wanted = (FEATURES,) if takes_features(config) else (size, size, 3)
    if shape != wanted or not 0 < count <= _MOST_MEMBERS:
        return None
    words = parse(str(facts["layers"]))
    members = []
    start = Room(np.random.default_rng(0), "zeros", left=[sum(array.size for array in arrays.values())])
    for number in range(count):
        network = Network([make(word) for word in words], str(facts["loss"]), shape, start)
        for name, array in network.arrays.items():
            stored = arrays.pop(f"{number}.{name}")
            if stored.shape != array.shape:
                return None
            array[...] = stored
        members.append(network)
    classes = len(config.classes)
    fits = members[0].output_shape == ((1,) if classes == 2 else (classes,))
    return members if fits and not arrays else None
