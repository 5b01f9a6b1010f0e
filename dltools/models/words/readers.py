"""Read word vectors in the formats that they are published in, a block at a time.

GloVe text (Pennington et al. 2014), word2vec text and binary (Mikolov et al. 2013), fastText ``.vec`` (Bojanowski et
al. 2016, the text format of word2vec), NumPy ``.npz``, and winkNLP's JSON. Every reader yields blocks: words, and
their vectors float32 (words, dimensions); it raises :class:`InputError` that says where the file goes wrong.
"""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.runtime.npz import Header, array_members
from dltools.runtime.npz import read_header as read_array_header

Floats = npt.NDArray[np.float32]
Block = tuple[list[str], Floats]

_CHUNK = 1 << 22  # bytes read at once
_ROWS = 8192  # rows of a block where the format knows its rows
_LONGEST_LINE = 1 << 22
_LONGEST_HEAD = 1 << 26  # of winkNLP's file: the list of all words
_LONGEST_WORD = 1 << 16
_MOST_DIMENSIONS = 1 << 16


class Reader(Protocol):
    """What the readers need of a file."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none only at the end."""


class Shape(NamedTuple):
    """What the first line of a word2vec file says: how many words, of how many numbers."""

    rows: int
    dimensions: int


def read_header(line: bytes) -> Shape | None:
    """Return the sizes in a word2vec header line, or None for any other line."""
    match = re.fullmatch(rb"\s*(\d{1,12})[ \t]+(\d{1,6})\s*", line)
    if match is None:
        return None
    shape = Shape(int(match[1]), int(match[2]))
    return shape if shape.rows and 0 < shape.dimensions <= _MOST_DIMENSIONS else None


def is_text_row(line: bytes, dimensions: int) -> bool:
    """Return whether ``line`` is a word and ``dimensions`` numbers in text."""
    parts = _fields(line, dimensions)
    return len(parts) == dimensions + 1 and _floats(parts[1], dimensions) is not None and _all_floats(parts[1:])


def count_numbers(line: bytes) -> int:
    """Return how many numbers follow the word in a text line."""
    fields = line.replace(b"\t", b" ").rstrip(b" \r\n").split(b" ")[1:]
    count = 0
    for field in reversed(fields):
        if _floats(field, 1) is None:
            break
        count += 1
    return count


def _fields(line: bytes, dimensions: int) -> list[bytes]:
    # From the right: a word may hold spaces, numbers never do.
    return line.replace(b"\t", b" ").rstrip(b" \r").rsplit(b" ", dimensions)


