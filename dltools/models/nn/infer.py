"""A trained network at work: from rows of numbers, or pictures, to classes or values.

In: examples as they were given in training, (rows, features) or (images, rows, columns, channels), of any number type.
Out: probabilities (examples, classes), or values (examples,).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dltools.errors import InputError
from dltools.models.nn.config import ModelConfig
from dltools.models.nn.layer import Array
from dltools.models.nn.model import PREDICT_BATCH, Network


class Model:
    """A network with its configuration, and ``mean`` and ``scale`` of its inputs, which it standardizes by."""

    def __init__(self, config: ModelConfig, network: Network, mean: Array, scale: Array) -> None:
        self.config, self.network = config, network
        self.mean, self.scale = mean, scale

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read a model that ``nn-train`` wrote; raise :class:`ModelFileError` where the file is none."""
        from dltools.models.nn.store import decode

        return decode(path)

    def probabilities(self, examples: Array) -> Array:
        """Return the probability of each class (examples, classes), float32; raise :class:`InputError`."""
        answers = self._answers(examples)
        return np.concatenate([1 - answers, answers], axis=1) if answers.shape[1] == 1 else answers

    def values(self, examples: Array) -> Array:
        """Return a regression's values (examples,), in the units of its training; raise :class:`InputError`."""
        config = self.config
        values: Array = self._answers(examples)[:, 0].astype(np.float64) * config.target_scale + config.target_mean
        return values

    def _answers(self, examples: Array) -> Array:
        if examples.shape[1:] != self.config.shape:
            wanted, got = (" x ".join(map(str, shape)) for shape in (self.config.shape, examples.shape[1:]))
            raise InputError(f"the model takes examples of {wanted} numbers, not of {got}")
        starts = range(0, len(examples), PREDICT_BATCH)
        with np.errstate(all="ignore"):  # numbers far out give what they give
            parts = [
                self.network.predict(standardized(examples[start : start + PREDICT_BATCH], self.mean, self.scale))
                for start in starts
            ]
        answers = np.concatenate(parts) if parts else np.zeros((0, *self.network.output_shape), np.float32)
        if not np.isfinite(answers).all():
            raise InputError("its numbers are too large for the model", code="too_large")
        return answers


def standardized(examples: Array, mean: Array, scale: Array) -> Array:
    """Return ``examples`` with ``mean`` taken off and divided by ``scale``, float32; both go along the last axis."""
    prepared: Array = ((examples - mean) / scale).astype(np.float32)
    return prepared
