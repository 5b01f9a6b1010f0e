"""Pictures changed at random in ways that leave their class: mirrored, moved, scaled, recoloured.

In and out: squares (pictures, size, size, 3), uint8 in, float32 of the same range out.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from dltools.io.images import Pixels
from dltools.models.classify.prepare import Floats


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How much is changed: ``shift`` and ``zoom`` as shares of the side, ``colour`` as the deviation of a factor.

    ``mirror``: half of the pictures are mirrored.
    """

    mirror: bool = True
    shift: float = 0.08
    zoom: float = 0.12
    colour: float = 0.1

    @classmethod
    def none(cls) -> Augmentation:
        """Return the one that changes nothing."""
        return cls(mirror=False, shift=0.0, zoom=0.0, colour=0.0)

    def apply(self, squares: Pixels, random: np.random.Generator) -> Floats:
        """Return changed copies of ``squares``."""
        values = np.stack([self._moved(each, random) for each in squares]).astype(np.float32)
        count = len(values)
        if self.colour:
            values *= np.exp(random.normal(0, self.colour, (count, 1, 1, 3)))
            middle = values.mean(axis=(1, 2, 3), keepdims=True)
            values = (values - middle) * np.exp(random.normal(0, self.colour, (count, 1, 1, 1))) + middle
        return np.clip(values, 0, 255).astype(np.float32)

    def _moved(self, pixels: Pixels, random: np.random.Generator) -> Pixels:
        from PIL import Image

        size = len(pixels)
        across, down = random.uniform(-self.shift, self.shift, 2) * size
        factor = 1 + random.uniform(-self.zoom, self.zoom)
        mirrored = -1 if random.random() < 0.5 and self.mirror else 1
        if not self.shift and not self.zoom:
            return pixels[:, ::mirrored]
        room = int(size * (self.shift + self.zoom)) + 2
        padded = Image.fromarray(
            np.pad(pixels, ((room, room), (room, room), (0, 0)), mode="reflect" if room < size else "edge")
        )
        middle = room + size / 2
        slope = factor * mirrored
        way = (slope, 0, middle - slope * size / 2 + across, 0, factor, middle - factor * size / 2 + down)
        return np.asarray(padded.transform((size, size), Image.Transform.AFFINE, way, Image.Resampling.BILINEAR))
