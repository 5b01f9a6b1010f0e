"""Files that appear whole or not at all, in folders that nothing escapes from."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dltools.errors import OutputError

_STEM_LENGTH = 48  # characters kept of a name: file systems take 255 bytes, temporary and numbered names included
_UNSAFE = frozenset('/\\:*?"<>|\x7f')  # what some file system does not take inside a name


def _is_unsafe(character: str) -> bool:
    if "\ud800" <= character <= "\udfff":
        return not "\udc80" <= character <= "\udcff"  # these stand for bytes of a path that are not UTF-8
    return character in _UNSAFE or ord(character) < 32


@contextlib.contextmanager
def atomic_write(target: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """Open a file that takes the name ``target`` only when the block ends without an error.

    It is written beside its target under a temporary name, then renamed; on any error, an interrupt
    included, the temporary file is removed. An existing target is kept unless ``force``, also when it
    appears while we write. Raise :class:`OutputError` with the cause in words.
    """
    if not force and os.path.lexists(target):
        raise _exists(target)
    temporary = target.with_name(f".{target.name[:64]}.{os.urandom(6).hex()}.part")
    try:
        stream = open(temporary, "xb")  # noqa: SIM115 - closed below, before the rename
    except OSError as error:
        raise OutputError(f"{target}: cannot write ({_reason(error)})") from error
    try:
        with stream:
            yield stream
        if force:
            os.replace(temporary, target)
        else:
            _rename_new(temporary, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot write ({_reason(error)})") from error
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _rename_new(temporary: Path, target: Path) -> None:
    """Rename without ever replacing: a hard link fails where the name is taken, in one step."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise _exists(target) from None
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EACCES):
            raise
        if os.path.lexists(target):  # a file system without hard links: as close as it gets
            raise _exists(target) from None
        os.replace(temporary, target)


def _exists(target: Path) -> OutputError:
    return OutputError(f"{target}: exists already (--force overwrites it)", code="exists")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, unless it is there; raise :class:`OutputError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot make the folder ({_reason(error)})") from error


class OutputFolder:
    """A folder that a run fills with files named after its inputs; nothing is written outside of it.

    Two inputs of one name in a run are told apart by a number. The folder is made with the first file. Several threads
    may use it at once.
    """

    def __init__(self, folder: Path, *, force: bool = False) -> None:
        self.folder = folder
        self._force = force
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def reserve(self, stem: str, suffix: str, *, source: str | None = None) -> Path:
        """Return the path for an output called ``stem`` + ``suffix``, made safe as a file name.

        Raise :class:`OutputError` if it exists and must be kept, or if it is ``source``, the input itself.
        """
        stem = "".join("_" if _is_unsafe(character) else character for character in stem)
        stem = stem[:_STEM_LENGTH].lstrip(".") or "unnamed"
        number = 1
        with self._lock:
            while (candidate := stem + (f"-{number}" if number > 1 else "") + suffix) in self._used:
                number += 1
            self._used.add(candidate)
        target = self.folder / candidate
        if source is not None and os.path.exists(source) and target.exists() and os.path.samefile(source, target):
            raise OutputError("the result would overwrite the input itself: name another folder", code="exists")
        if not self._force and os.path.lexists(target):
            raise _exists(target)
        return target

    def write(self, target: Path, data: bytes) -> None:
        """Write a reserved file, whole or not at all."""
        with self.open(target) as stream:
            stream.write(data)

    @contextlib.contextmanager
    def open(self, target: Path) -> Iterator[BinaryIO]:
        """Open a reserved file, which is there when the block ends without an error."""
        make_folder(self.folder)
        with atomic_write(target, force=self._force) as stream:
            yield stream
