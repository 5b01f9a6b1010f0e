"""Batches of examples for training: numbers in arrays, texts of like length together, drawn anew for each block.

In: a seed. Out: characters (batch, steps), hints (batch, 2), and what is to be written with its start: dates
(batch, 11) and times of day (batch, 15).
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.dates.characters import STEPS, Alphabet, steps_for
from dltools.models.dates.config import HINT_ORDERS
from dltools.models.dates.examples import Example, Writer
from dltools.models.dates.formats import Formats, Part
from dltools.models.dates.grammar import START_DATE, START_TIME, SYMBOLS

Ints = npt.NDArray[np.int32]

BLOCK = 1 << 16  # examples that are drawn together
_RARE = 4  # a character that was seen less often in a block is not learned


class Source(NamedTuple):
    """Where examples come from; ``seed`` moves with the block."""

    locales: tuple[str, ...]
    formats: Formats
    words: tuple[str, ...]
    part: Part | None
    seed: int


class Batch(NamedTuple):
    """Numbers of examples of like length; ``hints`` are the order's and the language's, 0 for none."""

    characters: Ints
    hints: Ints
    dates: Ints
    times: Ints


class Codes(NamedTuple):
    """How examples become numbers."""

    alphabet: Alphabet
    languages: tuple[str, ...]

    def batch(self, examples: Sequence[Example], steps: int) -> Batch:
        """Return the arrays of ``examples`` whose texts have at most ``steps`` characters."""
        hints = [(HINT_ORDERS.index(example.order), self._language(example.language)) for example in examples]
        return Batch(
            self.alphabet.numbers([example.text for example in examples], steps),
            np.array(hints, np.int32),
            _symbols([example.date for example in examples], START_DATE),
            _symbols([example.time for example in examples], START_TIME),
        )

    def _language(self, language: str) -> int:
        return self.languages.index(language) + 1 if language else 0


def _symbols(texts: Sequence[str], start: int) -> Ints:
    """Return the numbers (texts, 1 + length) of ``texts`` of equal length, each after ``start``."""
    codes = np.frombuffer("".join(texts).encode("ascii"), np.uint8).reshape(len(texts), -1)
    table = np.zeros(128, np.int32)
    table[np.frombuffer(SYMBOLS.encode("ascii"), np.uint8)] = np.arange(len(SYMBOLS))
    return np.concatenate([np.full((len(texts), 1), start, np.int32), table[codes]], 1)


def draw(source: Source, block: int, count: int | None = None) -> list[Example]:
    """Return the examples of ``block``, the same each time."""
    writer = _writer(source)
    first = (source.seed << 40) + block * BLOCK
    return [writer.example(first + number) for number in range(BLOCK if count is None else count)]


_WRITERS: list[tuple[Source, Writer]] = []  # the last one, in the process that draws


def _writer(source: Source) -> Writer:
    if not _WRITERS or _WRITERS[0][0] != source:
        _WRITERS[:] = [(source, Writer(source.locales, source.formats, source.words, source.part))]
    return _WRITERS[0][1]


def alphabet_of(examples: Sequence[Example]) -> Alphabet:
    """Return the alphabet of ``examples``: the characters of texts with dates in them that are not rare."""
    seen = Counter(character for example in examples if example.kind != "none" for character in example.text)
    return Alphabet("".join(sorted(character for character, count in seen.items() if count >= _RARE)))


def batches(source: Source, codes: Codes, size: int) -> Iterator[Batch]:
    """Yield batches of ``size`` without end; the next block is drawn in a process of its own meanwhile."""
    waiting: dict[int, list[Example]] = {steps: [] for steps in STEPS}
    random = np.random.default_rng(source.seed)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        block = 0
        coming = pool.submit(draw, source, block, BLOCK)
        while True:
            examples, block = coming.result(), block + 1
            coming = pool.submit(draw, source, block, BLOCK)
            for example in examples:
                waiting[steps_for(len(example.text))].append(example)
            ready = _full(waiting, size)
            for number in random.permutation(len(ready)):
                yield codes.batch(*ready[number])


def _full(waiting: dict[int, list[Example]], size: int) -> list[tuple[list[Example], int]]:
    """Take from ``waiting`` what fills whole batches; return these with their steps."""
    ready: list[tuple[list[Example], int]] = []
    for steps, examples in waiting.items():
        whole = len(examples) // size * size
        ready += [(examples[start : start + size], steps) for start in range(0, whole, size)]
        waiting[steps] = examples[whole:]
    return ready
