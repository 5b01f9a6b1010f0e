"""What an emoji model's file says about itself, and the arrays that it holds."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from dltools.io.jsontext import read_json
from dltools.models.emoji.tokens import normalize_label

Floats: TypeAlias = npt.NDArray[np.float32]
Kind = Literal["average", "lstm"]

FORMAT_VERSION = 1


class Weights(NamedTuple):
    """The recurrent network's arrays, float32; a run is one direction of one member.

    ``kernel`` (runs, dimensions, 4 units), ``recurrent`` (runs, units, 4 units), ``bias`` (runs, 4 units), gates in the
    order input, forget, cell, output; ``output_kernel`` (members, 2 units, classes), ``output_bias`` (members,
    classes).
    """

    kernel: Floats
    recurrent: Floats
    bias: Floats
    output_kernel: Floats
    output_bias: Floats


class AverageWeights(NamedTuple):
    """The averaged model's arrays: ``kernel`` (dimensions, classes), ``bias`` (classes,)."""

    kernel: Floats
    bias: Floats


class Label(NamedTuple):
    """A class: its name, and its emoji in the form that is shown."""

    name: str
    emoji: str


#: The names and emojis of the five classes that come with the toolkit, in their order.
STANDARD = (
    Label("heart", "❤️"),
    Label("baseball", "⚾"),
    Label("smile", "😄"),
    Label("disappointed", "😞"),
    Label("fork_and_knife", "🍴"),
)


@dataclasses.dataclass(frozen=True)
class EmojiConfig:
    """A whole model: its kind, classes, the class prior (for texts without a known word), the temperature of its
    softmax, the word vectors that it stands on, and how it was trained."""

    kind: Kind
    labels: tuple[Label, ...]
    prior: tuple[float, ...]
    temperature: float
    vectors: str
    dimensions: int
    training: dict[str, Any]

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps({"format": FORMAT_VERSION, "model": "emoji", **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> EmojiConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = read_json(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "emoji":
            raise ValueError("not an emoji model's configuration")
        labels = tuple(Label(str(name), str(emoji)) for name, emoji in fields.pop("labels"))
        prior = tuple(float(share) for share in fields.pop("prior"))
        config = cls(labels=labels, prior=prior, **fields)
        if len(labels) != len(prior) or len(labels) < 2 or config.kind not in ("average", "lstm"):
            raise ValueError("classes that do not fit each other")
        if not config.temperature > 0:
            raise ValueError("a temperature that is not positive")
        if not (isinstance(config.vectors, str) and isinstance(config.dimensions, int)):
            raise ValueError("vectors that are not named")
        if any("\ud800" <= character <= "\udfff" for label in labels for character in label.name + label.emoji):
            raise ValueError("labels that are no text")
        return config

    def class_of(self, label: str) -> int | None:
        """Return the class that ``label`` names: its name, its emoji (in any variation), or its number from 0."""
        label = normalize_label(label)
        for number, known in enumerate(self.labels):
            if label in (known.name, normalize_label(known.emoji)):
                return number
        if label.isdecimal() and int(label) < len(self.labels):
            return int(label)
        return None
