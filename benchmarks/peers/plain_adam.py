"""Paint as TensorFlow's tutorial does: Adam on all pixels at full size, 300 steps from the photograph.

``python plain_adam.py BACKBONE SIZE CONTENT STYLE [STEPS]`` prints the seconds from the network's being there to the
last step, compilation included, and the total cost then. The optimizer and its settings are those of TensorFlow's
"Neural style transfer"; backbone, layers, weights and cost are ours, so that both are after the same. Adam gets the
cost times :data:`SCALE`: the tutorial's epsilon of 0.1 is meant for costs of that size; with ours it would hardly move.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import tensorflow as tf

from dltools.io.images import decode_image
from dltools.models.style import pictures
from dltools.models.style.config import BACKBONES
from dltools.models.style.infer import find
from dltools.models.style.network import Network
from dltools.models.style.pictures import Size

STEPS = 300
SCALE = 1e7


def gram(features: tf.Tensor) -> tf.Tensor:
    places = tf.cast(tf.shape(features)[1] * tf.shape(features)[2], tf.float32)
    return tf.linalg.einsum("bijc,bijd->bcd", features, features) / places


def main() -> None:
    backbone, size, *paths = sys.argv[1:5]
    steps = int(sys.argv[5]) if len(sys.argv) > 5 else STEPS
    weights = BACKBONES[backbone].weights
    network = Network(backbone, find(backbone, offline=True).weights, weights.layers)
    content, style = (decode_image(Path(path).read_bytes()) for path in paths)
    started = time.perf_counter()
    full = pictures.scaled(Size(*content.shape[:2]), int(size))
    photo = tf.constant(pictures.resize(pictures.to_floats(content), full))
    painting = pictures.to_floats(style)
    painting = pictures.resize(painting, pictures.of_area(Size(*painting.shape[:2]), full.pixels))
    wanted = {name: network.look(photo)[name] for name in weights.content}
    grams = {name: gram(network.look(painting)[name]) for name in weights.style}

    def mean_square(tensor: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.square(tensor))

    def cost_of(image: tf.Tensor) -> tf.Tensor:
        seen = network.trace(image)
        content_cost = tf.add_n(
            [
                share * mean_square(seen[name] - wanted[name]) / mean_square(wanted[name])
                for name, share in weights.content.items()
            ]
        )
        style_cost = tf.add_n(
            [
                share * mean_square(gram(seen[name]) - grams[name]) / mean_square(grams[name])
                for name, share in weights.style.items()
            ]
        )
        variation = mean_square(image[1:] - image[:-1]) + mean_square(image[:, 1:] - image[:, :-1])
        return weights.content_weight * content_cost + weights.style_weight * style_cost + weights.tv_weight * variation

    image = tf.Variable(photo)
    optimizer = tf.keras.optimizers.Adam(learning_rate=0.02, beta_1=0.99, epsilon=1e-1)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            cost = SCALE * cost_of(image)
        optimizer.apply_gradients([(tape.gradient(cost, image), image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))

    for _ in range(steps):
        step()
    final = float(cost_of(image))
    print(time.perf_counter() - started, final)


if __name__ == "__main__":
    main()
