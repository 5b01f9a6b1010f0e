"""A recording as a picture: its spectrogram, and over it a curve of scores and bands where something was found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels

_WIDTH, _HEIGHT, _CURVE = 1200, 260, 120  # pixels
_RANGE = 70.0  # decibels from the loudest that are told apart
_SIZE = 512


def spectrogram_chart(
    samples: npt.NDArray[np.float32],
    rate: int,
    scores: npt.NDArray[np.float32],
    seconds: float,
    found: Sequence[tuple[float, float]],
) -> Pixels:
    """Return a picture (height, width, 3) of ``samples`` (count,) at ``rate`` Hz, dark where it is loud.

    ``scores`` (steps,), 0 to 1, ``seconds`` apart, stand below; ``found``: start and end of each band, in seconds.
    """
    from PIL import Image, ImageDraw, ImageFont

    length = max(len(samples) / rate, 1e-3)
    image = Image.new("RGB", (_WIDTH, _HEIGHT + _CURVE), "white")
    image.paste(Image.fromarray(_shades(samples)).resize((_WIDTH, _HEIGHT)), (0, 0))
    draw = ImageDraw.Draw(image, "RGBA")
    font = ImageFont.load_default(size=14.0)
    for start, end in found:
        left, right = start / length * _WIDTH, end / length * _WIDTH
        draw.rectangle((left, 0, right, _HEIGHT + _CURVE), fill=(220, 60, 40, 60), outline=(200, 40, 20, 255))
    points = [
        ((number + 1) * seconds / length * _WIDTH, _HEIGHT + 8 + (1 - float(score)) * (_CURVE - 28))
        for number, score in enumerate(scores)
    ]
    if len(points) > 1:
        draw.line(points, fill=(20, 90, 200, 255), width=2)
    step = next(each for each in (0.5, 1, 2, 5, 10, 30, 60, 300, 600, 3600, 1e9) if length / each <= 16)
    for number in range(int(length / step) + 1):
        x = number * step / length * _WIDTH
        draw.line((x, _HEIGHT + _CURVE - 18, x, _HEIGHT + _CURVE - 14), fill=(60, 60, 60, 255))
        draw.text((x + 2, _HEIGHT + _CURVE - 17), f"{number * step:g} s", fill=(60, 60, 60, 255), font=font)
    return np.array(image)


def _shades(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Return grey levels (frequencies, columns), the highest frequency first."""
    padded = np.pad(samples, (0, max(0, _SIZE - len(samples))))
    starts = np.linspace(0, len(padded) - _SIZE, min(_WIDTH, max(2, len(padded) // 64))).astype(int)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[starts]
    levels = 20 * np.log10(np.abs(np.fft.rfft(windows * np.hanning(_SIZE))) + 1e-6)
    shares = np.clip((levels - levels.max() + _RANGE) / _RANGE, 0, 1)
    return np.ascontiguousarray((255 * (1 - shares)).astype(np.uint8).T[::-1])
