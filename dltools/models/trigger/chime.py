"""A chime: two bell tones a fourth apart, synthesized, dying away."""

from __future__ import annotations

import numpy as np

from dltools.models.trigger.config import Floats

_TONES = ((880.0, 0.0), (1174.66, 0.09))  # Hz, and the second at which each begins
_PARTIALS = ((1.0, 1.0, 9.0), (2.76, 0.35, 16.0), (5.4, 0.12, 28.0))  # of a bar: ratio, strength, decay in 1 / s
_SECONDS = 0.55
_LEVEL = 0.35


def chime(rate: int) -> Floats:
    """Return the chime's samples (count,) at ``rate`` Hz, from -1 to 1."""
    times = np.arange(int(_SECONDS * rate)) / rate
    made = np.zeros(len(times))
    for pitch, start in _TONES:
        after = np.maximum(times - start, 0)
        rise = np.minimum(after / 0.004, 1)
        for ratio, strength, decay in _PARTIALS:
            if pitch * ratio < rate / 2:
                made += rise * strength * np.exp(-decay * after) * np.sin(2 * np.pi * pitch * ratio * after)
    fade = np.minimum((times[-1] - times) / 0.02, 1)
    return np.asarray(_LEVEL * fade * made / np.abs(made).max(), np.float32)
