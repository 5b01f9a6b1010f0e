"""Read a list of arrays that joblib pickled, without unpickling anything but arrays.

joblib's format (numpy_pickle.py): an LZ4 frame around a pickle in which an object that describes an array, its shape
and its type, is followed by the array's raw bytes. Every other object in the pickle ends the reading.
"""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
from numpy.typing import NDArray

_MOST_BYTES = 64 << 20


def read_arrays(path: Path) -> list[NDArray[np.float32]]:
    """Return the arrays in the file at ``path``; raise ``ValueError`` where there is anything else in it."""
    with lz4.frame.open(path) as stream:
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"{path}: larger than such a file should be")
    raw = _Unbuffered(data)
    content = _Arrays(raw).load()
    if not isinstance(content, list) or not all(isinstance(each, _Described) for each in content):
        raise ValueError(f"{path}: not a list of arrays")
    if raw.read(1):
        raise ValueError(f"{path}: bytes left over")
    return [each.values for each in content]


class _Unbuffered:
    """A file without ``peek``, of which an unpickler reads no byte more than it needs."""

    def __init__(self, data: bytes) -> None:
        stream = io.BytesIO(data)
        self.read, self.readline = stream.read, stream.readline


class _Described:
    """Stands in for joblib's description of an array; takes the array's bytes from the file once it is described."""

    source: _Unbuffered

    def __setstate__(self, state: dict[str, Any]) -> None:
        shape, dtype = tuple(map(int, state["shape"])), np.dtype(state["dtype"])
        if dtype != np.dtype("<f4") or state["order"] not in ("C", "F"):
            raise ValueError(f"an array of {dtype}")
        if state.get("numpy_array_alignment_bytes") is not None:
            self.source.read(self.source.read(1)[0])
        size = 4 * math.prod(shape)
        data = self.source.read(size)
        if len(data) != size:
            raise ValueError("ends inside an array")
        self.values: NDArray[np.float32] = np.frombuffer(data, dtype).reshape(shape, order=state["order"])


class _Arrays(pickle.Unpickler):
    def __init__(self, source: _Unbuffered) -> None:
        super().__init__(source)
        self._described = type("_Described", (_Described,), {"source": source})

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("joblib.numpy_pickle", "NumpyArrayWrapper"):
            return self._described
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a part of an array")