def _floats(text: bytes, count: int) -> Floats | None:
    """Return ``count`` finite numbers that stand in ``text`` with spaces between, or None if anything else does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # NumPy's way to say that it stopped before the end
        try:
            numbers: Floats = np.fromstring(text, np.float32, sep=" ")
        except ValueError:
            return None
    return numbers if len(numbers) == count and np.isfinite(numbers).all() else None


def _all_floats(fields: Sequence[bytes]) -> bool:
    return all(_floats(field, 1) is not None for field in fields)


def read_text(stream: Reader, dimensions: int, *, first_line: int, rows: int | None) -> Iterator[Block]:
    """Yield the rows of a text file from line ``first_line`` on; ``rows``: how many its header promises."""
    number, done, blank, rest = first_line, 0, 0, b""
    while True:
        chunk = stream.read(_CHUNK)
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LONGEST_LINE:
            raise InputError(f"line {number + len(lines)}: no end of line within {_LONGEST_LINE} bytes")
        if not chunk and rest:
            lines, rest = [*lines, rest], b""
        ends = len(lines)
        while ends and not lines[ends - 1].strip():
            ends -= 1
        if ends and blank:  # such lines are well only at the end
            raise InputError(f"line {number}: not a word and {dimensions} numbers ({_excerpt(b'')})")
        if ends:
            yield _text_block(lines[:ends], dimensions, number)
            number += ends
            done += ends
        blank += len(lines) - ends
        if not chunk:
            break
    if rows is not None and done != rows:
        what = "cut short" if done < rows else "too long"
        raise InputError(f"line {number - 1}: {what}: {done:,} words where the header says {rows:,}")


def _text_block(lines: list[bytes], dimensions: int, number: int) -> Block:
    parts = [_fields(line, dimensions) for line in lines]
    try:
        numbers = [b" ".join(fields[1:]) for fields in parts]
        if min(map(len, parts)) == dimensions + 1:
            values = _floats(b" ".join(numbers), len(lines) * dimensions)
            if values is not None and all(fields[0] for fields in parts):
                words = [fields[0].decode("utf-8", "replace") for fields in parts]
                return words, values.reshape(len(lines), dimensions)
    except MemoryError as error:
        raise InputError(f"line {number}: not enough memory") from error
    for at, fields in enumerate(parts, number):
        if len(fields) != dimensions + 1 or not fields[0] or not _all_floats(fields[1:]):
            raise InputError(f"line {at}: not a word and {dimensions} numbers ({_excerpt(lines[at - number])})")
    raise InputError(f"line {number}: not words and numbers")


def _excerpt(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return repr(text if len(text) <= 40 else text[:37] + "...")


def read_binary(stream: Reader, shape: Shape) -> Iterator[Block]:
    """Yield the rows of a word2vec binary file behind its header: a word, a space, little-endian float32 numbers."""
    width = 4 * shape.dimensions
    data, at, done = b"", 0, 0
    words: list[str] = []
    vectors: list[bytes] = []
    while done < shape.rows:
        end = data.find(b" ", at)
        if end < 0 or len(data) < end + 1 + width:
            if end < 0 and len(data) - at > _LONGEST_WORD:
                raise InputError(f"word {done + 1}: longer than {_LONGEST_WORD} bytes; not a word2vec binary file")
            chunk = stream.read(max(_CHUNK, width))
            if not chunk:
                raise InputError(f"word {done + 1}: cut short: the header says {shape.rows:,} words")
            data, at = data[at:] + chunk, 0
            continue
        words.append(data[at:end].lstrip(b"\r\n").decode("utf-8", "replace"))
        vectors.append(data[end + 1 : end + 1 + width])
        at = end + 1 + width
        done += 1
        if len(words) == _ROWS or done == shape.rows:
            values = np.frombuffer(b"".join(vectors), "<f4").reshape(len(words), shape.dimensions)
            finite = np.isfinite(values).all(axis=1)
            if not finite.all():
                raise InputError(f"word {done - len(words) + int(np.argmin(finite)) + 1}: a number that is not finite")
            yield words, values
            words, vectors = [], []


def read_npz(archive: zipfile.ZipFile) -> Iterator[Block]:
    """Yield the rows of an ``.npz`` file with one array of words (rows,) and one of floats (rows, dimensions)."""
    members = {info.filename: _array_header(archive, info) for info in _array_members(archive)}
    texts = [name for name, header in members.items() if len(header.shape) == 1 and header.dtype.kind in "US"]
    tables = [name for name, header in members.items() if len(header.shape) == 2 and header.dtype.kind == "f"]
    if len(texts) != 1 or len(tables) != 1:
        raise InputError("not one array of words and one two-dimensional array of floats (object arrays are not read)")
    (rows,), text_kind, _ = members[texts[0]]
    shape, float_kind, by_columns = members[tables[0]]
    if shape[0] != rows or by_columns or shape[1] < 1:
        raise InputError(f"{rows} words do not fit a table of {shape[0]} x {shape[1]}" + " by columns" * by_columns)
    if text_kind.itemsize > _LONGEST_WORD * 4 or shape[1] > _MOST_DIMENSIONS:
        raise InputError(f"words or vectors that are too long ({text_kind}, {shape[1]} numbers)")
    each = max(1, min(_ROWS, _CHUNK * 4 // max(text_kind.itemsize, shape[1] * float_kind.itemsize)))
    with archive.open(texts[0]) as words, archive.open(tables[0]) as table:
        read_array_header(words, archive.getinfo(texts[0]).file_size)
        read_array_header(table, archive.getinfo(tables[0]).file_size)
        for start in range(0, rows, each):
            count = min(each, rows - start)
            names = np.frombuffer(_exactly(words, count * text_kind.itemsize), text_kind)
            numbers = np.frombuffer(_exactly(table, count * shape[1] * float_kind.itemsize), float_kind)
            values = numbers.reshape(count, shape[1]).astype(np.float32)
            if not np.isfinite(values).all():
                raise InputError(f"row {start + int(np.argmin(np.isfinite(values).all(axis=1)))}: a number not finite")
            yield _decoded(names, start), values


def _array_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    try:
        return array_members(archive)
    except ValueError as error:
        raise InputError(str(error)) from error


def _array_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Header:
    try:
        with archive.open(info) as stream:
            return read_array_header(stream, info.file_size)
    except ValueError as error:
        raise InputError(f"{info.filename}: {error}") from error


def _decoded(names: npt.NDArray[Any], start: int) -> list[str]:
    """Return an array of words as text, from row ``start`` of the file."""
    try:
        return [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in names.tolist()]
    except (ValueError, SystemError) as error:  # a number in it that is no character
        raise InputError(f"row {start}: not text") from error


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise InputError("cut short")
    return data


def read_wink(stream: Reader) -> Iterator[Block]:
    """Yield the rows of winkNLP's JSON: ``"vectors": {word: [numbers..., length, number of the word]}``."""
    head = b""
    while (at := head.find(b'"vectors":{"')) < 0:
        chunk = stream.read(_CHUNK)
        if not chunk or len(head) > _LONGEST_HEAD:
            raise InputError("not winkNLP's word vectors (no vectors inside)")
        head += chunk
    sizes = {key.decode(): int(value) for key, value in re.findall(rb'"(size|dimensions)":(\d{1,9})', head[:200])}
    if sizes.keys() != {"size", "dimensions"} or not 0 < sizes["dimensions"] <= _MOST_DIMENSIONS:
        raise InputError("not winkNLP's word vectors (no sizes inside)")
    rest, done, ended = head[at + len(b'"vectors":{"') :], 0, False
    while not ended:
        chunk = stream.read(_CHUNK)
        # Inside a word a quotation mark is escaped, so this can only be the end of one entry and the start of the next.
        entries = (rest + chunk).split(b'],"')
        rest = entries.pop()
        if len(rest) > _LONGEST_LINE:
            raise InputError(f"damaged behind word {done:,}")
        if not chunk:
            entries.append(rest.partition(b']},"unkVector"')[0])
            ended = True
        if entries:
            yield _wink_block(entries, sizes["dimensions"], done)
            done += len(entries)
    if done != sizes["size"]:
        raise InputError(f"cut short: {done:,} words of {sizes['size']:,}")


def _wink_block(entries: list[bytes], dimensions: int, done: int) -> Block:
    words, numbers = [], []
    for entry in entries:
        word, _, values = entry.rpartition(b'":[')
        try:
            words.append(json.loads(b'"' + word + b'"') if b"\\" in word else word.decode("utf-8"))
        except ValueError as error:
            raise InputError(f"damaged behind word {done + len(words):,}") from error
        numbers.append(values)
    table = _floats(b",".join(numbers).replace(b",", b" "), len(entries) * (dimensions + 2))
    if table is None:
        raise InputError(f"damaged behind word {done:,}")
    return words, table.reshape(len(entries), dimensions + 2)[:, :dimensions]
