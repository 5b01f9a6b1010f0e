"""Turns recordings into what a network is fitted on, in several processes: mixing and hearing take most of a training.

In: the recordings of :mod:`dltools.models.trigger.material`. Out: features (count, frames, dimensions) and targets
(count, steps) of mixed examples; of plain examples and of recordings, which both are without the word, features alone.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from dltools.errors import DltoolsError
from dltools.models.trigger import augment, examples
from dltools.models.trigger.config import Floats, Kind, Weights
from dltools.models.trigger.events import peaks
from dltools.models.trigger.features import open_features
from dltools.models.trigger.material import Clip, Hard, Material, Place
from dltools.models.trigger.recurrent import Recurrent
from dltools.models.trigger.sets import Set

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

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
_TOGETHER = 16  # inputs that a process is given at a time


class Mistaken(NamedTuple):
    """What a network wrongly heard the word in: what is mixed in more often, and numbers of plain examples."""

    hard: Hard
    plain: list[int]


class Ear:
    """What one process hears with: features of one kind, and the recordings."""

    def __init__(self, kind: Kind, stride: int, material: Material) -> None:
        self._features = open_features(kind)
        self.rate, self.hop, self.dimensions = self._features.rate, self._features.hop, self._features.dimensions
        self.stride, self.material = stride, material

    def heard(self, samples: Floats) -> Floats:
        """Return the features (frames, dimensions) of a sound of 16 kHz, silence before and behind it."""
        import soxr

        if self.rate != augment.RATE:
            samples = np.asarray(soxr.resample(samples, augment.RATE, self.rate), np.float32)
        self._features.reset()
        heard = self._features.push(np.concatenate([samples, np.zeros(self.hop * 4, np.float32)]))
        return heard[: len(samples) // self.hop]

    def mixed(self, seed: int, hard: Hard, number: int) -> tuple[Floats, Floats]:
        """Return the features (frames, dimensions) float16 and the targets (steps,) of a mixed example."""
        return self._learned(examples.mixed(self.material, np.random.default_rng((seed, number)), hard))

    def plain(self, seed: int, number: int) -> Floats:
        """Return the features (frames, dimensions) float16 of a plain example."""
        return self._learned(examples.plain(self.material.backgrounds, np.random.default_rng((seed, number))))[0]

    def _learned(self, example: examples.Example) -> tuple[Floats, Floats]:
        """Return the features float16 of an example behind its lead, and the targets."""
        made = self.heard(example.samples)
        steps = len(made) // self.stride
        first = -(-examples.LEAD * steps // len(example.samples))
        wanted = examples.targets(example, steps)[first:]
        return made[first * self.stride : steps * self.stride].astype(np.float16), wanted

    def recording(self, share: float, number: int) -> Floats:
        """Return the features (frames, dimensions) float16 of a recording's beginning."""
        samples = self.material.backgrounds[number].samples
        return self.heard(samples[: int(share * len(samples))]).astype(np.float16)

    def other_word(self, weights: Weights, number: int) -> float:
        """Return how surely a network hears the word in another one, said alone."""
        quiet = np.zeros(augment.RATE // 2, np.float32)
        samples = self.material.negatives[number].samples
        return float(self.scores(weights, self.heard(np.concatenate([quiet, samples, quiet]))).max())

    def scores(self, weights: Weights, features: Floats) -> Floats:
        """Return a network's scores (steps,) of features."""
        return Recurrent(weights, self.stride).push(features)


class Hearing:
    """Features of one kind, computed in several processes, which share the recordings."""

    def __init__(self, ear: Ear, pool: ProcessPoolExecutor | None, tell: Progress) -> None:
        self._ear, self._pool, self._tell = ear, pool, tell
        self.rate, self.hop, self.dimensions = ear.rate, ear.hop, ear.dimensions

    def mixed(self, count: int, seed: int, hard: Hard) -> Set:
        """Mix ``count`` examples; number i depends on the seed and the material, not on how many there are."""
        made = list(self._all("examples", Ear.mixed, range(count), seed, hard))
        return Set(np.stack([features for features, _ in made]), np.stack([wanted for _, wanted in made]))

    def plain(self, count: int, seed: int) -> Floats:
        """Return the features (count, frames, dimensions) float16 of plain examples, numbered as the mixed are."""
        return np.stack(list(self._all("plain examples", Ear.plain, range(count), seed)))

    def recordings(self) -> list[Floats]:
        """Return the features (frames, dimensions) float16 of each recording, or of its beginning if all are long."""
        recordings = self._ear.material.backgrounds
        size = sum(len(each.samples) for each in recordings) / augment.RATE * self.rate / self.hop * self.dimensions * 2
        share = min(1.0, _MOST_BYTES / max(1.0, size))
        return list(self._all("recordings", Ear.recording, range(len(recordings)), share))

    def falsely(self, recordings: Sequence[Floats], plain: Floats, weights: Weights) -> Mistaken:
        """Return where a network hears the word most in recordings and plain examples, and in which other words."""
        places: list[tuple[float, Place]] = []
        apart = round(_APART * self.rate / self.hop / self._ear.stride)
        for number, scores in enumerate(self._all("false accepts", Ear.scores, recordings, weights)):
            for step in peaks(scores, _HARD_SCORE, apart):
                second = step * self._ear.stride * self.hop / self.rate
                places.append((float(scores[step]), Place(number, second)))
        others = range(len(self._ear.material.negatives))
        words = list(self._all("other words", Ear.other_word, others, weights))
        rows = [
            float(scores.max()) for scores in self._all("false accepts of plain examples", Ear.scores, plain, weights)
        ]
        return Mistaken(Hard(_hardest(places, _HARDEST), _mistaken(words, _HARDEST_WORDS)), _mistaken(rows, _HARDEST))

    def _all(
        self, what: str, function: Callable[..., Out], inputs: Sequence[In] | Floats, *common: object
    ) -> Iterator[Out]:
        """Yield what a function makes of an ear, ``common`` and each input, in order."""
        from concurrent.futures.process import BrokenProcessPool

        made: Iterator[Out]
        if self._pool is None:
            made = map(functools.partial(function, self._ear, *common), inputs)
        else:
            made = self._pool.map(functools.partial(_called, function, common), inputs, chunksize=_TOGETHER)
        try:
            for number, each in enumerate(made):
                yield each
                self._tell(what, number + 1, len(inputs))
        except BrokenProcessPool as error:
            raise DltoolsError(f"{what}: a process was lost: killed, perhaps for want of memory") from error


@contextlib.contextmanager
def open_hearing(kind: Kind, stride: int, material: Material, processes: int, tell: Progress) -> Iterator[Hearing]:
    """Give what hears ``material``, in this process alone or in so many others.

    What happens in these must not depend on what runs here (TensorFlow does not bear to be forked): they are begun
    anew, and find the samples in a file that all of them map.
    """
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    with contextlib.ExitStack() as stack:
        pool = None
        if processes > 1:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="dltools-"))
            shared = _Shared.of(material, Path(folder) / "samples")
            pool = ProcessPoolExecutor(
                processes, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(kind, stride, shared)
            )
            stack.callback(pool.shutdown, cancel_futures=True)
        yield Hearing(Ear(kind, stride, material), pool, tell)


