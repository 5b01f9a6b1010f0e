"""What a date model is: its weights' shapes and what must travel with them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.io.jsontext import read_json
from dltools.models.dates.order import ORDERS, Order

Floats = npt.NDArray[np.float32]

#: The hints that may stand before a text: a reading order, or none.
HINT_ORDERS = ("", *ORDERS)


class Weights(NamedTuple):
    """The arrays of a network with A characters, L languages, E numbers a character, H units in each direction of the
    encoder and D in the decoder.

    Gates in Keras' order: input, forget, candidate, output. S is the number of symbols that are written; two more
    stand for the beginning of a date and of a time of day.
    """

    embedding: Floats  # (A, E)
    orders: Floats  # (4, E): the hint of an order, none first
    languages: Floats  # (1 + L, E): the hint of a language, none first
    encoder_kernel: Floats  # (2, E, 4 H): from the left, from the right
    encoder_recurrent: Floats  # (2, H, 4 H)
    encoder_bias: Floats  # (2, 4 H)
    bridge_kernel: Floats  # (2 H, D): from the encoder's last outputs to the decoder's first
    bridge_bias: Floats  # (D,)
    query_kernel: Floats  # (D, 2 H)
    decoder_kernel: Floats  # (2 H, 4 D): of the context
    decoder_symbols: Floats  # (S + 2, 4 D): of the symbol before
    decoder_recurrent: Floats  # (D, 4 D)
    decoder_bias: Floats  # (4 D,)
    output_kernel: Floats  # (D + 2 H, S)
    output_bias: Floats  # (S,)


@dataclasses.dataclass(frozen=True)
class DatesConfig:
    """``alphabet``: the characters known. ``languages``: codes of the hints. ``temperature``: divides the logits.

    ``locales``: for each locale code ("en_GB") the order in which it writes numbers. ``training``: how the model came
    about, for people.
    """

    alphabet: str
    languages: tuple[str, ...]
    locales: dict[str, Order]
    temperature: float
    training: dict[str, Any]

    def to_json(self) -> str:
        """Return the configuration as JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> DatesConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError`` or ``TypeError`` where it is not that."""
        data = read_json(text)
        str(data["alphabet"]).encode("utf-8")  # what is no text raises
        return cls(
            str(data["alphabet"]),
            tuple(map(str, data["languages"])),
            {str(code): ORDERS[ORDERS.index(order)] for code, order in data["locales"].items()},
            float(data["temperature"]),
            dict(data["training"]),
        )
