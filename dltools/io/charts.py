"""Charts drawn with Pillow: lines over steps (training curves), and the regions of a plane that a classifier makes.

How to draw the curves of a training run, and write them as a PNG file::

    pixels = line_chart({"training": losses, "validation": others}, title="LSTM", x_label="epoch", y_label="loss")
    stream.write(encode_image(pixels, ".png"))                              # dltools.io.images

Series may differ in length, and what is not finite leaves a gap. Everything is drawn larger and then shrunk,
which smooths lines and letters. Out: RGB pixels (height, width, 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dltools.io.drawing import Colour, colour_of
from dltools.io.images import Pixels
from dltools.io.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image

Range = tuple[float, float]

#: Okabe and Ito, "Color Universal Design" (2008), without its black and its yellow: told apart by the colour-blind too.
_PALETTE: tuple[Colour, ...] = (
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
)
_INK, _GRID, _FRAME = (40, 42, 46), (229, 231, 235), (150, 154, 160)
_OVER = 3  # how much larger than the result everything is drawn
_FONT = 15
_TITLE = 19
_NAME_LENGTH = 24  # characters of a name that a legend shows
_TICKS = 6


def series_colour(number: int) -> Colour:
    """Return the RGB colour of a series or class: six that everybody tells apart, then bright ones."""
    return _PALETTE[number] if number < len(_PALETTE) else colour_of(number)


def line_chart(
    series: Mapping[str, Sequence[float]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_start: int = 1,
    log_y: bool = False,
    width: int = 960,
    height: int = 600,
) -> Pixels:
    """Return a chart (height, width, 3) of named ``series``, each value a step further right.

    ``x_start``: the number of the first step. ``log_y``: the y axis is logarithmic, and values up to 0 leave a gap.
    The legend stands beside the chart where there are several series, and so covers nothing.
    """
    shown = {name: [_height(value, log_y) for value in values] for name, values in series.items()}
    finite = [value for values in shown.values() for value in values if math.isfinite(value)]
    steps = max((len(values) for values in shown.values()), default=0)
    x_range = _padded(x_start, x_start + max(steps - 1, 1), 0.0)
    y_range = _padded(min(finite, default=0.0), max(finite, default=1.0), 0.04)
    names = list(shown) if len(shown) > 1 else []
    canvas = _Canvas(width, height, title, x_label, y_label, names, x_range, y_range)
    canvas.axes(_ticks(x_range, whole=True), _log_ticks(y_range) if log_y else _ticks(y_range))
    for number, values in enumerate(shown.values()):
        canvas.line(range(x_start, x_start + len(values)), values, series_colour(number))
    return canvas.pixels()


def curve_chart(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    width: int = 960,
    height: int = 600,
) -> Pixels:
    """Return a chart (height, width, 3) of named ``curves``, each a line through its points (x, y) in their order."""
    points = [point for curve in curves.values() for point in curve]
    x_range, y_range = (
        _padded(min(values, default=0.0), max(values, default=1.0), 0.04)
        for values in ([point[axis] for point in points] for axis in (0, 1))
    )
    names = list(curves) if len(curves) > 1 else []
    canvas = _Canvas(width, height, title, x_label, y_label, names, x_range, y_range)
    canvas.axes(_ticks(x_range), _ticks(y_range))
    for number, curve in enumerate(curves.values()):
        canvas.line([x for x, _ in curve], [y for _, y in curve], series_colour(number))
    return canvas.pixels()


def region_chart(
    shares: npt.NDArray[Any],
    points: npt.NDArray[Any],
    groups: Sequence[int],
    names: Sequence[str],
    *,
    x_range: Range,
    y_range: Range,
    title: str,
    x_label: str,
    y_label: str,
    width: int = 800,
    height: int = 640,
) -> Pixels:
    """Return a chart (height, width, 3) of the regions that a classifier makes of a plane, and of labelled points.

    ``shares`` (rows, columns, classes): how much of each class a cell of the plane has, rows from ``y_range``'s low end
    upwards. ``points`` (points, 2) with their class in ``groups``; ``names`` of the classes.
    """
    from PIL import Image

    canvas = _Canvas(width, height, title, x_label, y_label, names, x_range, y_range)
    colours = np.array([series_colour(number) for number in range(len(names))], np.float64)
    cells = 255 - 0.38 * (255 - np.clip(shares, 0, 1) @ colours)  # light, so that points stand out
    canvas.fill(Image.fromarray(np.rint(cells[::-1]).astype(np.uint8)))
    canvas.axes(_ticks(x_range), _ticks(y_range), grid=False)
    for (x, y), group in zip(np.asarray(points, np.float64).tolist(), groups, strict=True):
        canvas.point(x, y, series_colour(group))
    return canvas.pixels()


class _Canvas:
    """A picture with a frame for data, a title, labelled axes and a legend, and the places that numbers have in it."""

    def __init__(
        self,
        width: int,
        height: int,
        title: str,
        x_label: str,
        y_label: str,
        names: Sequence[str],
        x_range: Range,
        y_range: Range,
    ) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self._image = Image.new("RGB", (width * _OVER, height * _OVER), "white")
        self._draw = ImageDraw.Draw(self._image)
        self._font = ImageFont.load_default(size=float(_FONT * _OVER))
        self._labels = (x_label, y_label)
        self._x_range, self._y_range = x_range, y_range
        names = [_short(name) for name in names]
        beside = max((self._size(name)[0] for name in names), default=0) + 50 * _OVER if names else 24 * _OVER
        self._left, self._top = 84 * _OVER, 52 * _OVER
        self._right, self._bottom = width * _OVER - beside, height * _OVER - 62 * _OVER
        heading = ImageFont.load_default(size=float(_TITLE * _OVER))
        middle = (self._left + self._right) / 2
        self._draw.text((middle, 26 * _OVER), _short(title, 80), font=heading, fill=_INK, anchor="mm")
        for number, name in enumerate(names):
            self._legend(number, name)

    def _legend(self, number: int, name: str) -> None:
        x, y = self._right + 14 * _OVER, self._top + (10 + 24 * number) * _OVER
        if y > self._bottom:
            return
        self._draw.rounded_rectangle(
            (x, y - 6 * _OVER, x + 14 * _OVER, y + 6 * _OVER), 3 * _OVER, series_colour(number)
        )
        self._draw.text((x + 22 * _OVER, y), name, font=self._font, fill=_INK, anchor="lm")

    def axes(self, x_ticks: Mapping[float, str], y_ticks: Mapping[float, str], *, grid: bool = True) -> None:
        """Draw the frame, the ticks with their numbers, the grid and the names of the axes."""
        frame = (self._left, self._top, self._right, self._bottom)
        for value, text in x_ticks.items():
            x = self._x(value)
            if grid:
                self._draw.line((x, self._top, x, self._bottom), fill=_GRID, width=_OVER)
            self._draw.text((x, self._bottom + 16 * _OVER), text, font=self._font, fill=_INK, anchor="mm")
        for value, text in y_ticks.items():
            y = self._y(value)
            if grid:
                self._draw.line((self._left, y, self._right, y), fill=_GRID, width=_OVER)
            self._draw.text((self._left - 10 * _OVER, y), text, font=self._font, fill=_INK, anchor="rm")
        self._draw.rectangle(frame, outline=_FRAME, width=_OVER)
        x_label, y_label = (_short(label, 60) for label in self._labels)
        middle = ((self._left + self._right) / 2, self._bottom + 42 * _OVER)
        self._draw.text(middle, x_label, font=self._font, fill=_INK, anchor="mm")
        self._upwards(y_label)

    def _upwards(self, text: str) -> None:
        """Write the y axis' name along it."""
        from PIL import Image, ImageDraw

        if not text:
            return
        wide, high = self._size(text)
        strip = Image.new("RGB", (wide + 8, high + 16), "white")
        ImageDraw.Draw(strip).text((4, strip.height / 2), text, font=self._font, fill=_INK, anchor="lm")
        turned = strip.rotate(90, expand=True)
        middle = (self._top + self._bottom) // 2
        self._image.paste(turned, (8 * _OVER, middle - turned.height // 2))

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: Colour) -> None:
        """Draw a line through the points, with a gap where a value is not finite; a point alone is a dot."""
        piece: list[tuple[float, float]] = []
        for x, y in [*zip(xs, ys, strict=True), (0.0, math.nan)]:
            if math.isfinite(y):
                piece.append((self._x(x), self._y(y)))
                continue
            if len(piece) == 1:
                self._dot(*piece[0], 4, colour)
            elif piece:
                self._draw.line(piece, fill=colour, width=round(2.5 * _OVER), joint="curve")
            piece = []

    def point(self, x: float, y: float, colour: Colour) -> None:
        """Draw a point with a light rim, if it lies inside the frame."""
        inside = self._x_range[0] <= x <= self._x_range[1] and self._y_range[0] <= y <= self._y_range[1]
        if inside:
            self._dot(self._x(x), self._y(y), 5, (255, 255, 255))
            self._dot(self._x(x), self._y(y), 4, colour)

    def fill(self, image: Image) -> None:
        """Lay an image over the frame's whole inside."""
        from PIL import Image as Module

        size = (round(self._right - self._left), round(self._bottom - self._top))
        self._image.paste(image.resize(size, Module.Resampling.BICUBIC), (round(self._left), round(self._top)))

    def pixels(self) -> Pixels:
        """Return the picture at its own size."""
        return np.array(self._image.reduce(_OVER))

    def _dot(self, x: float, y: float, radius: float, colour: Colour) -> None:
        reach = radius * _OVER
        self._draw.ellipse((x - reach, y - reach, x + reach, y + reach), fill=colour)

    def _x(self, value: float) -> float:
        low, high = self._x_range
        return self._left + (value - low) / (high - low) * (self._right - self._left)

    def _y(self, value: float) -> float:
        low, high = self._y_range
        return self._bottom - (value - low) / (high - low) * (self._bottom - self._top)

    def _size(self, text: str) -> tuple[int, int]:
        left, top, right, bottom = self._draw.textbbox((0, 0), text, font=self._font)
        return math.ceil(right - left), math.ceil(bottom - top)


def _short(text: str, length: int = _NAME_LENGTH) -> str:
    text = printable(text)
    return text if len(text) <= length else text[: length - 1] + "…"


def _height(value: float, log_y: bool) -> float:
    """Return where a value stands on the y axis: itself, or its logarithm."""
    if not log_y:
        return float(value)
    return math.log10(value) if value > 0 and math.isfinite(value) else math.nan


def _padded(low: float, high: float, share: float) -> Range:
    """Widen a range on both sides by a share of it, and an empty one by something."""
    room = (high - low) * share if high > low else max(abs(high), 1.0) * 0.1
    return low - room, high + room


def _ticks(bounds: Range, *, whole: bool = False) -> dict[float, str]:
    """Return round numbers inside ``bounds`` (steps of 1, 2 or 5 times a power of ten), and how they are written."""
    low, high = bounds
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * 0.999)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    write = _writer(max(abs(low), abs(high)), step)
    return {number * step: write(number * step) for number in range(first, last + 1)}


def _writer(largest: float, step: float) -> Callable[[float], str]:
    if largest >= 1e6 or largest < 1e-3:
        return lambda value: f"{value:.3g}"
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return lambda value: f"{value + 0.0:,.{digits}f}"


def _log_ticks(bounds: Range) -> dict[float, str]:
    """Return ticks of a logarithmic axis: powers of ten and, where there are few, their double and fivefold."""
    low, high = bounds
    factors = (1, 2, 5) if high - low < 3 else (1,)
    every = max(1, round((high - low) / 8))
    powers = [power for power in range(math.floor(low), math.ceil(high) + 1) if power % every == 0]
    ticks = {math.log10(factor) + power: f"{factor * 10.0**power:.3g}" for power in powers for factor in factors}
    return {value: text for value, text in ticks.items() if low <= value <= high}
