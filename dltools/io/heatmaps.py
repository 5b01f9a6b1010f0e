"""A matrix as a picture: darker cells for larger values, a label for each row and column, and both axes named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels
from dltools.io.text import printable

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

_CELL = 26  # pixels, a side of a cell
_FONT = 16.0
_GAP = 10
_PAPER, _INK = np.array((255, 255, 255.0)), np.array((8, 48, 107.0))
_TEXT, _LINE = (20, 20, 20), (225, 225, 225)


def heatmap(
    values: npt.NDArray[np.floating],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    *,
    rows: str,
    columns: str,
) -> Pixels:
    """Return a picture (height, width, 3) of ``values`` (rows, columns) from 0 (white) to 1 (dark).

    ``rows`` and ``columns`` name the axes. A space among the labels is shown as an open box; a character that the
    font lacks by its code point. A scale stands on the right.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=_FONT)
    small = ImageFont.load_default(size=_FONT * 0.55)
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    left = _GAP + int(measure.textlength(rows, font=font)) + _CELL + _GAP
    top = 2 * _GAP + 2 * _CELL
    height, width = values.shape[0] * _CELL, values.shape[1] * _CELL
    scale = left + width + 2 * _GAP
    image = Image.new("RGB", (scale + 3 * _CELL, top + height + 2 * _GAP), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for (row, column), value in np.ndenumerate(values):
        _cell(draw, left + column * _CELL, top + row * _CELL, float(value))
    for column, label in enumerate(column_labels):
        _label(draw, (left + (column + 0.5) * _CELL, top - _CELL / 2), label, font, small)
    for row, label in enumerate(row_labels):
        _label(draw, (left - _CELL / 2, top + (row + 0.5) * _CELL), label, font, small)
    draw.text((left + width / 2, _GAP + _CELL / 3), columns, fill=_TEXT, font=font, anchor="mm")
    draw.text((_GAP, top + height / 2), rows, fill=_TEXT, font=font, anchor="lm")
    _scale(draw, scale, top, min(height, 10 * _CELL), small)
    return np.array(image)


def _cell(draw: ImageDraw, x: float, y: float, value: float) -> None:
    share = min(max(value, 0.0), 1.0)
    colour = tuple(int(part) for part in _PAPER + (_INK - _PAPER) * share)
    draw.rectangle((x, y, x + _CELL, y + _CELL), fill=colour, outline=_LINE)


def _label(
    draw: ImageDraw,
    middle: tuple[float, float],
    text: str,
    font: FreeTypeFont | ImageFont,
    small: FreeTypeFont | ImageFont,
) -> None:
    shown = "␣" if text == " " else printable(text)
    if _drawable(shown, font):
        draw.text(middle, shown, fill=_TEXT, font=font, anchor="mm")
    elif text == " ":
        x, y = middle
        draw.line((x - 5, y + 1, x - 5, y + 5, x + 5, y + 5, x + 5, y + 1), fill=_TEXT)
    else:
        code = f"{ord(text):04X}" if len(text) == 1 else shown
        draw.text((middle[0], middle[1] - 5), code[:2], fill=_TEXT, font=small, anchor="mm")
        draw.text((middle[0], middle[1] + 5), code[2:], fill=_TEXT, font=small, anchor="mm")


def _drawable(text: str, font: FreeTypeFont | ImageFont) -> bool:
    """Say whether the font has the characters of ``text``: what it lacks looks like a private character."""
    missing = font.getmask("\ue123")
    return all(bytes(font.getmask(each)) != bytes(missing) for each in text if not each.isspace())


def _scale(draw: ImageDraw, x: float, y: float, height: float, font: FreeTypeFont | ImageFont) -> None:
    for line in range(int(height)):
        colour = tuple(int(part) for part in _PAPER + (_INK - _PAPER) * (1 - line / height))
        draw.line((x, y + line, x + _CELL / 2, y + line), fill=colour)
    draw.rectangle((x, y, x + _CELL / 2, y + height), outline=_LINE)
    draw.text((x + _CELL * 0.7, y), "1", fill=_TEXT, font=font, anchor="lt")
    draw.text((x + _CELL * 0.7, y + height), "0", fill=_TEXT, font=font, anchor="lb")
