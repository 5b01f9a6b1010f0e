"""Draw words as points on a plane: the first two principal components of their unit vectors (Hotelling 1933)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dltools.errors import InputError
from dltools.io.images import Pixels
from dltools.io.text import printable
from dltools.models.words.infer import WordVectors
from dltools.runtime.vectors import Floats

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

_MARGIN = 0.08  # of the picture's side, on each side
_INK, _POINT, _GRID = (32, 33, 36), (26, 115, 232), (224, 224, 224)

Box = tuple[float, float, float, float]


def principal_components(vectors: Floats) -> Floats:
    """Return the first two principal components' coordinates (words, 2) of ``vectors`` (words, dimensions).

    The sign of each component is fixed: the coordinate of largest size is positive.
    """
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    points = (left * singular)[:, :2]
    if points.shape[1] < 2:
        points = np.pad(points, ((0, 0), (0, 2 - points.shape[1])))
    largest = points[np.abs(points).argmax(axis=0), np.arange(2)]
    signed: Floats = (points * np.where(largest < 0, -1, 1)).astype(np.float32)
    return signed


def plot(vectors: WordVectors, words: Sequence[str], *, width: int = 1000, height: int = 800) -> tuple[Pixels, Floats]:
    """Return a picture (height, width, 3) of ``words``, and their coordinates (words, 2).

    Raise :class:`InputError` for an unknown word and for fewer than two.
    """
    rows = vectors.rows(words)
    if len(rows) < 2:
        raise InputError("a picture wants two words or more", code="too_few")
    points = principal_components(vectors.store.unit(rows))
    return draw(points, [vectors.store.word(row) for row in rows], width, height), points


def draw(points: Floats, labels: Sequence[str], width: int, height: int) -> Pixels:
    """Return a picture (height, width, 3) of ``points`` (labels, 2), y upwards, at one scale in both directions."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (width, height), "white")
    canvas = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=float(max(11, min(width, height) // 45)))
    low, high = points.min(axis=0), points.max(axis=0)
    room = np.array([width, height]) * (1 - 2 * _MARGIN)
    scale = float((room / np.maximum(high - low, 1e-9)).min())
    centre = (low + high) / 2
    places = (points - centre) * (scale, -scale) + (width / 2, height / 2)
    origin = -centre * (scale, -scale) + (width / 2, height / 2)
    canvas.line((0, origin[1], width, origin[1]), fill=_GRID)
    canvas.line((origin[0], 0, origin[0], height), fill=_GRID)
    radius = max(2, min(width, height) // 200)
    taken: list[Box] = [(x - radius, y - radius, x + radius, y + radius) for x, y in places.tolist()]
    for box in taken:
        canvas.ellipse(box, fill=_POINT)
    for (x, y), label in zip(places.tolist(), labels, strict=True):
        taken.append(_label(canvas, font, printable(label), x, y, radius, (width, height), taken))
    return np.array(image)


def _label(
    canvas: ImageDraw,
    font: FreeTypeFont | ImageFont,
    text: str,
    x: float,
    y: float,
    radius: int,
    size: tuple[int, int],
    taken: list[Box],
) -> Box:
    """Write a label beside its point where it covers the least of what is there."""
    left, top, right, bottom = canvas.textbbox((0, 0), text, font=font)
    wide, high, gap = right - left, bottom - top, radius + 3
    corners = [
        (x + gap, y - high / 2),
        (x - gap - wide, y - high / 2),
        (x - wide / 2, y - gap - high),
        (x - wide / 2, y + gap),
    ]
    corners += [
        (x + gap, y + gap),
        (x - gap - wide, y - gap - high),
        (x + gap, y - gap - high),
        (x - gap - wide, y + gap),
    ]
    boxes = [_inside(at, over, wide, high, size) for at, over in corners]
    best = min(boxes, key=lambda box: sum(_shared(box, other) for other in taken))
    canvas.text((best[0] - left, best[1] - top), text, font=font, fill=_INK)
    return best


def _inside(x: float, y: float, wide: float, high: float, size: tuple[int, int]) -> Box:
    x, y = max(0.0, min(x, size[0] - wide)), max(0.0, min(y, size[1] - high))
    return x, y, x + wide, y + high


def _shared(one: Box, other: Box) -> float:
    """Return the area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)
