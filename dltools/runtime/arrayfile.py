"""A model that NumPy runs, as a file: an ``.npz`` of plain arrays, its configuration among them; nothing is unpickled.

In and out: the configuration as JSON text, and arrays by their names.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError
from dltools.runtime.npz import read_npz

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
        arrays = read_npz(path)
        config = arrays.pop(_CONFIG).tobytes().decode("utf-8")
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except (ValueError, KeyError) as error:
        raise ModelFileError(f"{path}: not {what}") from error
    for name, array in arrays.items():
        if array.dtype.kind not in "buif":
            raise ModelFileError(f"{path}: not {what} (an array of something else than numbers)")
        if array.dtype == np.float16:
            arrays[name] = array.astype(np.float32)
        if array.dtype.kind == "f" and not np.isfinite(arrays[name]).all():
            raise ModelFileError(f"{path}: numbers in it are not finite")
    return config, arrays


def demand_finite(answers: npt.NDArray[np.floating]) -> None:
    """Raise :class:`ModelFileError` where a model gives NaN or infinity: weights can be finite, and far too large."""
    if not np.isfinite(answers).all():
        raise ModelFileError("the model gives numbers that are not finite: its file is damaged")
