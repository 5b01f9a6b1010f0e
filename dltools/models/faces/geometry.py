"""Cut a face out of a picture, turned upright and brought to one size: dlib's face chips.

The reference is dlib's ``get_face_chip_details`` and ``extract_image_chip`` (image_transforms/interpolation.h): a
similarity transform onto five mean points (Umeyama, 1991), then bilinear sampling, of a pyramid that is halved until it
is not much larger than the chip. In: RGB pixels (rows, columns, 3), points (n, 2) as x, y in pixels, with pixel
centres at whole numbers. Out: a chip (size, size, 3).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels

Doubles = npt.NDArray[np.float64]
Rectangle = tuple[float, float, float, float]

#: Where the outer and inner corner of one eye, those of the other, and the base of the nose lie in a mean face.
MEAN_POINTS: Doubles = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
#: dlib's margin around the mean face, as a share of its size.
PADDING = 0.25

_SMALLEST = 8  # pixels: no side of a picture that is no longer is halved


class Similarity(NamedTuple):
    """A map of points by turning, scaling and moving: ``matrix`` (2, 2) and ``offset`` (2,)."""

    matrix: Doubles
    offset: Doubles

    def __call__(self, points: Doubles) -> Doubles:
        """Return the images (n, 2) of ``points`` (n, 2)."""
        return np.asarray(points @ self.matrix.T + self.offset)


class ChipPlace(NamedTuple):
    """Where a chip lies in a picture: a rectangle, turned by ``angle`` (radians, clockwise on the screen)."""

    rectangle: Rectangle
    angle: float


def find_similarity(sources: Doubles, targets: Doubles) -> Similarity:
    """Return the similarity that brings ``sources`` (n, 2) nearest to ``targets`` (n, 2), in least squares."""
    source_mean, target_mean = sources.mean(axis=0), targets.mean(axis=0)
    centred = sources - source_mean
    u, singular, vt = np.linalg.svd((targets - target_mean).T @ centred / len(sources))
    signs = np.array([1.0, 1.0 if np.linalg.det(u) * np.linalg.det(vt) >= 0 else -1.0])
    rotation = (u * signs) @ vt
    variance = float((centred**2).sum() / len(sources))
    scale = float(singular @ signs) / variance if variance else 1.0
    matrix = scale * rotation
    return Similarity(matrix, target_mean - matrix @ source_mean)


def place_chip(points: Doubles, size: int, padding: float = PADDING) -> ChipPlace:
    """Return where the chip of ``size`` pixels lies whose face has its :data:`MEAN_POINTS` at ``points`` (5, 2)."""
    means = (padding + MEAN_POINTS) / (2 * padding + 1) * size
    transform = find_similarity(means, points)
    across = transform.matrix @ np.array([1.0, 0.0])
    middle = transform.matrix @ np.array([size / 2, size / 2]) + transform.offset
    half = (float(np.hypot(*across)) * size - 1) / 2  # dlib counts a rectangle's last pixel in
    x, y = float(middle[0]), float(middle[1])
    return ChipPlace((x - half, y - half, x + half, y + half), math.atan2(float(across[1]), float(across[0])))


def extract_chip(pixels: Pixels, place: ChipPlace, size: int) -> Pixels:
    """Return the chip (size, size, 3) at ``place``; what lies outside the picture is black."""
    region = _region(place, size, pixels.shape[1], pixels.shape[0])
    if region is None:
        return np.zeros((size, size, 3), np.uint8)
    left, top, right, bottom = region
    picture: Pixels = pixels[top:bottom, left:right]
    rectangle = tuple(side - corner for side, corner in zip(place.rectangle, (left, top, left, top), strict=True))
    while _area(_halved(rectangle)) > size * size:
        picture, rectangle = halve(picture), _halved(rectangle)
    corners = _turned_corners(rectangle, place.angle)
    origin = corners[0]
    across, down = (corners[1] - origin) / (size - 1), (corners[2] - origin) / (size - 1)
    steps = np.arange(size)
    positions = origin + steps[None, :, None] * across + steps[:, None, None] * down  # (size, size, 2)
    return _bilinear(picture, positions)


def halve(pixels: Pixels) -> Pixels:
    """Smooth by (1, 4, 6, 4, 1) / 16 each way and keep every other row and column, as dlib's ``pyramid_down<2>``."""
    rows, columns = pixels.shape[:2]
    if min(rows, columns) <= _SMALLEST:
        return np.zeros((0, 0, 3), np.uint8)
    width, height = (columns - 3) // 2, (rows - 3) // 2
    wide = pixels.astype(np.uint16)
    lines = _smoothed([wide[:, shift : shift + 2 * width : 2] for shift in range(5)])  # (rows, width, 3)
    whole = _smoothed([lines[shift : shift + 2 * height : 2] for shift in range(5)])  # (height, width, 3)
    return (whole >> 8).astype(np.uint8)


