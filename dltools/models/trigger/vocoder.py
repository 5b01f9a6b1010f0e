"""Say an utterance with another voice: its spectrum's smooth envelope over a source of another pitch.

After Dudley, "Remaking speech" (1939); the envelope is the cepstrum's beginning (Bogert, Healy and Tukey, 1963). In and
out: samples (count,) float32, 16 kHz.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.trigger.augment import RATE
from dltools.models.trigger.config import Floats

_FRAME, _HOP = 512, 128  # samples: 32 and 8 ms
_BEFORE = 2  # frames from the first one's middle to the first sample
_WINDOW = np.hanning(_FRAME)
_PITCHES = 60.0, 400.0  # hertz
_TINY = 1e-9
#: How far a voice is moved, as logarithms: its speed as a whole and at each knot, its throat likewise.
_SPEED, _SPEEDS, _THROAT, _THROATS = 0.3, 0.25, 0.14, 0.04
_KNOT = 10  # frames between two knots of the speed: a sound's length
_BLURS = 1, 1, 3, 5, 7  # frames that an envelope is averaged over


class _Spoken(NamedTuple):
    """What was said, each 8 ms: log amplitudes (frames, 257), pitches in hertz, and whether there is a pitch."""

    envelope: Floats
    pitches: Floats
    voiced: npt.NDArray[np.bool_]

    def at(self, frames: npt.NDArray[np.int_]) -> _Spoken:
        """Return other frames of it, in their order."""
        return _Spoken(self.envelope[frames], self.pitches[frames], self.voiced[frames])


def vocoder(samples: Floats, random: np.random.Generator) -> Floats:
    """Say it with another voice: another pitch, throat and sharpness, its sounds longer or shorter; or whisper it."""
    spoken = _heard(samples, int(random.integers(24, 48)))
    places = _places(len(spoken.pitches), random)
    first, last = np.searchsorted(places, [_BEFORE, _BEFORE + len(samples) / _HOP]) * _HOP + _FRAME // 2
    envelope = _another(spoken.envelope, random)
    moved = _Spoken(envelope, _melody(spoken, random), spoken.voiced).at(places.astype(int))
    made = _said(moved, random)[first:last]
    return np.asarray(made * (np.abs(samples).max() / (np.abs(made).max(initial=0) + _TINY)), np.float32)


def _heard(samples: Floats, smooth: int) -> _Spoken:
    """Return the envelope of ``smooth`` cepstral coefficients, and the pitch where a frame resembles a later one."""
    powers = np.abs(np.fft.rfft(_frames(np.pad(samples, _FRAME)))) ** 2
    cepstrum = np.fft.irfft(np.log(powers + 1e-7))
    cepstrum[:, smooth:-smooth] = 0
    alike = np.fft.irfft(powers)
    shortest, longest = (int(RATE / pitch) for pitch in reversed(_PITCHES))
    lags = shortest + np.argmax(alike[:, shortest:longest], axis=1)
    share = alike[np.arange(len(lags)), lags] / (alike[:, 0] + _TINY)
    near = np.lib.stride_tricks.sliding_window_view(np.pad(RATE / lags, 2, mode="edge"), 5)
    voiced = (share > 0.3) & (alike[:, 0] > alike[:, 0].max() * 1e-4)
    return _Spoken(np.asarray(np.fft.rfft(cepstrum).real / 2, np.float32), np.median(near, axis=1), voiced)


def _places(count: int, random: np.random.Generator) -> Floats:
    """Return the frame to say at each new frame: faster or slower as a whole, and each sound of its own."""
    knots = random.normal(0, _SPEEDS, 2 * count // _KNOT + 2) + random.uniform(-_SPEED, _SPEED)
    rates = np.exp(np.interp(np.arange(4 * count) / _KNOT, np.arange(len(knots)), knots))
    places: Floats = np.cumsum(rates) - rates[0]
    return places[places < count - 1]


def _another(envelope: Floats, random: np.random.Generator) -> Floats:
    """Return log amplitudes of another throat: formants moved, together and each, sharper or blunter, and blurred."""
    bins = np.arange(envelope.shape[1])
    knots = random.uniform(-_THROAT, _THROAT) + random.normal(0, _THROATS, 6)
    warped = np.clip(bins * np.exp(np.interp(bins, np.linspace(0, bins[-1], len(knots)), knots)), 0, bins[-1])
    moved = np.array([np.interp(warped, bins, row) for row in envelope])
    level = moved.mean(axis=1, keepdims=True)
    moved = level + (moved - level) * random.uniform(0.8, 1.25)
    blur = int(random.choice(_BLURS))
    padded = np.pad(moved, ((blur // 2, blur // 2), (0, 0)), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, blur, axis=0).mean(axis=-1))


def _melody(spoken: _Spoken, random: np.random.Generator) -> Floats:
    """Return other pitches in hertz: higher or lower, flatter."""
    flat, higher = random.uniform(0, 1), np.exp(random.uniform(-0.35, 0.35))
    middle = np.median(spoken.pitches[spoken.voiced]) if spoken.voiced.any() else 120.0
    return np.asarray(higher * (flat * middle + (1 - flat) * spoken.pitches))


def _said(spoken: _Spoken, random: np.random.Generator) -> Floats:
    """Return samples ((frames - 1) * 128 + 512,): pulses and noise, or noise alone, through the envelope."""
    turns = np.cumsum(np.repeat(spoken.pitches, _HOP) / RATE)
    pulses = np.diff(np.floor(turns), append=turns[-1]) > 0
    breath = 1.0 if random.random() < 0.1 else random.uniform(0, 0.5)
    buzz = np.repeat(spoken.voiced * (1 - breath), _HOP) * pulses * np.sqrt(RATE / np.repeat(spoken.pitches, _HOP))
    hiss = np.repeat(np.where(spoken.voiced, breath, 1.0), _HOP) * random.normal(size=len(pulses))
    made = np.zeros((len(spoken.pitches) - 1) * _HOP + _FRAME)
    source = np.fft.rfft(_frames(np.resize(buzz + hiss, len(made))))
    level = np.sqrt((np.abs(source) ** 2).mean(axis=1, keepdims=True) + _TINY)
    frames = np.fft.irfft(source / level * np.exp(spoken.envelope)) * _WINDOW
    for number, frame in enumerate(frames):
        made[number * _HOP : number * _HOP + _FRAME] += frame
    return np.asarray(made, np.float32)


def _frames(samples: Floats) -> Floats:
    """Return windowed frames (count, 512) of samples, one each 128."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP] * _WINDOW, np.float32)
