"""One file a model: a LiteRT flatbuffer with its configuration behind it.

The layout is that of TensorFlow Lite's "associated files" (TFLite metadata): a ZIP archive is appended to
the flatbuffer, which LiteRT's reader passes over, so the one file can be mapped, hashed and renamed as a whole.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from dltools.errors import ModelFileError

if TYPE_CHECKING:
    from dltools.runtime.predictor import Predictor

CONFIG_MEMBER = "config.json"
_CONFIG_BYTES_LIMIT = 4 << 20  # a configuration is text with class names; more is not one of ours


def append_config(flatbuffer: bytes, config: str) -> bytes:
    """Return ``flatbuffer`` (a ``.tflite`` file's bytes) with ``config`` (JSON text) behind it; same in, same out."""
    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(CONFIG_MEMBER), config)  # ZipInfo's date is fixed: bytes repeat
    return flatbuffer + tail.getvalue()


def read_config(path: Path) -> str:
    """Return the configuration text inside the model file; raise :class:`ModelFileError` where there is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(CONFIG_MEMBER).file_size > _CONFIG_BYTES_LIMIT:
                raise ModelFileError(f"{path}: its configuration is too large to be one")
            return archive.read(CONFIG_MEMBER).decode("utf-8")
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path}: not a model file of this toolkit (no configuration inside)") from error
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such model file") from error


def load_predictor(path: Path, *, threads: int) -> Predictor:
    """Open the network of a model file, to run on ``threads`` threads; raise :class:`ModelFileError`."""
    from dltools.runtime.litert import LiteRtPredictor

    return LiteRtPredictor(path, threads=threads)
