"""What style-transfer reads and writes besides its options: pictures, masks, previews, the loss log, the result."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dltools.commands._batch import read_bytes
from dltools.commands._boundary import Context
from dltools.commands._render import PaintProgress
from dltools.commands._stops import stops_between_steps
from dltools.errors import InputError, OutputError, UsageError
from dltools.io.images import SUFFIXES, Pixels, decode_layers, encode_image
from dltools.io.outputs import OutputFolder, atomic_write
from dltools.io.records import Record, encode_ndjson

if TYPE_CHECKING:
    from dltools.models.style.painting import Painting, Progress
    from dltools.models.style.pictures import Size

STDOUT = "-"


def read_layers(path: str) -> tuple[Pixels, Pixels | None]:
    """Return a picture's pixels and its opacity; ``-`` is standard input. Raise :class:`InputError` that names it."""
    data = read_bytes(path)
    try:
        return decode_layers(data)
    except InputError as error:
        raise InputError(f"{path}: {error}", code=error.code) from error


def fitted(opacity: Pixels | None, size: Size) -> Pixels | None:
    """Return a picture's opacity at ``size``."""
    from dltools.models.style import pictures

    if opacity is None:
        return None
    return pictures.to_pixels(pictures.resize(pictures.to_floats(opacity)[..., None], size)[..., 0])


def read_masks(paths: Sequence[str], size: Size) -> list[Pixels]:
    """Return the pixels of masks for a picture of ``size``; raise :class:`InputError` that names the one at fault."""
    from dltools.models.style.pictures import read_mask

    masks = []
    for path in paths:
        pixels, _ = read_layers(path)
        try:
            read_mask(pixels, size)
        except InputError as error:
            raise InputError(f"{path}: {error}", code=error.code) from error
        masks.append(pixels)
    return masks


def result_suffix(out: str, output_format: str | None, inputs: Sequence[str]) -> str:
    """Return what the result's format is called as a file's end.

    Raise :class:`UsageError` where that is no format, :class:`OutputError` where the result would replace an input.
    """
    if out == STDOUT:
        if sys.stdout.isatty():
            raise UsageError("standard output is a terminal, which shows no pictures: redirect it, or give -o FILE")
        return f".{output_format or 'png'}"
    if any(os.path.exists(path) and os.path.exists(out) and os.path.samefile(path, out) for path in inputs):
        raise OutputError(f"{out}: the result would overwrite the input itself", code="exists")
    suffix = f".{output_format}" if output_format else os.path.splitext(out)[1].lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{out}: its name must end in {', '.join(SUFFIXES)}, or --output-format says what it is")
    return suffix


@contextlib.contextmanager
def open_result(context: Context, out: str, suffix: str) -> Iterator[Callable[[Pixels, Pixels | None], None]]:
    """Give a function that writes the result; a file that cannot be written is found before the work, not after it."""
    if out == STDOUT:
        yield lambda pixels, opacity: context.write(encode_image(pixels, suffix, opacity))
        return
    with atomic_write(Path(out), force=context.settings.force) as stream:

        def write(pixels: Pixels, opacity: Pixels | None) -> None:
            stream.write(encode_image(pixels, suffix, opacity))

        yield write


class Previews:
    """Pictures of the work, one every so many steps, in a folder."""

    def __init__(self, folder: str, every: int, stem: str, steps: int, *, force: bool) -> None:
        """Reserve the names of all pictures; raise :class:`OutputError` where one is taken."""
        self._folder = OutputFolder(Path(folder), force=force)
        self._targets = {
            step: self._folder.reserve(f"{stem}-{step:05d}", ".jpg") for step in range(every, steps + 1, every)
        }

    def __call__(self, painting: Painting, step: int) -> None:
        """Write the picture of a step, if it is one that is asked for."""
        if step in self._targets:
            target = self._targets[step]
            self._folder.write(target, encode_image(painting.pixels(), target.suffix))


@contextlib.contextmanager
def watching(
    context: Context, painting: Painting, previews: Previews | None, loss_log: str | None
) -> Iterator[Callable[[Progress], None]]:
    """Give what is called after each step: it shows the progress, and writes previews and the loss log.

    It stops the work where an interrupt came during the step.
    """
    with contextlib.ExitStack() as stack:
        bar = stack.enter_context(PaintProgress(context))
        log = stack.enter_context(atomic_write(Path(loss_log), force=context.settings.force)) if loss_log else None
        stop = stack.enter_context(stops_between_steps())

        def watch(made: Progress) -> None:
            bar(made.share, f"{made.size.columns} x {made.size.rows}, cost {made.costs.total:.4f}")
            if log is not None:
                log.write(encode_ndjson(_row(made)))
            if previews is not None:
                previews(painting, made.total)
            stop()

        yield watch


def _row(made: Progress) -> Record:
    return {
        "step": made.total,
        "level": made.level,
        "width": made.size.columns,
        "height": made.size.rows,
        "iteration": made.step,
        "cost": round(made.costs.total, 6),
        "content": round(made.costs.content, 6),
        "style": round(made.costs.style, 6),
        "tv": round(made.costs.variation, 6),
        "seconds": round(made.seconds, 3),
    }
