"""Recurrent layers: simple RNN (Elman 1990), LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al. 2014).

Weights lie as Keras has them, so that they can be taken over: LSTM's gates in the order input, forget, candidate,
output, GRU's in the order update, reset, candidate, with the reset after the product (Keras' ``reset_after``). The
inputs' products are done for all steps at once; loops go over time only. In: (batch, steps, features). Out: (batch,
units), or (batch, steps, units) with ``return_sequences``.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from dltools.models.nn.activations import sigmoid
from dltools.models.nn.layer import Array, Layer, Shape, Start, need_rank


class _Recurrent(Layer):
    """The loops over time; a kind of cell says what one step does, and ``gates`` how many products it takes.

    Parameters: ``kernel`` (features, gates * units), ``recurrent`` (units, gates * units), ``bias``.
    """

    penalized = ("kernel", "recurrent")
    gates: int

    def __init__(self, units: int, *, return_sequences: bool = False) -> None:
        super().__init__()
        self.units, self.return_sequences = units, return_sequences

    def build(self, shape: Shape, start: Start) -> Shape:
        need_rank(type(self).__name__.lower(), shape, 2, "steps and features")
        steps, features = shape
        self.parameters = {
            "kernel": start.weights((features, self.gates * self.units), features, self.units),
            "recurrent": start.recurrent(self.units, self.gates),
            "bias": self._first_bias(start),
        }
        return (steps, self.units) if self.return_sequences else (self.units,)

    def _first_bias(self, start: Start) -> Array:
        return start.constant((self.gates * self.units,))

    def _biases(self) -> tuple[Array | float, Array | float]:
        """Return what is added to the products of the inputs, and to those of the state."""
        return self.parameters["bias"], 0.0

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        self._inputs = inputs
        batch, steps, _ = inputs.shape
        of_inputs, of_state = self._biases()
        projected = (inputs.swapaxes(0, 1) @ self.parameters["kernel"]) + of_inputs  # (steps, batch, gates * units)
        self._states: Array = np.zeros((steps + 1, batch, self.units), inputs.dtype)
        self._begin()
        for step in range(steps):
            state = self._states[step]
            from_state = state @ self.parameters["recurrent"] + of_state
            self._states[step + 1] = self._forward_step(projected[step], from_state, state)
        outputs: Array = self._states[1:].swapaxes(0, 1) if self.return_sequences else self._states[-1]
        return outputs

    def backward(self, gradient: Array) -> Array:
        kernel, recurrent = self.parameters["kernel"], self.parameters["recurrent"]
        batch, steps, _ = self._inputs.shape
        of_inputs = np.empty((steps, batch, self.gates * self.units), gradient.dtype)
        of_state = np.empty_like(of_inputs)
        carried = np.zeros((batch, self.units), gradient.dtype) if self.return_sequences else gradient
        for step in reversed(range(steps)):
            error = carried + gradient[:, step] if self.return_sequences else carried
            of_inputs[step], of_state[step], past = self._backward_step(step, error)
            carried = of_state[step] @ recurrent.T + past
        width = self.gates * self.units
        features = self._inputs.swapaxes(0, 1).reshape(-1, kernel.shape[0])
        self.gradients = {
            "kernel": features.T @ of_inputs.reshape(-1, width),
            "recurrent": self._states[:-1].reshape(-1, self.units).T @ of_state.reshape(-1, width),
            "bias": self._bias_gradient(of_inputs, of_state),
        }
        through: Array = (of_inputs @ kernel.T).swapaxes(0, 1)
        return through

    def _bias_gradient(self, of_inputs: Array, _of_state: Array) -> Array:
        total: Array = of_inputs.sum(axis=(0, 1))
        return total

    def _gate(self, products: Array, number: int) -> Array:
        """Return a view of one gate's part of products (batch, gates * units)."""
        return products[:, number * self.units : (number + 1) * self.units]

    @abstractmethod
    def _begin(self) -> None:
        """Forget the steps of the last run."""

    @abstractmethod
    def _forward_step(self, from_input: Array, from_state: Array, state: Array) -> Array:
        """Return the state (batch, units) after one step, given the products (batch, gates * units)."""

    @abstractmethod
    def _backward_step(self, step: int, error: Array) -> tuple[Array, Array, Array | float]:
        """Return the gradients of a step: by both products, and by the state before it where that passes directly."""


