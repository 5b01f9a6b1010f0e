"""The part of the cache for files that the toolkit makes itself, once, from what it was given or has fetched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dltools.errors import OutputError
from dltools.runtime.assets import Notify, cache_dir


def converted_path(name: str) -> Path:
    """Return where the converted file ``name`` lies, or will lie."""
    return cache_dir() / "converted" / name


@contextlib.contextmanager
def write_converted(target: Path, what: str, notify: Notify | None) -> Iterator[BinaryIO]:
    """Open a file of :func:`converted_path` that appears whole or not at all, over another process's.

    ``notify`` is told that ``what`` is converted, once it is clear that there is a place for it.
    Raise :class:`OutputError`, with what to do about it, where the cache cannot be written.
    """
    from dltools.io.outputs import atomic_write, make_folder

    try:
        make_folder(target.parent)
        with atomic_write(target, force=True) as stream:
            if notify is not None:
                notify(f"converting {what}, once")
            yield stream
    except OutputError as error:
        raise OutputError(f"{error}; set DLTOOLS_CACHE to a folder that can be written", code=error.code) from error
