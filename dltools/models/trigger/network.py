"""The two networks in Keras.

``embedding``: a convolution over time, gated recurrent units (Cho et al., 2014) and a sigmoid each step, on a frozen
speech embedding. ``course``: Conv1D(196, 15, stride 4), batch normalization, two layers of GRU(128) and a sigmoid a
step, on spectrograms (the trigger word network of Ng's course on sequence models). In: features (batch, frames,
dimensions). Out: logits (batch, steps); nothing looks ahead. A model may have several members, networks of one shape
that differ in how they began, and whose logits are averaged (Hansen and Salamon, "Neural network ensembles", 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np
import tensorflow as tf

from dltools.models.trigger.config import Floats, Kind, Recurrence, Weights

Tensor: TypeAlias = Any  # tf.Tensor; TensorFlow publishes no types


class Shape(NamedTuple):
    """A network: taps, stride and filters of the convolution, units of each recurrent layer, and how many members."""

    taps: int
    stride: int
    filters: int
    units: tuple[int, ...]
    members: int = 1

    def half(self) -> Shape:
        """Return one network half as wide."""
        units = tuple(-(-units // 2) for units in self.units)
        return self._replace(filters=-(-self.filters // 2), units=units, members=1)


def shape_of(weights: Weights, stride: int) -> Shape:
    """Return the size of the network that has these weights."""
    members, taps, _, filters = weights.conv_kernel.shape
    return Shape(taps, stride, filters, tuple(layer.recurrent.shape[1] for layer in weights.recurrences), members)


SHAPES: dict[Kind, Shape] = {"embedding": Shape(5, 1, 128, (128,), 4), "course": Shape(15, 4, 196, (128, 128))}


class Network(keras.Model):  # type: ignore[misc]  # Keras publishes no types
    """A member of either; ``dropout`` as a share, ``noise`` as the spread of what training adds to the features."""

    def __init__(self, shape: Shape, dimensions: int, *, dropout: float, noise: float, seed: int = 0) -> None:
        super().__init__(name="trigger")
        self.shape = shape
        self.mean = self.add_weight(name="mean", shape=(dimensions,), initializer="zeros", trainable=False)
        self.spread = self.add_weight(name="spread", shape=(dimensions,), initializer="ones", trainable=False)
        self.noise = keras.layers.GaussianNoise(noise, seed=seed)
        self.conv = keras.layers.Conv1D(shape.filters, shape.taps, shape.stride, name="conv")
        self.conv_norm = keras.layers.BatchNormalization(name="conv_norm")
        self.drop = keras.layers.SpatialDropout1D(dropout, seed=seed + 1)
        self.recurrences = [
            keras.layers.GRU(units, return_sequences=True, return_state=True, name=f"gru{number}")
            for number, units in enumerate(shape.units)
        ]
        self.norms = [keras.layers.BatchNormalization(name=f"gru{number}_norm") for number in range(len(shape.units))]
        self.output_layer = keras.layers.Dense(1, name="output")
        self(tf.zeros((1, 64, dimensions)))  # makes the variables

    def call(self, features: Tensor, training: bool = False) -> Tensor:
        """Return logits (batch, steps)."""
        return self.carried(features, None, training=training)[0]

    def carried(
        self, features: Tensor, states: list[Tensor] | None, training: bool = False
    ) -> tuple[Tensor, list[Tensor]]:
        """Return logits (batch, steps), and the state of each recurrent layer (batch, units) after the last."""
        hidden = tf.pad(features, [[0, 0], [self.shape.taps - self.shape.stride, 0], [0, 0]])  # nothing looks ahead
        hidden = self.noise((hidden - self.mean) / self.spread, training=training)
        hidden = tf.nn.relu(self.conv_norm(self.conv(hidden), training=training))
        hidden = self.drop(hidden, training=training)
        after = []
        for number, (layer, norm) in enumerate(zip(self.recurrences, self.norms, strict=True)):
            hidden, state = layer(hidden, initial_state=None if states is None else states[number])
            after.append(state)
            hidden = self.drop(norm(hidden, training=training), training=training)
        return self.output_layer(hidden)[..., 0], after

    def exported(self) -> Weights:
        """Return a member's arrays as NumPy runs it, scales and batch normalizations worked in; no axis of members."""
        mean, spread = self.mean.numpy(), self.spread.numpy()
        kernel, bias = (array.numpy() for array in self.conv.weights)
        bias = bias - np.einsum("tfc,f->c", kernel, mean / spread)
        scale, shift = _affine(self.conv_norm)
        kernel, bias = kernel / spread[:, None] * scale, bias * scale + shift
        # What stood behind a layer goes into the next one: a scale and a shift of its inputs.
        layers, scale, shift = [], np.float32(1), np.zeros(self.shape.filters, np.float32)
        for layer, norm in zip(self.recurrences, self.norms, strict=True):
            own, recurrent, biases = (array.numpy() for array in layer.weights)
            given = biases + np.stack([shift @ own, np.zeros(own.shape[1], np.float32)])
            layers.append(Recurrence(own * np.reshape(scale, (-1, 1)), recurrent, given))
            scale, shift = _affine(norm)
        own, last = (array.numpy() for array in self.output_layer.weights)
        return Weights(kernel, bias, tuple(layers), own * scale[:, None], last + shift @ own)

    def start(self, mean: Floats, spread: Floats, weights: Weights | None) -> None:
        """Take the mean and the spread of the features, and go on from a member's exported weights if there are any.

        All normalizations then begin anew as what changes nothing.
        """
        self.mean.assign(mean)
        self.spread.assign(spread)
        if weights is None:
            return
        kernel = weights.conv_kernel * spread[:, None]
        self.conv.set_weights([kernel, weights.conv_bias + np.einsum("tfc,f->c", weights.conv_kernel, mean)])
        for layer, own in zip(self.recurrences, weights.recurrences, strict=True):
            layer.set_weights(list(own))
        self.output_layer.set_weights([weights.output_kernel, weights.output_bias])
        epsilon = self.conv_norm.epsilon
        for norm in (self.conv_norm, *self.norms):
            norm.moving_variance.assign(np.full(norm.moving_variance.shape, 1 - epsilon, np.float32))


