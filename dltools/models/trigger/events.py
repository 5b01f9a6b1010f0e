"""From scores to events: smoothed, with hysteresis, and not twice for one utterance."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from dltools.models.trigger.config import Floats


class Event(NamedTuple):
    """The word, heard: its estimated start and end in seconds, and its highest smoothed score so far, 0 to 1.

    ``heard``: the time in seconds of the audio that it took to know.
    """

    start: float
    end: float
    score: float
    heard: float


@dataclasses.dataclass(frozen=True)
class Rules:
    """What makes scores an event.

    ``threshold``: the smoothed score that begins one; ``release``: the share of it below which it is over.
    ``smoothing``: seconds over which scores are averaged. ``refractory``: seconds after the start of an event in which
    no other begins. ``delay``: seconds from the end of the word to the threshold; ``length``: of the word: both
    measured, to say where it lies.
    """

    threshold: float
    release: float = 0.5
    smoothing: float = 0.16
    refractory: float = 1.0
    delay: float = 0.1
    length: float = 0.8


class Finder:
    """Finds events in scores as they come."""

    def __init__(self, rules: Rules, seconds: float) -> None:
        """Begin; ``seconds`` from one score to the next."""
        self._rules = rules
        self._seconds = seconds
        self._window = max(1, round(rules.smoothing / seconds))
        self._tail = np.zeros(self._window - 1, np.float32)
        self._steps = 0
        self._quiet_until = 0.0
        self.open: Event | None = None

    def push(self, scores: Floats) -> tuple[list[Event], list[Event]]:
        """Return the events that ``scores`` (count,) begin, and those that they end, with their highest score."""
        begun: list[Event] = []
        ended: list[Event] = []
        for score in self.smoothed(scores):
            self._steps += 1
            now = self._steps * self._seconds
            if self.open is not None:
                if score > self.open.score:
                    self.open = self.open._replace(score=float(score))
                if score < self._rules.threshold * self._rules.release:
                    ended.append(self.open)
                    self.open = None
            elif score >= self._rules.threshold and now >= self._quiet_until:
                end = max(0.0, now - self._rules.delay)
                self.open = Event(max(0.0, end - self._rules.length), end, float(score), now)
                self._quiet_until = now + self._rules.refractory
                begun.append(self.open)
        return begun, ended

    def smoothed(self, scores: Floats) -> Floats:
        """Return the average of each score and those just before it."""
        held = np.concatenate([self._tail, scores])
        self._tail = held[len(scores) :]
        if not len(scores):
            return held[:0]
        windows: Floats = np.lib.stride_tricks.sliding_window_view(held, self._window).mean(axis=-1)
        return windows

    def finish(self) -> list[Event]:
        """Return the event that is still open, if any: the sound is over."""
        ended = [self.open] if self.open is not None else []
        self.open = None
        return ended


def peaks(scores: Floats, least: float, apart: int) -> list[int]:
    """Return the steps of the highest scores (count,), the highest first.

    None is below ``least``, and two are at least ``apart`` steps from each other.
    """
    free = scores >= least
    found: list[int] = []
    for step in np.argsort(-scores, kind="stable")[: free.sum()]:
        if free[step]:
            free[max(0, step - apart + 1) : step + apart] = False
            found.append(int(step))
    return found
