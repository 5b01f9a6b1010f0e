"""What a network is fitted on: features of mixed examples, of plain ones, and of long recordings without the word.

In: the recordings of :mod:`dltools.models.trigger.material`. Out: features (count, frames, dimensions) and targets
(count, steps); of plain examples and of recordings, which both are without the word, features alone, computed once and
heard again after every round.
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

#: So many places (and plain examples) and other words are learned from: the hardest; what only a weak scout mistakes
#: teaches little.
_HARDEST, _HARDEST_WORDS = 1000, 400
_HARD_SCORE = 0.1  # and none that a network hears the word in less than so
_APART = 4.0  # seconds between two places of a recording that are learned from
_MOST_BYTES = 1 << 30  # of the recordings' features; of longer ones the beginnings are learned from


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

    def rows(self, batch: int) -> int:
        """Return how many rows of a batch are plain."""
        return round(self._share * batch)

    def piece(self, at: int, frames: int, random: np.random.Generator) -> Floats:
        """Return features (frames, dimensions): in turn of any example, any recording, a hard example, a hard place."""
        turn = at % 4
        if turn % 2 == 0:
            hard = turn == 2 and self._hard
            row = _drawn(self._hard, random) if hard else int(random.integers(len(self.examples)))
            chosen: Floats = self.examples[row]
            return chosen
        if turn == 3 and self._places:
            number, frame = _drawn(self._places, random)
            start = frame - int(random.integers(frames))
        else:
            number = int(random.choice(len(self.recordings), p=self._chances))
            start = int(random.integers(max(1, len(self.recordings[number]))))
        recording = self.recordings[number]
        start = max(0, min(start, len(recording) - frames))
        return np.resize(recording[start : start + frames], (frames, recording.shape[1]))


def _drawn(choices: Sequence[Out], random: np.random.Generator) -> Out:
    return choices[int(random.integers(len(choices)))]


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
            return self._learned(examples.mixed(material, np.random.default_rng((seed, number)), hard))

        made = list(self._all("examples", one, range(count)))
        return Set(np.stack([features for features, _ in made]), np.stack([wanted for _, wanted in made]))

    def plain(self, recordings: Sequence[Clip], count: int, seed: int) -> Floats:
        """Return the features (count, frames, dimensions) float16 of plain examples, numbered as the mixed are."""

        def one(number: int) -> Floats:
            example = examples.plain(recordings, np.random.default_rng((seed, number)))
            return self._learned(example)[0]

        return np.stack(list(self._all("plain examples", one, range(count))))

    def _learned(self, example: examples.Example) -> tuple[Floats, Floats]:
        """Return the features (frames, dimensions) float16 of an example behind its lead, and the targets (steps,)."""
        made = self.heard(example.samples)
        steps = len(made) // self.stride
        hop = len(example.samples) / steps
        first = -int(-examples.LEAD // hop)
        wanted = examples.targets(example.ends, steps, hop)[first:]
        return made[first * self.stride : steps * self.stride].astype(np.float16), wanted

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
        try:
            features.reset()
            heard = features.push(np.concatenate([samples, np.zeros(self.hop * 4, np.float32)]))
        finally:
            self._idle.put(features)  # else the other threads would wait for it for ever
        return heard[: len(samples) // self.hop]

    def falsely(self, material: Material, recordings: Sequence[Floats], plain: Floats, weights: Weights) -> Hard:
        """Return where a network hears the word most in recordings and plain examples, and in which other words."""
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

        def highest(features: Floats) -> float:
            return float(Recurrent(weights, self.stride).push(features).max())

        scored = zip(self._all("other words", loudest, material.negatives), material.negatives, strict=True)
        words = [(score, clip) for score, clip in scored if score > _HARD_SCORE]
        found = enumerate(self._all("false accepts of plain examples", highest, list(plain)))
        rows = [(score, row) for row, score in found if score > _HARD_SCORE]
        return Hard(_hardest(places, _HARDEST), _hardest(words, _HARDEST_WORDS), _hardest(rows, _HARDEST))

    def _all(self, what: str, function: Callable[[In], Out], inputs: Sequence[In]) -> Iterator[Out]:
        """Yield what a function makes of each input, in order."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(self._threads) as pool:
            for number, made in enumerate(pool.map(function, inputs)):
                yield made
                self._tell(what, number + 1, len(inputs))


def _hardest(scored: Sequence[tuple[float, Out]], count: int) -> list[Out]:
    return [each for _, each in sorted(scored, key=lambda pair: -pair[0])[:count]]


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
