"""Read the constants of a frozen TensorFlow graph (``.pb``), without TensorFlow: nothing of the graph is run.

The format is that of protocol buffers, with TensorFlow's graph, node_def, attr_value and tensor definitions.
Out: float32 arrays by the names of their nodes; :func:`read_facenet` wants exactly those of FaceNet.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError

Floats = npt.NDArray[np.float32]
Field = tuple[int, "int | memoryview"]

_MOST_BYTES = 1 << 28
_FLOAT = 1  # TensorFlow's DT_FLOAT
_ROOT = "InceptionResnetV1/"
_EPSILON = 0.001  # of FaceNet's batch normalization
_CONVOLUTIONS = 132  # of FaceNet's network

EMBEDDING_SIZE = 512


class FaceNetWeights(NamedTuple):
    """Kernel (rows, columns, in, out) and bias (out,) of each convolution by its name; the last matrix and its bias."""

    convolutions: dict[str, tuple[Floats, Floats]]
    projection: Floats
    bias: Floats


def read_facenet(path: Path) -> FaceNetWeights:
    """Read FaceNet's frozen graph, all but its last batch normalization folded in; raise :class:`ModelFileError`."""
    constants = read_constants(path)
    convolutions = {}
    for name, kernel in constants.items():
        if not (name.startswith(_ROOT) and name.endswith("/weights") and kernel.ndim == 4):
            continue
        place = name.removesuffix("/weights")
        bias = constants.get(f"{place}/Conv2D_bn_offset", constants.get(f"{place}/biases"))
        if bias is None or bias.shape != kernel.shape[3:]:
            raise ModelFileError(f"{path}: {place} has no biases that fit it")
        convolutions[place.removeprefix(_ROOT)] = (kernel, bias)
    if len(convolutions) != _CONVOLUTIONS:
        raise ModelFileError(f"{path}: not FaceNet ({len(convolutions)} convolutions, not {_CONVOLUTIONS})")
    try:
        last = f"{_ROOT}Bottleneck/"
        beta, mean, variance = (
            constants[f"{last}BatchNorm/{part}"] for part in ("beta", "moving_mean", "moving_variance")
        )
        matrix = constants[f"{last}weights"]
        factor = 1 / np.sqrt(variance + np.float32(_EPSILON))
        projection, bias = matrix * factor, beta - mean * factor
    except (KeyError, ValueError) as error:
        raise ModelFileError(f"{path}: not FaceNet (its last layer does not fit)") from error
    if projection.shape[1:] != (EMBEDDING_SIZE,) or bias.shape != (EMBEDDING_SIZE,):
        raise ModelFileError(f"{path}: not FaceNet (embeddings of {projection.shape[1:]} numbers)")
    return FaceNetWeights(convolutions, projection, bias)


def read_constants(path: Path) -> dict[str, Floats]:
    """Return the float32 constants of the graph at ``path``; raise :class:`ModelFileError` where it is none."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelFileError(f"{path}: too large to be read")
        data = memoryview(path.read_bytes())
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    constants: dict[str, Floats] = {}
    try:
        for number, node in _fields(data):
            if number == 1 and isinstance(node, memoryview):  # GraphDef.node
                found = _constant(node)
                if found is not None:
                    constants[found[0]] = found[1]
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ModelFileError(f"{path}: not a frozen graph, or damaged") from error
    return constants


def _fields(data: memoryview) -> Iterator[Field]:
    """Yield field number and value of a message: a whole number, or the bytes of anything longer."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = _varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError("no such kind of field")
        if at + size > len(data):
            raise ValueError("ends inside a field")
        yield number, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number of more than 64 bits")


def _constant(node: memoryview) -> tuple[str, Floats] | None:
    """Return name and value of a node (NodeDef) that is a float32 constant, else None."""
    name = kind = ""
    tensor: memoryview | None = None
    for number, value in _fields(node):
        if number == 1:
            name = _bytes(value).decode("utf-8")
        elif number == 2:
            kind = _bytes(value).decode("utf-8")
        elif number == 5:  # attr: a map entry of key 1 and value 2
            entry = dict(_fields(_view(value)))
            if _bytes(entry.get(1, memoryview(b""))) == b"value":
                tensor = _view(dict(_fields(_view(entry[2]))).get(8, memoryview(b"")))  # AttrValue.tensor
    if kind != "Const" or tensor is None:
        return None
    values = _tensor(tensor)
    return None if values is None else (name, values)


def _tensor(message: memoryview) -> Floats | None:
    """Return the values of a TensorProto of float32; None for another type."""
    shape: list[int] = []
    content = b""
    kind = 0
    for number, value in _fields(message):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number == 2:  # TensorShapeProto: dim 2, size 1
            for dimension, size in _fields(_view(value)):
                if dimension == 2:
                    length = dict(_fields(_view(size))).get(1, 0)
                    if not isinstance(length, int) or length > _MOST_BYTES:
                        raise ValueError("a dimension without a size")
                    shape.append(length)
        elif number in (4, 5):  # tensor_content, float_val
            content += _bytes(value)
    if kind != _FLOAT:
        return None
    count = math.prod(shape)
    if 4 * count != len(content):
        if len(content) != 4 or count > _MOST_BYTES // 4:  # one value may stand for all
            raise ValueError("a tensor of another size than its shape's")
        content *= count
    values = np.frombuffer(content, "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(values).all():
        raise ValueError("numbers that are not finite")
    return values


def _view(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise ValueError("a number where a message belongs")
    return value


def _bytes(value: int | memoryview) -> bytes:
    return bytes(_view(value))
