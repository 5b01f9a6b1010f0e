"""What the networks hear: features of sound, computed as it comes, the same for any chunking.

``embedding``: Google's speech embedding (Lin, Kilgour, Roblek and Sharifi, "Training Keyword Spotters with Limited and
Synthesized Speech Data", 2020), a frozen convolutional network over 76 mel frames of 10 ms, through LiteRT. In: 16 kHz
samples from -1 to 1. Out: (steps, 96), one each 80 ms. ``course``: a spectrogram. In: 44.1 kHz samples. Out: (frames,
101), one each 80 samples. Both begin as if silence went before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from dltools.models.trigger.config import Floats, Kind
from dltools.runtime.assets import Registry, embedded_path
from dltools.runtime.litert import LiteRtPredictor

STEP = 1280  # samples of a step: eight mel frames of 10 ms
OVERLAP = 352  # samples that the last window of a step reaches beyond it: 512 a window, 160 a frame
MELS = 32  # numbers of a mel frame
_WINDOW = 76  # mel frames that an embedding sees
_FRAMES = 8  # mel frames a step
_BLOCK = 25  # steps that go through the embedding together
_SINGLY = 3  # steps that take less time one by one than a block does
_SCALE = 32768.0  # the mel front end wants samples as 16-bit integers are


class Features(Protocol):
    """Turns a stream of samples into a stream of features."""

    rate: int  # Hz, of the samples
    hop: int  # samples from one feature to the next
    dimensions: int  # numbers of a feature

    def push(self, samples: Floats) -> Floats:
        """Return the features (count, dimensions) that ``samples`` (count,) complete, perhaps none."""

    def reset(self) -> None:
        """Forget what was pushed."""


class SpeechNetworks:
    """The mel front end and the embedding network, opened: what streams of sound that take turns may share."""

    def __init__(self, *, threads: int = 1) -> None:
        """Open them; raise :class:`MissingError` where a file of the package is not there."""
        # The mel front end cuts what lies 80 dB below the loudest frame that it is given: so it is always given one
        # step, and a step's features depend on nothing but the step.
        self._mel = LiteRtPredictor(_asset("speech-mel"), threads=1, shape=(1, STEP + OVERLAP))
        # The network has no padding in time, so that many windows in a row are one longer input: nothing is done
        # twice. Each length has an interpreter of its own: LiteRT crashes after some thousand changes of length.
        path = _asset("speech-embedding")
        self._one, self._many = (
            LiteRtPredictor(path, threads=threads, shape=(1, _length(steps), MELS, 1)) for steps in (1, _BLOCK)
        )

    def mels(self, windows: Floats) -> Floats:
        """Return the mel frames (8 windows, 32) of windows (count, samples), as the embedding wants them."""
        frames = [self._mel.predict(window[None])[0].reshape(_FRAMES, MELS) for window in windows]
        scaled: Floats = np.concatenate(frames) / np.float32(10) + np.float32(2)
        return scaled

    def embeddings(self, frames: Floats, steps: int) -> Floats:
        """Return the embeddings (steps, 96) of all windows of ``frames`` (76 + 8 (steps - 1), 32)."""
        blocks = range(0, steps, _BLOCK)
        return np.concatenate([self._embedded(frames[at * _FRAMES :], min(_BLOCK, steps - at)) for at in blocks])

    def _embedded(self, frames: Floats, steps: int) -> Floats:
        if steps <= _SINGLY:
            windows = (frames[at * _FRAMES :][:_WINDOW] for at in range(steps))
            return np.concatenate([self._one.predict(window[None, :, :, None])[0][0, :, 0] for window in windows])
        block = np.zeros((1, _length(_BLOCK), MELS, 1), np.float32)
        block[0, : _length(steps), :, 0] = frames[: _length(steps)]
        embeddings: Floats = self._many.predict(block)[0][0, :steps, 0]
        return embeddings


class SpeechEmbedding:
    """Mel features and the frozen speech embedding, 96 numbers each 80 ms."""

    rate = 16000
    hop = STEP
    dimensions = 96

    def __init__(self, networks: SpeechNetworks | None = None) -> None:
        """Begin a stream; with networks of its own if none are given."""
        self._networks = networks or SpeechNetworks()
        self._rest = np.zeros(0, np.float32)
        self._frames = np.zeros((0, MELS), np.float32)
        self._silence = self._networks.mels(np.zeros((1, STEP + OVERLAP), np.float32))[:1]
        self.reset()

    def reset(self) -> None:
        """Forget what was pushed: silence went before."""
        self._rest = np.zeros(0, np.float32)
        self._frames = np.repeat(self._silence, _WINDOW - _FRAMES, axis=0)

    def push(self, samples: Floats) -> Floats:
        """Return the embeddings (steps, 96) that ``samples`` complete: of each step whose windows have come whole."""
        held = np.concatenate([self._rest, samples])
        steps = max(0, (len(held) - OVERLAP) // STEP)
        self._rest = held[steps * STEP :]
        if not steps:
            return np.zeros((0, self.dimensions), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held * np.float32(_SCALE), STEP + OVERLAP)[::STEP]
        frames = np.concatenate([self._frames, self._networks.mels(windows[:steps])])
        self._frames = frames[steps * _FRAMES :]
        return self._networks.embeddings(frames, steps)


def _length(steps: int) -> int:
    """Return how many frames so many steps see."""
    return _WINDOW + (steps - 1) * _FRAMES


def _asset(name: str) -> Path:
    path = embedded_path(Registry.load().model(name))
    if path is None:
        raise ValueError(f"{name} is no embedded file")
    return path


def open_features(kind: Kind, networks: SpeechNetworks | None = None) -> Features:
    """Return the features of a kind of model; ``networks``: those of the embedding, if they are open already."""
    return SpeechEmbedding(networks) if kind == "embedding" else Spectrogram()


class Spectrogram:
    """The course's spectrogram: 101 powers in decibels, windows of 200 samples, 80 apart."""

    rate = 44100
    hop = 80
    dimensions = 101
    _SIZE = 200
    _BLOCK = 8192  # frames at a time
    _FLOOR = 1e-10  # of power: silence
    _MIDDLE, _SPREAD = np.float32(-60), np.float32(20)  # decibels that become 0 and 1

    def __init__(self) -> None:
        window = np.hanning(self._SIZE)
        self._window = (window / np.sqrt((window**2).sum() * self.rate)).astype(np.float32)  # a density, 1 / Hz
        self._rest = np.zeros(0, np.float32)

    def reset(self) -> None:
        """Forget what was pushed."""
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Floats) -> Floats:
        """Return the frames (count, 101) that ``samples`` complete."""
        held = np.concatenate([self._rest, samples])
        count = max(0, (len(held) - self._SIZE) // self.hop + 1)
        self._rest = held[count * self.hop :]
        if not count:
            return np.zeros((0, self.dimensions), np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(held, self._SIZE)[:: self.hop][:count]
        blocks = (windows[at : at + self._BLOCK] for at in range(0, count, self._BLOCK))
        return np.concatenate([self._decibels(block) for block in blocks])

    def _decibels(self, windows: Floats) -> Floats:
        powers = np.abs(np.fft.rfft(windows * self._window)) ** 2
        levels: Floats = (10 * np.log10(powers + self._FLOOR)).astype(np.float32)
        scaled: Floats = (levels - self._MIDDLE) / self._SPREAD
        return scaled
