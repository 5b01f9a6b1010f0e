"""A model that hears a tone of 1 kHz, made by hand, and recordings with such tones."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import soundfile

from dltools.models.trigger.config import Point, Recurrence, TriggerConfig, Weights
from dltools.models.trigger.features import SpeechEmbedding
from dltools.models.trigger.store import encode

RATE = 16000
LABEL = "tone"
_UNITS = 2


def tone(seconds: float = 1.0, rate: int = RATE, pitch: float = 1000.0) -> np.ndarray:
    """Return a tone at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def recording(at: tuple[float, ...], seconds: float, rate: int = RATE) -> np.ndarray:
    """Return faint noise with a tone of a second at each of ``at``, in seconds."""
    made = np.random.default_rng(3).normal(0, 1e-3, int(seconds * rate)).astype(np.float32)
    for start in at:
        first = int(start * rate)
        made[first : first + rate] += tone(1.0, rate)[: len(made) - first]
    return made


def write(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write a sound file and return its path."""
    soundfile.write(path, samples, rate)
    return path


@functools.cache
def tone_weights() -> tuple[TriggerConfig, Weights]:
    """Return a network that scores how far an embedding lies on the way from faint noise to the tone."""
    features = SpeechEmbedding()
    noise = features.push(recording((), 4.0))[-1]
    features.reset()
    heard = features.push(tone(4.0))[-1]
    way = heard - noise
    kernel = np.zeros((1, 96, 1), np.float32)
    kernel[0, :, 0] = way / (way @ way)
    # Update gates far below zero: each state is the candidate, tanh of what comes in, which is 0 to 1.
    gates = np.zeros((2, 3 * _UNITS), np.float32)
    gates[0, :_UNITS] = -30
    inner = np.zeros((1, 3 * _UNITS), np.float32)
    inner[0, 2 * _UNITS :] = 1
    layer = Recurrence(inner, np.zeros((_UNITS, 3 * _UNITS), np.float32), gates)
    weights = Weights(
        kernel,
        np.array([-(kernel[0, :, 0] @ noise)], np.float32),
        (layer,),
        np.full((_UNITS, 1), 10, np.float32),
        np.array([-9], np.float32),
    )
    curve = (Point(0.5, 0.25, 0.02), Point(0.9, 0.0, 0.1))
    members = weights.map(lambda array: array[None])  # a single one
    return TriggerConfig("embedding", LABEL, 1, 0.5, curve, 4.0, 0.1, 0.9, {}), members


def tone_model(folder: Path) -> Path:
    """Write the file of that model and return its path."""
    path = folder / "tone.npz"
    path.write_bytes(encode(*tone_weights()))
    return path
