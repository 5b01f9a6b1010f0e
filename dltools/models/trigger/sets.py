"""What a network is fitted on: features of mixed examples, and of long recordings without the word.

In: the recordings of :mod:`dltools.models.trigger.material`. Out: features (count, frames, dimensions) and targets
(count, steps); of a recording, features (frames, dimensions), computed once and heard again after every round.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from dltools.models.trigger import augment, examples
from dltools.models.trigger.config import Floats, Kind, Weights
from dltools.models.trigger.events import peaks
from dltools.models.trigger.features import Features, open_features
from dltools.models.trigger.material import Clip, Hard, Material, Place
from dltools.models.trigger.recurrent import Recurrent

#: Called with what is done now, and how much of it is done.
Progress = Callable[[str, int, int], None]
In = TypeVar("In")
Out = TypeVar("Out")

#: So many places and other words are learned from: the hardest; what only a weak scout mistakes teaches little.
_HARDEST, _HARDEST_WORDS = 1000, 400
_HARD_SCORE = 0.1  # and none that a network hears the word in less than so
_APART = 4.0  # seconds between two places of a recording that are learned from
_MOST_BYTES = 1 << 30  # of the recordings' features; of longer ones the beginnings are learned from


class Set(NamedTuple):
    """Features (count, frames, dimensions) float16, and targets (count, steps)."""

    features: Floats
    targets: Floats


class Hearing:
    """Features of one kind, computed in several threads."""

    def __init__(self, kind: Kind, stride: int, threads: int, tell: Progress) -> None:
        self.stride = stride
        self._threads, self._tell = threads, tell
        # Opened here, since LiteRT may be opened in one thread only; others take one for as long as they need it.
        self._idle: queue.SimpleQueue[Features] = queue.SimpleQueue()
        for _ in range(threads):
            self._idle.put(open_features(kind))
        features = self._idle.get()
        self._idle.put(features)
        self.rate, self.hop, self.dimensions = features.rate, features.hop, features.dimensions

    def mixed(self, material: Material, count: int, seed: int, hard: Hard) -> Set:
        """Mix ``count`` examples; number i depends on the seed and the material, not on how many there are."""

        def one(number: int) -> tuple[Floats, Floats]:
            example = examples.mixed(material, np.random.default_rng((seed, number)), hard)
            made = self.heard(example.samples)
            steps = len(made) // self.stride
            wanted = examples.targets(example.ends, steps, len(example.samples) / steps)
            return made[: steps * self.stride].astype(np.float16), wanted

        made = list(self._all("examples", one, range(count)))
        return Set(np.stack([features for features, _ in made]), np.stack([wanted for _, wanted in made]))

    def recordings(self, clips: Sequence[Clip]) -> list[Floats]:
        """Return the features (frames, dimensions) float16 of each recording, or of its beginning if all are long."""
        size = sum(len(clip.samples) for clip in clips) / augment.RATE * self.rate / self.hop * self.dimensions * 2
        share = min(1.0, _MOST_BYTES / max(1.0, size))

        def one(clip: Clip) -> Floats:
            return self.heard(clip.samples[: int(share * len(clip.samples))]).astype(np.float16)

        return list(self._all("recordings", one, clips))

    def heard(self, samples: Floats) -> Floats:
        """Return the features of a sound, silence before and behind it."""
        import soxr

        if self.rate != augment.RATE:
            samples = np.asarray(soxr.resample(samples, augment.RATE, self.rate), np.float32)
        features = self._idle.get()
        features.reset()
        heard = features.push(np.concatenate([samples, np.zeros(self.hop * 4, np.float32)]))
        self._idle.put(features)
        return heard[: len(samples) // self.hop]

    def falsely(self, material: Material, recordings: Sequence[Floats], weights: Weights) -> Hard:
        """Return where a network hears the word most in recordings, and in which other words."""
        places: list[tuple[float, Place]] = []
        apart = round(_APART * self.rate / self.hop / self.stride)
        for number, scores in enumerate(
            self._all("false accepts", lambda each: Recurrent(weights, self.stride).push(each), recordings)
        ):
            for step in peaks(scores, _HARD_SCORE, apart):
                second = step * self.stride * self.hop / self.rate
                places.append((float(scores[step]), Place(number, second)))

        def loudest(clip: Clip) -> float:
            quiet = np.zeros(augment.RATE // 2, np.float32)
            heard = self.heard(np.concatenate([quiet, clip.samples, quiet]))
            return float(Recurrent(weights, self.stride).push(heard).max())

        scored = zip(self._all("other words", loudest, material.negatives), material.negatives, strict=True)
        words = [(score, clip) for score, clip in scored if score > _HARD_SCORE]
        return Hard(_hardest(places, _HARDEST), _hardest(words, _HARDEST_WORDS))

    def _all(self, what: str, function: Callable[[In], Out], inputs: Sequence[In]) -> Iterator[Out]:
        """Yield what a function makes of each input, in order."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._threads) as pool:
            for number, made in enumerate(pool.map(function, inputs)):
                yield made
                self._tell(what, number + 1, len(inputs))


def _hardest(scored: Sequence[tuple[float, Out]], count: int) -> list[Out]:
    return [each for _, each in sorted(scored, key=lambda pair: -pair[0])[:count]]


def batches(
    learned: Set,
    recordings: Sequence[Floats],
    places: Sequence[tuple[int, int]],
    batch: int,
    random: np.random.Generator,
) -> Iterator[tuple[Floats, Floats]]:
    """Yield batches, a quarter of each from plain recordings if there are any, half of these around hard places.

    ``places``: the number and the frame of recordings.
    """
    frames = learned.features.shape[1]
    long = [number for number, recording in enumerate(recordings) if len(recording) > frames]
    beside = batch // 4 if long else 0
    own = batch - beside
    chances = np.array([len(recordings[number]) for number in long], float)
    order = random.permutation(len(learned.features))

    def piece(at: int) -> Floats:
        if places and at % 2:
            number, frame = places[int(random.integers(len(places)))]
            start = frame - int(random.integers(frames))
        else:
            number = long[int(random.choice(len(long), p=chances / chances.sum()))]
            start = int(random.integers(len(recordings[number])))
        start = max(0, min(start, len(recordings[number]) - frames))
        return np.resize(recordings[number][start : start + frames], (frames, learned.features.shape[2]))

    for start in range(0, max(1, len(order) - own + 1), own):
        chosen = np.resize(order[start : start + own], own)
        features, wanted = learned.features[chosen], learned.targets[chosen]
        if beside:
            features = np.concatenate([features, [piece(at) for at in range(beside)]])
            wanted = np.concatenate([wanted, np.zeros((beside, wanted.shape[1]), np.float32)])
        yield features.astype(np.float32), wanted
