"""Read Darknet's weights (``.weights``), batch normalization folded in.

The format is that of Redmon's Darknet (src/parser.c, ``load_weights``). In: a network, and a file of little-endian
float32 with kernels as (out, in / groups, rows, columns). Out: kernels as (rows, columns, in / groups, out) and
biases as (out,).
"""

from __future__ import annotations

import dataclasses
import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dltools.errors import ModelFileError
from dltools.models.yolo.darknet import Convolution, Network, one_line

BATCH_NORM_EPSILON = 1e-6  # Darknet adds it to the deviation, not to the variance


@dataclasses.dataclass(frozen=True, eq=False)
class ConvolutionWeights:
    """What one convolution computes with, batch normalization folded in.

    ``kernel``: float32, (rows, columns, in / groups, out). ``bias``: float32, (out,).
    """

    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]


def read_weights(path: Path, network: Network) -> list[ConvolutionWeights | None]:
    """Read a ``.weights`` file, one entry for each layer of ``network``: ``None`` for a layer without weights.

    The file is read layer by layer, so memory stays near the file's own size. Raise :class:`ModelFileError` where
    the file cannot be read, is too short or too long for ``network``, or holds numbers that are not finite.
    """
    source = one_line(str(path), 300)
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ModelFileError(f"{source}: not a regular file")
            _skip_header(stream, source)
            _check_length(status.st_size - stream.tell(), network, source)
            return [
                _read_convolution(stream, layer, source) if isinstance(layer, Convolution) else None
                for layer in network.layers
            ]
    except OSError as error:
        raise ModelFileError(f"{source}: cannot be read ({error.strerror or error})") from error


def _skip_header(stream: BinaryIO, source: str) -> None:
    """Leave ``stream`` at the first weight; refuse versions that lay the weights out in another way."""
    header = stream.read(12)
    if len(header) < 12:
        raise ModelFileError(f"{source}: too short to be a Darknet weights file ({len(header)} bytes)")
    major, minor, revision = struct.unpack("<3i", header)
    if min(major, minor, revision) < 0:
        raise ModelFileError(f"{source}: not a Darknet weights file (version {major}.{minor}.{revision})")
    if major > 1000 or minor > 1000:  # Darknet's mark for transposed fully connected layers
        raise ModelFileError(f"{source}: transposed or no Darknet weights (version {major}.{minor}), not supported")
    width = 8 if 10 * major + minor >= 2 else 4  # the number of pictures seen in training
    if len(stream.read(width)) < width:
        raise ModelFileError(f"{source}: ends inside its header")


def _check_length(left: int, network: Network, source: str) -> None:
    """Fail unless ``left`` bytes are exactly what the layers take; done before anything large is read."""
    last = "the header"
    for layer in network.layers:
        if isinstance(layer, Convolution):
            if left < 4 * layer.parameters:
                counts = f"{layer.parameters:,} numbers needed, {left // 4:,} left"
                raise ModelFileError(f"{source}: ends inside {layer.title} ({counts})")
            left -= 4 * layer.parameters
            last = layer.title
    if left:
        raise ModelFileError(f"{source}: {left:,} bytes left over after {last}; the file belongs to another .cfg")


def _read_convolution(stream: BinaryIO, layer: Convolution, source: str) -> ConvolutionWeights:
    """Read biases, batch normalization and kernel; fold ``scale * (x - mean) / deviation + bias`` into two arrays."""
    values = np.fromfile(stream, dtype="<f4", count=layer.parameters)
    if len(values) != layer.parameters:  # the file shrank while it was read
        raise ModelFileError(f"{source}: ends inside {layer.title}")
    if not np.isfinite(values).all():
        raise ModelFileError(f"{source}: {layer.title} holds numbers that are not finite")
    vectors = values[: -layer.kernel_parameters].astype(np.float64).reshape(-1, layer.filters)
    kernel = values[-layer.kernel_parameters :].reshape(layer.filters, -1, layer.size, layer.size)
    bias = vectors[0]
    with np.errstate(over="ignore", invalid="ignore"):  # checked below
        if layer.batch_normalize:
            scale, mean, variance = vectors[1:]
            if (variance < 0).any():
                raise ModelFileError(f"{source}: {layer.title} holds a negative variance")
            factor = scale / (np.sqrt(variance) + BATCH_NORM_EPSILON)
            bias = bias - mean * factor
            kernel = (kernel * factor[:, None, None, None]).astype(np.float32)
        folded = bias.astype(np.float32)
    if not np.isfinite(folded).all() or not np.isfinite(kernel).all():
        raise ModelFileError(f"{source}: {layer.title} holds numbers too large to compute with")
    return ConvolutionWeights(  # (out, in / groups, rows, columns) -> (rows, columns, in / groups, out)
        kernel=np.ascontiguousarray(kernel.transpose(2, 3, 1, 0), dtype=np.float32), bias=folded
    )
