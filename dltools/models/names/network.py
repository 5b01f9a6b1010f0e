"""The recurrent networks over characters in Keras, several members of one trained side by side.

``lstm``: Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997). ``rnn``: the plain network of Elman, "Finding
Structure in Time" (1990). What is left out at random stays the same for all steps of a name, in the recurrence too (Gal
and Ghahramani, "A Theoretically Grounded Application of Dropout in Recurrent Neural Networks", 2016). In: the numbers
of the characters before (batch, steps), the start first. Out: logits of the next (members, batch, steps, classes).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import keras
import tensorflow as tf

from dltools.models.names.config import Kind, Weights

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow publishes no types

#: A member's gradient is never longer than this (Pascanu, Mikolov and Bengio, 2013).
_LONGEST_GRADIENT = 1.0


class Members(keras.Model):  # type: ignore[misc]  # Keras publishes no types
    """Networks of one shape and different first weights, on the same batches, each with its own dropout."""

    def __init__(
        self,
        kind: Kind,
        first: Weights,
        *,
        seed: int = 0,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__(name="names")
        self.kind = kind
        self.dropout = keras.layers.Dropout(dropout, seed=seed)
        self.recurrent_dropout = keras.layers.Dropout(recurrent_dropout, seed=seed + 1)
        self.input_dropout = keras.layers.Dropout(input_dropout, seed=seed + 2)
        self.tensors = [
            self.add_weight(name=name, shape=value.shape, initializer="zeros")
            for name, value in first._asdict().items()
        ]
        for tensor, value in zip(self.tensors, first, strict=True):
            tensor.assign(value)

    def weights_now(self) -> Weights:
        """Return a copy of all weights."""
        return Weights(*(tensor.numpy().copy() for tensor in self.tensors))

    def call(self, numbers: Tensor, training: bool = False) -> Tensor:
        """Return the logits (members, batch, steps, classes)."""
        embedding, kernel, recurrent, bias, output_kernel, output_bias = map(tf.convert_to_tensor, self.tensors)
        members, dimensions, columns = kernel.shape
        units = recurrent.shape[1]
        batch, steps = numbers.shape
        seen = tf.gather(embedding, numbers, axis=1)  # (members, batch, steps, dimensions)
        seen *= self.input_dropout(tf.ones((members, batch, 1, dimensions)), training=training)
        given = tf.matmul(tf.reshape(seen, (members, batch * steps, dimensions)), kernel) + bias[:, None]
        given = tf.reshape(given, (members, batch, steps, columns))
        kept = self.recurrent_dropout(tf.ones((members, batch, units)), training=training)
        hidden = cell = tf.zeros((members, batch, units))
        outputs = []
        for step in range(steps):
            gates = given[:, :, step] + tf.matmul(hidden * kept, recurrent)
            if self.kind == "lstm":
                enter, forget, candidate, leave = tf.split(gates, 4, axis=-1)
                cell = tf.sigmoid(forget) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
                hidden = tf.sigmoid(leave) * tf.tanh(cell)
            else:
                hidden = tf.tanh(gates)
            outputs.append(hidden)
        features = self.dropout(tf.stack(outputs, axis=2), training=training)  # (members, batch, steps, units)
        logits = tf.matmul(tf.reshape(features, (members, batch * steps, units)), output_kernel) + output_bias[:, None]
        return tf.reshape(logits, (members, batch, steps, output_bias.shape[-1]))


def train_step(model: Members, optimizer: Any) -> Any:
    """Return the compiled step: numbers, targets (batch, steps, classes), counts (batch, steps) -> loss of a member."""

    @tf.function(reduce_retracing=False)  # type: ignore[untyped-decorator]
    def step(numbers: Tensor, targets: Tensor, counts: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            logits = model(numbers, training=True)
            losses = -tf.reduce_sum(targets[None] * tf.nn.log_softmax(logits), axis=-1)  # (members, batch, steps)
            loss = tf.reduce_sum(losses * counts[None]) / tf.reduce_sum(counts)
        gradients = [tf.convert_to_tensor(each) for each in tape.gradient(loss, model.trainable_variables)]
        squares = [tf.reduce_sum(each * each, axis=range(1, len(each.shape))) for each in gradients]
        lengths = tf.sqrt(tf.add_n(squares))  # (members,)
        shrink = tf.minimum(1.0, _LONGEST_GRADIENT / (lengths + 1e-9))
        gradients = [each * tf.reshape(shrink, [-1] + [1] * (len(each.shape) - 1)) for each in gradients]
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss / model.tensors[0].shape[0]

    return step
