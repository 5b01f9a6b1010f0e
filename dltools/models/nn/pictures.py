"""Images to learn from: a folder with a sub-folder for each class, or an ``.npz`` of arrays.

Out: (images, rows, columns, channels), and a label for each.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.io.images import Pixels, decode_image
from dltools.io.inputs import read_file
from dltools.models.nn.examples import Examples, Failed
from dltools.models.nn.layer import Array
from dltools.runtime.npz import read_npz

#: The names that arrays of images and of labels go by.
IMAGE_NAMES = ("images", "x", "X", "x_train", "data", "arr_0")
LABEL_NAMES = ("labels", "y", "Y", "y_train", "target", "arr_1")
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def is_archive(data: bytes) -> bool:
    """Tell whether bytes are an ``.npz`` file and not a table."""
    return data.startswith(b"PK\x03\x04")


def read_archive(data: bytes, name: str) -> tuple[Array, tuple[str, ...] | None]:
    """Return the images (or rows) of an ``.npz`` file, and their labels if it has any; raise :class:`InputError`.

    Images are (images, rows, columns) or (images, rows, columns, channels). Nothing is unpickled.
    """
    try:
        arrays = read_npz(io.BytesIO(data))
    except (OSError, ValueError) as error:
        raise InputError(f"{name}: not an .npz file of plain arrays") from error
    inputs = _first(arrays, IMAGE_NAMES)
    if inputs is None:
        raise InputError(f"{name}: no array is called {', '.join(IMAGE_NAMES[:-1])} or {IMAGE_NAMES[-1]}")
    if inputs.ndim == 3:
        inputs = inputs[..., None]  # (images, rows, columns, 1)
    if inputs.ndim not in (2, 4) or inputs.dtype.kind not in "buif" or not inputs.size:
        raise InputError(f"{name}: its images are {inputs.dtype} of {' x '.join(map(str, inputs.shape)) or 'no shape'}")
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        raise InputError(f"{name}: numbers in it are missing or not finite")
    labels = _first(arrays, LABEL_NAMES)
    if labels is None:
        return inputs, None
    if labels.size != len(inputs):
        raise InputError(f"{name}: {len(inputs)} images, but {labels.size} labels")
    try:
        return inputs, tuple(map(str, labels.reshape(-1).tolist()))
    except (ValueError, SystemError) as error:  # a number in it that is no character
        raise InputError(f"{name}: its labels are no text") from error


def _first(arrays: dict[str, npt.NDArray[Any]], names: tuple[str, ...]) -> npt.NDArray[Any] | None:
    return next((arrays[name] for name in names if name in arrays), None)


def image_files(folder: Path) -> list[Path]:
    """Return the files of a folder and of the folders below it, by name, without hidden ones."""
    try:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def read_folder(folder: Path, size: tuple[int, int], failed: Failed) -> Examples:
    """Return the images of a folder, RGB and ``size`` (rows, columns), labelled by the sub-folder that they lie in.

    One that cannot be read is told to ``failed`` and left out. Raise :class:`InputError` if fewer than two remain.
    """
    images, labels = [], []
    for path in image_files(folder):
        parts = path.relative_to(folder).parts
        if len(parts) < 2:
            continue
        try:
            images.append(read_image(path, (*size, 3)))
        except InputError as error:
            failed(str(path), error)
        else:
            labels.append(parts[0])
    if len(images) < 2:
        raise InputError(f"{folder}: fewer than two images in its sub-folders, one for each class")
    return Examples(np.stack(images), tuple(labels))


def read_image(path: Path, shape: tuple[int, ...]) -> Pixels:
    """Return an image of ``shape`` (rows, columns, channels), stretched to fit; raise :class:`InputError`."""
    return fitted(decode_image(read_file(str(path))), shape)


def fitted(pixels: Pixels, shape: tuple[int, ...]) -> Pixels:
    """Return RGB ``pixels`` stretched to ``shape`` (rows, columns, channels), grey where it has one channel."""
    from PIL import Image

    rows, columns, channels = shape
    image = Image.fromarray(pixels)
    if image.size != (columns, rows):
        image = image.resize((columns, rows), Image.Resampling.BOX if _shrinks(image.size, shape) else None)
    resized = np.asarray(image)
    if channels == 1:
        grey: Pixels = np.rint(resized @ np.array(_LUMA))[..., None].astype(np.uint8)  # (rows, columns, 1)
        return grey
    return resized


def _shrinks(size: tuple[int, int], shape: tuple[int, ...]) -> bool:
    return size[0] >= shape[1] and size[1] >= shape[0]
