"""Write the word-vector files that :mod:`dltools.runtime.vectors` maps, as the vectors come, in bounded memory.

Only the words, their hashes and offsets, and a few numbers a row are held until the end: some 30 bytes a word.
"""

from __future__ import annotations

import json
import os
import zlib
from array import array
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.runtime.vectors import HEADER_BYTES, MAGIC, SECTIONS, DType, Floats

_ALIGNMENT = 64
_LOAD = 0.75  # of the hash table at most: a lookup then looks at two or three neighbouring slots
_COPY_ROWS = 1 << 14


class VectorWriter:
    """Writes rows to ``stream``, an empty seekable file, in the order in which they come."""

    def __init__(self, stream: BinaryIO, dimensions: int, *, name: str, dtype: DType = "float32") -> None:
        self._stream = stream
        self.dimensions = dimensions
        self._name = name
        self._dtype: DType = dtype
        self._norms = array("f")
        self._scales = array("f")
        self._hashes = array("I")
        self._offsets = array("I", [0])
        self._strings = bytearray()
        stream.write(bytes(HEADER_BYTES))

    @property
    def rows(self) -> int:
        """How many rows were appended so far."""
        return len(self._norms)

    def append(self, words: Sequence[str], vectors: npt.NDArray[np.floating]) -> None:
        """Append ``words`` and their finite ``vectors`` (words, dimensions).

        Raise :class:`InputError` for a length that no float32 can hold.
        """
        exact = vectors.astype(np.float64)
        norms = np.linalg.norm(exact, axis=1)
        if not (norms <= np.finfo(np.float32).max).all():
            raise InputError("a vector is too long for a float to say how long")
        unit = exact / np.where(norms > 0, norms, 1)[:, None]
        stored, scales = _quantize(unit, self._dtype)
        self._stream.write(stored.tobytes())
        self._norms.frombytes(norms.astype(np.float32).tobytes())
        self._scales.frombytes(scales.tobytes())
        for word in words:
            key = word.encode("utf-8", "surrogatepass")
            self._hashes.append(zlib.crc32(key))
            self._strings += key
            self._offsets.append(len(self._strings))

    def finish(self) -> int:
        """Write all but the matrix, and the header; return how many repeated words were dropped.

        Of a word that was appended more than once the first vector counts, as in other readers.
        """
        hashes = np.frombuffer(self._hashes, np.uint32)
        offsets = np.frombuffer(self._offsets, np.uint32)
        strings = bytes(self._strings)
        kept = _first_of_each(hashes, offsets, strings)
        norms, scales = np.frombuffer(self._norms, np.float32), np.frombuffer(self._scales, np.float32)
        dropped = int((~kept).sum())
        if dropped:
            self._compact(kept)
            lengths = np.diff(offsets)
            spans = zip(offsets[:-1][kept].tolist(), offsets[1:][kept].tolist(), strict=True)
            strings = b"".join(strings[first:last] for first, last in spans)
            offsets = np.concatenate([np.zeros(1, np.uint32), np.cumsum(lengths[kept], dtype=np.uint32)])
            hashes, norms, scales = hashes[kept], norms[kept], scales[kept]
        rows = len(norms)
        parts = {
            "norms": norms.tobytes(),
            "scales": b"" if self._dtype == "float32" else scales.tobytes(),
            "offsets": offsets.tobytes(),
            "strings": strings,
            "table": _hash_table(hashes).tobytes(),
        }
        width = np.dtype(self._dtype).itemsize * self.dimensions
        sections = {"matrix": (HEADER_BYTES, rows * width)}
        end = HEADER_BYTES + rows * width
        for name in SECTIONS[1:]:
            start = -(-end // _ALIGNMENT) * _ALIGNMENT
            self._stream.seek(start)
            self._stream.write(parts[name])
            sections[name] = (start, len(parts[name]))
            end = start + len(parts[name])
        self._stream.truncate(end)
        header = {"name": self._name, "rows": rows, "dimensions": self.dimensions, "dtype": self._dtype}
        text = json.dumps({**header, "bytes": end, "sections": sections}).encode("ascii")
        self._stream.seek(0)
        self._stream.write(MAGIC + len(text).to_bytes(4, "little") + text)
        self._stream.flush()
        return dropped

    def _compact(self, kept: npt.NDArray[np.bool_]) -> None:
        """Move the kept rows of the matrix up over the others."""
        self._stream.flush()
        width = np.dtype(self._dtype).itemsize * self.dimensions
        target = HEADER_BYTES
        with open(self._stream.name, "rb") as source:
            source.seek(HEADER_BYTES)
            for start in range(0, len(kept), _COPY_ROWS):
                chosen = kept[start : start + _COPY_ROWS]
                block = np.frombuffer(source.read(len(chosen) * width), np.uint8).reshape(len(chosen), width)[chosen]
                self._stream.seek(target)
                self._stream.write(block.tobytes())
                self._stream.flush()
                target += block.size
        os.ftruncate(self._stream.fileno(), target)


def _quantize(unit: npt.NDArray[np.float64], dtype: DType) -> tuple[npt.NDArray[np.generic], Floats]:
    """Return rows in ``dtype``, and for each the number that makes it a unit vector again."""
    stored: npt.NDArray[np.generic]
    if dtype == "int8":
        largest = np.abs(unit).max(axis=1, initial=0.0)
        stored = np.rint(unit * (127 / np.where(largest > 0, largest, 1))[:, None]).astype(np.int8)
    else:
        stored = unit.astype(np.dtype(dtype))
    norms = np.linalg.norm(stored.astype(np.float64), axis=1)
    return stored, (1 / np.where(norms > 0, norms, 1)).astype(np.float32)


def _first_of_each(
    hashes: npt.NDArray[np.uint32], offsets: npt.NDArray[np.uint32], strings: bytes
) -> npt.NDArray[np.bool_]:
    """Return which rows hold a word that no row before them holds: (rows,) bool."""
    kept = np.ones(len(hashes), np.bool_)
    order = np.argsort(hashes, kind="stable")
    inside = np.zeros(len(hashes) + 1, np.bool_)
    inside[1:-1] = hashes[order][1:] == hashes[order][:-1]  # whether a hash equals the one before it
    suspects: dict[bytes, int] = {}
    for place in np.flatnonzero(inside[1:] | inside[:-1]).tolist():
        row = int(order[place])
        word = strings[offsets[row] : offsets[row + 1]]
        kept[row] = suspects.setdefault(word, row) == row
    return kept


def _hash_table(hashes: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint32]:
    """Return the open-addressing table (slots, 2) of hash and row + 1, all rows placed a step at a time together."""
    slots = 8
    while slots * _LOAD < len(hashes):
        slots *= 2
    table = np.zeros((slots, 2), np.uint32)
    waiting = np.arange(len(hashes))
    place = hashes.astype(np.int64) & (slots - 1)
    while len(waiting):
        free = table[place, 1] == 0
        table[place[free][::-1], 1] = waiting[free][::-1] + 1  # of several for one slot the first row gets it
        left = table[place, 1] != waiting + 1
        waiting, place = waiting[left], (place[left] + 1) & (slots - 1)
    taken = table[:, 1] > 0
    table[taken, 0] = hashes[table[taken, 1].astype(np.int64) - 1]
    return table
