"""Faces as a network wants them: cut by points or by a box, and small variations of one.

Points: dlib's ``get_face_chip``, which rounds points to whole pixels. Box: the align_dataset_mtcnn.py of Sandberg's
FaceNet. Variations: dlib's ``jitter_image`` in spirit. In: RGB pictures (rows, columns, 3). Out: chips (size, size, 3).
"""

from __future__ import annotations

import math

import numpy as np

from dltools.io.images import Pixels
from dltools.models.faces.geometry import ChipPlace, Doubles, extract_chip, place_chip

_JITTER_SEED = 20170307  # any number: it makes the variations the same at each run


def points_chip(pixels: Pixels, points: Doubles, size: int, padding: float) -> Pixels:
    """Return the chip of the face whose dlib points (5, 2) are given, with ``padding`` around it as a share of it."""
    return extract_chip(pixels, place_chip(np.floor(points + 0.5), size, padding), size)


def box_chip(pixels: Pixels, bbox: tuple[float, float, float, float], size: int, margin: float) -> Pixels:
    """Return the chip of the face in ``bbox``, half of ``margin`` pixels of the chip's size on each side of it."""
    from PIL import Image

    x_min, y_min, x_max, y_max = bbox
    share = margin / (size - margin)
    left, right = x_min - (x_max - x_min) * share / 2, x_max + (x_max - x_min) * share / 2
    top, bottom = y_min - (y_max - y_min) * share / 2, y_max + (y_max - y_min) * share / 2
    rows, columns = pixels.shape[:2]
    x0, y0 = max(0, math.floor(left)), max(0, math.floor(top))
    x1, y1 = min(columns, math.ceil(right)), min(rows, math.ceil(bottom))
    cut = Image.fromarray(pixels[y0:y1, x0:x1])
    return np.array(cut.resize((size, size), Image.Resampling.BILINEAR))


def jittered(chip: Pixels, count: int) -> list[Pixels]:
    """Return ``count`` variations: turned by up to 3 degrees, scaled and moved by up to 3 %, every other mirrored."""
    random = np.random.default_rng(_JITTER_SEED)
    size = chip.shape[0]
    made = []
    for number in range(count):
        scale, angle = 1 + random.uniform(-0.03, 0.03), math.radians(random.uniform(-3, 3))
        x, y = (size - 1) / 2 + size * random.uniform(-0.03, 0.03, 2)
        half = (size - 1) / 2 * scale
        varied = extract_chip(_bordered(chip), _moved((x - half, y - half, x + half, y + half), angle, size), size)
        made.append(varied[:, ::-1] if number % 2 else varied)
    return made


def _bordered(chip: Pixels) -> Pixels:
    """Repeat the edges around a chip, so that a variation has no black corners."""
    border = chip.shape[0] // 4
    return np.pad(chip, ((border, border), (border, border), (0, 0)), mode="edge")


def _moved(rectangle: tuple[float, float, float, float], angle: float, size: int) -> ChipPlace:
    border = size // 4
    left, top, right, bottom = (side + border for side in rectangle)
    return ChipPlace((left, top, right, bottom), angle)
