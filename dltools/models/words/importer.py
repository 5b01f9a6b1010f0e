"""Bring published word vectors into the memory-mapped form of :mod:`dltools.runtime.vectors`, in bounded memory.

What a file is, is read off its first bytes: gzip, ZIP (``.npz``, or an archive of text files), winkNLP's JSON, a
word2vec or fastText header of two numbers, else GloVe text. Rows are taken to stand in order of frequency, as in all
of these they do.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import struct
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from dltools.errors import InputError, UsageError
from dltools.models.words import readers
from dltools.models.words.readers import Block
from dltools.runtime.assets import Progress
from dltools.runtime.vectorfile import VectorWriter
from dltools.runtime.vectors import DType

_SNIFF = 1 << 17
_ZIP_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)  # LZMA may ask for gigabytes
_PACKINGS = 3  # of one inside another: a file can be its own unpacked content
#: What zipfile, gzip and their decoders raise for damaged bytes; NotImplementedError and RuntimeError for odd archives.
_DAMAGE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError, struct.error)


class Imported(NamedTuple):
    """What an import wrote: how many words of how many dimensions, and how many repeated words it left out."""

    rows: int
    dimensions: int
    repeated: int


def import_vectors(
    source: Path,
    stream: BinaryIO,
    *,
    name: str | None = None,
    dtype: DType = "float32",
    limit: int | None = None,
    member: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read ``source`` and write the file that :class:`VectorStore` maps to ``stream``, empty and seekable.

    ``limit``: only so many words, from the first. ``member``: the file inside a ZIP archive. Raise :class:`UsageError`
    where the file cannot be read or the archive has several, :class:`InputError` with the line or word that is wrong.
    """
    writer: VectorWriter | None = None
    try:
        with contextlib.closing(read_vectors(source, member=member, progress=progress)) as blocks:
            for words, vectors in blocks:
                if writer is None:
                    writer = VectorWriter(stream, vectors.shape[1], name=name or source.name, dtype=dtype)
                left = len(words) if limit is None else limit - writer.rows
                writer.append(words[:left], vectors[:left])
                if limit is not None and writer.rows >= limit:
                    break
    except InputError as error:
        raise InputError(f"{source}: {error}", code=error.code) from error
    if writer is None:
        raise InputError(f"{source}: no vectors inside")
    repeated = writer.finish()
    return Imported(writer.rows - repeated, writer.dimensions, repeated)


def read_vectors(
    source: Path, *, member: str | None = None, progress: Progress | None = None
) -> Generator[Block, None, None]:
    """Yield words and vectors of the file ``source``, block by block; the errors are those of its reader."""
    try:
        total = os.path.getsize(source)
        file = source.open("rb")
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    with file, contextlib.closing(_blocks(file, member)) as blocks:
        while (block := _next(blocks)) is not None:
            if progress is not None:
                progress(source.name, file.tell(), total)
            yield block


def _next(blocks: Generator[Block, None, None]) -> Block | None:
    try:
        return next(blocks, None)
    except _DAMAGE as error:
        raise InputError(f"cut short or damaged ({str(error).lower()})") from error


def _blocks(file: IO[bytes] | gzip.GzipFile, member: str | None, depth: int = 0) -> Generator[Block, None, None]:
    if depth > _PACKINGS:
        raise InputError("packed again and again")
    magic = file.read(4)
    file.seek(0)
    if magic.startswith(b"PK"):
        with zipfile.ZipFile(file) as archive:
            if any(name.endswith(".npy") for name in archive.namelist()):
                yield from readers.read_npz(archive)
                return
            chosen = _member(archive, member)
            if archive.getinfo(chosen).compress_type not in _ZIP_KINDS:
                raise InputError("packed in a way that is not read (deflate and bzip2 are)")
            with archive.open(chosen) as inside:
                yield from _blocks_of_stream(inside)
    elif magic.startswith(b"\x1f\x8b"):
        with gzip.open(file) as inside:
            yield from _blocks(inside, member, depth + 1)
    else:
        yield from _blocks_of_stream(file)


def _member(archive: zipfile.ZipFile, wanted: str | None) -> str:
    names = [info.filename for info in archive.infolist() if not info.filename.endswith("/")]
    if wanted is not None:
        if wanted not in names:
            raise UsageError(f"no {wanted} in the archive; it has {', '.join(names[:8])}")
        return wanted
    if len(names) != 1:
        raise UsageError(f"the archive has {len(names)} files; say which: {', '.join(names[:8])}")
    return names[0]


class _Peeked:
    """A stream whose first bytes have been read already."""

    def __init__(self, head: bytes, stream: readers.Reader) -> None:
        self._head = head
        self._stream = stream

    def read(self, size: int, /) -> bytes:
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._stream.read(size)


def _blocks_of_stream(stream: readers.Reader) -> Generator[Block, None, None]:
    head = b""
    while len(head) < _SNIFF and (chunk := stream.read(_SNIFF - len(head))):
        head += chunk
    if not head.strip():
        raise InputError("empty")
    if head.lstrip()[:1] == b"{" and b'"words":[' in head[:1000]:
        yield from readers.read_wink(_Peeked(head, stream))
        return
    line, _, behind = head.removeprefix(b"\xef\xbb\xbf").partition(b"\n")
    shape = readers.read_header(line)
    if shape is None:
        dimensions = readers.count_numbers(line)
        if not dimensions:
            raise InputError("line 1: neither a word and numbers nor a header of two numbers")
        body = _Peeked(head.removeprefix(b"\xef\xbb\xbf"), stream)
        yield from readers.read_text(body, dimensions, first_line=1, rows=None)
        return
    body = _Peeked(behind, stream)
    second = behind.partition(b"\n")[0]
    if readers.is_text_row(second, shape.dimensions) or _looks_like_text(second, shape):
        yield from readers.read_text(body, shape.dimensions, first_line=2, rows=shape.rows)
    else:
        yield from readers.read_binary(body, shape)


def _looks_like_text(line: bytes, shape: readers.Shape) -> bool:
    """Return whether a line that is not a row was meant as one: then its number is worth more than 'cut short'."""
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return text.replace("\r", "").isprintable() and (shape.dimensions > 1 or " " in text)
