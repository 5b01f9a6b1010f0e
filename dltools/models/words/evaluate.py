"""Measure word vectors by published questions: analogies (Mikolov et al. 2013) and human similarity judgements.

Coverage is told both ways: what holds unknown words counts as wrong, or is left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.io.inputs import read_named
from dltools.models.words.infer import Method, WordVectors

_BLOCK = 1024
_SYNTACTIC = "gram"  # Google's sections of grammar are called gram1-..., gram2-...


class Count(NamedTuple):
    """How many questions there are, how many of only known words, and how many of these were answered rightly."""

    questions: int = 0
    covered: int = 0
    correct: int = 0

    def plus(self, other: Count) -> Count:
        """Return the sum of both."""
        return Count(self.questions + other.questions, self.covered + other.covered, self.correct + other.correct)

    @property
    def accuracy(self) -> float:
        """The share of right answers, unknown words counted wrong."""
        return self.correct / self.questions if self.questions else 0.0

    @property
    def accuracy_covered(self) -> float:
        """The share of right answers of the questions of only known words."""
        return self.correct / self.covered if self.covered else 0.0


class Analogies(NamedTuple):
    """The counts of an analogy file: of each section, of the semantic and the syntactic ones, of all."""

    sections: dict[str, Count]
    semantic: Count
    syntactic: Count
    total: Count


class Similarity(NamedTuple):
    """Spearman's rank correlation with human judgements.

    ``spearman`` takes unknown words for cosine 0; ``spearman_covered`` leaves their pairs out.
    """

    pairs: int
    covered: int
    spearman: float
    spearman_covered: float


def evaluate_analogies(
    vectors: WordVectors, path: Path, *, method: Method = "add", progress: Callable[[int, int], None] | None = None
) -> Analogies:
    """Answer the questions of a file in Google's format: four words a line, sections headed by ``: name``.

    A question is right if the nearest word, its three words left out, is the fourth. Raise :class:`InputError` with the
    number of a line that is neither.
    """
    known: list[tuple[str, list[int]]] = []
    counts: dict[str, Count] = {}
    for section, words in _questions(path):
        found = [vectors.store.resolve(word) for word in words]
        rows = [row for row in found if row is not None]
        if len(rows) == 4:
            known.append((section, rows))
        counts[section] = counts.get(section, Count()).plus(Count(1, int(len(rows) == 4), 0))
    for start in range(0, len(known), _BLOCK):
        block = known[start : start + _BLOCK]
        answers = vectors.analogy_rows([rows[:3] for _, rows in block], 1, method)
        for (section, rows), answer in zip(block, answers, strict=True):
            right = bool(answer.answers) and vectors.store.row(answer.answers[0].word) == rows[3]
            counts[section] = counts[section].plus(Count(0, 0, int(right)))
        if progress is not None:
            progress(start + len(block), len(known))
    semantic, syntactic = Count(), Count()
    for section, count in counts.items():
        if section.startswith(_SYNTACTIC):
            syntactic = syntactic.plus(count)
        else:
            semantic = semantic.plus(count)
    return Analogies(counts, semantic, syntactic, semantic.plus(syntactic))


def is_analogy_file(path: Path) -> bool:
    """Return whether the first line that is not empty heads a section or holds four words with no number."""
    first = next((line for _, line in _lines(path)), "")
    return first.startswith(":") or (len(first.split()) == 4 and not re.search(r"\d", first))


def _questions(path: Path) -> Iterator[tuple[str, list[str]]]:
    section = "all"
    for number, line in _lines(path):
        if line.startswith(":"):
            section = line[1:].strip()
            continue
        words = line.split()
        if len(words) != 4:
            raise InputError(f"{path}: line {number}: not four words")
        yield section, words


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines that are neither empty nor comments, with their numbers."""
    try:
        with io.TextIOWrapper(io.BytesIO(read_named(path)), "utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip() and not line.startswith("#"):
                    yield number, line.strip()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a UTF-8 text") from error


def evaluate_similarity(vectors: WordVectors, path: Path) -> Similarity:
    """Correlate cosines with the judgements of a file: two words and, as the first number behind them, a score.

    Fields are separated by tabs, semicolons, commas or spaces; a first line without a number is taken for a header.
    Raise :class:`InputError` with the number of any other such line.
    """
    pairs = list(_judgements(path))
    human = np.array([score for _, _, score in pairs])
    cosines, covered = np.zeros(len(pairs)), np.zeros(len(pairs), np.bool_)
    for at, (one, other, _) in enumerate(pairs):
        rows = vectors.store.resolve(one), vectors.store.resolve(other)
        if rows[0] is not None and rows[1] is not None:
            unit = vectors.store.unit([rows[0], rows[1]]).astype(np.float64)
            cosines[at], covered[at] = unit[0] @ unit[1], True
    return Similarity(
        len(pairs), int(covered.sum()), spearman(cosines, human), spearman(cosines[covered], human[covered])
    )


def _judgements(path: Path) -> Iterator[tuple[str, str, float]]:
    first = True
    for number, line in _lines(path):
        separator = next((mark for mark in "\t;," if mark in line), None)
        fields = [field.strip() for field in line.split(separator)]
        score = next((float(field) for field in fields[2:] if _is_number(field)), None)
        if score is None and not first:
            raise InputError(f"{path}: line {number}: not two words and a number")
        if score is not None:
            yield fields[0], fields[1], score
        first = False


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text) is not None


def spearman(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Return the correlation (-1 to 1) of the ranks, those of ties being their mean; 0 with nothing to rank."""
    from dltools.models.words.audit import pearson

    return pearson(_ranks(one), _ranks(other)) if len(one) > 1 else 0.0


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # the rank of the last of each group of equals
    ranks: npt.NDArray[np.float64] = (last - (counts - 1) / 2)[places]
    return ranks
