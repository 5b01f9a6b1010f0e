"""What a names model's file says about itself, and the arrays that it holds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from dltools.io.jsontext import read_json

Floats: TypeAlias = npt.NDArray[np.float32]
#: Called with how many steps of a long work are done, and how many there are.
Told: TypeAlias = Callable[[int, int], None]
Kind = Literal["lstm", "rnn"]
KINDS: tuple[Kind, ...] = ("lstm", "rnn")
#: Gates of each kind's cell: the columns of its kernels are so many times its units.
GATES: dict[Kind, int] = {"lstm": 4, "rnn": 1}

FORMAT_VERSION = 1
#: The number that stands for the start of a name as an input, and for its end as an output; characters follow.
EDGE = 0
#: Names are at most so long, in characters.
MAX_LENGTH = 64


class Weights(NamedTuple):
    """The arrays of all members, float32; classes are the end of the name and the characters.

    ``embedding`` (members, classes, dimensions), ``kernel`` (members, dimensions, gates x units), ``recurrent``
    (members, units, gates x units), ``bias`` (members, gates x units), the LSTM's gates in the order input, forget,
    candidate, output; ``output_kernel`` (members, units, classes), ``output_bias`` (members, classes).
    """

    embedding: Floats
    kernel: Floats
    recurrent: Floats
    bias: Floats
    output_kernel: Floats
    output_bias: Floats


@dataclasses.dataclass(frozen=True)
class NamesConfig:
    """A whole model: its kind, its characters in the order of their numbers from 1, the names that it was made from
    (none of which is new), and how it was trained."""

    kind: Kind
    alphabet: str
    names: tuple[str, ...]
    training: dict[str, Any]

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps({"format": FORMAT_VERSION, "model": "names", **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> NamesConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = read_json(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "names":
            raise ValueError("not a names model's configuration")
        names = tuple(str(name) for name in fields.pop("names"))
        config = cls(names=names, **fields)
        config.alphabet.encode("utf-8")  # what is no text raises
        if config.kind not in KINDS or not config.alphabet or len(set(config.alphabet)) != len(config.alphabet):
            raise ValueError("a kind or an alphabet that cannot be")
        return config
