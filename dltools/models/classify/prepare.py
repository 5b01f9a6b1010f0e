"""From a picture of any size to the square that a network takes.

In: RGB pixels, uint8 (rows, columns, 3). Out: float32 (views, size, size, 3), one view or, with a mirror image, two.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels, resize_centres
from dltools.models.classify.config import Preparation, Sampling

Floats = npt.NDArray[np.float32]

#: Before sampling without smoothing, a picture is brought by whole steps to less than so many times its new size: so
#: large the photographs of ImageNet are, which networks that want such sampling have learned from.
_MOST_SHRINKING = 4
#: Of a longer picture the middle is enough, where only its middle is looked at: a line of pixels would be made a wall.
_MOST_LONGER = 16


def prepare(pixels: Pixels, preparation: Preparation) -> Floats:
    """Return the network's input for a picture (rows, columns, 3): (1 or 2, size, size, 3)."""
    return normalized(square(pixels, preparation)[None], preparation)


def square(pixels: Pixels, preparation: Preparation) -> Pixels:
    """Return the picture (rows, columns, 3) as the network sees it, (size, size, 3), still uint8 RGB."""
    size = preparation.size
    if preparation.resize == "stretch":
        return resized(pixels, size, size, preparation.sampling)
    most = _MOST_LONGER * min(pixels.shape[:2])
    pixels = _middle(_middle(pixels, most, 0), most, 1)
    rows, columns = pixels.shape[:2]
    short = max(preparation.short, size)
    factor = short / min(rows, columns)
    width, height = max(short, round(columns * factor)), max(short, round(rows * factor))
    whole = resized(pixels, width, height, preparation.sampling)
    left, top = (width - size) // 2, (height - size) // 2
    return whole[top : top + size, left : left + size]


def _middle(pixels: Pixels, most: int, axis: int) -> Pixels:
    """Return the middle of a picture along an axis, at most so many pixels."""
    spare = pixels.shape[axis] - most
    return pixels if spare <= 0 else pixels.take(range(spare // 2, spare // 2 + most), axis)


def resized(pixels: Pixels, width: int, height: int, sampling: Sampling) -> Pixels:
    """Return ``pixels`` (rows, columns, 3) brought to (height, width, 3)."""
    rows, columns = pixels.shape[:2]
    if (columns, rows) == (width, height):
        return pixels
    from PIL import Image

    if sampling == "opencv":
        factors = (max(1, 2 * columns // (_MOST_SHRINKING * width)), max(1, 2 * rows // (_MOST_SHRINKING * height)))
        if factors != (1, 1):
            pixels = np.asarray(Image.fromarray(pixels).reduce(factors))
        return resize_centres(pixels, width, height)
    shrinks = columns >= width and rows >= height
    way = Image.Resampling.BOX if sampling == "box" and shrinks else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(pixels).resize((width, height), way))


def normalized(squares: Pixels | Floats, preparation: Preparation) -> Floats:
    """Return squares (pictures, size, size, 3) as input, float32; each is followed by its mirror image if wanted."""
    ordered = squares[..., ::-1] if preparation.channels == "bgr" else squares
    values = ordered.astype(np.float32)
    values -= np.array(preparation.mean, np.float32)
    values /= np.array(preparation.scale, np.float32)
    if not preparation.mirror:
        return values
    return np.stack([values, values[:, :, ::-1]], axis=1).reshape(-1, *values.shape[1:])
