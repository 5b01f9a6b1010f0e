"""Convolution and pooling over images (batch, rows, columns, channels), with no loop over pixels.

A convolution is a matrix product: every window of the picture becomes a row, and a strided view gives the windows
without moving a number (Chellapilla, Puri and Simard 2006). Pictures are done a few at a time, so that their windows
stay in the processor's cache. Its gradient by the inputs is a convolution of the outputs' gradient with the kernel
turned around.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided

from dltools.errors import UsageError
from dltools.models.nn.layer import Array, Layer, Shape, Start, need_rank

_IMAGE = "rows, columns and channels"
_CACHE_BYTES = 2 << 20  # of windows that are laid out at once


class Convolution(Layer):
    """Slide ``filters`` windows of ``size`` x ``size`` over a picture (a cross-correlation, as all networks have it).

    Inputs (batch, rows, columns, channels), outputs (batch, rows', columns', filters); with ``padding="same"`` rows' is
    rows / stride, rounded up, and zeros stand around the picture (as TensorFlow places them), with ``"valid"`` windows
    stay inside. Parameters: ``kernel`` (size, size, channels, filters), ``bias`` (filters,).
    """

    penalized = ("kernel",)

    def __init__(self, filters: int, size: int, *, stride: int = 1, padding: Literal["same", "valid"] = "same") -> None:
        super().__init__()
        self.filters, self.size, self.stride, self.padding = filters, size, stride, padding

    def build(self, shape: Shape, start: Start) -> Shape:
        need_rank("conv", shape, 3, _IMAGE)
        rows, columns, channels = shape
        area = self.size * self.size
        self.parameters = {
            "kernel": start.weights(
                (self.size, self.size, channels, self.filters), area * channels, area * self.filters
            ),
            "bias": start.constant((self.filters,)),
        }
        if self.padding == "same":
            sizes = (-(-rows // self.stride), -(-columns // self.stride))
        else:
            sizes = ((rows - self.size) // self.stride + 1, (columns - self.size) // self.stride + 1)
        if min(sizes) < 1:
            raise UsageError(f"conv: a window of {self.size} does not fit into {rows} x {columns}")
        return (*sizes, self.filters)

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._margins = [self._margin(size) for size in inputs.shape[1:3]]
        self._padded = _framed(inputs, self._margins)
        outputs = _correlate(self._padded, self.parameters["kernel"], self.stride)
        outputs += self.parameters["bias"]
        return outputs

    def _margin(self, size: int) -> tuple[int, int]:
        """Return how many zeros go before and after ``size`` pixels."""
        if self.padding == "valid":
            return 0, 0
        missing = max((-(-size // self.stride) - 1) * self.stride + self.size - size, 0)
        return missing // 2, missing - missing // 2

    def backward(self, gradient: Array) -> Array:
        kernel, padded = self.parameters["kernel"], self._padded
        channels = kernel.shape[2]
        total = np.zeros((self.size * self.size * channels, self.filters), kernel.dtype)
        for part, rows in _windows(padded, self.size, self.stride):
            total += rows.T @ gradient[part].reshape(-1, self.filters)
        self.gradients = {"kernel": total.reshape(kernel.shape), "bias": gradient.sum(axis=(0, 1, 2))}
        turned = np.ascontiguousarray(kernel[::-1, ::-1].swapaxes(2, 3))  # (size, size, filters, channels)
        spread = _spread(gradient, padded.shape[1:3], self.size, self.stride)
        (top, bottom), (left, right) = self._margins
        through: Array = _correlate(spread, turned, 1)[
            :, top : padded.shape[1] - bottom, left : padded.shape[2] - right
        ]
        return through


def _framed(images: Array, margins: list[tuple[int, int]]) -> Array:
    """Return images (batch, rows, columns, channels) with zeros around them, so many before and after each axis."""
    if not any(map(any, margins)):
        return np.ascontiguousarray(images)
    return np.pad(images, ((0, 0), *margins, (0, 0)))


def _spread(gradient: Array, sizes: Shape, size: int, stride: int) -> Array:
    """Return the gradient with stride - 1 zeros between its pixels, and around it what a full convolution needs.

    ``sizes``: of the padded inputs. A convolution of the result with a window of ``size`` has just these sizes.
    """
    batch, rows, columns, filters = gradient.shape
    spread = np.zeros((batch, sizes[0] + size - 1, sizes[1] + size - 1, filters), gradient.dtype)
    first = size - 1
    spread[:, first : first + rows * stride : stride, first : first + columns * stride : stride] = gradient
    return spread


def _windows(images: Array, size: int, stride: int) -> Iterator[tuple[slice, Array]]:
    """Yield parts of a batch and all their windows as rows (windows, size * size * channels)."""
    batch, height, width, channels = images.shape
    rows, columns = (height - size) // stride + 1, (width - size) // stride + 1
    image, line, pixel, number = images.strides
    view = as_strided(  # a line of a window is one run of numbers, so that copying goes fast
        images,
        (batch, rows, columns, size, size * channels),
        (image, line * stride, pixel * stride, line, number),
        writeable=False,
    )
    length = size * size * channels
    together = max(1, _CACHE_BYTES // (rows * columns * length * images.itemsize))
    for start in range(0, batch, together):
        part = slice(start, start + together)
        yield part, view[part].reshape(-1, length)


def _correlate(images: Array, kernel: Array, stride: int) -> Array:
    """Return images (batch, rows, columns, channels) correlated with ``kernel`` (size, size, channels, filters)."""
    size, filters = kernel.shape[0], kernel.shape[3]
    batch, height, width, _ = images.shape
    outputs = np.empty((batch, (height - size) // stride + 1, (width - size) // stride + 1, filters), images.dtype)
    matrix = kernel.reshape(-1, filters)
    for part, rows in _windows(images, size, stride):
        np.matmul(rows, matrix, out=outputs[part].reshape(-1, filters))
    return outputs


class _Pool(Layer):
    """What both kinds of pooling share: windows of ``size`` x ``size``, ``stride`` apart, that stay inside."""

    def __init__(self, size: int, *, stride: int | None = None) -> None:
        super().__init__()
        self.size, self.stride = size, stride or size

    def build(self, shape: Shape, start: Start) -> Shape:
        need_rank("pool", shape, 3, _IMAGE)
        rows, columns, channels = shape
        if min(rows, columns) < self.size:
            raise UsageError(f"pool: a window of {self.size} does not fit into {rows} x {columns}")
        return (*self._sizes(rows, columns), channels)

    def _sizes(self, rows: int, columns: int) -> tuple[int, int]:
        return (rows - self.size) // self.stride + 1, (columns - self.size) // self.stride + 1

    def _cells(self, images: Array) -> Iterator[Array]:
        """Yield, for each place in a window, a view of what stands there in all windows at once."""
        rows, columns = self._sizes(*images.shape[1:3])
        for row in range(self.size):
            for column in range(self.size):
                down = slice(row, row + (rows - 1) * self.stride + 1, self.stride)
                across = slice(column, column + (columns - 1) * self.stride + 1, self.stride)
                yield images[:, down, across]


class MaxPool(_Pool):
    """The largest of each window, channel by channel; inputs and outputs as :class:`Convolution` with "valid"."""

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._inputs = inputs
        cells = self._cells(inputs)
        largest: Array = next(cells).copy()
        for cell in cells:
            np.maximum(largest, cell, out=largest)
        self._outputs = largest
        return largest

    def backward(self, gradient: Array) -> Array:
        """Give each window's gradient to its largest number, to the first of equal ones."""
        through = np.zeros(self._inputs.shape, gradient.dtype)
        left = np.ones(gradient.shape, np.bool_)
        for cell, target in zip(self._cells(self._inputs), self._cells(through), strict=True):
            hit = left & (cell == self._outputs)
            target += gradient * hit
            left &= ~hit
        return through


class AveragePool(_Pool):
    """The mean of each window, channel by channel; inputs and outputs as :class:`Convolution` with "valid"."""

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._shape = inputs.shape
        cells = self._cells(inputs)
        total: Array = next(cells).copy()
        for cell in cells:
            total += cell
        total /= self.size * self.size
        return total

    def backward(self, gradient: Array) -> Array:
        through = np.zeros(self._shape, gradient.dtype)
        share = gradient / (self.size * self.size)
        for target in self._cells(through):
            target += share
        return through
