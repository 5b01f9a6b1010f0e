"""Measure a classifier on a folder of labelled pictures.

In: a folder with a sub-folder for each class. Out: accuracy, a confusion matrix, and each class's precision and recall.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.io.images import decode_image
from dltools.io.inputs import read_file
from dltools.models.classify.data import Failed, Numbers, list_folder
from dltools.models.classify.infer import Classifier
from dltools.models.classify.prepare import Floats

_TOP = 5


class ClassScore(NamedTuple):
    """How well one class is told: pictures of it, and shares from 0 to 1 (None where nothing was there to measure)."""

    pictures: int
    precision: float | None
    recall: float | None


class Score(NamedTuple):
    """Over ``pictures``: shares that are right at once and among the first five, the confusion matrix, and classes.

    ``confusion`` (true, given) has the classes ``labels``: those in the folder or given, in the model's order.
    """

    pictures: int
    accuracy: float
    top5: float
    labels: tuple[str, ...]
    confusion: Numbers
    per_class: dict[str, ClassScore]


def evaluate(
    classifier: Classifier, folder: Path, failed: Failed, progress: Callable[[int, int], None] | None = None
) -> Score:
    """Run a classifier over a folder; a picture that cannot be read is told to ``failed`` and left out.

    A sub-folder is called as its class, or by its number. Of a folder with ``train/`` and ``test/`` or ``val/`` only
    the latter counts. Raise :class:`InputError` where there is nothing to measure, or a folder is none of the model's
    classes.
    """
    listed = list_folder(folder, measure=True)
    numbers = {label: class_number(label, classifier.config.classes) for label in set(listed.labels)}
    unknown = sorted(label for label, number in numbers.items() if number is None)
    if unknown:
        raise InputError(f"{folder}: {unknown[0]} is no class of the model {classifier.config.name}")
    scores, targets = [], []
    for done, (path, label) in enumerate(zip(listed.paths, listed.labels, strict=True), 1):
        try:
            pixels = decode_image(read_file(str(path)))
        except InputError as error:
            failed(str(path), error)
            continue
        scores.append(classifier.scores(classifier.prepare(pixels)))
        targets.append(numbers[label])
        if progress is not None:
            progress(done, len(listed.paths))
    if not scores:
        raise InputError(f"{folder}: none of the pictures can be read", code="no_pictures")
    return score_of(np.stack(scores), np.array(targets, np.int64), classifier.config.classes)


def class_number(label: str, classes: Sequence[str]) -> int | None:
    """Return the number of the class that a folder is called after, or None: its name, in any case, or its number."""
    wanted = label.casefold().replace("_", " ")
    for number, name in enumerate(classes):
        if name.casefold().replace("_", " ") == wanted:
            return number
    return int(label) if label.isdecimal() and int(label) < len(classes) else None


def score_of(scores: Floats, targets: Numbers, classes: Sequence[str]) -> Score:
    """Return the measures of ``scores`` (pictures, classes) for the true classes ``targets`` (pictures,)."""
    given = scores.argmax(axis=1)
    ranks = (scores > scores[np.arange(len(targets)), targets][:, None]).sum(axis=1)
    present = np.union1d(targets, given)
    place = {int(number): at for at, number in enumerate(present)}
    confusion = np.zeros((len(present), len(present)), np.int64)
    np.add.at(confusion, ([place[int(each)] for each in targets], [place[int(each)] for each in given]), 1)
    labels = tuple(classes[int(number)] for number in present)
    per_class = {}
    for at, label in enumerate(labels):
        right, of_it, named = int(confusion[at, at]), int(confusion[at].sum()), int(confusion[:, at].sum())
        per_class[label] = ClassScore(of_it, right / named if named else None, right / of_it if of_it else None)
    accuracy, top5 = float((given == targets).mean()), float((ranks < _TOP).mean())
    return Score(len(targets), accuracy, top5, labels, confusion, per_class)
