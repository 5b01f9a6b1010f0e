"""Labelled examples on their way to a network: what each label means, which are held out, how inputs are scaled."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.models.nn.config import Task
from dltools.models.nn.layer import Array

#: Whole numbers as labels are classes up to so many different ones, unless the task is given.
_MOST_CLASSES = 100


@dataclasses.dataclass(frozen=True)
class Examples:
    """``inputs`` (examples, features) or (images, rows, columns, channels), and the ``labels`` as they are written.

    ``columns``, ``label`` and ``label_at``: a table's names of the features and of the label, and the label's place.
    """

    inputs: Array
    labels: tuple[str, ...]
    columns: tuple[str, ...] = ()
    label: str = ""
    label_at: int = 0


class Targets(NamedTuple):
    """What a network learns of each example: its class's number (examples,), or its value (examples,) float64."""

    task: Task
    classes: tuple[str, ...]
    values: Array


def targets_of(labels: tuple[str, ...], numbers: Array | None, task: Task | None) -> Targets:
    """Return what ``labels`` mean; ``numbers``: the labels as such, if they all are numbers.

    Without ``task``: numbers with a fraction, and more than 100 different ones, are values; else labels are classes.
    Raise :class:`InputError` where the labels do not fit.
    """
    whole = numbers is not None and bool((numbers == np.rint(numbers)).all())
    if task is None:
        many = numbers is not None and len(np.unique(numbers)) > _MOST_CLASSES
        task = "regression" if numbers is not None and (many or not whole) else "classification"
    if task == "regression":
        if numbers is None:
            raise InputError("a regression needs numbers as labels")
        return Targets(task, (), numbers)
    if numbers is not None:
        distinct, places = np.unique(numbers, return_inverse=True)
        classes = tuple(str(int(each)) if whole else repr(float(each)) for each in distinct)
    else:
        names, places = np.unique(np.array(labels), return_inverse=True)
        classes = tuple(map(str, names))
    if len(classes) < 2:
        raise InputError(f"all examples have the label {classes[0]!r}: a classifier needs two classes")
    return Targets(task, classes, places.reshape(-1))


def split(targets: Targets, share: float, random: np.random.Generator) -> tuple[Array, Array]:
    """Return the numbers of the examples to learn from and of those held out, ``share`` of each class.

    Every class keeps an example to learn from.
    """
    order = random.permutation(len(targets.values))
    groups = targets.values[order] if targets.task == "classification" else np.zeros(len(order), np.int64)
    held = np.zeros(len(order), np.bool_)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        held[members[: min(round(share * len(members)), len(members) - 1)]] = True
    return order[~held], order[held]


def scaling(inputs: Array) -> tuple[Array, Array]:
    """Return the mean and the standard deviation of every feature or channel; 1 where a deviation is 0."""
    rows = inputs.reshape(-1, inputs.shape[-1])
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    return mean, np.where(deviation > 1e-12 * np.abs(mean) + 1e-300, deviation, 1.0)


def one_hot(numbers: Array, classes: int) -> Array:
    """Return ``numbers`` (examples,) as rows with a single 1 (examples, classes), float32."""
    return np.eye(classes, dtype=np.float32)[numbers]


#: Told of a picture that cannot be read: its path, and why.
Failed = Callable[[str, InputError], None]