def _smoothed(neighbours: list[npt.NDArray[np.uint16]]) -> npt.NDArray[np.uint16]:
    """Return five neighbours of each value weighed by 1, 4, 6, 4 and 1; 16 bits hold that twice over."""
    outermost, outer, middle, other, last = neighbours
    return outermost + 4 * outer + 6 * middle + 4 * other + last


def _region(place: ChipPlace, size: int, columns: int, rows: int) -> tuple[int, int, int, int] | None:
    """Return the part of the picture that a chip is made of, with what the smoothing needs around it."""
    border = 2.0
    rectangle = _halved(place.rectangle)
    while _area(rectangle) > size * size:
        rectangle = _halved(rectangle)
        border = border * 2 + 2
    corners = np.concatenate([_turned_corners(place.rectangle, place.angle), _far_corner(place)])
    lowest, highest = corners.min(axis=0) - border, corners.max(axis=0) + border
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        return None
    left, top = (max(0, math.floor(float(side) + 0.5)) for side in lowest)
    right = min(columns - 1, math.floor(float(highest[0]) + 0.5))
    bottom = min(rows - 1, math.floor(float(highest[1]) + 0.5))
    return (left, top, right + 1, bottom + 1) if left <= right and top <= bottom else None


def _halved(rectangle: tuple[float, ...]) -> Rectangle:
    left, top, right, bottom = rectangle
    return left / 2 - 1.25, top / 2 - 0.75, right / 2 - 1.25, bottom / 2 - 0.75


def _area(rectangle: Rectangle) -> float:
    return (rectangle[2] - rectangle[0] + 1) * (rectangle[3] - rectangle[1] + 1)


def _turned(points: Doubles, centre: Doubles, angle: float) -> Doubles:
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.asarray((points - centre) @ np.array([[cosine, sine], [-sine, cosine]]) + centre)


def _turned_corners(rectangle: tuple[float, ...], angle: float) -> Doubles:
    """Return the upper left, upper right and lower left corner (3, 2), turned around the centre."""
    left, top, right, bottom = rectangle
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return _turned(np.array([(left, top), (right, top), (left, bottom)]), centre, angle)


def _far_corner(place: ChipPlace) -> Doubles:
    left, top, right, bottom = place.rectangle
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return _turned(np.array([(right, bottom)]), centre, place.angle)


def _bilinear(pixels: Pixels, positions: Doubles) -> Pixels:
    """Sample (rows, columns, 3) at ``positions`` (..., 2) as x, y; black where one of four neighbours is missing."""
    rows, columns = pixels.shape[:2]
    floors = np.floor(positions)
    left, top = floors[..., 0], floors[..., 1]
    inside = (left >= 0) & (top >= 0) & (left + 1 < columns) & (top + 1 < rows)
    if not inside.any():
        return np.zeros((*positions.shape[:-1], 3), np.uint8)
    x, y = np.where(inside, left, 0).astype(np.intp), np.where(inside, top, 0).astype(np.intp)
    across = (positions[..., 0] - left)[..., None]
    down = (positions[..., 1] - top)[..., None]
    upper = (1 - across) * pixels[y, x] + across * pixels[y, x + 1]
    lower = (1 - across) * pixels[y + 1, x] + across * pixels[y + 1, x + 1]
    blended = (1 - down) * upper + down * lower
    return np.where(inside[..., None], blended, 0).astype(np.uint8)
