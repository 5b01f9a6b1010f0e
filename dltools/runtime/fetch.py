"""Fetching a registered file into the cache: whole and verified, or not at all.

It follows Pooch (temporary file beside the target, strict checksum, then rename) and adds a lock, so that two
processes that want the same file download it once, and a work folder, so that a killed process leaves nothing
that could be mistaken for it. Nothing of the network is imported before something has to be downloaded.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from dltools.errors import DISK_FULL, MissingError
from dltools.runtime.assets import FileEntry, ModelEntry, PackageSource, Progress, UrlSource, cached_path, locate


def fetch(file: FileEntry, *, offline: bool = False, progress: Progress | None = None, timeout: float = 30.0) -> Path:
    """Return the path of ``file`` in the cache, fetched first if it is not there.

    ``progress`` is called with the file's name, the bytes so far and the bytes in all (None: not known); ``timeout`` is
    how long, in seconds, a server may stay silent. With ``offline``, or ``DLTOOLS_OFFLINE=1`` in the environment, the
    network is not touched. Raise :class:`MissingError`, one line, if the file cannot be had: offline, every
    source failed, no space, a cache folder that cannot be written, or no registered checksum.
    """
    return _fetch(file, file.name, offline, progress, timeout)


def fetch_model(
    model: ModelEntry, *, offline: bool = False, progress: Progress | None = None, timeout: float = 30.0
) -> dict[str, Path]:
    """Return role -> path for all files of ``model``, as :func:`fetch` does for one.

    A model with a file that has no registered checksum is refused before anything is downloaded.
    """
    unconfirmed = [file for file in model.files.values() if file.checksum is None]
    if unconfirmed:
        options = " ".join(f"--{role} FILE" for role in model.files)
        raise MissingError(f"{model.name}: {_unconfirmed(unconfirmed)}, and give all its files with {options}")
    return {role: _fetch(file, model.name, offline, progress, timeout) for role, file in model.files.items()}


def offline_requested() -> bool:
    """Return whether the environment forbids the network (``DLTOOLS_OFFLINE`` set, and not to 0)."""
    return os.environ.get("DLTOOLS_OFFLINE", "") not in ("", "0")


def _fetch(file: FileEntry, asked: str, offline: bool, progress: Progress | None, timeout: float) -> Path:
    """Do the work of :func:`fetch`; ``asked`` is the name, a model's or the file's, that the user knows."""
    found = locate(file)
    if found is not None:
        return found
    if file.checksum is None:
        raise MissingError(f"{file.name}: {_unconfirmed([file])}")
    target = cached_path(file)
    if offline or offline_requested():
        state = f"{target} is not the registered file" if target.exists() else "it is not in the cache"
        raise MissingError(
            f"{file.name}: {state} and the network is off; "
            f'get it with "dltools fetch {asked}" without --offline, or put it at {target} ({file.checksum})'
        )
    with _cache_failures(file, target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        from filelock import FileLock

        with FileLock(f"{target}.lock"):
            found = locate(file)  # another process may have fetched it while we waited
            return found if found is not None else _fetch_locked(file, target, progress, timeout)


def _fetch_locked(file: FileEntry, target: Path, progress: Progress | None, timeout: float) -> Path:
    from dltools.runtime.sources import SourceError, retrieve

    def report(done: int, total: int | None) -> None:
        if progress is not None:
            progress(file.name, done, total)

    failures = []
    for source in file.sources:
        with _work_folder(target.with_name(target.name + ".part")) as work:
            _demand_space(file, source, target.parent)
            try:
                verified = retrieve(source, file, work, report=report, timeout=timeout)
            except SourceError as error:
                failures.append(f"{source}: {error}")
                continue
            verified.replace(target)
        locate(file)  # writes the note that spares the next start the checksum
        return target
    raise MissingError(f"{file.name}: cannot be fetched ({'; '.join(failures)}); or put it at {target} yourself")


@contextlib.contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """Make the folder for what is not verified yet, without what a killed process left; remove it in any case."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _demand_space(file: FileEntry, source: UrlSource | PackageSource, folder: Path) -> None:
    needed = (file.size or 0) + (source.archive_size if isinstance(source, PackageSource) else 0)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MissingError(
            f"{file.name}: {folder} has no room: {_megabytes(needed)} needed, {_megabytes(free)} free; "
            "set DLTOOLS_CACHE to a folder with more"
        )


@contextlib.contextmanager
def _cache_failures(file: FileEntry, folder: Path) -> Iterator[None]:
    """Turn what the cache folder refuses into one line; what sources refuse never gets here as an OSError."""
    try:
        yield
    except (OSError, NotImplementedError) as error:  # the second: a file system without locks
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        size = f", {_megabytes(file.size)} needed" if getattr(error, "errno", None) in DISK_FULL and file.size else ""
        raise MissingError(
            f"{file.name}: cannot write in the cache folder {folder} ({reason}{size}); "
            "set DLTOOLS_CACHE to a folder that can be written"
        ) from error


def _unconfirmed(files: list[FileEntry]) -> str:
    """Say why files without a registered checksum are refused, and what the user can do."""
    names = ", ".join(file.name for file in files)
    places = " ".join(source.url for file in files for source in file.sources if isinstance(source, UrlSource))
    return f"{names} has no confirmed checksum, so dltools does not fetch it; download it yourself ({places})"


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"
