"""Near-duplicates among pictures: what one of them teaches must not be asked of the other.

A picture's mark is a "difference hash" of 64 bits (whether each of 8 x 8 places is darker than its right neighbour) and
a square of 16 x 16 grey values, free of brightness and contrast. Two pictures are near where their hashes differ in at
most three bits and their squares correlate by 0.98 or more: plain pictures, digits say, share hashes by the hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels
from dltools.models.classify.prepare import Floats, resized

Numbers = npt.NDArray[np.int64]

_HASH, _SIDE = 8, 16
_BANDS, _NEAR = 4, 3  # of four parts of two hashes that differ in at most three bits, one is the same
_BAND_BITS = 64 // _BANDS
_ALIKE = 0.98
_FLAT = 1.0  # grey levels of deviation: a picture of less is of one colour
#: Of pictures that share a part of their hash each is compared with so many others at least.
_LOOK_AHEAD = 256
_BITS = np.array([number.bit_count() for number in range(256)], np.uint8)


class Mark(NamedTuple):
    """What a picture is known by: its hash, and its grey square (256,), of mean 0 and length 1."""

    hash: int
    square: Floats


class Likeness(NamedTuple):
    """The marks of many pictures: hashes (pictures,) and squares (pictures, 256)."""

    hashes: npt.NDArray[np.uint64]
    squares: Floats

    @classmethod
    def of(cls, marks: Sequence[Mark]) -> Likeness:
        """Return the marks together."""
        return cls(np.array([mark.hash for mark in marks], np.uint64), np.stack([mark.square for mark in marks]))


def mark_of(pixels: Pixels) -> Mark:
    """Return the mark of a picture, RGB (rows, columns, 3)."""
    small = resized(pixels, _HASH + 1, _HASH, "box").astype(np.int64).sum(axis=2)  # (8, 9)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    grey = resized(pixels, _SIDE, _SIDE, "box").astype(np.float32).mean(axis=2).ravel()
    grey -= grey.mean()
    length = np.linalg.norm(grey)
    flat = length < _FLAT * _SIDE
    square = np.full(_SIDE**2, 1 / _SIDE, np.float32) if flat else grey / np.float32(length)
    return Mark(int.from_bytes(np.packbits(bits).tobytes(), "big"), square)


def groups_of(likeness: Likeness) -> Numbers:
    """Return a group's number for each picture (pictures,): near ones share a group, and those near to these."""
    parent = list(range(len(likeness.hashes)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for one, other in _near(likeness):
        parent[root(other)] = root(one)
    return np.unique([root(at) for at in range(len(parent))], return_inverse=True)[1].astype(np.int64)


def _near(likeness: Likeness) -> Iterator[tuple[int, int]]:
    """Yield pairs of near pictures, among those that share a part of their hash and do not lie far apart by it."""
    hashes, squares = likeness
    for band in range(_BANDS):
        parts = hashes >> np.uint64(_BAND_BITS * band) & np.uint64((1 << _BAND_BITS) - 1)
        order = np.lexsort((hashes, parts))
        for step in range(1, min(_LOOK_AHEAD, len(order) - 1) + 1):
            one, other = order[:-step], order[step:]
            shared = parts[one] == parts[other]
            if not shared.any():
                break
            one, other = one[shared], other[shared]
            differing = _BITS[(hashes[one] ^ hashes[other]).view(np.uint8)].reshape(-1, 8).sum(axis=1)
            one, other = one[differing <= _NEAR], other[differing <= _NEAR]
            alike = np.einsum("ij,ij->i", squares[one], squares[other]) >= _ALIKE
            yield from zip(one[alike].tolist(), other[alike].tolist(), strict=True)
