"""How often a model misses its word, and how often it hears what was not said, on recordings held out.

In: the recordings of :mod:`dltools.models.trigger.material`. Out: misses, by signal-to-noise ratio and by voice, and
false accepts an hour, for many thresholds, with 95 % confidence intervals.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from dltools.models.trigger import augment
from dltools.models.trigger.config import Floats, Kind, Point, TriggerConfig, Weights
from dltools.models.trigger.events import Finder, Rules, peaks
from dltools.models.trigger.features import Features, SpeechNetworks, open_features
from dltools.models.trigger.material import Clip, Material
from dltools.models.trigger.recurrent import Recurrent

#: Decibels of the word over the background, each for every utterance.
RATIOS = (0, 5, 10, 20)
THRESHOLDS = (*(round(0.025 * number, 3) for number in range(2, 40)), 0.985, 0.99, 0.995)
#: The misses of a curve count at the ratios that people use such a thing at.
_USUAL = (5, 10, 20)
_LEADS, _TAIL = (0.5, 60.0), 0.9  # seconds of a recording before an utterance, at least and at most, and after it
_NEAR = 2.0  # seconds before an utterance in which the recording's loudness counts
_SILENCE = 0.01  # of full scale: in what is less loud than so, an utterance is as loud as in this
_APART = 1.0  # seconds between two events
_SLACK = 0.3  # seconds before the end of the word in which an event counts as heard


class Trial(NamedTuple):
    """An utterance in a background: whose, at which ratio, its highest smoothed score, and for how long it took."""

    voice: str
    ratio: int
    score: float
    delay: float


class Share(NamedTuple):
    """A share with the bounds of its 95 % confidence interval (Wilson, 1927)."""

    value: float
    low: float
    high: float


class Measures(NamedTuple):
    """What was measured; ``false_scores``: the highest score of each false event, ``word_scores``: of other words."""

    hours: float
    delay: float
    trials: list[Trial]
    false_scores: list[float]
    word_scores: list[float]

    def misses(self, threshold: float, ratio: int | None = None, voice: str | None = None) -> Share:
        """Return the share of utterances missed at a threshold, of one ratio and one voice if given."""
        chosen = [
            trial.score < threshold
            for trial in self.trials
            if (ratio is None or trial.ratio == ratio) and (voice is None or trial.voice == voice)
        ]
        return wilson(sum(chosen), len(chosen))

    def curve(self, *others: float) -> tuple[Point, ...]:
        """Return false accepts and misses at the usual thresholds and at ``others``, thresholds rising."""
        usual = [trial.score for trial in self.trials if trial.ratio in _USUAL]
        return tuple(
            Point(
                threshold,
                round(self.false_accepts(threshold).value, 4),
                round(sum(score < threshold for score in usual) / max(1, len(usual)), 4),
            )
            for threshold in sorted({*THRESHOLDS, *others})
        )

    def lowest_threshold(self, false_accepts: float) -> float:
        """Return the lowest threshold, in thousandths, 0.5 at least, with at most so many false accepts an hour."""
        allowed = int(false_accepts * self.hours)
        too_many = sorted(self.false_scores, reverse=True)[allowed : allowed + 1]
        above = max((int(1000 * score) + 1 for score in too_many), default=0)
        return min(max(500, above), 999) / 1000

    def calibrated(self, config: TriggerConfig, threshold: float) -> TriggerConfig:
        """Return the configuration with a default threshold and with what was measured here."""
        return dataclasses.replace(
            config, threshold=threshold, curve=self.curve(threshold), hours=self.hours, delay=self.delay
        )

    def false_accepts(self, threshold: float) -> Share:
        """Return false accepts an hour of recordings, with a Poisson interval."""
        return poisson(sum(score >= threshold for score in self.false_scores), self.hours)

    def words(self, threshold: float) -> Share:
        """Return the share of other words, said alone, that are taken for the word."""
        return wilson(sum(score >= threshold for score in self.word_scores), len(self.word_scores))


def wilson(count: int, total: int) -> Share:
    """Return ``count`` of ``total`` with Wilson's 95 % interval."""
    if not total:
        return Share(0.0, 0.0, 1.0)
    z, share = 1.959964, count / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return Share(share, max(0.0, middle - reach), min(1.0, middle + reach))


def poisson(count: int, hours: float) -> Share:
    """Return ``count`` events in ``hours`` as a rate with a 95 % interval (Byar's; 3 / hours for none)."""
    if not hours:
        return Share(0.0, 0.0, math.inf)
    z, above = 1.959964, count + 1
    low = count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    high = above * (1 - 1 / (9 * above) + z / (3 * math.sqrt(above))) ** 3 if count else 3.0
    return Share(count / hours, low / hours, high / hours)


