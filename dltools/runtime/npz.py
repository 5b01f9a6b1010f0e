"""NumPy's ``.npz`` files from outside: plain arrays, no objects, and no more memory than their own sizes say.

The format is NumPy's (NEP 1): a ZIP archive with a ``.npy`` member an array. ``numpy.load`` reserves what a header
declares before it reads; here header and member have to agree first.
"""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

#: Arrays that are read whole are refused if all of a file together have more bytes, unpacked.
MAX_BYTES = 1 << 30
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; LZMA may ask for gigabytes
_SUFFIX = ".npy"


class Header(NamedTuple):
    """What a ``.npy`` member says of its array, which its size bears out."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool

    @property
    def size(self) -> int:
        """The bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_npz(source: Path | IO[bytes]) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an ``.npz`` file by their names.

    Raise ``OSError`` where it cannot be read, ``ValueError`` where it is no such file, damaged, or over the bound.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            members = array_members(archive)
            if sum(info.file_size for info in members) > MAX_BYTES:
                raise ValueError(f"larger than {MAX_BYTES} bytes")
            return {info.filename.removesuffix(_SUFFIX): _read(archive, info) for info in members}
    except (OSError, ValueError):
        raise
    except Exception as error:  # zipfile and zlib raise whatever damaged bytes lead them to
        raise ValueError(f"damaged ({error})") from error


def array_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members that are arrays; raise ``ValueError`` where one is packed as NumPy never does."""
    members = [info for info in archive.infolist() if info.filename.endswith(_SUFFIX)]
    if any(info.compress_type not in _KINDS for info in members):
        raise ValueError("packed in a way that NumPy does not write")
    return members


def read_header(stream: IO[bytes], size: int) -> Header:
    """Read the header of a member of ``size`` bytes, and leave ``stream`` behind it; raise ``ValueError``."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, by_columns, dtype = read(stream)
    except OSError:
        raise
    except Exception as error:  # NumPy reads it as a literal of Python, and raises whatever damage leads to
        raise ValueError("a damaged array") from error
    header = Header(shape, dtype, by_columns and len(shape) > 1)
    if dtype.hasobject:
        raise ValueError("object arrays are not read")
    if dtype.itemsize == 0 or min(shape, default=1) < 0 or stream.tell() + header.size != size:
        raise ValueError("an array whose size is not what it says")
    return header


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    with archive.open(info) as stream:
        header = read_header(stream, info.file_size)
        data = bytearray(stream.read(header.size))
    if len(data) != header.size:
        raise ValueError("cut short")
    if not data:
        return np.empty(header.shape, header.dtype)
    return np.frombuffer(data, header.dtype).reshape(header.shape, order="F" if header.by_columns else "C")
