"""The files that trigger-detect makes of a recording while it goes by: with chimes, of each event, and as a picture."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dltools.io.audio import BLOCK, resampled, to_mono
from dltools.io.recordings import Mixer, Tail, WavWriter
from dltools.io.records import Record

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from dltools.io.audio import Sound
    from dltools.io.inputs import Item
    from dltools.io.outputs import OutputFolder
    from dltools.io.spectrograms import SpectrogramChart
    from dltools.models.trigger.events import Event
    from dltools.models.trigger.infer import Listener, TriggerDetector

_AROUND = 0.3  # seconds of sound kept on both sides of an event
_LATE = 2.0  # seconds that an event is known behind its start, at the most, beside the word's own length and delay


class Files:
    """Feeds a recording to a listener, and what passes by to the files asked for."""

    def __init__(
        self,
        stack: contextlib.ExitStack,
        item: Item,
        sound: Sound,
        detector: TriggerDetector,
        listener: Listener,
        chimed: OutputFolder | None,
        hits: OutputFolder | None,
        plots: OutputFolder | None,
    ) -> None:
        """Begin; ``stack`` closes what is open when the recording ends, and drops it if that ends in an error."""
        stem = item.stem if item.path != "-" else "stdin"
        self._sound, self._detector, self._listener = sound, detector, listener
        frames = BLOCK + int((_LATE + detector.config.length + detector.config.delay) * sound.rate)
        self._outputs: list[_Chimed | _Hits | _Plot] = []
        # Names are reserved before the work, so that nothing is computed for a file that must stay.
        if plots:
            self._outputs.append(_Plot(plots, stem, item, sound))
        if hits:
            self._outputs.append(_Hits(hits, stem, item, sound, frames))
        if chimed:
            self._outputs.append(_Chimed(stack, chimed, stem, item, sound, frames))

    def steps(self) -> Iterator[tuple[list[Event], list[Event]]]:
        """Yield the events that begin and that end with each block, until the sound is over."""
        for block in resampled(self._mono(), self._sound.rate, self._detector.rate):
            yield self._told(*self._listener.push(block))
        yield self._told(*self._listener.finish())

    def finish(self, items: list[Record]) -> Record:
        """Complete the files, note those of events in ``items``, and return the keys that tell of the others."""
        keys: Record = {}
        for output in self._outputs:
            keys.update(output.finish(items, self._listener.seconds))
        return keys

    def _mono(self) -> Iterator[npt.NDArray[np.float32]]:
        for block in self._sound.blocks():
            for output in self._outputs:
                output.push(block)
            yield to_mono(block)

    def _told(
        self, scores: npt.NDArray[np.float32], begun: list[Event], ended: list[Event]
    ) -> tuple[list[Event], list[Event]]:
        for output in self._outputs:
            output.heard(scores, begun)
        return begun, ended


class _Chimed:
    """The recording, with a chime after each event."""

    def __init__(
        self, stack: contextlib.ExitStack, folder: OutputFolder, stem: str, item: Item, sound: Sound, frames: int
    ) -> None:
        from dltools.models.trigger.chime import chime

        self._rate = sound.rate
        self._target = folder.reserve(stem, ".wav", source=item.path)
        stream = stack.enter_context(folder.open(self._target))
        writer = stack.enter_context(WavWriter(stream, sound.rate, sound.channels))
        self._mixer = Mixer(writer, frames, sound.channels)
        self._bell = chime(sound.rate)

    def push(self, block: npt.NDArray[np.float32]) -> None:
        self._mixer.push(block)

    def heard(self, _scores: npt.NDArray[np.float32], begun: list[Event]) -> None:
        for event in begun:
            self._mixer.add(int(event.heard * self._rate), self._bell)

    def finish(self, _items: list[Record], _seconds: float) -> Record:
        self._mixer.finish()
        return {"output": str(self._target)}


class _Hits:
    """The sound of each event."""

    def __init__(self, folder: OutputFolder, stem: str, item: Item, sound: Sound, frames: int) -> None:
        self._folder, self._stem, self._item, self._sound = folder, stem, item, sound
        self._tail = Tail(frames, sound.channels)
        self._waiting: list[tuple[Path, int, int]] = []
        self._targets: list[Path] = []

    def push(self, block: npt.NDArray[np.float32]) -> None:
        self._tail.push(block)
        self._write(self._tail.end)

    def heard(self, _scores: npt.NDArray[np.float32], begun: list[Event]) -> None:
        for event in begun:
            target = self._folder.reserve(f"{self._stem}-{len(self._targets)}", ".wav", source=self._item.path)
            bounds = (event.start - _AROUND, event.end + _AROUND)
            first, last = (max(0, int(seconds * self._sound.rate)) for seconds in bounds)
            self._targets.append(target)
            self._waiting.append((target, first, last))

    def finish(self, items: list[Record], _seconds: float) -> Record:
        self._write(None)
        for finding, target in zip(items, self._targets, strict=True):
            finding["output"] = str(target)
        return {}

    def _write(self, end: int | None) -> None:
        """Write the events whose sound has come whole: up to frame ``end``, or all of them."""
        while self._waiting and (end is None or self._waiting[0][2] <= end):
            target, first, last = self._waiting.pop(0)
            with (
                self._folder.open(target) as stream,
                WavWriter(stream, self._sound.rate, self._sound.channels) as writer,
            ):
                writer.write(self._tail.cut(first, last))


class _Plot:
    """The scores below the spectrogram."""

    def __init__(self, folder: OutputFolder, stem: str, item: Item, sound: Sound) -> None:
        from dltools.io.spectrograms import SpectrogramChart

        self._folder = folder
        self._target = folder.reserve(stem, ".png", source=item.path)
        self._chart: SpectrogramChart = SpectrogramChart(sound.rate)
        self._found: list[tuple[float, float]] = []

    def push(self, block: npt.NDArray[np.float32]) -> None:
        self._chart.push(to_mono(block))

    def heard(self, scores: npt.NDArray[np.float32], begun: list[Event]) -> None:
        self._chart.push_scores(scores)
        self._found += [(event.start, event.end) for event in begun]

    def finish(self, _items: list[Record], seconds: float) -> Record:
        from dltools.io.images import encode_image

        self._folder.write(self._target, encode_image(self._chart.draw(seconds, self._found), ".png"))
        return {"output": str(self._target)}
