"""Boxes of faces: which of several are the same, and how to cut them out.

Zhang et al. (2016), section 2.1. Boxes are (n, 4) arrays of x_min, y_min, x_max, y_max in pixels, the left edge of the
first pixel at 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


def distinct(boxes: Floats, scores: Floats, overlap: float, of: Literal["union", "smaller"] = "union") -> list[int]:
    """Return the numbers of the boxes that are left, best first, where of two that overlap the better one stays.

    They do where their common area is more than ``overlap`` of their union, or of the smaller one's own.
    """
    left, top, right, bottom = boxes.T
    areas = (right - left) * (bottom - top)
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        width = np.minimum(right[best], right[waiting]) - np.maximum(left[best], left[waiting])
        height = np.minimum(bottom[best], bottom[waiting]) - np.maximum(top[best], top[waiting])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        whole = areas[best] + areas[waiting] - common if of == "union" else np.minimum(areas[best], areas[waiting])
        waiting = waiting[common <= overlap * whole]
    return kept


def moved(boxes: Floats, offsets: Floats) -> Floats:
    """Move the sides of ``boxes`` by ``offsets`` (n, 4), in shares of each box's width and height."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes + offsets * np.concatenate([sizes, sizes], axis=1))


def squared(boxes: Floats) -> Floats:
    """Return squares with the centres of ``boxes`` and their longer sides."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def sane(boxes: Floats, width: int, height: int) -> npt.NDArray[np.bool_]:
    """Return (n,) which boxes are finite, have an area, and have their centre in a picture of the size given."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    finite = np.isfinite(boxes).all(axis=1)
    good = finite & (boxes[:, 2] - boxes[:, 0] >= 1) & (boxes[:, 3] - boxes[:, 1] >= 1)
    return np.asarray(good & (middle >= 0).all(axis=1) & (middle < (width, height)).all(axis=1))
