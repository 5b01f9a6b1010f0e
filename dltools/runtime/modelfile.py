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
            member = archive.getinfo(CONFIG_MEMBER)
            if member.file_size > _CONFIG_BYTES_LIMIT or member.compress_type != zipfile.ZIP_STORED:
                raise ModelFileError(f"{path}: its configuration is too large to be one, or packed")
            return archive.read(member).decode("utf-8")
    except ModelFileError:
        raise
    except FileNotFoundError as error:
        raise ModelFileError(f"{path}: no such model file") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except Exception as error:  # zipfile raises whatever damaged bytes lead it to
        raise ModelFileError(f"{path}: not a model file of this toolkit (no configuration inside)") from error


def load_predictor(path: Path, *, threads: int) -> Predictor:
    """Open the network of a model file, to run on ``threads`` threads; raise :class:`ModelFileError`."""
    from dltools.runtime.litert import LiteRtPredictor

    return LiteRtPredictor(path, threads=threads)
