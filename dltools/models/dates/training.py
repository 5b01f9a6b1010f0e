"""Train a date model on examples that are drawn without end.

Two stages. In the first a tenth each of the formats is held out; their examples say when to stop and what to expect.
In the second, a short one, all formats join in. In: a recipe, locales, formats. Out: a configuration, weights, and
what was measured on formats never trained on, before they joined in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dltools.models.dates.batches import Batch, Codes, Source, alphabet_of, batches, draw
from dltools.models.dates.characters import fold
from dltools.models.dates.config import Weights
from dltools.models.dates.examples import Writer
from dltools.models.dates.formats import Formats
from dltools.models.dates.locales import names_of

#: Called with what is done now, how much of it is done, and what was measured last.
Progress = Callable[[str, int, int, str], None]

_WORDS = 8000
_DATE_WORDS = (
    "today tomorrow yesterday now tonight next last this ago before after coming previous following first second third day days week weeks month months "
    "year years weekday morning evening noon midnight am pm one two three four five six seven eight nine ten eleven twelve"
).split()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    ``steps``: of the first stage, each on ``batch`` examples; ``finish``: of the second. ``units``: of the encoder in
    each direction; ``decoder``: of the decoder. Every fourth step also learns times of day.
    """

    seed: int
    steps: int = 20_000
    finish: int = 3_000
    batch: int = 256
    embedding: int = 48
    units: int = 80
    decoder: int = 128
    learning_rate: float = 2e-3
    finish_rate: float = 3e-4
    dropout: float = 0.1
    judge_every: int = 2_000


def noise_words() -> tuple[str, ...]:
    """Return frequent English words that say nothing of dates: what stands around dates, or instead of them."""
    from dltools.runtime.vectors import embedded_vectors

    names = names_of("en")
    banned = {fold(way) for table in (*names.months.values(), *names.days.values()) for ways in table for way in ways} | set(_DATE_WORDS)
    words = embedded_vectors().words(0, _WORDS)
    return tuple(word for word in words if word.isalpha() and len(word) > 1 and word not in banned)
