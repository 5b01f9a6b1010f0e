"""Sound that is kept for a while, or written, as it goes by, so that a recording of any length needs little memory.

In: blocks (frames, channels) float32 from -1 to 1.
"""

from __future__ import annotations

import collections
import wave
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from dltools.errors import OutputError
from dltools.io.audio import Floats

if TYPE_CHECKING:
    from typing_extensions import Self

_MOST_BYTES = 2**32 - 256  # of a WAV file's samples: its header counts in 32 bits


class WavWriter:
    """Writes a WAV file of 16 bits to a stream that can seek; what is louder than full scale is clipped."""

    def __init__(self, stream: BinaryIO, rate: int, channels: int) -> None:
        self._wav = wave.open(stream, "wb")  # noqa: SIM115 - closed when the block of the writer ends
        self._wav.setnchannels(channels)
        self._wav.setsampwidth(2)
        self._wav.setframerate(rate)
        self._left = _MOST_BYTES

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wav.close()

    def write(self, block: Floats) -> None:
        """Write frames; raise :class:`OutputError` where they are more than a WAV file holds."""
        data = np.round(np.clip(block, -1, 1) * np.float32(32767)).astype("<i2").tobytes()
        self._left -= len(data)
        if self._left < 0:
            raise OutputError("a WAV file holds no more than 4 GiB", code="too_large")
        self._wav.writeframesraw(data)


class Tail:
    """The last ``frames`` frames of what goes by, and up to a block more."""

    def __init__(self, frames: int, channels: int) -> None:
        self._frames = frames
        self._none = np.zeros((0, channels), np.float32)
        self._blocks: collections.deque[Floats] = collections.deque()
        #: The number of the first frame that is held, and that of the one to come.
        self.first = self.end = 0

    def push(self, block: Floats) -> Floats:
        """Take a block in; return the frames that are held no longer, perhaps none."""
        self._blocks.append(block)
        self.end += len(block)
        gone = [self._none]
        while self.end - self.first - len(self._blocks[0]) >= self._frames:
            gone.append(self._blocks.popleft())
            self.first += len(gone[-1])
        return np.concatenate(gone)

    def cut(self, first: int, last: int) -> Floats:
        """Return the frames from ``first`` to before ``last`` as far as they are held."""
        held = np.concatenate([self._none, *self._blocks])
        return held[max(0, first - self.first) : max(0, last - self.first)]


class Mixer:
    """Writes a recording with sounds added, each at or after a frame that :class:`Tail` still holds."""

    def __init__(self, writer: WavWriter, frames: int, channels: int) -> None:
        self._writer = writer
        self._tail = Tail(frames, channels)
        self._channels = channels
        self._added: list[tuple[int, Floats]] = []

    def push(self, block: Floats) -> None:
        """Take a block in; write what is held no longer."""
        first = self._tail.first
        self._write(first, self._tail.push(block))

    def add(self, first: int, samples: Floats) -> None:
        """Mix ``samples`` (count,) in from frame ``first`` on, on every channel."""
        self._added.append((first, samples))

    def finish(self) -> None:
        """Write what is left, and what was added beyond the end."""
        first = self._tail.first
        last = max([self._tail.end, *(start + len(samples) for start, samples in self._added)])
        silence = np.zeros((last - self._tail.end, self._channels), np.float32)
        self._write(first, np.concatenate([self._tail.cut(first, self._tail.end), silence]))

    def _write(self, first: int, block: Floats) -> None:
        last = first + len(block)
        for start, samples in self._added:
            piece = samples[max(0, first - start) : max(0, last - start)]
            at = max(0, start - first)
            block[at : at + len(piece)] += piece[:, None]
        self._added = [(start, samples) for start, samples in self._added if start + len(samples) > last]
        self._writer.write(block)
