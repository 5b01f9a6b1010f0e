"""Whether scores are what they say: the expected calibration error, in ten equal bins.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017), section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_BINS = 10


def calibration_error(scores: npt.NDArray[Any], right: npt.NDArray[np.bool_]) -> float:
    """Return the mean distance between ``scores`` (n,), from 0 to 1, and the share of ``right`` ones (n,) near them.

    0 for no scores at all.
    """
    bins = np.minimum((scores * _BINS).astype(np.int64), _BINS - 1)
    gaps = [abs(float(right[bins == each].sum() - scores[bins == each].sum())) for each in range(_BINS)]
    return sum(gaps) / max(1, len(scores))
