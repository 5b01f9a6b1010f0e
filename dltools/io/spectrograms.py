"""A recording as a picture: its spectrogram, below it a curve of scores, and bands where something was found.

Gathered as the recording goes by: however long it is, only some thousand columns are held, each the sum of ever more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels

Floats = npt.NDArray[np.float32]

_WIDTH, _HEIGHT, _CURVE = 1200, 260, 120  # pixels
_RANGE = 70.0  # decibels from the loudest that are told apart
_SIZE, _HOP = 512, 256  # samples of a spectrum, and from one to the next
_SILENCE = 1e-12  # of power


class _Columns:
    """Rows of numbers that come one by one, held as at most twice :data:`_WIDTH` columns of equally many."""

    def __init__(self, width: int, join: Callable[[Floats], Floats]) -> None:
        self._join = join
        self._columns = np.zeros((0, width), np.float32)
        self._rest = np.zeros((0, width), np.float32)
        #: Rows that a column stands for.
        self.rows = 1

    def push(self, rows: Floats) -> None:
        """Take rows (count, width) in."""
        self._rest = np.concatenate([self._rest, rows])
        whole = len(self._rest) // self.rows * self.rows
        self._columns = np.concatenate([self._columns, self._joined(self._rest[:whole], self.rows)])
        self._rest = self._rest[whole:].copy()
        while len(self._columns) > 2 * _WIDTH:
            even = len(self._columns) // 2 * 2
            odd = self._columns[even:]
            self._columns = self._joined(self._columns[:even], 2)
            if len(odd):  # half of a column to come, as rows that join to what it holds
                self._rest = np.concatenate([np.repeat(odd, self.rows, axis=0), self._rest])
            self.rows *= 2

    def columns(self) -> Floats:
        """Return all columns (count, width), the last perhaps of fewer rows."""
        last = [self._joined(self._rest, len(self._rest))] if len(self._rest) else []
        return np.concatenate([self._columns, *last])

    def _joined(self, rows: Floats, count: int) -> Floats:
        return self._join(rows.reshape(-1, count, rows.shape[1])) if len(rows) else rows


class SpectrogramChart:
    """Gathers what the picture of a recording at ``rate`` Hz shows."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._samples = 0
        self._held = np.zeros(0, np.float32)
        self._window = np.hanning(_SIZE).astype(np.float32)
        self._powers = _Columns(_SIZE // 2 + 1, lambda rows: rows.mean(axis=1))
        self._scores = _Columns(1, lambda rows: rows.max(axis=1))

    def push(self, samples: Floats) -> None:
        """Take samples (count,) in."""
        self._samples += len(samples)
        held = np.concatenate([self._held, samples])
        count = max(0, (len(held) - _SIZE) // _HOP + 1)
        self._held = held[count * _HOP :].copy()
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(held, _SIZE)[::_HOP][:count]
            self._powers.push((np.abs(np.fft.rfft(windows * self._window)) ** 2).astype(np.float32))

    def push_scores(self, scores: Floats) -> None:
        """Take scores (count,), 0 to 1, in, which are evenly far from each other."""
        self._scores.push(scores[:, None])

    def draw(self, step: float, found: Sequence[tuple[float, float]]) -> Pixels:
        """Return the picture (height, width, 3), dark where the recording is loud.

        ``step``: seconds from a score to the next; ``found``: start and end of each band, in seconds.
        """
        from PIL import Image, ImageDraw, ImageFont

        length = max(self._samples / self._rate, 1e-3)
        image = Image.new("RGB", (_WIDTH, _HEIGHT + _CURVE), "white")
        shades = Image.fromarray(_shades(self._powers.columns()))
        image.paste(shades.resize((_WIDTH, _HEIGHT), Image.Resampling.BOX), (0, 0))
        draw = ImageDraw.Draw(image, "RGBA")
        font = ImageFont.load_default(size=14.0)
        for start, end in found:
            left, right = start / length * _WIDTH, end / length * _WIDTH
            draw.rectangle((left, 0, right, _HEIGHT + _CURVE - 20), fill=(220, 60, 40, 60), outline=(200, 40, 20, 255))
        every = step * self._scores.rows
        points = [
            ((number + 1) * every / length * _WIDTH, _HEIGHT + 8 + (1 - float(score)) * (_CURVE - 30))
            for number, score in enumerate(self._scores.columns()[:, 0])
        ]
        if len(points) > 1:
            draw.line(points, fill=(20, 90, 200, 255), width=2)
        tick = next(each for each in (0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3600, 36000, 1e9) if length / each <= 16)
        for number in range(int(length / tick) + 1):
            x = number * tick / length * _WIDTH
            draw.line((x, _HEIGHT + _CURVE - 18, x, _HEIGHT + _CURVE - 14), fill=(60, 60, 60, 255))
            draw.text((x + 2, _HEIGHT + _CURVE - 17), f"{number * tick:g} s", fill=(60, 60, 60, 255), font=font)
        return np.array(image)


def _shades(powers: Floats) -> npt.NDArray[np.uint8]:
    """Return grey levels (frequencies, columns), the highest frequency first."""
    if not len(powers):
        return np.full((2, 2), 255, np.uint8)
    levels = 10 * np.log10(powers + _SILENCE)
    shares = np.clip((levels - levels.max() + _RANGE) / _RANGE, 0, 1)
    return np.ascontiguousarray((255 * (1 - shares)).astype(np.uint8).T[::-1])
