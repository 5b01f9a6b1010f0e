"""Boxes and labels drawn on pictures: legible at any size, one colour a class."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dltools.io.images import Pixels
from dltools.io.text import printable

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

_GOLDEN_RATIO = 0.618033988749895  # successive multiples, modulo 1, stay far apart on the colour circle


class Mark(NamedTuple):
    """One thing to draw: its box in pixels, its text, the number that picks its colour, and points in pixels."""

    bbox: Box
    text: str
    group: int
    points: Sequence[tuple[float, float]] = ()


def colour_of(group: int) -> Colour:
    """Return the RGB colour of a class or person number: bright, and far from its neighbours' colours."""
    hue = (0.33 + group * _GOLDEN_RATIO) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85, 1.0 if group % 2 else 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_marks(pixels: Pixels, marks: Iterable[Mark]) -> Pixels:
    """Return a copy of ``pixels`` (height, width, 3) with boxes and their texts; the first mark lies on top."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    side = min(image.size)
    font = ImageFont.load_default(size=float(max(12, min(48, side // 28))))
    line = max(2, side // 160)
    drawn = list(marks)[::-1]
    for mark in drawn:
        draw.rectangle(mark.bbox, outline=colour_of(mark.group), width=line)
        for x, y in mark.points:
            draw.ellipse((x - line, y - line, x + line, y + line), fill=colour_of(mark.group))
    taken: list[Box] = []
    for mark in drawn[::-1]:  # the best first, so that it gets its place
        taken.append(_label(draw, mark, font, image.size, taken))
    return np.array(image)


def beside(left: Pixels, right: Pixels) -> Pixels:
    """Return two pictures (rows, columns, 3) side by side, the taller one brought to the height of the other."""
    from PIL import Image

    height = min(left.shape[0], right.shape[0])
    parts = []
    for pixels in (left, right):
        width = max(1, round(pixels.shape[1] * height / pixels.shape[0]))
        image = Image.fromarray(pixels)
        parts.append(np.array(image if image.height == height else image.resize((width, height))))
    return np.concatenate(parts, axis=1)


def draw_caption(pixels: Pixels, lines: Sequence[str]) -> Pixels:
    """Return a copy of ``pixels`` (height, width, 3) with ``lines`` in its upper left corner, the first one larger."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image, "RGBA")
    size = max(10, min(48, min(image.size) // 16))
    fonts = [ImageFont.load_default(size=float(size if not number else size * 0.7)) for number in range(len(lines))]
    texts = [printable(line) for line in lines]
    margin = max(2, size // 3)
    boxes = [draw.textbbox((0, 0), text, font=font) for text, font in zip(texts, fonts, strict=True)]
    if boxes:
        width = max(box[2] for box in boxes) + 2 * margin
        draw.rectangle((0, 0, width, sum(box[3] + margin for box in boxes) + margin), fill=(0, 0, 0, 150))
    y = margin
    for text, font, box in zip(texts, fonts, boxes, strict=True):
        draw.text((margin, y), text, font=font, fill=(255, 255, 255))
        y += int(box[3]) + margin
    return np.array(image)


def _label(draw: ImageDraw, mark: Mark, font: FreeTypeFont | ImageFont, size: tuple[int, int], taken: list[Box]) -> Box:
    """Write a mark's text on a plate of its colour, where it covers no other label if there is such a place."""
    if not mark.text:
        return mark.bbox[0], mark.bbox[1], mark.bbox[0], mark.bbox[1]
    text = printable(mark.text)
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    margin = max(1, round((bottom - top) / 5))
    width, height = right - left + 2 * margin, bottom - top + 2 * margin
    x_min, y_min, x_max, y_max = mark.bbox
    places = [(x_min, y_min - height), (x_min, y_min), (x_max - width, y_max - height), (x_min, y_max)]
    plates = [_inside(x, y, width, height, size) for x, y in places]
    plate = next((plate for plate in plates if not any(_overlap(plate, other) for other in taken)), plates[0])
    colour = colour_of(mark.group)
    draw.rectangle(plate, fill=colour)
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]  # ITU-R BT.601
    position = (plate[0] + margin - left, plate[1] + margin - top)
    draw.text(position, text, font=font, fill=(0, 0, 0) if luminance > 120 else (255, 255, 255))
    return plate


def _inside(x: float, y: float, width: float, height: float, size: tuple[int, int]) -> Box:
    x = max(0.0, min(x, size[0] - width))
    y = max(0.0, min(y, size[1] - height))
    return x, y, x + width, y + height


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
