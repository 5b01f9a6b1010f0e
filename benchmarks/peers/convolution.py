"""Time a convolution, forward and backward: ``convolution.py ours|tensorflow|loops [RUNS]`` prints the median in s.

64 images of 32 x 32 x 16 and 32 filters of 3 x 3 with a border of zeros, float32. A pass gives the outputs and the
gradients by inputs, kernel and bias. The version with four loops, as Andrew Ng's course has it, does two of the images,
and its time is multiplied.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, SIDE, CHANNELS, FILTERS, SIZE = 64, 32, 16, 32, 3
LOOPED = 2  # images


def main() -> None:
    kind, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 20
    random = np.random.default_rng(0)
    images = random.normal(size=(BATCH, SIDE, SIDE, CHANNELS)).astype(np.float32)
    errors = random.normal(size=(BATCH, SIDE, SIDE, FILTERS)).astype(np.float32)
    kernel = random.normal(size=(SIZE, SIZE, CHANNELS, FILTERS)).astype(np.float32)
    makers = {"ours": ours, "tensorflow": tensorflow, "loops": loops}
    step = makers[kind](images, errors, kernel)
    times = []
    for _ in range(1 + runs):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    factor = BATCH / LOOPED if kind == "loops" else 1.0
    print(statistics.median(times[1:]) * factor)


def ours(images: Any, errors: Any, kernel: Any) -> Callable[[], Any]:
    from dltools.models.nn.convolution import Convolution
    from dltools.models.nn.layer import Start

    layer = Convolution(FILTERS, SIZE)
    layer.build(images.shape[1:], Start(np.random.default_rng(0)))
    layer.parameters["kernel"][...] = kernel

    def step() -> Any:
        return layer.forward(images, training=True), layer.backward(errors), layer.gradients

    return step


def tensorflow(images: Any, errors: Any, kernel: Any) -> Callable[[], Any]:
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    given = [tf.constant(images), tf.constant(kernel), tf.zeros(FILTERS)]
    weights = tf.constant(errors)

    @tf.function
    def run(images: Any, kernel: Any, bias: Any, weights: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([images, kernel, bias])
            outputs = tf.nn.conv2d(images, kernel, 1, "SAME") + bias
        return outputs, tape.gradient(outputs, [images, kernel, bias], weights)

    def step() -> Any:
        outputs, gradients = run(*given, weights)
        return outputs.numpy(), [gradient.numpy() for gradient in gradients]

    return step


def loops(images: Any, errors: Any, kernel: Any) -> Callable[[], Any]:
    images, errors = images[:LOOPED], errors[:LOOPED]
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))

    def step() -> Any:
        outputs = np.zeros(errors.shape, np.float32)
        for image in range(LOOPED):
            for row in range(SIDE):
                for column in range(SIDE):
                    for number in range(FILTERS):
                        window = padded[image, row : row + SIZE, column : column + SIZE]
                        outputs[image, row, column, number] = np.sum(window * kernel[..., number])
        through, weights, bias = np.zeros_like(padded), np.zeros_like(kernel), np.zeros(FILTERS, np.float32)
        for image in range(LOOPED):
            for row in range(SIDE):
                for column in range(SIDE):
                    for number in range(FILTERS):
                        error = errors[image, row, column, number]
                        window = padded[image, row : row + SIZE, column : column + SIZE]
                        through[image, row : row + SIZE, column : column + SIZE] += kernel[..., number] * error
                        weights[..., number] += window * error
                        bias[number] += error
        return outputs, through[:, 1:-1, 1:-1], weights, bias

    return step


if __name__ == "__main__":
    main()
