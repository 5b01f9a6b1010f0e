"""Labelled pictures of a folder: a sub-folder for each class, or such folders in ``train/``, ``val/`` and ``test/``.

Out: squares (pictures, size, size, 3), uint8, on disk where they are many, with class numbers and perceptual hashes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.io.images import Pixels, decode_image
from dltools.io.inputs import read_file
from dltools.models.classify.config import Preparation
from dltools.models.classify.prepare import resized, square
from dltools.models.nn.pictures import image_files

#: Decoded squares that take more bytes than this lie in a temporary file, which batches are read from.
MOST_IN_MEMORY = 1 << 28

_TRAIN, _VALIDATION, _TEST = ("train", "training"), ("val", "valid", "validation"), ("test", "testing")
_HASH = 8  # the hash compares 8 x 8 pairs of neighbours
_BANDS, _NEAR = 4, 3  # of four parts of two hashes that differ in at most three bits, one is the same

#: Told of a picture that cannot be read: its path, and why.
Failed = Callable[[str, InputError], None]
Numbers = npt.NDArray[np.int64]


class Listed(NamedTuple):
    """Files and their classes' names; ``held``: which of them the folder itself keeps for validation, if it does."""

    paths: list[Path]
    labels: list[str]
    held: list[bool] | None


class Pictures(NamedTuple):
    """Squares (pictures, size, size, 3), class numbers (pictures,), hashes (pictures,) and their paths."""

    squares: Pixels
    targets: Numbers
    hashes: npt.NDArray[np.uint64]
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
    hashes: list[int] = []
    for at, path in enumerate(listed.paths):
        try:
            pixels = decode_image(read_file(str(path)))
            squares[len(kept)] = square(pixels, preparation)
        except InputError as error:
            failed(str(path), error)
            continue
        hashes.append(perceptual_hash(pixels))
        kept.append(at)
        if progress is not None:
            progress(at + 1, len(listed.paths))
    if not kept:
        raise InputError("none of the pictures can be read", code="no_pictures")
    targets = np.array([numbers[listed.labels[at]] for at in kept], np.int64)
    held = None if listed.held is None else np.array([listed.held[at] for at in kept])
    paths = tuple(listed.paths[at] for at in kept)
    return Pictures(squares[: len(kept)], targets, np.array(hashes, np.uint64), paths, held)


def _room(shape: tuple[int, ...]) -> Pixels:
    if np.prod(shape, dtype=np.int64) <= MOST_IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:  # unnamed, and gone when the array goes
        return np.memmap(file, np.uint8, "w+", shape=shape)


def perceptual_hash(pixels: Pixels) -> int:
    """Return a picture's 64 bits of "difference hash", which near-duplicates share nearly all of."""
    small = resized(pixels, _HASH + 1, _HASH, "box").astype(np.int64).sum(axis=2)  # (8, 9)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def groups_of(hashes: npt.NDArray[np.uint64]) -> Numbers:
    """Return a group's number for each hash (pictures,): hashes that differ in at most three bits share a group."""
    parent = list(range(len(hashes)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one, other in _near(hashes.tolist()):
        parent[root(other)] = root(one)
    return np.unique([root(at) for at in range(len(hashes))], return_inverse=True)[1].astype(np.int64)


def _near(hashes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs of near hashes; of the many of one band each is compared with the distinct ones before it."""
    for band in range(_BANDS):
        seen: dict[int, dict[int, int]] = {}
        for at, value in enumerate(hashes):
            same = seen.setdefault(value >> (16 * band) & 0xFFFF, {})
            for other, first in same.items():
                if (value ^ other).bit_count() <= _NEAR:
                    yield first, at
            same.setdefault(value, at)


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
