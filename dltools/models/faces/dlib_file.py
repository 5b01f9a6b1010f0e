"""Read dlib's serialized models (``.dat``): the face embedding network and the five-point shape predictor.

The format is that of dlib's serialize.h (King, "Dlib-ml: A Machine Learning Toolkit", 2009): an integer is a length
byte, whose top bit is the sign, and little-endian bytes; a float is mantissa and exponent of 2, two integers; a tensor
is four sizes and raw little-endian float32. Layers nest, so file order is input to output. Out: plain arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from dltools.errors import ModelFileError

Floats = npt.NDArray[np.float32]
T = TypeVar("T")

#: Filters, and whether the block halves the picture, of the residual blocks of dlib_face_recognition_resnet_model_v1.
BLOCKS = (
    *((32, False),) * 3,
    (64, True),
    *((64, False),) * 3,
    (128, True),
    *((128, False),) * 2,
    (256, True),
    *((256, False),) * 2,
    (256, True),
)
EMBEDDING_SIZE = 128
INPUT_SIZE = 150  # pixels; the reader checks it

_MOST_BYTES = 1 << 27
_MOST_INTEGER = 1 << 32


class Convolution(NamedTuple):
    """A convolution with the affine layer behind it folded in: kernel (rows, columns, in, out) and bias (out,)."""

    kernel: Floats
    bias: Floats


class EmbeddingNetwork(NamedTuple):
    """The convolutions from input to output, the last matrix (256, 128), and the mean colour (3,) to subtract."""

    convolutions: list[Convolution]
    projection: Floats
    mean: Floats


class ShapePredictor(NamedTuple):
    """A cascade of forests of regression trees (Kazemi and Sullivan, 2014).

    ``initial``: the mean shape (points, 2) in the unit square of the face's rectangle. ``anchors``: for each forest the
    nearest point (forests, pixels) of a sampled pixel, ``deltas``: where it lies from there (forests, pixels, 2).
    ``first``, ``second``, ``thresholds``: each split's two pixels and what their difference must exceed to go left
    (forests, trees, splits). ``leaves``: what a leaf adds to the shape (forests, trees, splits + 1, 2 * points).
    """

    initial: Floats
    anchors: npt.NDArray[np.int64]
    deltas: Floats
    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    thresholds: Floats
    leaves: Floats


class _Stream:
    """A file's bytes, read from front to back; whatever does not fit raises :class:`ModelFileError`."""

    def __init__(self, path: Path) -> None:
        self._source = str(path)
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise self.error("too large to be one of dlib's models")
            self._data = path.read_bytes()
        except OSError as error:
            raise self.error(f"cannot be read ({(error.strerror or str(error)).lower()})") from error
        self._at = 0

    def error(self, reason: str) -> ModelFileError:
        return ModelFileError(f"{self._source}: {reason}")

    def take(self, count: int) -> bytes:
        if count < 0 or self._at + count > len(self._data):
            raise self.error(f"ends inside a value ({count:,} bytes needed, {len(self._data) - self._at:,} left)")
        self._at += count
        return self._data[self._at - count : self._at]

    def integer(self) -> int:
        length = self.take(1)[0]
        size = length & 0x0F
        if length & 0x70 or not 1 <= size <= 8:
            raise self.error(f"no integer at byte {self._at - 1:,}")
        value = int.from_bytes(self.take(size), "little")
        return -value if length & 0x80 else value

    def count(self, most: int = _MOST_INTEGER) -> int:
        value = self.integer()
        if not 0 <= value <= most:
            raise self.error(f"{value} where a count up to {most} belongs")
        return value

    def expect(self, *values: int) -> None:
        for value in values:
            at = self._at
            found = self.integer()
            if found != value:
                raise self.error(f"{found} where {value} belongs, at byte {at:,}")

    def real(self) -> float:
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > 1100:  # also dlib's marks for infinity and NaN
            raise self.error("a number that is not finite")
        return math.ldexp(mantissa, exponent)

    def text(self) -> str:
        return self.take(self.count(64)).decode("latin-1")

    def tensor(self, *shape: int) -> Floats:
        self.expect(2, *shape)
        values = np.frombuffer(self.take(4 * math.prod(shape)), "<f4").astype(np.float32).reshape(shape)
        if not np.isfinite(values).all():
            raise self.error("holds numbers that are not finite")
        return values

    def listed(self, read: Callable[[], T], most: int) -> list[T]:
        return [read() for _ in range(self.count(most))]

    def column(self) -> list[float]:
        """Read a matrix of one column."""
        rows, columns = -self.integer(), -self.integer()  # negative in the format's present form
        if columns != 1 or not 0 < rows <= 1000:
            raise self.error(f"a matrix of {rows} x {columns} where a column belongs")
        return [self.real() for _ in range(rows)]

    def finish(self) -> None:
        if self._at != len(self._data):
            raise self.error(f"{len(self._data) - self._at:,} bytes left over")


