"""One file a model: a LiteRT flatbuffer with its configuration behind it.

The layout is that of TensorFlow Lite's "associated files" (TFLite metadata): a ZIP archive is appended to
the flatbuffer, which LiteRT's reader passes over, so the one file can be mapped, hashed and renamed as a whole.
The archive's comment, which ends the file, is the SHA-256 of all before it: its seal. LiteRT checks a flatbuffer's
structure but trusts its numbers (an input that is a constant, a window of negative size), and ends the process where
those are damaged; so a file from outside the package is opened only if it is as it was written.
"""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from dltools.errors import ModelFileError
from dltools.runtime.assets import PACKAGE

if TYPE_CHECKING:
    from dltools.runtime.predictor import Predictor

CONFIG_MEMBER = "config.json"
_CONFIG_BYTES_LIMIT = 4 << 20  # a configuration is text with class names; more is not one of ours
_SEAL_BYTES = 64  # a SHA-256 in hexadecimal
_SEAL_LENGTH = _SEAL_BYTES.to_bytes(2, "little")  # as the archive's end has the length of its comment
_END = b"PK\x05\x06"  # of a ZIP archive; without a comment 22 bytes from the end of the file
_END_BYTES = 22
_MOST_COMMENT = 1 << 16
_BLOCK = 1 << 20


def append_config(flatbuffer: bytes, config: str) -> bytes:
    """Return ``flatbuffer`` (a ``.tflite`` file's bytes) with ``config`` (JSON text) behind it, sealed.

    Same in, same out.
    """
    import hashlib

    tail = io.BytesIO()
    with zipfile.ZipFile(tail, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(CONFIG_MEMBER), config)  # ZipInfo's date is fixed: bytes repeat
    whole = flatbuffer + tail.getvalue()
    return whole[:-2] + _SEAL_LENGTH + hashlib.sha256(whole).hexdigest().encode("ascii")


def without_seal(model: bytes) -> bytes:
    """Return a model file's bytes without its seal, for one whose checksum is kept elsewhere: an embedded asset."""
    if not model[-_END_BYTES - _SEAL_BYTES :].startswith(_END):
        return model
    return model[: -len(_SEAL_LENGTH) - _SEAL_BYTES] + bytes(len(_SEAL_LENGTH))


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

    if PACKAGE not in path.parents:  # what is embedded was installed with the code that reads it
        _check_seal(path)
    return LiteRtPredictor(path, threads=threads)


def _check_seal(path: Path) -> None:
    """Raise :class:`ModelFileError` unless the file is as :func:`append_config` wrote it, or a bare flatbuffer."""
    import hashlib

    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, size - _END_BYTES - _MOST_COMMENT))
            tail = stream.read()
            end = tail[-_END_BYTES - _SEAL_BYTES :]
            if not end.startswith(_END):
                if _END in tail:
                    raise ModelFileError(f"{path}: has no checksum at its end; make it again with this version")
                return
            seal, left = end[-_SEAL_BYTES:], size - len(_SEAL_LENGTH) - _SEAL_BYTES
            digest = hashlib.sha256()
            stream.seek(0)
            while left and (block := stream.read(min(left, _BLOCK))):
                digest.update(block)
                left -= len(block)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    digest.update(bytes(len(_SEAL_LENGTH)))
    if digest.hexdigest().encode("ascii") != seal:
        raise ModelFileError(f"{path}: damaged (its checksum is not right)")
