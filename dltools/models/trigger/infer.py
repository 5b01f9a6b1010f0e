"""Hear a word in sound, whole or as it comes.

In: samples from -1 to 1 of one channel. Out: events, each with its estimated start and end in seconds from the first
sample, and its score. Scores are the same for any chunking.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from dltools.models.trigger import store
from dltools.models.trigger.config import Floats, TriggerConfig, Weights
from dltools.models.trigger.events import Event, Finder, Rules
from dltools.models.trigger.features import SpeechNetworks, open_features
from dltools.models.trigger.recurrent import Recurrent
from dltools.runtime.assets import own_model_path

DEFAULT_MODEL = "embedding"


class TriggerDetector:
    """A model of one word."""

    def __init__(self, config: TriggerConfig, weights: Weights, *, threads: int = 1) -> None:
        self.config = config
        self.weights = weights
        self.networks = SpeechNetworks(threads=threads) if config.kind == "embedding" else None
        #: The rate in Hz of the samples that it hears.
        self.rate = 16000 if config.kind == "embedding" else 44100

    @classmethod
    def load(cls, model: str = DEFAULT_MODEL, *, threads: int = 1) -> TriggerDetector:
        """Return the model that comes with the toolkit, or the one in a file.

        Raise :class:`UsageError` where there is none, :class:`ModelFileError` where the file is damaged.
        """
        return cls(*store.decode(own_model_path("trigger-detect", model)), threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> TriggerDetector:
        """Return the model in a file; raise :class:`ModelFileError`."""
        return cls(*store.decode(path), threads=threads)

    def rules(self, threshold: float | None = None) -> Rules:
        """Return what makes an event, at the model's own threshold if none is given."""
        chosen = self.config.threshold if threshold is None else threshold
        return Rules(chosen, delay=self.config.delay, length=self.config.length)

    def listen(self, threshold: float | None = None) -> Listener:
        """Return a listener for one stream of sound; several may take turns, each with a state of its own."""
        return Listener(self, self.rules(threshold))

    def detect(self, samples: Floats, threshold: float | None = None) -> list[Event]:
        """Return the events in ``samples`` (count,) at :attr:`rate`, each with its highest score."""
        return self.listen(threshold).all([samples])


class Listener:
    """Hears one stream of sound."""

    def __init__(self, detector: TriggerDetector, rules: Rules) -> None:
        self._features = open_features(detector.config.kind, detector.networks)
        self._network = Recurrent(detector.weights, detector.config.stride)
        #: Seconds from one score to the next.
        self.seconds = self._features.hop * detector.config.stride / self._features.rate
        self._finder = Finder(rules, self.seconds)
        self._hop = self._features.hop

    def push(self, samples: Floats) -> tuple[Floats, list[Event], list[Event]]:
        """Return the scores (count,) that ``samples`` complete, and the events that begin and that end with them."""
        scores = self._network.push(self._features.push(samples))
        return (scores, *self._finder.push(scores))

    def finish(self) -> tuple[Floats, list[Event], list[Event]]:
        """Return what :meth:`push` does, for the end of the sound: as if some silence followed."""
        scores, begun, ended = self.push(np.zeros(8 * self._hop, np.float32))
        return scores, begun, [*ended, *self._finder.finish()]

    def all(self, blocks: Iterable[Floats]) -> list[Event]:
        """Return all events in blocks of sound, with their highest scores."""
        found: list[Event] = []
        for block in blocks:
            found += self.push(block)[2]
        return found + self.finish()[2]