def read_embedding(path: Path) -> EmbeddingNetwork:
    """Read ``dlib_face_recognition_resnet_model_v1.dat``; raise :class:`ModelFileError` where it is anything else."""
    stream = _Stream(path)
    mean = _read_head(stream)
    convolutions = [_read_convolution(stream, 7, 3, 32, stride=2, first=True)]
    _read_activation(stream)
    _expect_layer(stream, "max_pool_2", 3, 3, 2, 2, 0, 0)
    channels = 32
    for filters, down in BLOCKS:
        convolutions.append(_read_convolution(stream, 3, channels, filters, stride=2 if down else 1))
        _read_activation(stream)
        convolutions.append(_read_convolution(stream, 3, filters, filters, stride=1))
        if down:
            _expect_layer(stream, "avg_pool_2", 2, 2, 2, 2, 0, 0)
        _expect_layer(stream, "add_prev_")
        _read_activation(stream)
        channels = filters
    _expect_layer(stream, "avg_pool_2", 0, 0, 1, 1, 0, 0)
    projection = _read_projection(stream, channels)
    stream.finish()
    return EmbeddingNetwork(convolutions, projection, mean)


def _read_head(stream: _Stream) -> Floats:
    """Read up to the input layer, and return the mean colour that it subtracts."""
    stream.expect(1)
    if stream.text() != "loss_metric_2":
        raise stream.error("not dlib's face embedding (it was trained with another loss)")
    stream.real(), stream.real()  # margin and threshold of the loss
    for _ in range(1000):  # the versions of the nested layers, in the file before what they hold
        version = stream.integer()
        if version == 3:
            break
        if version not in (1, 2):
            raise stream.error(f"a layer of version {version}, which is unknown")
    if stream.text() != "input_rgb_image_sized":
        raise stream.error("not dlib's face embedding (it has another input)")
    mean = np.array([stream.real() for _ in range(3)], np.float32)
    stream.expect(INPUT_SIZE, INPUT_SIZE)
    return mean


def _expect_layer(stream: _Stream, name: str, *numbers: int) -> None:
    _expect_name(stream, name)
    stream.expect(*numbers)
    _end_layer(stream)


def _expect_name(stream: _Stream, name: str) -> None:
    found = stream.text()
    if found != name:
        raise stream.error(f"a layer {found!r} where {name!r} belongs")


def _end_layer(stream: _Stream) -> None:
    """Read what stands behind every layer: three flags, and three tensors that are empty once training is over."""
    if set(stream.take(3)) - set(b"01"):
        raise stream.error("no flags behind a layer")
    for _ in range(3):
        stream.expect(2, 0, 0, 0, 0)


def _read_activation(stream: _Stream) -> None:
    _expect_layer(stream, "relu_")


