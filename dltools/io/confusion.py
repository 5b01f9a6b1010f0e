"""A confusion matrix as a picture: a row for each true class, a column for each that was given, counts in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels
from dltools.io.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont

_CELL, _FONT, _GAP = 46, 15.0, 12
_SMALL_CELL, _MANY = 22, 20  # from so many classes on cells are small, and only those that are not empty have numbers
_NAME_LENGTH = 24
_TEXT, _LINE = (40, 42, 46), (229, 231, 235)
_PAPER, _INK = np.array((255, 255, 255.0)), np.array((8, 48, 107.0))


def confusion_chart(counts: npt.NDArray[np.integer], names: Sequence[str], *, title: str = "") -> Pixels:
    """Return a picture (height, width, 3) of ``counts`` (true classes, given classes), darker for a larger share."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=_FONT)
    cell = _CELL if len(names) < _MANY else _SMALL_CELL
    small = ImageFont.load_default(size=_FONT if cell == _CELL else 9.0)
    texts = [_short(name) for name in names]
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    longest = int(max(measure.textlength(text, font=font) for text in texts)) + 1
    side = cell * len(names)
    left, top = longest + 3 * _GAP + int(_FONT), longest + 4 * _GAP + 2 * int(_FONT)
    width = max(left + side + _GAP, left + int(measure.textlength("given class", font=font)) + _GAP)
    image = Image.new("RGB", (width, top + side + _GAP), "white")
    draw = ImageDraw.Draw(image)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for (row, column), count in np.ndenumerate(counts):
        x, y = left + column * cell, top + row * cell
        share = float(shares[row, column])
        colour = tuple(int(part) for part in _PAPER + (_INK - _PAPER) * share)
        draw.rectangle((x, y, x + cell, y + cell), fill=colour, outline=_LINE)
        if count or cell == _CELL:
            ink = (255, 255, 255) if share > 0.5 else _TEXT
            draw.text((x + cell / 2, y + cell / 2), str(count), fill=ink, font=small, anchor="mm")
    for number, text in enumerate(texts):
        middle = (number + 0.5) * cell
        draw.text((left - _GAP, top + middle), text, fill=_TEXT, font=font, anchor="rm")
        _upwards(image, text, font, left + middle, top - _GAP)
    draw.text((left, 2 * _GAP + _FONT), "given class", fill=_TEXT, font=font, anchor="lm")
    _upwards(image, "true class", font, _GAP + _FONT / 2, top + side)
    draw.text((_GAP, _GAP), printable(title), fill=_TEXT, font=font, anchor="lt")
    return np.array(image)


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"


def _upwards(image: Image, text: str, font: FreeTypeFont | ImageFont, x: float, bottom: float) -> None:
    """Write ``text`` upwards, its middle at ``x``, from ``bottom`` on."""
    from PIL import Image as Module
    from PIL import ImageDraw

    measure = ImageDraw.Draw(image)
    wide, high = int(measure.textlength(text, font=font)) + 2, int(_FONT * 1.5)
    strip = Module.new("RGB", (wide, high), "white")
    ImageDraw.Draw(strip).text((0, high / 2), text, fill=_TEXT, font=font, anchor="lm")
    turned = strip.rotate(90, expand=True)
    image.paste(turned, (round(x - high / 2), round(bottom - turned.height)))
