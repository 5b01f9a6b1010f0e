"""What a network is fitted on: features of mixed examples, of plain ones, and of long recordings without the word.

In: what :mod:`dltools.models.trigger.hearing` made. Out: batches (batch, frames, dimensions) with targets (batch,
steps).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dltools.models.trigger.config import Floats
from dltools.models.trigger.material import drawn


class Set(NamedTuple):
    """Features (count, frames, dimensions) float16, and targets (count, steps)."""

    features: Floats
    targets: Floats


class Plain:
    """What is without the word: features of examples (count, frames, dimensions), and of whole recordings, float16."""

    def __init__(self, examples: Floats, recordings: Sequence[Floats], share: float) -> None:
        """Hold them; ``share``: of each batch, that is to be without the word."""
        self.examples, self.recordings, self._share = examples, recordings, share
        self._hard: list[int] = []
        self._places: list[tuple[int, int]] = []
        lengths = np.array([max(1, len(recording)) for recording in recordings], float)
        self._chances = lengths / lengths.sum()

    def harden(self, rows: Sequence[int], places: Sequence[tuple[int, int]]) -> None:
        """Let examples, and frames of recordings, come more often."""
        self._hard, self._places = [*self._hard, *rows], [*self._places, *places]

    @property
    def hard(self) -> int:
        """How many examples come more often."""
        return len(self._hard)

    def rows(self, batch: int) -> int:
        """Return how many rows of a batch are plain."""
        return round(self._share * batch)

    def piece(self, at: int, frames: int, random: np.random.Generator) -> Floats:
        """Return features (frames, dimensions): in turn of any example, any recording, a hard example, a hard place."""
        turn = at % 4
        if turn % 2 == 0:
            hard = turn == 2 and self._hard
            row = drawn(self._hard, random) if hard else int(random.integers(len(self.examples)))
            chosen: Floats = self.examples[row]
            return chosen
        if turn == 3 and self._places:
            number, frame = drawn(self._places, random)
            start = frame - int(random.integers(frames))
        else:
            number = int(random.choice(len(self.recordings), p=self._chances))
            start = int(random.integers(max(1, len(self.recordings[number]))))
        recording = self.recordings[number]
        start = max(0, min(start, len(recording) - frames))
        return np.resize(recording[start : start + frames], (frames, recording.shape[1]))


def batches(learned: Set, plain: Plain, batch: int, random: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Yield batches (batch, frames, dimensions) with targets: of the mixed, each once, and of what is plain."""
    frames = learned.features.shape[1]
    beside = plain.rows(batch)
    own = batch - beside
    order = random.permutation(len(learned.features))
    for start in range(0, max(1, len(order) - own + 1), own):
        chosen = np.resize(order[start : start + own], own)
        features, wanted = learned.features[chosen], learned.targets[chosen]
        if beside:
            features = np.concatenate([features, [plain.piece(at, frames, random) for at in range(beside)]])
            wanted = np.concatenate([wanted, np.zeros((beside, wanted.shape[1]), np.float32)])
        yield features.astype(np.float32), wanted
