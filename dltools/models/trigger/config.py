"""What a trigger model's file says about itself, and the arrays that it holds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Kind = Literal["embedding", "course"]
KINDS: tuple[Kind, ...] = ("embedding", "course")

FORMAT_VERSION = 2


class Recurrence(NamedTuple):
    """A GRU's arrays in Keras' order of gates, update, reset, candidate, and with its two biases (``reset_after``).

    ``kernel`` (members, inputs, 3 units), ``recurrent`` (members, units, 3 units), ``bias`` (members, 2, 3 units).
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats


class Weights(NamedTuple):
    """The arrays of networks of one shape, the members, float32, batch normalizations worked into them.

    ``conv_kernel`` (members, taps, features, filters), ``conv_bias`` (members, filters), one or more recurrences,
    ``output_kernel`` (members, units, 1), ``output_bias`` (members, 1).
    """

    conv_kernel: Floats
    conv_bias: Floats
    recurrences: tuple[Recurrence, ...]
    output_kernel: Floats
    output_bias: Floats

    def arrays(self) -> dict[str, Floats]:
        """Return all arrays by the names that they have in a file."""
        inner = {
            f"gru{number}_{name}": array
            for number, layer in enumerate(self.recurrences)
            for name, array in layer._asdict().items()
        }
        own = {name: array for name, array in self._asdict().items() if name != "recurrences"}
        return {**own, **inner}

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> Weights:
        """Return what :meth:`arrays` named, the inverse; raise ``KeyError`` where one is missing."""
        layers = sum(name.endswith("_recurrent") for name in arrays)
        recurrences = (
            Recurrence(*(arrays[f"gru{number}_{name}"] for name in Recurrence._fields)) for number in range(layers)
        )
        own = {name: arrays[name] for name in cls._fields if name != "recurrences"}
        return cls(recurrences=tuple(recurrences), **own)

    def map(self, function: Callable[[Floats], Floats]) -> Weights:
        """Return what a function makes of every array."""
        return Weights.of({name: function(array) for name, array in self.arrays().items()})


class Point(NamedTuple):
    """A threshold, with the false accepts an hour and the share of misses measured at it on held-out audio."""

    threshold: float
    false_accepts_an_hour: float
    miss_rate: float


@dataclasses.dataclass(frozen=True)
class TriggerConfig:
    """A whole model: its kind, its word, how steps follow each other, and what was measured.

    ``stride``: features that the convolution goes on by from one score to the next. ``threshold``: the one to use where
    none is given. ``curve``: what was measured at others, thresholds rising; ``hours``: of audio without the word that
    it was measured on. ``delay``: seconds from the end of the word to when it is heard; ``length``: of the word, in
    seconds.
    """

    kind: Kind
    label: str
    stride: int
    threshold: float
    curve: tuple[Point, ...]
    hours: float
    delay: float
    length: float
    training: dict[str, Any]

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps(
            {"format": FORMAT_VERSION, "model": "trigger", **dataclasses.asdict(self)}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> TriggerConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = json.loads(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "trigger":
            raise ValueError("not a trigger model's configuration")
        curve = tuple(Point(*map(float, point)) for point in fields.pop("curve"))
        config = cls(curve=curve, **fields)
        if config.kind not in KINDS or not config.label or config.stride < 1 or not 0 < config.threshold < 1:
            raise ValueError("a kind, word, stride or threshold that cannot be")
        return config
