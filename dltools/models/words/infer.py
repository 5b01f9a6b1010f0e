"""Word vectors as a tool: neighbours, similarity, analogies, the odd one out, projections.

Mikolov et al., "Linguistic Regularities in Continuous Space Word Representations" (2013): 3CosAdd; Levy and Goldberg,
"Linguistic Regularities in Sparse and Explicit Word Representations" (2014): 3CosMul. All scores are over unit vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.models.words import store as stores
from dltools.runtime.assets import Notify, Progress
from dltools.runtime.vectors import Floats, Found, VectorStore, normalize

Method = Literal["add", "mul"]

_EPSILON = 1e-6  # Levy and Goldberg's 0.001 in the paper; 1e-6 in the code of word2vec's followers
_MARKS = ".,;:!?\"'()[]{}<>*_-\u2018\u2019\u201c\u201d\u2026"
#: A message suggests spellings for so many unknown words of a run: a long list of them must not get slow.
_SUGGESTIONS = 100


class Neighbour(NamedTuple):
    """A word, and its score."""

    word: str
    score: float


class Analogy(NamedTuple):
    """The best answers without the words of the question, and the best of all."""

    answers: list[Neighbour]
    unrestricted: list[Neighbour]


class WordVectors:
    """A vocabulary and its vectors, memory-mapped."""

    def __init__(self, store: VectorStore) -> None:
        self.store = store
        self._suggestions_left = _SUGGESTIONS

    @classmethod
    def load(
        cls,
        vectors: str = stores.DEFAULT_VECTORS,
        *,
        offline: bool = False,
        fetching: Progress | None = None,
        importing: Progress | None = None,
        notify: Notify | None = None,
    ) -> WordVectors:
        """Return the vectors of a registered name or of a file; see :func:`dltools.models.words.store.vector_file`."""
        path = stores.vector_file(vectors, offline=offline, fetching=fetching, importing=importing, notify=notify)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> WordVectors:
        """Return the vectors in a file that ``import`` or ``debias`` wrote; raise :class:`ModelFileError`."""
        return cls(VectorStore.open(path))

    def __len__(self) -> int:
        return self.store.rows

    def __contains__(self, word: str) -> bool:
        return self.store.resolve(word) is not None

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""
        return self.store.dimensions

    def row(self, word: str) -> int:
        """Return the row of ``word`` as it stands, else in lower, else in title case.

        Raise :class:`InputError` (``unknown_word``) that suggests the nearest spellings.
        """
        row = self.store.resolve(word)
        if row is not None:
            return row
        near: list[str] = []
        if self._suggestions_left:
            from dltools.models.words.spelling import suggestions

            self._suggestions_left -= 1
            near = suggestions(self.store, word)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"unknown word {word!r}{hint}", code="unknown_word")

    def rows(self, words: Iterable[str]) -> list[int]:
        """Return the rows of ``words``; raise :class:`InputError` for the first unknown one, and for no word at all."""
        rows = [self.row(word) for word in words]
        if not rows:
            raise InputError("no word", code="no_word")
        return rows

    def vector(self, word: str, *, unit: bool = False) -> Floats:
        """Return the vector of ``word`` as its source has it, or at unit length: float32 (dimensions,)."""
        row = self.row(word)
        vectors = self.store.unit([row]) if unit else self.store.raw([row])
        vector: Floats = vectors[0]
        return vector

    def mean(self, rows: Sequence[int]) -> Floats:
        """Return the mean of the unit vectors of ``rows``, at unit length: float32 (dimensions,)."""
        mean: Floats = self.means([rows])[0]
        return mean

    def means(self, queries: Sequence[Sequence[int]]) -> Floats:
        """Return the mean of each of ``queries``, lists of one row or more: float32 (queries, dimensions)."""
        starts = np.cumsum([0, *map(len, queries[:-1])])
        every = self.store.unit([row for rows in queries for row in rows])
        return normalize(np.add.reduceat(every, starts, axis=0))

    def sentence(self, text: str) -> list[int]:
        """Return the rows of the known words of a text; a word that is not known is tried without its punctuation.

        Raise :class:`InputError` where no word is known.
        """
        words = text.split()
        found = [self.store.resolve(word) for word in words]
        rows = []
        for word, row in zip(words, found, strict=True):
            row = self.store.resolve(word.strip(_MARKS)) if row is None and word.strip(_MARKS) else row
            if row is not None:
                rows.append(row)
        if not rows and len(words) == 1:
            self.row(words[0])
        if not rows:
            raise InputError("no known word in " + repr(text) if words else "no word", code="unknown_word")
        return rows

    def similarity(self, one: str, other: str) -> float:
        """Return the cosine (-1 to 1) of two words, or of two sentences as the means of their words' unit vectors."""
        return self.similarities([(self.sentence(one), self.sentence(other))])[0]

    def similarities(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
        """Return the cosine of each of ``pairs`` of lists of rows."""
        if not pairs:
            return []
        one = self.means([rows for rows, _ in pairs])
        other = self.means([rows for _, rows in pairs])
        cosines: list[float] = np.clip(np.einsum("nd,nd->n", one, other), -1, 1).tolist()
        return cosines

    def nearest(self, *words: str, count: int = 10) -> list[Neighbour]:
        """Return the ``count`` words of highest cosine with ``words`` (with their mean), these left out."""
        return self.nearest_rows([self.rows(words)], count)[0]

    def nearest_rows(self, queries: Sequence[Sequence[int]], count: int) -> list[list[Neighbour]]:
        """Return for each of ``queries``, lists of rows, what :meth:`nearest` returns for its words."""
        if not queries:
            return []
        wanted = count + max(map(len, queries))
        means = self.means(queries)  # (queries, dimensions)
        return [answers for answers, _ in self._answers(self.store.search(means, wanted), queries, count)]

    def analogy(self, one: str, other: str, third: str, *, count: int = 10, method: Method = "add") -> Analogy:
        """Return what is to ``third`` as ``other`` is to ``one``; raise :class:`InputError` for an unknown word."""
        return self.analogy_rows([self.rows((one, other, third))], count, method)[0]

    def analogy_rows(self, questions: Sequence[Sequence[int]], count: int, method: Method = "add") -> list[Analogy]:
        """Answer ``questions``, triples of rows, as :meth:`analogy` does."""
        if not questions:
            return []
        triples = np.asarray(questions, np.int64)  # (questions, 3)
        unit = self.store.unit(triples.ravel()).reshape(len(triples), 3, -1)  # (questions, 3, dimensions)
        if method == "add":
            found = self.store.search(normalize(unit[:, 1] - unit[:, 0] + unit[:, 2]), count + 3)
        else:
            found = self.store.search(unit.reshape(len(triples) * 3, -1), count + 3, combine=_multiply, factor=3)
        return self._answers(found, questions, count)

    def _answers(self, found: Found, queries: Sequence[Sequence[int]], count: int) -> list[Analogy]:
        answers = []
        for rows, scores, query in zip(found.rows.tolist(), found.scores.tolist(), queries, strict=True):
            every = [(row, score) for row, score in zip(rows, scores, strict=True) if row >= 0]
            left = [(row, score) for row, score in every if row not in query]
            answers.append(Analogy(self._neighbours(left[:count]), self._neighbours(every[:count])))
        return answers

    def _neighbours(self, found: list[tuple[int, float]]) -> list[Neighbour]:
        return [Neighbour(self.store.word(row), score) for row, score in found]

    def odd_one(self, words: Sequence[str]) -> list[Neighbour]:
        """Return ``words`` with their cosine to the mean of all, the odd one first; :class:`InputError` below three."""
        return self.odd_one_rows(self.rows(words))

    def odd_one_rows(self, rows: Sequence[int]) -> list[Neighbour]:
        """Do what :meth:`odd_one` does for the words of ``rows``."""
        if len(set(rows)) < 3:
            raise InputError("of fewer than three different words none is odd", code="too_few")
        scores = self.store.unit(rows) @ self.mean(rows)  # (rows,)
        order = np.argsort(scores, kind="stable")
        return self._neighbours([(rows[at], float(scores[at])) for at in order])

    def projections(self, rows: Sequence[int], direction: Floats) -> list[float]:
        """Return the cosine of each of ``rows`` with the unit vector ``direction`` (dimensions,)."""
        cosines: list[float] = (self.store.unit(rows) @ direction).tolist()
        return cosines

    def direction(self, pairs: Sequence[tuple[str, str]]) -> Floats:
        """Return the unit direction from the second to the first words of ``pairs``; see :func:`debias.direction`."""
        from dltools.models.words.debias import direction

        units = [self.store.unit(self.rows(pair)) for pair in pairs]
        return direction(np.stack(units)).astype(np.float32)


def _multiply(scores: Floats) -> Floats:
    """3CosMul: (questions * 3, block) cosines with a, b and c to (questions, block) scores."""
    shifted = (scores.reshape(-1, 3, scores.shape[1]) + 1) / 2
    product: Floats = shifted[:, 1] * shifted[:, 2] / (shifted[:, 0] + np.float32(_EPSILON))
    return product
