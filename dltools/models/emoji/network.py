"""The recurrent network over frozen word vectors in Keras, several members of it trained side by side.

Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997), in both directions (Schuster and Paliwal, 1997), with the
maximum over time (Collobert et al., 2011) as the sentence's features. Gates in Keras' order: input, forget, cell,
output. In: word vectors (2, batch, steps, dimensions), the words forward and backward, both from the left, and a mask
(batch, steps), 1 for words, 0 for what fills up. Out: logits (members, batch, classes).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import keras
import tensorflow as tf

from dltools.models.emoji.config import Weights

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow publishes no types

DIRECTIONS = 2
_VERY_LOW = -1e9  # below every output of a cell


class Members(keras.Model):  # type: ignore[misc]  # Keras publishes no types
    """Networks of one shape and different first weights, on the same batches, each with its own dropout.

    Together they fill the matrix products that one alone is too small for; nothing flows between them.
    """

    def __init__(self, first: Weights, *, dropout: float, input_dropout: float, seed: int) -> None:
        super().__init__(name="emoji")
        self.members, self.units = len(first.output_kernel), first.recurrent.shape[-2]
        self.dropout = keras.layers.Dropout(dropout, seed=seed)
        self.input_dropout = keras.layers.Dropout(input_dropout, seed=seed + 1)
        self.tensors = [
            self.add_weight(name=name, shape=value.shape, initializer="zeros")
            for name, value in first._asdict().items()
        ]
        self.assign(first)

    def assign(self, weights: Weights) -> None:
        """Set all weights."""
        for tensor, value in zip(self.tensors, weights, strict=True):
            tensor.assign(value)

    def weights_now(self) -> Weights:
        """Return a copy of all weights."""
        return Weights(*(tensor.numpy().copy() for tensor in self.tensors))

    def call(self, vectors: Tensor, mask: Tensor, training: bool = False) -> Tensor:
        """Return the logits (members, batch, classes)."""
        kernel, recurrent, bias, output_kernel, output_bias = map(tf.convert_to_tensor, self.tensors)
        _, batch, steps, dimensions = vectors.shape
        runs = self.members * DIRECTIONS
        many = tf.tile(vectors[None], (self.members, 1, 1, 1, 1))  # (members, 2, batch, steps, dimensions)
        many = tf.reshape(self.input_dropout(many, training=training), (runs, batch * steps, dimensions))
        given = tf.reshape(tf.matmul(many, kernel) + bias[:, None], (runs, batch, steps, 4 * self.units))
        hidden = cell = tf.zeros((runs, batch, self.units))
        best = tf.fill((runs, batch, self.units), _VERY_LOW)
        for step in range(steps):
            gates = given[:, :, step] + tf.matmul(hidden, recurrent)
            enter, forget, candidate, leave = tf.split(gates, 4, axis=-1)
            new_cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
            new_hidden = tf.sigmoid(leave) * tf.tanh(new_cell)
            there = mask[None, :, step, None] > 0
            cell, hidden = tf.where(there, new_cell, cell), tf.where(there, new_hidden, hidden)
            best = tf.where(there, tf.maximum(best, new_hidden), best)
        features = tf.reshape(best, (self.members, DIRECTIONS, batch, self.units))
        features = tf.concat(tf.unstack(features, axis=1), axis=-1)  # (members, batch, 2 * units)
        features = self.dropout(features, training=training)
        return tf.matmul(features, output_kernel) + output_bias[:, None]


def train_step(model: Members, optimizer: Any) -> Any:
    """Return the compiled step: vectors, mask, targets (batch, classes), weights (members, batch) -> loss."""

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator]
    def step(vectors: Tensor, mask: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            logits = model(vectors, mask, training=True)
            losses = -tf.reduce_sum(targets[None] * tf.nn.log_softmax(logits), axis=-1)  # (members, batch)
            loss = tf.reduce_sum(tf.reduce_sum(losses * weights, 1) / tf.reduce_sum(weights, 1))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step
