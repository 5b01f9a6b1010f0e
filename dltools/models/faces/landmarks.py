"""Find the five points of a face that dlib's chips are cut by: the corners of both eyes and the base of the nose.

Kazemi and Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees" (2014), as dlib's
``shape_predictor`` has it. In: RGB pixels (rows, columns, 3) and a face's square, which may be turned. Out: points
(5, 2) as x, y in pixels.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError
from dltools.io.images import Pixels
from dltools.models.faces.dlib_file import ShapePredictor
from dltools.models.faces.geometry import Doubles, find_similarity
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_FORMAT = '{"format": 1, "model": "face-landmarks"}'
_STEPS = 127  # of a leaf's numbers on each side of 0, in units of the largest of its tree


class Square(NamedTuple):
    """A face's square: its centre, its side in pixels, and how far it is turned (radians, clockwise on the screen)."""

    x: float
    y: float
    side: float
    angle: float = 0.0


def encode_predictor(predictor: ShapePredictor) -> bytes:
    """Return the bytes of a landmark model: thresholds exact, what leaves add in 255 steps.

    Pixels are whole numbers, so a difference exceeds a threshold if and only if it exceeds the whole number below it.
    """
    scales = np.abs(predictor.leaves).max(axis=(2, 3)) / _STEPS  # (forests, trees)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "initial": predictor.initial,
        "anchors": predictor.anchors.astype(np.uint8),
        "deltas": predictor.deltas,
        "first": predictor.first.astype(np.uint16),
        "second": predictor.second.astype(np.uint16),
        "thresholds": np.floor(predictor.thresholds).astype(np.int8),
        "scales": scales.astype(np.float32),
        "leaves": np.rint(predictor.leaves / scales[:, :, None, None]).astype(np.int8),
    }
    return encode_arrays(_FORMAT, arrays, compress=True)


class LandmarkModel:
    """A cascade of regression trees over differences of pixels."""

    def __init__(self, predictor: ShapePredictor) -> None:
        self._predictor = predictor
        forests, trees, splits = predictor.first.shape
        self._depth = splits.bit_length()
        self._trees = np.arange(trees)
        self._forests = forests

    @classmethod
    def open(cls, path: Path) -> LandmarkModel:
        """Return the model in a file of :func:`encode_predictor`; raise :class:`ModelFileError`."""
        config, arrays = read_arrays(path, "a landmark model")
        try:
            if config != _FORMAT:
                raise KeyError
            leaves = arrays["leaves"] * arrays["scales"][:, :, None, None]
            names = ("initial", "anchors", "deltas", "first", "second", "thresholds")
            return cls(ShapePredictor(**{name: arrays[name] for name in names}, leaves=leaves))
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise ModelFileError(f"{path}: not a landmark model") from error

    def find(self, pixels: Pixels, square: Square) -> Doubles:
        """Return the five points (5, 2), not rounded, of the face in ``square``, as dlib finds them in a rectangle."""
        model = self._predictor
        mean = model.initial.astype(np.float64)
        cosine, sine = math.cos(square.angle) * square.side, math.sin(square.angle) * square.side
        matrix = np.array([[cosine, -sine], [sine, cosine]])
        offset = np.array([square.x, square.y]) - matrix @ np.array([0.5, 0.5])
        shape = mean.copy()
        for forest in range(self._forests):
            turn = find_similarity(mean, shape).matrix.astype(np.float32)
            places = model.deltas[forest] @ turn.T + shape[model.anchors[forest]]  # (pixels, 2) in the unit square
            values = _grey(pixels, places @ matrix.T + offset)
            shape += self._change(forest, values).reshape(-1, 2)
        return np.asarray(shape @ matrix.T + offset)

    def _change(self, forest: int, values: npt.NDArray[np.int16]) -> Doubles:
        """Return what all trees of a forest add to the shape, given the pixels' values."""
        model, trees = self._predictor, self._trees
        node = np.zeros(len(trees), np.intp)
        for _ in range(self._depth):
            difference = values[model.first[forest, trees, node]] - values[model.second[forest, trees, node]]
            node = 2 * node + np.where(difference > model.thresholds[forest, trees, node], 1, 2)
        leaves = node - model.first.shape[2]
        return np.asarray(model.leaves[forest, trees, leaves].sum(axis=0, dtype=np.float64))


def _grey(pixels: Pixels, points: Doubles) -> npt.NDArray[np.int16]:
    """Return the grey value, a third of the sum, at the pixel nearest to each point (n, 2); 0 outside."""
    rows, columns = pixels.shape[:2]
    nearest = np.floor(points + 0.5)
    inside = ((nearest >= 0) & (nearest < (columns, rows))).all(axis=1)
    x, y = (np.where(inside, nearest[:, axis], 0).astype(np.intp) for axis in (0, 1))
    grey = pixels[y, x].sum(axis=1, dtype=np.int16) // 3
    return np.where(inside, grey, 0).astype(np.int16)
