"""What trigger-detect makes of a recording while it goes by: records of events, and the files asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from dltools.io.audio import encode_wav, resampled, to_mono
from dltools.io.records import Record

if TYPE_CHECKING:
    import numpy.typing as npt

    from dltools.io.audio import Sound
    from dltools.io.inputs import Item
    from dltools.io.outputs import OutputFolder
    from dltools.models.trigger.events import Event
    from dltools.models.trigger.infer import Listener, TriggerDetector

_AROUND = 0.3  # seconds of sound kept on both sides of an event


class Keeper:
    """Feeds a recording to a listener, and keeps of it what the files asked for need: all of it, or nothing."""

    def __init__(
        self,
        item: Item,
        detector: TriggerDetector,
        sound: Sound,
        chimed: OutputFolder | None,
        hits: OutputFolder | None,
        plots: OutputFolder | None,
    ) -> None:
        self._item, self._detector, self._sound = item, detector, sound
        self._chimed, self._hits, self._plots = chimed, hits, plots
        stem = item.stem if item.path != "-" else "stdin"
        self._stem = stem
        # Reserved before the work, so that nothing is computed for a file that must stay.
        self._chime_path = chimed.reserve(stem, ".wav", source=item.path) if chimed else None
        self._plot_path = plots.reserve(stem, ".png", source=item.path) if plots else None
        self._blocks: list[npt.NDArray[np.float32]] = []
        self._scores: list[npt.NDArray[np.float32]] = []
        self._seconds = 0.0

    def steps(self, listener: Listener) -> Iterator[tuple[list[Event], list[Event]]]:
        """Yield the events that begin and that end with each block, until the sound is over."""
        keep = any(folder is not None for folder in (self._chimed, self._hits, self._plots))
        self._seconds = listener.seconds

        def mono() -> Iterator[npt.NDArray[np.float32]]:
            for block in self._sound.blocks():
                if keep:
                    self._blocks.append(block)
                yield to_mono(block)

        for block in resampled(mono(), self._sound.rate, self._detector.rate):
            scores, begun, ended = listener.push(block)
            if self._plots:
                self._scores.append(scores)
            yield begun, ended
        scores, begun, ended = listener.finish()
        if self._plots:
            self._scores.append(scores)
        yield begun, ended

    def item(self, event: Event) -> Record:
        """Return an event as a finding."""
        return {
            "label": self._detector.config.label,
            "start": round(event.start, 2),
            "end": round(event.end, 2),
            "score": round(event.score, 4),
        }

    def finish(self, found: list[Event], items: list[Record]) -> Record:
        """Write the files asked for, note those of events in ``items``, and return the keys that tell of the others."""
        sound = np.concatenate(self._blocks) if self._blocks else np.zeros((0, 1), np.float32)
        if self._hits:
            for number, (event, finding) in enumerate(zip(found, items, strict=True)):
                target = self._hits.reserve(f"{self._stem}-{number}", ".wav", source=self._item.path)
                first = max(0, int((event.start - _AROUND) * self._sound.rate))
                self._hits.write(target, self._wav(sound[first : int((event.end + _AROUND) * self._sound.rate)]))
                finding["output"] = str(target)
        if self._plots and self._plot_path:
            from dltools.io.images import encode_image
            from dltools.io.spectrograms import spectrogram_chart

            picture = spectrogram_chart(
                to_mono(sound) if len(sound) else np.zeros(0, np.float32),
                self._sound.rate,
                np.concatenate(self._scores),
                self._seconds,
                [(event.start, event.end) for event in found],
            )
            self._plots.write(self._plot_path, encode_image(picture, ".png"))
        if self._chimed and self._chime_path:
            self._chimed.write(self._chime_path, self._wav(self._with_chimes(sound, found)))
            return {"output": str(self._chime_path)}
        return {"output": str(self._plot_path)} if self._plot_path else {}

    def _with_chimes(self, sound: npt.NDArray[np.float32], found: list[Event]) -> npt.NDArray[np.float32]:
        from dltools.models.trigger.chime import chime

        bell = chime(self._sound.rate)[:, None]
        starts = [int(event.heard * self._sound.rate) for event in found]
        length = max([len(sound), *(start + len(bell) for start in starts)])
        made = np.zeros((length, sound.shape[1]), np.float32)
        made[: len(sound)] = sound
        for start in starts:
            made[start : start + len(bell)] += bell
        return made

    def _wav(self, samples: npt.NDArray[np.float32]) -> bytes:
        buffer = io.BytesIO()
        encode_wav(np.clip(samples, -1, 1), self._sound.rate, buffer)
        return buffer.getvalue()
