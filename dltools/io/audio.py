"""Sound: every format that libsndfile reads, and raw PCM, as blocks of one channel at the rate that a model hears.

In: a file, bytes, or a stream of bytes. Out: blocks (count,) float32 from -1 to 1, of bounded size, so that hours fit
into little memory. Rates are changed by SoX's resampler (soxr), as a stream.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError

Floats: TypeAlias = npt.NDArray[np.float32]
Read = Callable[[int], bytes]

#: Frames that are read together.
BLOCK = 1 << 16
_MOST_CHANNELS = 64
_LOUDEST = np.float32(1e6)  # of full scale: only floats, and damage, go so far
_RATES = range(100, 768_001)


class PcmFormat(NamedTuple):
    """How raw samples are written: NumPy's type, and what full scale is, and zero."""

    dtype: str
    scale: float
    middle: float
    bytes: int


#: The names that ``--raw`` takes: sign, bits, byte order.
PCM: dict[str, PcmFormat] = {
    "u8": PcmFormat("u1", 128.0, 128.0, 1),
    "s8": PcmFormat("i1", 128.0, 0.0, 1),
    "s16le": PcmFormat("<i2", 32768.0, 0.0, 2),
    "s16be": PcmFormat(">i2", 32768.0, 0.0, 2),
    "s24le": PcmFormat("<i4", 2147483648.0, 0.0, 3),
    "s24be": PcmFormat(">i4", 2147483648.0, 0.0, 3),
    "s32le": PcmFormat("<i4", 2147483648.0, 0.0, 4),
    "s32be": PcmFormat(">i4", 2147483648.0, 0.0, 4),
    "f32le": PcmFormat("<f4", 1.0, 0.0, 4),
    "f32be": PcmFormat(">f4", 1.0, 0.0, 4),
    "f64le": PcmFormat("<f8", 1.0, 0.0, 8),
    "f64be": PcmFormat(">f8", 1.0, 0.0, 8),
}


class Sound:
    """An opened recording: its ``rate`` in Hz, its number of ``channels``, and its blocks, once."""

    def __init__(self, rate: int, channels: int, blocks: Iterator[Floats]) -> None:
        self.rate = rate
        self.channels = channels
        self._blocks = blocks
        #: Frames that were handed out so far.
        self.frames = 0

    @property
    def seconds(self) -> float:
        """The length of what was handed out so far."""
        return self.frames / self.rate

    def blocks(self) -> Iterator[Floats]:
        """Yield blocks (frames, channels) at the recording's own rate; raise :class:`InputError` if it is damaged."""
        for block in self._blocks:
            # What is not a number, or becomes none when it is squared, would stay in every average and state from here.
            sane = np.abs(block) <= _LOUDEST  # not so where it is no number
            clean = block if sane.all() else np.where(sane, block, np.float32(0))
            self.frames += len(clean)
            yield clean

    def mono(self, rate: int) -> Iterator[Floats]:
        """Yield blocks (count,) of the channels' average at ``rate``."""
        return resampled((to_mono(block) for block in self.blocks()), self.rate, rate)


def to_mono(block: Floats) -> Floats:
    """Return the average of the channels of (frames, channels)."""
    return block[:, 0] if block.shape[1] == 1 else np.asarray(block.mean(axis=1), np.float32)


def resampled(blocks: Iterator[Floats], given: int, wanted: int) -> Iterator[Floats]:
    """Yield blocks (count,) at the rate ``wanted``; nothing is computed where the rates are one."""
    if given == wanted:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(given, wanted, 1, dtype="float32")
    for block in blocks:
        yield np.asarray(stream.resample_chunk(np.ascontiguousarray(block)), np.float32)
    yield np.asarray(stream.resample_chunk(np.zeros(0, np.float32), last=True), np.float32)


def open_sound_file(path: str) -> Sound:
    """Open a sound file where it lies, of any size; raise :class:`InputError`."""
    from dltools.io.inputs import open_file

    file = open_file(path)
    if not file.seekable():  # a pipe by a name
        with file:
            return open_sound_stream(file.read)
    return _opened(file)


def open_sound_stream(read: Callable[[int], bytes | None]) -> Sound:
    """Open a sound file that comes through a pipe; raise :class:`InputError`.

    It is put into a temporary file first, since few formats can be read without going back.
    """
    import tempfile

    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the sound
    try:
        while data := read(1 << 20):
            file.write(data)
    except OSError as error:
        file.close()
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"cannot be put into a temporary file ({reason})", code="unreadable") from error
    return _opened(file)


def _opened(file: Any) -> Sound:
    import soundfile

    if not file.seek(0, io.SEEK_END):
        file.close()
        raise InputError("is empty", code="empty")
    file.seek(0)
    try:
        sound = soundfile.SoundFile(file)
    except (soundfile.LibsndfileError, TypeError, ValueError) as error:
        file.close()
        raise InputError(f"not a sound file that can be read ({_reason(error)})", code="not_audio") from error
    if sound.samplerate not in _RATES or not 0 < sound.channels <= _MOST_CHANNELS:
        sound.close()
        raise InputError(f"{sound.channels} channels of {sound.samplerate} Hz cannot be", code="not_audio")
    return Sound(sound.samplerate, sound.channels, _blocks(sound, file))


def _blocks(sound: Any, file: Any) -> Iterator[Floats]:
    import soundfile

    with file, sound:
        while True:
            try:
                block = sound.read(BLOCK, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise InputError(f"damaged sound file ({_reason(error)})", code="damaged") from error
            if not len(block):
                return
            yield block


def _reason(error: Exception) -> str:
    text = str(getattr(error, "error_string", error)) or type(error).__name__
    return text.strip().rstrip(".").lower()


def raw_sound(read: Read, name: str, rate: int, channels: int) -> Sound:
    """Open a stream of raw samples that ``read`` hands out as they come; ``name``: one of :data:`PCM`.

    What ends in the midst of a frame loses that frame.
    """
    return Sound(rate, channels, _raw_blocks(read, PCM[name], channels))


def _raw_blocks(read: Read, form: PcmFormat, channels: int) -> Iterator[Floats]:
    size = form.bytes * channels
    rest = b""
    while data := read(BLOCK):
        data = rest + data
        whole = len(data) // size * size
        rest = data[whole:]
        if whole:
            yield _numbers(data[:whole], form).reshape(-1, channels)


def _numbers(data: bytes, form: PcmFormat) -> Floats:
    if form.bytes == 3:  # three bytes become the upper ones of four
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        if form.dtype.startswith(">"):
            wide = np.roll(wide, -1, axis=1)
        values = wide.reshape(-1).view(form.dtype)
    else:
        values = np.frombuffer(data, form.dtype)
    return ((values.astype(np.float64) - form.middle) / form.scale).astype(np.float32)


def read_audio(path: Path, rate: int) -> Floats:
    """Return a whole recording as one channel (count,) of ``rate``; raise :class:`InputError` with its name."""
    try:
        return np.concatenate([*open_sound_file(str(path)).mono(rate), np.zeros(0, np.float32)])
    except InputError as error:
        raise InputError(f"{path}: {error}", code=error.code) from error
