"""Make a recording sound as if made elsewhere: other throats, rooms, microphones, lines, levels and noises.

In and out: samples (count,) float32, 16 kHz, from -1 to 1.
"""

from __future__ import annotations

import numpy as np

from dltools.models.trigger.config import Floats

RATE = 16000
#: Container, coding and rate of what recordings go through on their way.
_CODECS = (
    ("MP3", "MPEG_LAYER_III", RATE),
    ("OGG", "VORBIS", RATE),
    ("WAV", "IMA_ADPCM", RATE),
    ("WAV", "GSM610", 8000),
)
_TINY = np.float32(1e-9)


def throat(samples: Floats, random: np.random.Generator) -> Floats:
    """Play faster or slower by up to a fifth, which moves pitch and formants: as good as another speaker."""
    import soxr

    factor = float(np.exp(random.uniform(-0.2, 0.2)))
    return np.asarray(soxr.resample(samples, RATE, RATE * factor, quality="MQ"), np.float32)


def room(samples: Floats, random: np.random.Generator) -> Floats:
    """Say it in a room: noise that dies away in 0.1 to 0.9 s (60 dB) stands for its echoes."""
    decay = float(random.uniform(0.1, 0.9))
    length = int(min(decay, 0.6) * RATE)
    times = np.arange(length) / RATE
    echo = random.normal(size=length) * 10 ** (-3 * times / decay)
    echo[: int(random.uniform(0.001, 0.02) * RATE)] = 0  # before the first wall answers
    echo *= 10 ** (random.uniform(-18, 2) / 20) / (np.linalg.norm(echo) + _TINY)
    echo[0] = 1
    return _filtered(samples, echo.astype(np.float32), len(samples) + length // 2)


def microphone(samples: Floats, random: np.random.Generator) -> Floats:
    """Hear it through another microphone: a curve of up to 8 dB, at times the band of a telephone or of 8 kHz."""
    size = _quick(len(samples))
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    knots = np.linspace(0, RATE / 2, 8)
    decibels = np.interp(frequencies, knots, random.uniform(-8, 8, len(knots)) * random.uniform(0, 1))
    kind = random.random()
    if kind < 0.15:  # a line of 8 kHz
        decibels -= np.interp(frequencies, [3300, 4000], [0, 70])
    if kind < 0.08 or kind > 0.9:  # small loudspeakers and microphones have no bass
        low = random.uniform(80, 350)
        decibels -= np.interp(frequencies, [low / 2, low], [40, 0])
    spectrum = np.fft.rfft(samples, size) * 10 ** (decibels / 20)
    return np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32)


def line(samples: Floats, random: np.random.Generator) -> Floats:
    """Set the level, and at times what spoils a recording: clipping, few bits, companding, an offset."""
    level = 10 ** (random.uniform(-32, 0) / 20)
    samples = samples * np.float32(level / (np.abs(samples).max() + _TINY))
    kind = random.random()
    if kind < 0.08:
        samples = np.clip(samples, -level * 0.4, level * 0.4)
    elif kind < 0.16:  # mu-law, as telephones have it
        signs, sizes = np.sign(samples), np.log1p(255 * np.abs(samples)) / np.log(256)
        samples = (signs * ((256 ** (np.round(sizes * 127) / 127) - 1) / 255)).astype(np.float32)
    elif kind < 0.2:
        samples = np.round(samples * 127) / np.float32(127)
    if random.random() < 0.1:
        samples = samples + np.float32(random.uniform(-0.1, 0.1))
    return np.clip(samples, -1, 1).astype(np.float32)


def codec(samples: Floats, random: np.random.Generator) -> Floats:
    """Send it through a codec that loses something: MP3, Vorbis, ADPCM, or the GSM of telephones."""
    import io

    import soundfile
    import soxr

    container, subtype, rate = _CODECS[int(random.integers(len(_CODECS)))]
    given = samples if rate == RATE else soxr.resample(samples, RATE, rate)
    stream = io.BytesIO()
    quality = {"compression_level": float(random.uniform(0.3, 0.95))} if container in ("MP3", "OGG") else {}
    soundfile.write(stream, given, rate, format=container, subtype=subtype, **quality)
    stream.seek(0)
    heard = soundfile.read(stream, dtype="float32")[0]
    back = heard if rate == RATE else soxr.resample(heard, rate, RATE)
    return np.resize(np.asarray(back, np.float32), len(samples))


def noise(count: int, random: np.random.Generator) -> Floats:
    """Return a made noise: white, pink, brown or between, at times hum, at times coming and going; level 1."""
    size = _quick(max(2, count))
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    frequencies[0] = frequencies[1]
    spectrum = random.normal(size=len(frequencies)) + 1j * random.normal(size=len(frequencies))
    made = np.fft.irfft(spectrum * frequencies ** random.uniform(-1.2, 0.1), size)[:count]
    times = np.arange(count) / RATE
    if random.random() < 0.25:
        made *= 1 + random.uniform(0, 1) * np.sin(2 * np.pi * random.uniform(0.3, 12) * times + random.uniform(0, 6))
    made /= made.std() + _TINY
    if random.random() < 0.2:
        pitch = random.choice([50, 60, 100, 120, random.uniform(200, 3000)])
        made += random.uniform(0, 2) * np.sin(2 * np.pi * pitch * times)
    return np.asarray(made / (made.std() + _TINY), np.float32)


def loudness(samples: Floats) -> float:
    """Return the root of the mean square over the louder half of 20 ms frames, so that pauses do not count."""
    frames = samples[: len(samples) // 320 * 320].reshape(-1, 320)
    powers = np.sort((frames**2).mean(axis=1)) if len(frames) else np.array([(samples**2).mean()])
    return float(np.sqrt(powers[len(powers) // 2 :].mean()) + _TINY)


def _filtered(samples: Floats, response: Floats, length: int) -> Floats:
    size = _quick(len(samples) + len(response))
    spectrum = np.fft.rfft(samples, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[:length].astype(np.float32)


def _quick(count: int) -> int:
    """Return a length, at least ``count``, that is quick to transform: a power of two, or three quarters of one."""
    size = 1 << (count - 1).bit_length()
    return size // 4 * 3 if size // 4 * 3 >= count else size
