"""Labelled pictures of a folder: a sub-folder for each class, or such folders in ``train/``, ``val/`` and ``test/``.

Out: squares (pictures, size, size, 3), uint8, on disk where they are many, class numbers, and marks of likeness.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError, OutputError
from dltools.io.images import Pixels, decode_image
from dltools.io.inputs import read_file
from dltools.models.classify.config import Preparation
from dltools.models.classify.likeness import Likeness, Mark, mark_of
from dltools.models.classify.prepare import square
from dltools.models.nn.pictures import image_files

#: Decoded squares that take more bytes than this lie in a temporary file, which batches are read from.
MOST_IN_MEMORY = 1 << 28

_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("val", "valid", "validation"), ("test", "testing")

#: Told of a picture that cannot be read: its path, and why.
Failed = Callable[[str, InputError], None]
Numbers = npt.NDArray[np.int64]


class Listed(NamedTuple):
    """Files and their classes' names; ``held``: which of them the folder itself keeps for validation, if it does."""

    paths: list[Path]
    labels: list[str]
    held: list[bool] | None


class Pictures(NamedTuple):
    """Squares (pictures, size, size, 3), class numbers (pictures,), what tells near-duplicates, and their paths."""

    squares: Pixels
    targets: Numbers
    likeness: Likeness
    paths: tuple[Path, ...]
    held: npt.NDArray[np.bool_] | None


def list_folder(folder: Path, *, measure: bool = False) -> Listed:
    """Return the files of a folder by class; raise :class:`InputError` where it has no sub-folders of pictures.

    ``measure``: those to measure a model with, in ``test/`` or else ``val/`` where there are such; else to learn from.
    """
    names = _folders(folder)
    train, held, test = (
        next((folder / name for name in names if name.lower() in known), None) for known in (_TRAIN, _VALIDATION, _TEST)
    )
    apart = test or held
    if train is None or apart is None:
        parts = [(folder, False)]
    elif measure:
        parts = [(apart, False)]
    else:
        parts = [(train, False), *([(held, True)] if held is not None else [])]
    found = [(path, name, kept) for part, kept in parts for name in _folders(part) for path in image_files(part / name)]
    if not found:
        raise InputError(f"{folder}: no pictures in sub-folders, one for each class", code="no_pictures")
    paths, labels, kept = (list(each) for each in zip(*found, strict=True))
    return Listed(paths, labels, kept if len(parts) > 1 else None)


def _folders(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and not entry.name.startswith("."))
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({(error.strerror or str(error)).lower()})") from error


def read_pictures(
    listed: Listed,
    classes: Sequence[str],
    preparation: Preparation,
    failed: Failed,
    progress: Callable[[int, int], None] | None = None,
) -> Pictures:
    """Return the pictures as squares; one that cannot be read is told to ``failed`` and left out.

    Raise :class:`InputError` where none remains.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    shape = (len(listed.paths), preparation.size, preparation.size, 3)
    squares = _room(shape)
    kept: list[int] = []
    marks: list[Mark] = []
    for at, path in enumerate(listed.paths):
        try:
            pixels = decode_image(read_file(str(path)))
            squares[len(kept)] = square(pixels, preparation)
        except InputError as error:
            failed(str(path), error)
            continue
        marks.append(mark_of(pixels))
        kept.append(at)
        if progress is not None:
            progress(at + 1, len(listed.paths))
    if not kept:
        raise InputError("none of the pictures can be read", code="no_pictures")
    targets = np.array([numbers[listed.labels[at]] for at in kept], np.int64)
    held = None if listed.held is None else np.array([listed.held[at] for at in kept])
    paths = tuple(listed.paths[at] for at in kept)
    return Pictures(squares[: len(kept)], targets, Likeness.of(marks), paths, held)


def _room(shape: tuple[int, ...]) -> Pixels:
    if np.prod(shape, dtype=np.int64) <= MOST_IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:  # unnamed, and gone when the array goes
        try:  # what is mapped and finds no room on the disk later would end the process
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, int(np.prod(shape, dtype=np.int64)))
        except OSError as error:
            raise OutputError(f"{tempfile.gettempdir()}: no room for the pictures ({error.strerror})") from error
        return np.memmap(file, np.uint8, "w+", shape=shape)


def folds(targets: Numbers, groups: Numbers, count: int, random: np.random.Generator) -> Numbers:
    """Return for each picture the number of its fold, 0 to ``count`` - 1, alike in classes; a group stays together."""
    result = np.zeros(len(targets), np.int64)
    filled = np.zeros((count, int(targets.max()) + 1), np.int64)
    order = random.permutation(int(groups.max()) + 1)
    members: list[list[int]] = [[] for _ in order]
    for at, group in enumerate(groups.tolist()):
        members[group].append(at)
    for group in sorted(order.tolist(), key=lambda each: -len(members[each])):
        own = targets[members[group]]
        fold = int(filled[:, own[0]].argmin())
        result[members[group]] = fold
        np.add.at(filled[fold], own, 1)
    return result