class _Shared(NamedTuple):
    """Recordings whose samples lie in a file one behind the other: of each its voice, and how many they are."""

    path: Path
    clips: tuple[list[tuple[str, int]], ...]

    @classmethod
    def of(cls, material: Material, path: Path) -> _Shared:
        """Write the samples."""
        with path.open("wb") as stream:
            for clip in (clip for clips in material for clip in clips):
                clip.samples.astype(np.float32, copy=False).tofile(stream)
        return cls(path, tuple([(clip.voice, len(clip.samples)) for clip in clips] for clips in material))

    def material(self) -> Material:
        """Return the recordings, mapped."""
        samples = np.memmap(self.path, np.float32, mode="r")
        lists: list[list[Clip]] = []
        at = 0
        for clips in self.clips:
            lists.append([])
            for voice, length in clips:
                lists[-1].append(Clip(samples[at : at + length], voice))
                at += length
        return Material(*lists)


#: What this process hears with, if it is one that others have begun.
_ears: list[Ear] = []


def _begin(kind: Kind, stride: int, shared: _Shared) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began this process is told, too, and ends it
    _ears.append(Ear(kind, stride, shared.material()))


def _called(function: Callable[..., Out], common: Sequence[object], each: object) -> Out:
    return function(_ears[0], *common, each)


def _mistaken(scores: Sequence[float], count: int) -> list[int]:
    """Return the numbers of the highest scores."""
    return _hardest([(score, number) for number, score in enumerate(scores) if score > _HARD_SCORE], count)


def _hardest(scored: Sequence[tuple[float, Out]], count: int) -> list[Out]:
    return [each for _, each in sorted(scored, key=lambda pair: -pair[0])[:count]]
