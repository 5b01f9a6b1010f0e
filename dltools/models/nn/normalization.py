"""Batch normalization (Ioffe and Szegedy 2015): every feature to mean 0 and variance 1, then scaled and moved."""

from __future__ import annotations

import numpy as np

from dltools.models.nn.layer import Array, Layer, Shape, Start


class BatchNormalization(Layer):
    """Normalize along the last axis: inputs and outputs (batch, ..., features).

    In training by the batch's own mean and variance, which also move the averages of ``state`` (``mean``,
    ``variance``, by which all else is normalized) a share of 1 - ``momentum`` of the way. Parameters: ``gamma``,
    ``beta`` (features,).
    """

    def __init__(self, *, momentum: float = 0.9, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.momentum, self.epsilon = momentum, epsilon

    def build(self, shape: Shape, start: Start) -> Shape:
        features = shape[-1:]
        self.parameters = {"gamma": start.constant(features, 1.0), "beta": start.constant(features)}
        self.state = {"mean": start.constant(features), "variance": start.constant(features, 1.0)}
        return shape

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        rows = inputs.reshape(-1, inputs.shape[-1])  # (rows, features)
        self._training = training
        if training:
            mean, variance = rows.mean(axis=0), rows.var(axis=0)
            for name, value in (("mean", mean), ("variance", variance)):
                self.state[name] += (value - self.state[name]) * (1 - self.momentum)
        else:
            mean, variance = self.state["mean"], self.state["variance"]
        self._inverse = 1 / np.sqrt(variance + self.epsilon)
        self._normal = (inputs - mean) * self._inverse
        outputs: Array = self._normal * self.parameters["gamma"] + self.parameters["beta"]
        return outputs

    def backward(self, gradient: Array) -> Array:
        features = gradient.shape[-1]
        normal, errors = self._normal.reshape(-1, features), gradient.reshape(-1, features)
        gamma, beta = (errors * normal).sum(axis=0), errors.sum(axis=0)
        self.gradients = {"gamma": gamma, "beta": beta}
        factor = self.parameters["gamma"] * self._inverse
        if not self._training:
            fixed: Array = gradient * factor
            return fixed
        through: Array = (errors - beta / len(errors) - normal * (gamma / len(errors))) * factor
        return through.reshape(gradient.shape)