def _affine(norm: keras.layers.BatchNormalization) -> tuple[Floats, Floats]:
    """Return the scale and the shift that a batch normalization is when it runs."""
    gamma, beta, mean, variance = (array.numpy() for array in norm.weights)
    scale: Floats = gamma / np.sqrt(variance + norm.epsilon)
    return scale, beta - mean * scale


def exported(members: Sequence[Network]) -> Weights:
    """Return the members as NumPy runs them."""
    arrays = [network.exported().arrays() for network in members]
    return Weights.of({name: np.stack([each[name] for each in arrays]) for name in arrays[0]})


def variables(members: Sequence[Network]) -> list[Any]:
    """Return what all members learn."""
    return [variable for network in members for variable in network.trainable_variables]


def train_step(members: Sequence[Network], optimizer: Any, positive_weight: float) -> Any:
    """Return the compiled step of all members: features, targets (batch, steps), states of each -> loss, states after.

    Targets are 1 right behind the word, 0 elsewhere, below 0 where it does not matter.
    """

    def learned(
        network: Network, features: Tensor, targets: Tensor, states: list[Tensor]
    ) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Return the loss of a member, its gradients, and its states after."""
        with tf.GradientTape() as tape:
            logits, after = network.carried(features, states, training=True)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(tf.maximum(targets, 0), logits)
            # What is far on the right side already teaches nothing more (Lin et al., "Focal Loss", 2017).
            sure = tf.stop_gradient(1 - tf.exp(-losses))
            weights = tf.where(targets > 0, positive_weight, tf.where(targets < 0, 0.0, 1.0)) * (0.05 + sure)
            loss = tf.reduce_sum(losses * weights) / tf.reduce_sum(tf.cast(targets >= 0, tf.float32))
        gradients = tape.gradient(loss, network.trainable_variables)
        gradients, _ = tf.clip_by_global_norm(gradients, 1.0)  # Pascanu, Mikolov and Bengio, 2013
        return loss, gradients, after

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(features: Tensor, targets: Tensor, states: list[list[Tensor]]) -> tuple[Tensor, list[list[Tensor]]]:
        made = [learned(network, features, targets, own) for network, own in zip(members, states, strict=True)]
        gradients = [gradient for _, own, _ in made for gradient in own]
        optimizer.apply_gradients(zip(gradients, variables(members), strict=True))
        return tf.add_n([loss for loss, _, _ in made]) / len(made), [after for _, _, after in made]

    return step
