"""Draw what a classifier of two features makes of the plane, and the examples on it."""

from __future__ import annotations

import math

import numpy as np

from dltools.errors import UsageError
from dltools.io.charts import region_chart
from dltools.io.images import Pixels
from dltools.models.nn.config import Task
from dltools.models.nn.examples import Examples, targets_of
from dltools.models.nn.infer import Model
from dltools.models.nn.tables import numbers_of

_CELLS = (160, 200)  # rows and columns that the plane is asked in; between them the picture is smooth
_MARGIN = 0.08  # of the examples' range, on each side


def check_boundary(examples: Examples, task: Task | None) -> None:
    """Raise :class:`UsageError` where there is no plane to draw; ``task`` is None where it is not known yet."""
    features = math.prod(examples.inputs.shape[1:])
    if features != 2:
        raise UsageError(f"--boundary draws two features, and the data has {features}")
    if task == "regression":
        raise UsageError("--boundary draws classes, and a regression has none")


def draw_boundary(model: Model, examples: Examples, title: str) -> Pixels:
    """Return a picture of a model's classes over the plane of its two features, with the ``examples`` as points.

    Raise :class:`UsageError` where the model has not two features, or no classes.
    """
    check_boundary(examples, model.config.task)
    points = examples.inputs
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.where(high > low, (high - low) * _MARGIN, 1.0)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    xs, ys = np.meshgrid(np.linspace(left, right, _CELLS[1]), np.linspace(bottom, top, _CELLS[0]))
    shares = model.probabilities(np.stack([xs.ravel(), ys.ravel()], axis=1)).reshape(*_CELLS, -1)
    groups = targets_of(examples.labels, numbers_of(examples.labels), "classification").values.tolist()
    x_label, y_label = model.config.columns or ("feature 1", "feature 2")
    return region_chart(
        shares,
        points,
        groups,
        model.config.classes,
        x_range=(left, right),
        y_range=(bottom, top),
        title=title,
        x_label=x_label,
        y_label=y_label,
    )