def _read_convolution(
    stream: _Stream, size: int, channels: int, filters: int, *, stride: int, first: bool = False
) -> Convolution:
    """Read a convolution and the affine layer behind it, and make one of the two."""
    _expect_name(stream, "con_4")
    parameters = filters * channels * size * size
    values = stream.tensor(parameters + filters, 1, 1, 1).ravel()
    padding = 0 if stride == 2 else size // 2
    stream.expect(filters, size, size, stride, stride, padding, padding)
    stream.expect(1, filters, channels, size, size)  # where the filters lie in the tensor
    stream.expect(1, 1, filters, 1, 1)  # and the biases
    for _ in range(4):  # multipliers of learning rate and weight decay
        stream.real()
    _end_layer(stream)
    if first:
        stream.expect(1)  # how many samples the input layer makes of a picture
    _expect_name(stream, "affine_")
    affine = stream.tensor(2 * filters, 1, 1, 1).ravel()
    stream.expect(1, 1, filters, 1, 1)
    stream.expect(1, 1, filters, 1, 1)
    stream.expect(0)  # a factor for each channel
    _end_layer(stream)
    gamma, beta = affine[:filters], affine[filters:]
    kernel = values[:parameters].reshape(filters, channels, size, size) * gamma[:, None, None, None]
    bias = values[parameters:] * gamma + beta
    return Convolution(np.ascontiguousarray(kernel.transpose(2, 3, 1, 0)), bias)


def _read_projection(stream: _Stream, channels: int) -> Floats:
    _expect_name(stream, "fc_2")
    stream.expect(EMBEDDING_SIZE, channels)
    matrix = stream.tensor(channels, EMBEDDING_SIZE, 1, 1).reshape(channels, EMBEDDING_SIZE)
    stream.expect(1, channels, EMBEDDING_SIZE, 1, 1)
    stream.expect(1, 0, 0, 0, 0)  # no biases
    stream.expect(1)  # which is said here once more
    for _ in range(4):
        stream.real()
    _end_layer(stream)
    return matrix


def read_shape_predictor(path: Path) -> ShapePredictor:
    """Read ``shape_predictor_5_face_landmarks.dat``; raise :class:`ModelFileError` where it is anything else."""
    stream = _Stream(path)
    stream.expect(1)
    initial = np.array(stream.column(), np.float32)
    if len(initial) % 2:
        raise stream.error("a mean shape that is no list of points")
    forests = stream.listed(lambda: stream.listed(lambda: _read_tree(stream, len(initial)), 10_000), 1000)
    anchors = stream.listed(lambda: stream.listed(lambda: stream.count(len(initial) // 2 - 1), 100_000), 1000)
    deltas = stream.listed(lambda: stream.listed(lambda: (stream.real(), stream.real()), 100_000), 1000)
    stream.finish()
    try:
        trees = [[np.array(part) for part in zip(*forest, strict=True)] for forest in forests]
        splits, leaves = (np.stack([forest[part] for forest in trees]) for part in (0, 1))
        predictor = ShapePredictor(
            initial.reshape(-1, 2),
            np.array(anchors, np.int64),
            np.array(deltas, np.float32),
            splits[..., 0].astype(np.int64),
            splits[..., 1].astype(np.int64),
            splits[..., 2].astype(np.float32),
            leaves.astype(np.float32),
        )
    except (ValueError, IndexError, TypeError) as error:
        raise stream.error("trees of unequal sizes") from error
    pixels = predictor.anchors.shape[1]
    if not (len(predictor.anchors) == len(predictor.deltas) == len(predictor.leaves) and pixels):
        raise stream.error("parts that do not fit each other")
    if predictor.deltas.shape[1] != pixels or max(predictor.first.max(), predictor.second.max()) >= pixels:
        raise stream.error("splits of pixels that it does not have")
    return predictor


def _read_tree(stream: _Stream, size: int) -> tuple[list[tuple[int, int, float]], list[list[float]]]:
    splits = stream.listed(lambda: (stream.count(), stream.count(), stream.real()), 1 << 12)
    leaves = stream.listed(stream.column, 1 << 12)
    depth = len(leaves).bit_length() - 1
    if len(leaves) != 1 << depth or len(leaves) != len(splits) + 1 or any(len(leaf) != size for leaf in leaves):
        raise stream.error(f"a tree of {len(splits)} splits and {len(leaves)} leaves")
    return splits, leaves