def measure(
    weights: Weights,
    kind: Kind,
    stride: int,
    material: Material,
    seed: int,
    *,
    places: int = 1,
    threads: int = 1,
    progress: Callable[[str, int, int], None] | None = None,
) -> Measures:
    """Measure a network on recordings that it was not trained on, each utterance in ``places`` of the backgrounds."""
    tell = progress or (lambda _what, _done, _all: None)
    features = open_features(kind, SpeechNetworks(threads=threads) if kind == "embedding" else None)
    listener = _Listener(weights, stride, features)
    trials = []
    for number, clip in enumerate(material.positives):
        random = np.random.default_rng((seed, number))
        trials += [
            _trial(listener, clip, ratio, material.backgrounds, random) for _ in range(places) for ratio in RATIOS
        ]
        tell("utterances", number + 1, len(material.positives))
    words = []
    for number, clip in enumerate(material.negatives):
        words.append(float(listener.scores(_alone(clip.samples)).max()))
        tell("other words", number + 1, len(material.negatives))
    false: list[float] = []
    heard = 0.0
    for number, clip in enumerate(material.backgrounds):
        heard += len(clip.samples) / augment.RATE / 3600
        false += listener.events(clip.samples)
        tell("recordings", number + 1, len(material.backgrounds))
    delays = [trial.delay for trial in trials if trial.ratio in _USUAL and trial.score >= 0.5]
    delay = float(np.median(delays)) if delays else 0.1
    return Measures(round(heard, 3), round(delay, 3), trials, false, words)


def by_voice(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Return the trials of each voice."""
    voices: dict[str, list[Trial]] = collections.defaultdict(list)
    for trial in trials:
        voices[trial.voice].append(trial)
    return voices


class _Listener:
    """Gives smoothed scores of whole recordings."""

    def __init__(self, weights: Weights, stride: int, features: Features) -> None:
        self._network = Recurrent(weights, stride)
        self._features = features
        self.seconds = features.hop * stride / features.rate

    def scores(self, samples: Floats) -> Floats:
        """Return the smoothed scores of 16 kHz samples."""
        import soxr

        if self._features.rate != augment.RATE:
            samples = np.asarray(soxr.resample(samples, augment.RATE, self._features.rate), np.float32)
        self._features.reset()
        self._network.reset()
        scores = self._network.push(self._features.push(samples))
        return Finder(Rules(0.5), self.seconds).smoothed(scores)

    def events(self, samples: Floats) -> list[float]:
        """Return the highest score of every event that any threshold would find."""
        smoothed = self.scores(samples)
        return [float(smoothed[step]) for step in peaks(smoothed, THRESHOLDS[0], round(_APART / self.seconds))]


def _alone(samples: Floats) -> Floats:
    gap = np.zeros(augment.RATE // 2, np.float32)
    return np.concatenate([gap, samples, gap])


def _trial(
    listener: _Listener, clip: Clip, ratio: int, backgrounds: Sequence[Clip], random: np.random.Generator
) -> Trial:
    """Set an utterance over a recording as it is, which was heard before for as long as chance has it."""
    chosen = backgrounds[int(random.integers(len(backgrounds)))].samples
    length, tail, least = len(clip.samples), int(_TAIL * augment.RATE), int(_LEADS[0] * augment.RATE)
    longest = max(least, len(chosen) - length - tail)
    lead = min(longest, int(np.exp(random.uniform(*np.log(_LEADS))) * augment.RATE))
    count = lead + length + tail
    start = int(random.integers(max(1, len(chosen) - count)))
    mixture = np.resize(chosen[start : start + count], count)
    level = max(_SILENCE, augment.loudness(mixture[max(0, lead - int(_NEAR * augment.RATE)) :]))
    mixture[lead : lead + length] += clip.samples * np.float32(
        level / augment.loudness(clip.samples) * 10 ** (ratio / 20)
    )
    mixture *= np.float32(min(1.0, 0.99 / (np.abs(mixture).max() + 1e-9)))
    scores = listener.scores(mixture)
    end = (lead + length) / augment.RATE
    first = max(0, int((end - _SLACK) / listener.seconds))
    near = scores[first:]
    over = np.flatnonzero(near >= 0.5)
    delay = (first + 1 + int(over[0])) * listener.seconds - end if len(over) else 0.0
    return Trial(clip.voice, ratio, float(near.max(initial=0.0)), float(delay))
