"""Optimizers by the formulas of Keras 3, step for step: SGD, Momentum, Nesterov, RMSprop, Adam.

In: parameters and their gradients by name; parameters change in place. Learning-rate decay and clipping stand beside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import numpy as np

from dltools.models.nn.layer import Array


class Optimizer(ABC):
    """``learning_rate`` may be changed between steps; ``slots`` are what it remembers of each parameter."""

    def __init__(self, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self.steps = 0
        self._slots: dict[tuple[str, str], Array] = {}

    def step(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Move every parameter, in place, by its gradient."""
        self.steps += 1
        for name, parameter in parameters.items():
            self._move(name, parameter, gradients[name])

    @abstractmethod
    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        """Move one parameter in place."""

    def _slot(self, kind: str, name: str, like: Array) -> Array:
        """Return what is remembered of a parameter, zeros at first."""
        key = (kind, name)
        if key not in self._slots:
            self._slots[key] = np.zeros_like(like)
        return self._slots[key]


class SGD(Optimizer):
    """Stochastic gradient descent: w -= rate * g."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        parameter -= self.learning_rate * gradient


class Momentum(Optimizer):
    """Momentum (Polyak 1964): v = momentum * v - rate * g; w += v."""

    def __init__(self, learning_rate: float = 0.01, *, momentum: float = 0.9) -> None:
        super().__init__(learning_rate)
        self.momentum = momentum

    def _velocity(self, name: str, parameter: Array, gradient: Array) -> Array:
        velocity = self._slot("velocity", name, parameter)
        velocity *= self.momentum
        velocity -= self.learning_rate * gradient
        return velocity

    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        parameter += self._velocity(name, parameter, gradient)


class Nesterov(Momentum):
    """Nesterov's momentum (Nesterov 1983; Sutskever et al. 2013): as Momentum, then w += momentum * v - rate * g."""

    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        velocity = self._velocity(name, parameter, gradient)
        parameter += self.momentum * velocity - self.learning_rate * gradient


class RMSprop(Optimizer):
    """RMSprop (Tieleman and Hinton 2012): s = rho * s + (1 - rho) * g^2; w -= rate * g / sqrt(s + epsilon)."""

    def __init__(self, learning_rate: float = 0.001, *, rho: float = 0.9, epsilon: float = 1e-7) -> None:
        super().__init__(learning_rate)
        self.rho, self.epsilon = rho, epsilon

    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        square = self._slot("square", name, parameter)
        square *= self.rho
        square += (1 - self.rho) * np.square(gradient)
        parameter -= self.learning_rate * gradient / np.sqrt(square + self.epsilon)


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015), in the form with the corrected rate: w -= rate_t * m / (sqrt(v) + epsilon)."""

    def __init__(
        self,
        learning_rate: float = 0.001,
        *,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
    ) -> None:
        super().__init__(learning_rate)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def _move(self, name: str, parameter: Array, gradient: Array) -> None:
        mean, square = self._slot("mean", name, parameter), self._slot("square", name, parameter)
        mean += (1 - self.beta_1) * (gradient - mean)
        square += (1 - self.beta_2) * (np.square(gradient) - square)
        correction = (1 - self.beta_2**self.steps) ** 0.5 / (1 - self.beta_1**self.steps)
        parameter -= (self.learning_rate * correction) * mean / (np.sqrt(square) + self.epsilon)


OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "rmsprop": RMSprop,
    "adam": Adam,
}


def decayed(learning_rate: float, decay: float, epoch: int) -> float:
    """Return the learning rate of an epoch, counted from 0: rate / (1 + decay * epoch) (Keras' InverseTimeDecay)."""
    return learning_rate / (1 + decay * epoch)


def clip(gradients: Mapping[str, Array], norm: float) -> dict[str, Array]:
    """Return ``gradients`` scaled down together where their common norm is above ``norm`` (Pascanu et al. 2013)."""
    length = float(np.sqrt(sum(float(np.square(each).sum()) for each in gradients.values())))
    if length <= norm:
        return dict(gradients)
    return {name: each * (norm / length) for name, each in gradients.items()}
