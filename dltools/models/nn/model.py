"""A network: layers in a row and a loss, its parameters by name, all in one dtype.

In: examples (batch, ...). Out: what the loss makes of the last layer's raw outputs, probabilities or values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dltools.models.nn.layer import Array, Layer, Shape, Start
from dltools.models.nn.losses import LOSSES, Loss

#: Examples that run through a network at once where nothing is learned.
PREDICT_BATCH = 512


class Network:
    """``layers`` built for examples of ``shape`` (without the batch), with the loss called ``loss``.

    Arrays are named after the place of their layer, ``3.kernel``. Raises :class:`UsageError` where a layer cannot take
    what the one before it gives.
    """

    def __init__(self, layers: Sequence[Layer], loss: str, shape: Shape, start: Start) -> None:
        self.layers = list(layers)
        self.loss: Loss = LOSSES[loss]
        self.dtype = start.dtype
        for layer in self.layers:
            shape = layer.build(shape, start)
        self.output_shape = shape

    @property
    def parameters(self) -> dict[str, Array]:
        """What is learned; the arrays themselves, to be changed in place."""
        return {
            f"{at}.{name}": array for at, layer in enumerate(self.layers) for name, array in layer.parameters.items()
        }

    @property
    def gradients(self) -> dict[str, Array]:
        """The gradients that the last :meth:`backward` left, by the names of the parameters."""
        return {
            f"{at}.{name}": array for at, layer in enumerate(self.layers) for name, array in layer.gradients.items()
        }

    @property
    def arrays(self) -> dict[str, Array]:
        """Everything that makes the network what it is: the parameters, and the layers' state."""
        state = {f"{at}.{name}": array for at, layer in enumerate(self.layers) for name, array in layer.state.items()}
        return {**self.parameters, **state}

    @property
    def penalized(self) -> dict[str, Array]:
        """The parameters that L2 keeps small: weights, not biases."""
        return {
            f"{at}.{name}": layer.parameters[name] for at, layer in enumerate(self.layers) for name in layer.penalized
        }

    def forward(self, inputs: Array, *, training: bool = False) -> Array:
        """Return the raw outputs of the last layer for ``inputs`` (batch, ...)."""
        outputs = inputs.astype(self.dtype, copy=False)
        for layer in self.layers:
            outputs = layer.forward(outputs, training=training)
        return outputs

    def backward(self, gradient: Array) -> Array:
        """Return the gradient by the inputs, given that by the raw outputs; leave those by the parameters."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    def learn(self, inputs: Array, targets: Array) -> float:
        """Run forward and backward in training, and return the loss; :attr:`gradients` then holds its gradients."""
        outputs = self.forward(inputs, training=True)
        self.backward(self.loss.gradient(outputs, targets))
        return self.loss.value(outputs, targets)

    def outputs(self, inputs: Array) -> Array:
        """Return the raw outputs for any number of examples, a batch at a time."""
        starts = range(0, max(len(inputs), 1), PREDICT_BATCH)
        return np.concatenate([self.forward(inputs[start : start + PREDICT_BATCH]) for start in starts])

    def predict(self, inputs: Array) -> Array:
        """Return the answers for ``inputs`` (examples, ...): probabilities, or values, (examples, outputs)."""
        return self.loss.answer(self.outputs(inputs))

    def reseed(self, seed: int) -> None:
        """Start anew what is random in the layers."""
        for at, layer in enumerate(self.layers):
            layer.reseed(seed + at)
