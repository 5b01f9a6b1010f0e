"""Word vectors in one memory-mapped file: opened in constant time, looked up in a few pages, searched exactly.

The layout, all numbers little-endian: the magic bytes, the length of a JSON header, the header, then from byte
:data:`HEADER_BYTES` on the sections that it lists. ``matrix``: one unit vector a row, words in order of frequency,
as float32, or as float16 or int8 with ``scales``, a float32 for each row that gives it unit length again. ``norms``:
float32, the lengths before. ``offsets``: uint32 (rows + 1) into ``strings``, the words in UTF-8. ``table``: uint32
(slots, 2), an open-addressing hash table of CRC-32 and row + 1, 0 for a free slot.
:mod:`dltools.runtime.vectorfile` writes such files.
"""

from __future__ import annotations

import itertools
import mmap
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError
from dltools.io.jsontext import read_json

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
DType = Literal["float32", "float16", "int8"]
#: Turns scores (queries, block) of all search vectors into (results, block), where a result needs several of them.
Combine = Callable[[Floats], Floats]

MAGIC = b"dltvec\x00\x01"
HEADER_BYTES = 4096
SECTIONS = ("matrix", "norms", "scales", "offsets", "strings", "table")
#: Floats of each temporary array of a search: 32 MiB. The three or four at work bound its memory.
_BLOCK_FLOATS = 1 << 23
#: Search vectors that are compared with a block at once.
_QUERY_BLOCK = 1024


class Found(NamedTuple):
    """What a search found: ``rows`` and ``scores`` (queries, count), best first; row -1 where there are no more."""

    rows: Rows
    scores: Floats


