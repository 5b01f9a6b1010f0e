"""Training examples: ten seconds of sound with the word, other words, speech, music and noise mixed in, or with none.

In: the recordings of :mod:`dltools.models.trigger.material`, 16 kHz. Out: samples (count,) of an example, and the
sample at which each utterance of the word ends, be it to be heard or drowned in what is behind it. Before the ten
seconds goes a lead, which nothing is learned from: else all that features do at the beginning of a sound would tell the
mixed from the plain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.trigger import augment
from dltools.models.trigger.config import Floats
from dltools.models.trigger.material import Clip, Hard, Material, Place, drawn
from dltools.models.trigger.vocoder import vocoder

RATE = augment.RATE
SECONDS = 10
LEAD = round(1.2 * RATE)  # samples; the speech embedding looks back 0.76 s
LENGTH = LEAD + SECONDS * RATE
_GAP = 0.12  # seconds, the least between two utterances
_SHORTEST = 0.15  # seconds of a word that can lose its last sound
_BIT = (0.25, 1.2)  # seconds of a recording that stand for another word, at least and at most
_QUIETEST, _LOUDEST = -5.0, 30.0  # decibels of the words over what is behind them
_DROWNED = 0.0  # decibels over what is behind it while it is said, below which no network is to hear a word
_MOST_PLAYED = 1.25  # samples of a recording to one of an example; a throat plays it up to e^0.2 times as fast
_BEFORE, _ON, _AFTER = 0.28, 0.24, 0.5  # seconds before the end of the word, behind it, and behind that


class Example(NamedTuple):
    """Samples (count,), and where utterances of the word end, in samples: those to be heard, and those drowned."""

    samples: Floats
    ends: tuple[int, ...]
    drowned: tuple[int, ...] = ()


def mixed(material: Material, random: np.random.Generator, hard: Hard) -> Example:
    """Return an example: a background, and some words over it, each with its own throat, room and loudness.

    What is ``hard`` comes more often.
    """
    behind = _background(material.backgrounds, random, hard.places)
    words, said = _words(material, random, hard.words)
    ratio = random.uniform(_QUIETEST, _LOUDEST)
    if ratio < 3 and random.random() < 0.4:
        ratio += 10  # the faintest are rarer
    if words.any():
        behind = behind * np.float32(10 ** (-ratio / 20))
    heard: list[int] = []
    drowned: list[int] = []
    for start, end in said:
        over = 20 * np.log10(augment.loudness(words[start:end]) / augment.loudness(behind[start:end]))
        (drowned if over < _DROWNED else heard).append(end)
    return Example(_recorded(words + behind, random), tuple(heard), tuple(drowned))


def plain(recordings: Sequence[Clip], random: np.random.Generator) -> Example:
    """Return an example of a recording without a word, as if made elsewhere."""
    made = _crop(recordings, random, round(_MOST_PLAYED * LENGTH))
    if random.random() < 0.7:
        made = augment.throat(made, random)
    made = made[:LENGTH]
    if random.random() < 0.4:
        made = augment.microphone(made, random)
    if random.random() < 0.3:
        made = augment.room(made, random)[:LENGTH]
    if random.random() < 0.2:
        noise = augment.noise(LENGTH, random) * np.float32(random.uniform(0, 0.5))
        made = made / augment.loudness(made) + noise
    return Example(_recorded(made, random), ())


def _recorded(samples: Floats, random: np.random.Generator) -> Floats:
    """Return a sound (count,) as it is recorded; at times the recording begins within the lead."""
    if random.random() < 0.25:
        samples = augment.microphone(samples, random)
    if random.random() < 0.12:
        samples = augment.codec(samples, random)
    samples = augment.line(samples, random)
    if random.random() < 0.25:
        samples[: int(random.uniform(0, LEAD))] = 0
    return samples


def _words(
    material: Material, random: np.random.Generator, hard: Sequence[int]
) -> tuple[Floats, list[tuple[int, int]]]:
    """Return samples (count,) of words, and where in them the word begins and ends."""
    words = np.zeros(LENGTH + RATE, np.float32)
    said: list[tuple[int, int]] = []
    # Words come one after the other, or after so much else that hearing none for long says nothing of what comes.
    latest, pauses = (2.5, (0.0, 0.3, 1.0, 2.0)) if random.random() < 0.5 else (8.5, (0.3, 3.0, 6.0))
    at = LEAD + int(random.uniform(0, latest) * RATE)
    share = random.choice([0.0, 0.45, 0.6])  # of the words, those that are the word
    while True:
        wanted = bool(random.random() < share)
        if wanted:
            spoken = drawn(material.positives, random).samples
        elif random.random() < 0.3:
            spoken = _bit(material.backgrounds, random)
        else:
            other = (
                material.negatives[drawn(hard, random)]
                if hard and random.random() < 0.5
                else drawn(material.negatives, random)
            )
            spoken = other.samples
        if random.random() < 0.45:
            spoken = vocoder(spoken, random)
        if wanted and len(spoken) > _SHORTEST * RATE and random.random() < 0.1:
            spoken = spoken[: -int(random.uniform(0.03, 0.1) * RATE)]  # many do not release a last t
        if random.random() < 0.7:
            spoken = augment.throat(spoken, random)
        length = len(spoken)
        if at + length > LENGTH - RATE // 3:
            return words[:LENGTH], said
        if random.random() < 0.7:
            spoken = augment.microphone(spoken, random)
        if random.random() < 0.6:
            spoken = augment.room(spoken, random)
        level = 10 ** (random.uniform(-6, 6) / 20) / augment.loudness(spoken[:length])
        spoken = spoken[: len(words) - at] * np.float32(level)
        words[at : at + len(spoken)] += spoken
        if wanted:
            said.append((at, at + length))
        at += length + int((_GAP + random.choice(pauses) * random.random()) * RATE)


def _bit(recordings: Sequence[Clip], random: np.random.Generator) -> Floats:
    """Return a bit of a recording, faded in and out: another word by a real voice, or a sound."""
    crop = _crop(recordings, random)
    length = int(random.uniform(*_BIT) * RATE)
    powers = np.add.reduceat(crop**2, range(0, LENGTH, length))
    start = min(int(powers.argmax()) * length, LENGTH - length)  # the loudest, for most of speech is pauses
    ramp = np.minimum(1, np.arange(1, length + 1, dtype=np.float32) / (0.02 * RATE))
    return np.asarray(crop[start : start + length] * ramp * ramp[::-1], np.float32)


def _background(recordings: Sequence[Clip], random: np.random.Generator, hard: Sequence[Place]) -> Floats:
    kind = random.random()
    if hard and kind < 0.3:
        place = drawn(hard, random)
        made = _around(recordings[place.recording].samples, int(place.second * RATE))
    elif kind < 0.8:
        made = _crop(recordings, random)
        if random.random() < 0.3:
            made = made / augment.loudness(made) + augment.noise(LENGTH, random) * np.float32(random.uniform(0, 0.6))
    elif kind < 0.96:
        made = augment.noise(LENGTH, random)
    else:
        return np.zeros(LENGTH, np.float32)
    return np.asarray(made / augment.loudness(made), np.float32)


def _crop(recordings: Sequence[Clip], random: np.random.Generator, length: int = LENGTH) -> Floats:
    """Return a part (length,) of any recording."""
    lengths = np.array([len(recording.samples) for recording in recordings], float)
    chosen = recordings[random.choice(len(recordings), p=lengths / lengths.sum())].samples
    if len(chosen) <= length:
        return np.resize(chosen, length)
    start = random.integers(len(chosen) - length)
    return chosen[start : start + length]


def _around(samples: Floats, middle: int) -> Floats:
    start = max(0, min(middle - LENGTH // 2, len(samples) - LENGTH))
    return np.resize(samples[start : start + LENGTH], LENGTH)


def targets(example: Example, steps: int) -> npt.NDArray[np.float32]:
    """Return what a network is to say at each of the ``steps`` steps of an example: 1 right behind the word, else 0.

    Just before and after that, and where the word is drowned, it may say what it likes, which is -1: what cannot be
    heard would else be what it tries hardest to learn, at the price of hearing the word in speech alone.
    """
    hop = len(example.samples) / steps
    before, on, after = (round(seconds * RATE / hop) for seconds in (_BEFORE, _ON, _AFTER))
    wanted = np.zeros(steps, np.float32)
    for end in (*example.ends, *example.drowned):
        first = int(end / hop)
        wanted[max(0, first - before) : first + on + after] = -1
    for end in example.ends:
        first = int(end / hop)
        wanted[first : first + on] = 1
    return wanted
