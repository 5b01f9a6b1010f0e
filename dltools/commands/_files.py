"""Files that a training writes beside its record: a model, and pictures of how it went."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from dltools.io.images import Pixels


class Files:
    """The files that a run writes when it is through: none is begun too late to be refused, none is left half done."""

    def __init__(self, stack: ExitStack, *, force: bool) -> None:
        self._stack, self._force = stack, force

    def open(self, path: str | None) -> BinaryIO | None:
        """Return where to write the file ``path``, or None; raise :class:`OutputError` where it must be kept."""
        from dltools.io.outputs import atomic_write

        return self._stack.enter_context(atomic_write(Path(path), force=self._force)) if path is not None else None


def picture_bytes(pixels: Pixels, path: str) -> bytes:
    """Return a picture encoded as JPEG where its file is called so, else as PNG."""
    from dltools.io.images import encode_image

    jpeg = path.lower().endswith((".jpg", ".jpeg"))
    return encode_image(pixels, ".jpg" if jpeg else ".png")
