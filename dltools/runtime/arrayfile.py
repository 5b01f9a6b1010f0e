"""A model that NumPy runs, as a file: an ``.npz`` of plain arrays, its configuration among them; nothing is unpickled.

In and out: the configuration as JSON text, and arrays by their names.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError

_CONFIG = "config"


def encode_arrays(config: str, arrays: Mapping[str, npt.NDArray[Any]], *, compress: bool = False) -> bytes:
    """Return the bytes of a file with ``config`` (JSON) and ``arrays``, the same for the same content."""
    stream = io.BytesIO()
    members: dict[str, Any] = {_CONFIG: np.frombuffer(config.encode("utf-8"), np.uint8), **arrays}
    (np.savez_compressed if compress else np.savez)(stream, **members)
    return stream.getvalue()


def read_arrays(path: Path, what: str) -> tuple[str, dict[str, npt.NDArray[Any]]]:
    """Return what :func:`encode_arrays` put into the file at ``path``, float16 as float32, all values finite.

    Raise :class:`ModelFileError`, with ``what`` the file should be, where it is damaged or none.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        config = bytes(arrays.pop(_CONFIG)).decode("utf-8")
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path}: not {what}") from error
    for name, array in arrays.items():
        if array.dtype == np.float16:
            arrays[name] = array.astype(np.float32)
        if array.dtype.kind == "f" and not np.isfinite(arrays[name]).all():
            raise ModelFileError(f"{path}: numbers in it are not finite")
    return config, arrays
