"""The seam between arrays and a trained network: whatever runs it, this is all that the models know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


class Predictor(Protocol):
    """A trained network that maps arrays to arrays."""

    def predict(self, *inputs: Floats) -> Sequence[Floats]:
        """Return the outputs for one batch, in the network's own order.

        Each input has the shape that the network was exported with, except for its first axis, the batch, and a
        picture's rows and columns, which may have any size where the network allows it.
        """
