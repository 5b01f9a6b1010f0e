"""Say what is in a picture with a classifier: SqueezeNet, ResNet-50, VGG-19, or a network of one's own.

Iandola et al., "SqueezeNet" (2016); He et al., "Deep Residual Learning" (2016); Simonyan and Zisserman, "Very Deep
Convolutional Networks" (2015). In: RGB pictures, uint8 (rows, columns, 3), of any size. Out: labels and scores.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import ModelFileError
from dltools.io.images import Pixels
from dltools.models.classify import store
from dltools.models.classify.config import ClassifierConfig
from dltools.models.classify.prepare import Floats, prepare
from dltools.runtime.arrayfile import demand_finite
from dltools.runtime.assets import Notify, Progress
from dltools.runtime.predictor import Predictor


class Prediction(NamedTuple):
    """One class that a picture may be of, and its score, 0 to 1; a picture's scores over all classes add up to 1."""

    label: str
    class_id: int
    score: float


class Classifier:
    """A classifier: a network, and what its file says about it."""

    def __init__(self, config: ClassifierConfig, predictor: Predictor) -> None:
        self.config = config
        self._predictor = predictor

    @classmethod
    def load(
        cls,
        model: str = store.DEFAULT_MODEL,
        *,
        threads: int = 1,
        offline: bool = False,
        progress: Progress | None = None,
        notify: Notify | None = None,
    ) -> Classifier:
        """Return the classifier called ``model``, or that of a file: embedded, cached, or fetched and converted.

        ``progress`` is told of downloads (name, bytes so far, bytes in all), ``notify`` of a conversion.
        Raise :class:`UsageError` for an unknown name, :class:`MissingError` where it cannot be had.
        """
        path = store.model_file(model, offline=offline, progress=progress, notify=notify)
        return cls.open(path, threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> Classifier:
        """Return the classifier in a model file; raise :class:`ModelFileError`."""
        return cls(*store.open_model(path, threads=threads))

    def classify(self, image: Pixels, *, top: int = 5, min_score: float | None = None) -> list[Prediction]:
        """Return the likeliest classes of ``image``, uint8 RGB (rows, columns, 3), best first.

        ``top``: at most so many. ``min_score``: only those that score as much; None for what the model's file says.
        """
        return self.best(self.scores(self.prepare(image)), top=top, min_score=min_score)

    def prepare(self, image: Pixels) -> Floats:
        """Return the network's input for a picture."""
        return prepare(image, self.config.preparation)

    def scores(self, prepared: Floats) -> Floats:
        """Return the score of each class (classes,) for a prepared picture."""
        scores: Floats = self._checked(self._predictor.predict(prepared)[0]).mean(axis=0)
        return scores

    def _checked(self, raw: Floats) -> Floats:
        """Return the network's answers (views, classes); raise :class:`ModelFileError` where they are none."""
        if raw.shape[1:] != (len(self.config.classes),):
            raise ModelFileError(f"{self.config.name}: its network does not give what its configuration says")
        demand_finite(raw)
        return raw

    def best(self, scores: Floats, *, top: int = 5, min_score: float | None = None) -> list[Prediction]:
        """Return the best of ``scores`` (classes,); the arguments are those of :meth:`classify`."""
        least = self.config.min_score if min_score is None else min_score
        order = np.argsort(-scores, kind="stable")[:top]
        return [
            Prediction(self.config.classes[number], number, score)
            for number, score in zip(order.tolist(), scores[order].tolist(), strict=True)
            if score >= least
        ]