class VectorStore:
    """An open file of word vectors; rows are numbered in order of frequency."""

    def __init__(self, path: Path, header: dict[str, Any], data: mmap.mmap) -> None:
        self.path = path
        self.name = str(header["name"])
        self.rows = int(header["rows"])
        self.dimensions = int(header["dimensions"])
        self.dtype: DType = header["dtype"]
        at = {name: (int(header["sections"][name][0]), int(header["sections"][name][1])) for name in SECTIONS}
        self._check({name: size for name, (_, size) in at.items()})
        whole = memoryview(data)

        def section(name: str) -> memoryview:
            first, length = at[name]
            if not HEADER_BYTES <= first <= first + length <= len(data):
                raise ValueError("a section that is not in the file")
            return whole[first : first + length]

        shape = (self.rows, self.dimensions)
        self._matrix = np.frombuffer(section("matrix"), np.dtype(self.dtype)).reshape(shape)
        self._norms: Floats = np.frombuffer(section("norms"), np.float32)
        self._scales: Floats | None = None if self.dtype == "float32" else np.frombuffer(section("scales"), np.float32)
        self._strings = section("strings")
        self._offsets = section("offsets").cast("I")
        self._table = section("table").cast("I")
        self._mask = len(self._table) // 2 - 1

    def _check(self, sizes: dict[str, int]) -> None:
        """Raise ``ValueError`` unless the sections have the sizes, in bytes, that the header's numbers give them."""
        widths = {"float32": 4, "float16": 2, "int8": 1}  # KeyError: a damaged header, as whatever else is wrong in it
        expected = {
            "matrix": self.rows * self.dimensions * widths[self.dtype],
            "norms": 4 * self.rows,
            "scales": 0 if self.dtype == "float32" else 4 * self.rows,
            "offsets": 4 * (self.rows + 1),
        }
        slots, left = divmod(sizes["table"], 8)
        if self.rows < 1 or self.dimensions < 1 or left or slots < 1 or slots & (slots - 1):
            raise ValueError("sizes that cannot be")
        if any(sizes[name] != size for name, size in expected.items()):
            raise ValueError("sizes that do not fit each other")

    @classmethod
    def open(cls, path: Path) -> VectorStore:
        """Map the file ``path``; raise :class:`ModelFileError` where it is missing, cut short, or no such file."""
        try:
            with path.open("rb") as stream:
                head = stream.read(HEADER_BYTES)
                if not head.startswith(MAGIC):
                    raise ModelFileError(
                        f"{path}: not a file of word vectors of this toolkit ('wordvec import' makes one)"
                    )
                length = int.from_bytes(head[8:12], "little")
                header = read_json(head[12 : 12 + length])
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            if len(data) != header["bytes"]:
                raise ModelFileError(f"{path}: cut short ({len(data):,} bytes, not {header['bytes']:,})")
            return cls(path, header, data)
        except FileNotFoundError as error:
            raise ModelFileError(f"{path}: no such file") from error
        except OSError as error:
            raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelFileError(f"{path}: a damaged file of word vectors") from error

    def __len__(self) -> int:
        return self.rows

    def row(self, word: str) -> int | None:
        """Return the row of exactly ``word``, or None."""
        key = word.encode("utf-8", "surrogatepass")
        code = zlib.crc32(key)
        table, slot = self._table, code & self._mask
        for _ in range(self._mask + 1):
            entry = table[2 * slot + 1]
            if entry == 0:
                return None
            if table[2 * slot] == code and entry <= self.rows and self._string(entry - 1) == key:
                return entry - 1
            slot = (slot + 1) & self._mask
        return None

    def resolve(self, word: str) -> int | None:
        """Return the row of ``word`` as it stands, else in lower case, else in title case; None without any."""
        row = self.row(word)
        if row is not None:
            return row
        for other in dict.fromkeys((word.lower(), word.title())):
            if other != word and (row := self.row(other)) is not None:
                return row
        return None

    def word(self, row: int) -> str:
        """Return the word of a row."""
        return bytes(self._string(row)).decode("utf-8", "replace")

    def words(self, start: int = 0, stop: int | None = None) -> list[str]:
        """Return the words of the rows from ``start`` to before ``stop`` (default: all), which reads their strings."""
        stop = self.rows if stop is None else min(stop, self.rows)
        offsets = self._offsets[start : stop + 1].tolist()
        strings = bytes(self._strings[offsets[0] : offsets[-1]])
        return [
            strings[first - offsets[0] : last - offsets[0]].decode("utf-8", "replace")
            for first, last in itertools.pairwise(offsets)
        ]

    def _string(self, row: int) -> memoryview:
        return self._strings[self._offsets[row] : self._offsets[row + 1]]

    def unit(self, rows: Sequence[int] | Rows) -> Floats:
        """Return the unit vectors of ``rows``: float32 (rows, dimensions)."""
        picked = np.asarray(rows, np.int64)
        vectors: Floats = self._matrix[picked].astype(np.float32)
        if self._scales is not None:
            vectors *= self._scales[picked][:, None]
        return self._finite(vectors)

    def norms(self, rows: Sequence[int] | Rows) -> Floats:
        """Return the lengths that the vectors of ``rows`` had in their source: float32 (rows,)."""
        return self._finite(self._norms[np.asarray(rows, np.int64)])

    def raw(self, rows: Sequence[int] | Rows) -> Floats:
        """Return the vectors of ``rows`` with the lengths that they had in their source: float32 (rows, dimensions)."""
        vectors: Floats = self.unit(rows) * self.norms(rows)[:, None]
        return self._finite(vectors)

    def _finite(self, values: Floats) -> Floats:
        if not np.isfinite(values).all():  # not looked for when the file is opened, which reads none of them
            raise ModelFileError(f"{self.path}: a damaged file of word vectors (numbers that are not finite)")
        return values

    def blocks(self, size: int | None = None) -> Iterator[tuple[int, Floats]]:
        """Yield (first row, unit vectors (block, dimensions)) over all rows, at most ``size`` at once."""
        step = size or max(1, _BLOCK_FLOATS // self.dimensions)
        for start in range(0, self.rows, step):
            yield start, self.unit(np.arange(start, min(start + step, self.rows)))

    def search(self, queries: Floats, count: int, *, combine: Combine | None = None, factor: int = 1) -> Found:
        """Return the ``count`` rows of highest score for each result, exactly; ties in order of frequency.

        ``queries`` (queries, dimensions) are compared by their dot products, so by cosine if they are unit vectors.
        ``combine`` gets the scores (queries, block) of ``factor`` successive queries for each result and returns
        those of the results (queries / factor, block). Memory stays within some 150 MiB whatever the sizes.
        """
        step = max(1, _QUERY_BLOCK // factor) * factor
        parts = [self._search(queries[at : at + step], count, combine, factor) for at in range(0, len(queries), step)]
        if not parts:
            return Found(np.empty((0, count), np.int64), np.empty((0, count), np.float32))
        return Found(np.concatenate([part.rows for part in parts]), np.concatenate([part.scores for part in parts]))

    def _search(self, queries: Floats, count: int, combine: Combine | None, factor: int) -> Found:
        """Search one block of the vectors after another, looking only at scores above the worst one kept so far."""
        results = len(queries) // factor
        best = Found(np.full((results, count), -1, np.int64), np.full((results, count), -np.inf, np.float32))
        converted = self.dtype != "float32"
        step = max(count, _BLOCK_FLOATS // max(len(queries), self.dimensions if converted else 1), 1)
        buffer = np.empty(len(queries) * min(step, self.rows), np.float32)  # fresh memory for each block costs as much
        for start in range(0, self.rows, step):
            block = self._matrix[start : start + step]
            if len(queries) == 1 and not converted:
                scores: Floats = (block @ queries[0])[None]  # (1, block)
            else:
                room = buffer[: len(queries) * len(block)].reshape(len(queries), len(block))
                scores = np.matmul(queries, block.astype(np.float32, copy=False).T, out=room)  # (queries, block)
            if self._scales is not None:
                scores *= self._scales[start : start + step]
            if combine is not None:
                scores = combine(scores)  # (results, block)
            best = _merge(best, scores, start)
        self._finite(best.scores[best.rows >= 0])
        return best


def _merge(best: Found, scores: Floats, start: int) -> Found:
    """Return the best of what was found and of the ``scores`` (results, block) of the rows from ``start`` on."""
    results, count = best.scores.shape
    block = scores.shape[1]
    if start == 0 and block > count:
        enough = np.partition(scores, block - count, axis=1)[:, block - count, None]
        hits = scores >= enough
    else:
        hits = scores > best.scores[:, -1:]
    query, column = np.divmod(np.flatnonzero(hits), block)  # far faster than nonzero of two dimensions
    if not len(query):
        return best
    values = scores[query, column]
    order = np.lexsort((-values, query))  # by query, then best first; stable, so ties keep their rows' order
    query, column, values = query[order], column[order], values[order]
    rank = np.arange(len(query)) - np.searchsorted(query, np.arange(results))[query]
    kept = rank < count
    query, rank = query[kept], rank[kept]
    new = Found(np.full((results, count), -1, np.int64), np.full((results, count), -np.inf, np.float32))
    new.rows[query, rank] = column[kept] + start
    new.scores[query, rank] = values[kept]
    both = Found(np.concatenate([best.rows, new.rows], axis=1), np.concatenate([best.scores, new.scores], axis=1))
    chosen = np.argsort(-both.scores, axis=1, kind="stable")[:, :count]
    return Found(np.take_along_axis(both.rows, chosen, 1), np.take_along_axis(both.scores, chosen, 1))


def normalize(vectors: Floats) -> Floats:
    """Return ``vectors`` (..., dimensions) at unit length; zero vectors stay zero."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Floats = (vectors / np.where(norms > 0, norms, 1)).astype(np.float32)
    return unit


def embedded_vectors(name: str = "glove-50k") -> VectorStore:
    """Open word vectors that come with the package; raise :class:`MissingError` where the file is not there."""
    from dltools.runtime.assets import Registry, embedded_path

    path = embedded_path(Registry.load().model(name))
    if path is None:
        raise ModelFileError(f"{name} is not embedded")
    return VectorStore.open(path)