class SimpleRNN(_Recurrent):
    """h' = tanh(x W + h U + b)."""

    gates = 1

    def _begin(self) -> None:
        """Nothing is kept but the states."""

    def _forward_step(self, from_input: Array, from_state: Array, state: Array) -> Array:
        after: Array = np.tanh(from_input + from_state)
        return after

    def _backward_step(self, step: int, error: Array) -> tuple[Array, Array, Array | float]:
        before = error * (1 - np.square(self._states[step + 1]))
        return before, before, 0.0


class LSTM(_Recurrent):
    """i, f, o = sigmoid(x W + h U + b), g = tanh(...); c' = f c + i g; h' = o tanh(c').

    Forget gates begin with a bias of 1 (Jozefowicz et al. 2015), as Keras has it.
    """

    gates = 4

    def _first_bias(self, start: Start) -> Array:
        bias = super()._first_bias(start)
        bias[self.units : 2 * self.units] = 1
        return bias

    def _begin(self) -> None:
        self._cells = [np.zeros_like(self._states[0])]
        self._steps: list[tuple[Array, ...]] = []
        self._cell_error: Array | float = 0.0

    def _forward_step(self, from_input: Array, from_state: Array, state: Array) -> Array:
        products = from_input + from_state
        enter, forget, leave = (sigmoid(self._gate(products, number)) for number in (0, 1, 3))
        candidate = np.tanh(self._gate(products, 2))
        cell = forget * self._cells[-1] + enter * candidate
        shown = np.tanh(cell)
        self._cells.append(cell)
        self._steps.append((enter, forget, candidate, leave, shown))
        after: Array = leave * shown
        return after

    def _backward_step(self, step: int, error: Array) -> tuple[Array, Array, Array | float]:
        enter, forget, candidate, leave, shown = self._steps[step]
        through = error * leave * (1 - np.square(shown)) + (self._cell_error if step + 1 < len(self._steps) else 0.0)
        parts = (
            through * candidate * enter * (1 - enter),
            through * self._cells[step] * forget * (1 - forget),
            through * enter * (1 - np.square(candidate)),
            error * shown * leave * (1 - leave),
        )
        self._cell_error = through * forget
        before = np.concatenate(parts, axis=1)
        return before, before, 0.0


class GRU(_Recurrent):
    """z, r = sigmoid(x W + b + h U + c), g = tanh(x W + b + r (h U + c)); h' = z h + (1 - z) g.

    ``bias`` (2, 3 units): b, which joins the inputs' products, and c, which joins the state's.
    """

    gates = 3

    def _first_bias(self, start: Start) -> Array:
        return start.constant((2, self.gates * self.units))

    def _biases(self) -> tuple[Array | float, Array | float]:
        return self.parameters["bias"][0], self.parameters["bias"][1]

    def _begin(self) -> None:
        self._steps: list[tuple[Array, ...]] = []

    def _forward_step(self, from_input: Array, from_state: Array, state: Array) -> Array:
        update, reset = (sigmoid(self._gate(from_input, at) + self._gate(from_state, at)) for at in (0, 1))
        recalled = self._gate(from_state, 2)
        candidate = np.tanh(self._gate(from_input, 2) + reset * recalled)
        self._steps.append((update, reset, recalled, candidate))
        after: Array = update * state + (1 - update) * candidate
        return after

    def _backward_step(self, step: int, error: Array) -> tuple[Array, Array, Array | float]:
        update, reset, recalled, candidate = self._steps[step]
        of_update = error * (self._states[step] - candidate) * update * (1 - update)
        of_candidate = error * (1 - update) * (1 - np.square(candidate))
        of_reset = of_candidate * recalled * reset * (1 - reset)
        of_inputs = np.concatenate((of_update, of_reset, of_candidate), axis=1)
        of_state = np.concatenate((of_update, of_reset, of_candidate * reset), axis=1)
        return of_inputs, of_state, error * update

    def _bias_gradient(self, of_inputs: Array, of_state: Array) -> Array:
        return np.stack([of_inputs.sum(axis=(0, 1)), of_state.sum(axis=(0, 1))])
