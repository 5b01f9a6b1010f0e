"""Say which emoji a sentence asks for.

Two models over frozen GloVe vectors: the softmax of their average (``average``), and a recurrent network (``lstm``, see
:mod:`dltools.models.emoji.network`). In: texts. Out: for each a probability for every class, and how much of it was
known.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dltools.errors import InputError, ModelFileError
from dltools.models.emoji import store
from dltools.models.emoji.config import AverageWeights, EmojiConfig, Floats, Label, Weights
from dltools.models.emoji.recurrent import Recurrent
from dltools.models.emoji.tokens import spellings, words
from dltools.runtime.arrayfile import demand_finite
from dltools.runtime.assets import own_model_path
from dltools.runtime.vectors import Rows, VectorStore, embedded_vectors

if TYPE_CHECKING:
    from dltools.models.emoji.data import Example
    from dltools.models.emoji.evaluate import Measures

DEFAULT_MODEL = "lstm"
#: The length of every word vector, about GloVe's own mean; the networks' rates and dropout were chosen for it.
LENGTH = 5.0


class Reading(NamedTuple):
    """What a text asks for: its best class, the classes' probabilities (classes,), and its words.

    ``words``: as they were looked up. ``known``: which of them have a vector. Where none has, ``probabilities`` are the
    classes' shares in the training data.
    """

    class_id: int
    probabilities: Floats
    words: tuple[str, ...]
    known: tuple[bool, ...]

    @property
    def score(self) -> float:
        """The probability of the best class."""
        return float(self.probabilities[self.class_id])

    @property
    def oov(self) -> float:
        """The share of words without a vector; 0 for no words."""
        return 1 - sum(self.known) / len(self.known) if self.known else 0.0


class Vocabulary:
    """Looks words up in the word vectors, each once."""

    def __init__(self, vectors: VectorStore) -> None:
        self.vectors = vectors
        self._rows: dict[str, int | None] = {}

    def row(self, word: str) -> int | None:
        """Return the row of ``word``, or of a spelling that stands for it; None without any."""
        try:
            return self._rows[word]
        except KeyError:
            pass
        found = None
        for spelling in spellings(word):
            found = self.vectors.row(spelling)
            if found is not None:
                break
        if len(self._rows) < 1 << 20:
            self._rows[word] = found
        return found

    def rows(self, text: str) -> list[int]:
        """Return the rows of the known words of ``text``."""
        return [row for row in map(self.row, words(text)) if row is not None]

    def take(self, rows: Sequence[int] | Rows) -> Floats:
        """Return the vectors of ``rows`` (rows, dimensions), all of one length: a word's own tells its frequency."""
        vectors: Floats = self.vectors.unit(rows) * np.float32(LENGTH)
        return vectors


class Emojifier:
    """A model of which emoji a sentence asks for."""

    def __init__(
        self, config: EmojiConfig, weights: Weights | AverageWeights, vectors: VectorStore, *, threads: int = 1
    ) -> None:
        self.config = config
        self.vocabulary = Vocabulary(vectors)
        self._model: Recurrent | AverageWeights = (
            weights if isinstance(weights, AverageWeights) else Recurrent(weights, threads=threads)
        )
        self._prior = np.array(config.prior, np.float32)

    @classmethod
    def load(cls, model: str = DEFAULT_MODEL, *, threads: int = 1) -> Emojifier:
        """Return the model ``lstm`` or ``average`` that comes with the toolkit, or the one in a file.

        Raise :class:`UsageError` where there is none, :class:`ModelFileError` where the file is damaged.
        """
        return cls.open(own_model_path("emojify", model), threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> Emojifier:
        """Return the model in a file; raise :class:`ModelFileError`."""
        config, weights = store.decode(path)
        vectors = embedded_vectors(config.vectors)
        if vectors.dimensions != config.dimensions:
            raise ModelFileError(
                f"{path}: stands on vectors of {config.dimensions} numbers, but {config.vectors} has others"
            )
        return cls(config, weights, vectors, threads=threads)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes, in the order of the probabilities."""
        return self.config.labels

    def classify(self, texts: Sequence[str]) -> list[Reading]:
        """Return what each of ``texts`` asks for."""
        cut = [words(text) for text in texts]
        rows = [[self.vocabulary.row(word) for word in text] for text in cut]
        probabilities = self._probabilities([[row for row in text if row is not None] for text in rows])
        best = probabilities.argmax(axis=1).tolist()
        return [
            Reading(class_id, shares, tuple(text), tuple(row is not None for row in found))
            for class_id, shares, text, found in zip(best, probabilities, cut, rows, strict=True)
        ]

    def evaluate(self, examples: Sequence[Example]) -> Measures:
        """Compare with labelled sentences; raise :class:`InputError` for a label that the model does not have."""
        from dltools.models.emoji.evaluate import measure

        targets = []
        for example in examples:
            number = self.config.class_of(example.label)
            if number is None:
                known = ", ".join(label.name for label in self.labels)
                raise InputError(f"the model has no label {example.label!r}; it has {known}")
            targets.append(number)
        readings = self.classify([example.text for example in examples])
        return measure(np.array([reading.probabilities for reading in readings]), targets, self.labels)

    def explain(self, reading: Reading) -> list[float]:
        """Return what each word of a reading adds to its score: the score less the score without that word."""
        rows = [self.vocabulary.row(word) for word in reading.words]
        without = [[row for at, row in enumerate(rows) if row is not None and at != left] for left in range(len(rows))]
        scores = self._probabilities(without)[:, reading.class_id]
        return [
            float(reading.score - score) if known else 0.0 for score, known in zip(scores, reading.known, strict=True)
        ]

    def logits(self, texts: Sequence[Sequence[int]]) -> Floats:
        """Return the logits (texts, classes), before the temperature, of texts given as rows, at least one a text."""
        unique, places = np.unique(np.concatenate([np.asarray(text, np.int64) for text in texts]), return_inverse=True)
        vectors = self.vocabulary.take(unique)  # (words, dimensions)
        bounds = np.cumsum([0, *map(len, texts)])
        if isinstance(self._model, AverageWeights):
            sums = np.add.reduceat(vectors[places], bounds[:-1], axis=0)  # (texts, dimensions)
            means = sums / np.diff(bounds)[:, None].astype(np.float32)
            averaged: Floats = np.asarray(means @ self._model.kernel + self._model.bias, np.float32)
            return averaged
        flat = places.tolist()
        numbered = [flat[start:stop] for start, stop in itertools.pairwise(bounds.tolist())]
        recurrent: Floats = self._model.logits(vectors, numbered).mean(axis=0)
        return recurrent

    def _probabilities(self, texts: list[list[int]]) -> Floats:
        """Return the probabilities (texts, classes), the prior for texts without a row."""
        result = np.tile(self._prior, (len(texts), 1))
        some = [index for index, text in enumerate(texts) if text]
        if some:
            result[some] = softmax(self.logits([texts[index] for index in some]) / np.float32(self.config.temperature))
        demand_finite(result)
        return result


def softmax(logits: Floats) -> Floats:
    """Return the softmax over the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares
