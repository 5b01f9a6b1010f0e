"""Pictures on their way into a painting and out of it: sizes, colours, masks.

In: uint8 RGB (rows, columns, 3). Within: float32 from 0 to 1, the same shape. Luminance is Rec. 601's, as JPEG has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.io.images import MAX_PIXELS, Pixels

Floats = npt.NDArray[np.float32]

#: A picture of fewer pixels a side leaves nothing to look at after a network's poolings.
LEAST_SIDE = 32
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
_SHAPE_TOLERANCE = 0.02  # by how much a mask's sides may be off the content's: rounding of a resized copy


class Size(NamedTuple):
    """Rows and columns of a picture, in pixels."""

    rows: int
    columns: int

    @property
    def pixels(self) -> int:
        """Return how many pixels the picture has."""
        return self.rows * self.columns


def scaled(size: Size, side: int) -> Size:
    """Return ``size`` with its longer side ``side`` pixels long; raise :class:`InputError` where that cannot be."""
    factor = side / max(size)
    result = Size(max(1, round(size.rows * factor)), max(1, round(size.columns * factor)))
    if min(result) < LEAST_SIDE:
        raise InputError(
            f"{result.columns} x {result.rows} pixels are too few to paint: each side needs {LEAST_SIDE}",
            code="too_small",
        )
    if result.pixels > MAX_PIXELS:
        raise InputError(f"{result.columns} x {result.rows} is more than {MAX_PIXELS} pixels", code="too_large")
    return result


def sizes(full: Size, count: int | None, least: int) -> list[Size]:
    """Return the sizes of a pyramid, small to large, each about half the next; at most ``count``.

    No size but the full one has a side below :data:`LEAST_SIDE`, or below ``least`` where ``count`` is None.
    """
    found = [full]
    while count is None or len(found) < count:
        factor = 2 ** len(found)
        smaller = Size(round(full.rows / factor), round(full.columns / factor))
        if min(smaller) < (least if count is None else LEAST_SIDE):
            break
        found.append(smaller)
    return found[::-1]


def of_area(size: Size, area: float) -> Size:
    """Return the size of the shape of ``size`` with about ``area`` pixels, no side below :data:`LEAST_SIDE`."""
    factor = max((area / size.pixels) ** 0.5, LEAST_SIDE / min(size))
    return Size(round(size.rows * factor), round(size.columns * factor))


def to_floats(pixels: Pixels) -> Floats:
    """Return pixels as floats from 0 to 1."""
    return np.divide(pixels, 255, dtype=np.float32)


def to_pixels(picture: Floats) -> Pixels:
    """Return floats from 0 to 1, and what lies beyond as the nearest, as pixels."""
    pixels: Pixels = np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return pixels


def resize(picture: Floats, size: Size) -> Floats:
    """Return ``picture`` (rows, columns, channels) at ``size``, by Lanczos' filter, within 0 to 1."""
    from PIL import Image

    if picture.shape[:2] == size:
        return picture
    shape = (size.columns, size.rows)
    bands = [Image.fromarray(np.ascontiguousarray(band)) for band in np.moveaxis(picture, 2, 0)]
    resized = [np.asarray(band.resize(shape, Image.Resampling.LANCZOS)) for band in bands]
    stacked: Floats = np.clip(np.stack(resized, axis=2), 0, 1)  # (rows, columns, channels)
    return stacked


def cover(picture: Floats, size: Size) -> Floats:
    """Return the middle of ``picture`` at ``size``: scaled to fill it, and cut."""
    rows, columns = picture.shape[:2]
    factor = max(size.rows / rows, size.columns / columns)
    larger = resize(picture, Size(max(size.rows, round(rows * factor)), max(size.columns, round(columns * factor))))
    top, left = (larger.shape[0] - size.rows) // 2, (larger.shape[1] - size.columns) // 2
    return larger[top : top + size.rows, left : left + size.columns]


def is_grey(pixels: Pixels) -> bool:
    """Return whether a picture has no colour at all."""
    return bool((pixels[..., :1] == pixels[..., 1:]).all())


def luminance(picture: Floats) -> Floats:
    """Return the luminance of ``picture`` (rows, columns, 3) as a picture of the same shape."""
    grey = picture @ _LUMA
    return np.repeat(grey[..., None], 3, axis=2)  # (rows, columns, 3)


def matched(style: Floats, content: Floats) -> Floats:
    """Return the grey picture ``style`` with the mean and the contrast of ``content``.

    Gatys et al., "Preserving color in neural artistic style transfer" (2016), equation 10.
    """
    spread = float(style.std())
    contrast = float(content.std()) / spread if spread > 0 else 1.0
    fitted: Floats = np.clip((style - style.mean()) * np.float32(contrast) + content.mean(), 0, 1)
    return fitted


def with_colours(painted: Floats, content: Floats) -> Floats:
    """Return the luminance of ``painted`` with the chroma of ``content``, both (rows, columns, 3)."""
    coloured: Floats = np.clip(content + (painted @ _LUMA - content @ _LUMA)[..., None], 0, 1)
    return coloured


def read_mask(pixels: Pixels, content: Size) -> Floats:
    """Return a mask (rows, columns, 1) for a picture of the size ``content``: 1 where it is white, 0 where black.

    Raise :class:`InputError` where the mask has another shape, or is all black.
    """
    rows, columns = pixels.shape[:2]
    if abs(np.log(rows / columns * content.columns / content.rows)) > _SHAPE_TOLERANCE:
        raise InputError(f"a mask of {columns} x {rows} does not fit a picture of {content.columns} x {content.rows}")
    mask = (to_floats(pixels) @ _LUMA)[..., None]
    if not mask.max() > 0:
        raise InputError("the mask is black all over, so there is nothing to paint")
    return resize(mask, content)


def blended(masks: Sequence[Floats], painted: Floats, content: Floats) -> Floats:
    """Return ``painted`` where the masks are white and ``content`` where they are black."""
    if not masks:
        return painted
    share = np.clip(sum(masks[1:], masks[0]), 0, 1)
    return share * painted + (1 - share) * content
