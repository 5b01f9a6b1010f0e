"""What training and evaluation listen to: folders of recordings, read whole, at the rate that a network hears.

Below a folder, every folder is a voice or a source, whose recordings stay together when some are held out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from dltools.errors import InputError
from dltools.io.audio import read_audio
from dltools.models.trigger.augment import RATE
from dltools.models.trigger.config import Floats

_SUFFIXES = {".flac", ".wav", ".ogg", ".oga", ".mp3", ".opus", ".aiff", ".aif", ".au", ".caf"}
Choice = TypeVar("Choice")
_FAINT = 1e-4  # of full scale: a recording below it is empty


class Clip(NamedTuple):
    """A recording: its samples (count,), and the voice or source that it belongs to."""

    samples: Floats
    voice: str


class Material(NamedTuple):
    """Utterances of the word, of other words, and long recordings without the word."""

    positives: list[Clip]
    negatives: list[Clip]
    backgrounds: list[Clip]


class Place(NamedTuple):
    """A second of a recording, by its number among the backgrounds, where the word is not and was heard."""

    recording: int
    second: float


class Hard(NamedTuple):
    """What a network wrongly heard the word in: places of the backgrounds, and numbers of other words."""

    places: Sequence[Place] = ()
    words: Sequence[int] = ()


def drawn(choices: Sequence[Choice], random: np.random.Generator) -> Choice:
    """Return any of ``choices``."""
    return choices[int(random.integers(len(choices)))]


def read_material(positives: Path, negatives: Path, backgrounds: Path, rate: int = RATE) -> Material:
    """Read three folders; raise :class:`InputError` where one is missing or empty, or a recording cannot be read."""
    return Material(*(read_clips(folder, rate) for folder in (positives, negatives, backgrounds)))


def read_clips(folder: Path, rate: int = RATE) -> list[Clip]:
    """Return all recordings below ``folder`` in the order of their paths, as one channel of ``rate``."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder", code="not_found")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    clips = [Clip(read_audio(path, rate), path.relative_to(folder).parts[0]) for path in paths]
    clips = [clip for clip in clips if len(clip.samples) and np.abs(clip.samples).max() > _FAINT]
    if not clips:
        raise InputError(f"{folder}: holds no recording", code="empty")
    return clips


def split(material: Material, share: float) -> tuple[Material, Material]:
    """Return what is learned from and what is held out: about ``share`` of the voices and of the sources.

    A voice's name, hashed, says which, so that it stays out whatever comes to the folders.
    """
    parts = [_split(clips, share) for clips in material]
    return Material(*(learned for learned, _ in parts)), Material(*(kept for _, kept in parts))


def _split(clips: Sequence[Clip], share: float) -> tuple[list[Clip], list[Clip]]:
    import hashlib

    voices = sorted({clip.voice for clip in clips}, key=lambda voice: hashlib.sha256(voice.encode()).digest())
    if len(voices) < 2:
        raise InputError("a single voice or source: some must be held out (each is a folder)", code="too_few")
    apart = set(voices[: max(1, round(share * len(voices)))])
    return [clip for clip in clips if clip.voice not in apart], [clip for clip in clips if clip.voice in apart]
