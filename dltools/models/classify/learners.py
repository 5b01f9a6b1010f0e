"""What a training loop needs of a network, and networks of :mod:`dltools.models.nn` that give it.

In: prepared pictures (batch, ...), float32, and class numbers (batch,). Out: losses and probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dltools.models.classify.prepare import Floats
from dltools.models.classify.recipe import Recipe
from dltools.models.nn.layer import Shape, Start
from dltools.models.nn.model import Network
from dltools.models.nn.optimizers import Adam
from dltools.models.nn.regularizers import L2
from dltools.models.nn.spec import complete, make

Numbers = npt.NDArray[np.int64]
State = dict[str, npt.NDArray[Any]]


class Learner(Protocol):
    """A network that learns; ``weights`` are what it is, ``state`` also what its optimizer remembers."""

    def reseed(self, seed: int) -> None:
        """Start anew what is random in the network: each epoch does, so that it can be gone on from."""

    def learn(self, inputs: Floats, targets: Numbers, rate: float) -> float:
        """Make one step on a batch at the learning rate ``rate``, and return the loss before it, in nats."""

    def answers(self, inputs: Floats) -> Floats:
        """Return the probability of each class (batch, classes)."""

    def weights(self) -> State:
        """Return copies of the arrays that make the network what it is."""

    def state(self) -> State:
        """Return copies of all arrays that training goes on from."""

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over what :meth:`weights` or :meth:`state` gave; raise ``KeyError`` or ``ValueError`` if it is none."""


class _OpenAdam(Adam):
    """Adam whose memory can be saved."""

    @property
    def memory(self) -> State:
        """What it remembers, by names."""
        return {f"{kind}/{name}": array for (kind, name), array in self._slots.items()}

    def recall(self, memory: Mapping[str, npt.NDArray[Any]], parameters: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over what :attr:`memory` gave; raise ``KeyError`` or ``ValueError`` where ``parameters`` are others."""
        for key, array in memory.items():
            kind, _, name = key.partition("/")
            if array.shape != parameters[name].shape:
                raise ValueError(f"{key} is not as large as the parameter")
            self._slots[kind, name] = np.array(array, parameters[name].dtype)


class ArrayLearner:
    """A network of NumPy's, for examples of ``shape``."""

    def __init__(self, recipe: Recipe, shape: Shape, classes: int, seed: int) -> None:
        self.layers, self.loss = described(recipe, shape, classes)
        random = np.random.default_rng(seed)
        init = "he" if recipe.layers else "zeros"
        self.network = Network(
            [make(word) for word in complete(recipe.layers, shape, _outputs(classes))],
            self.loss,
            shape,
            Start(random, init),
        )
        self._classes = classes
        self._penalty = L2(recipe.decay)
        self._optimizer = _OpenAdam(recipe.rate)

    def reseed(self, seed: int) -> None:
        """Start anew what is random in the network."""
        self.network.reseed(seed)

    def learn(self, inputs: Floats, targets: Numbers, rate: float) -> float:
        """Make one step; see :class:`Learner`."""
        wanted = np.eye(self._classes, dtype=np.float32)[targets]
        loss = self.network.learn(inputs, wanted[:, 1:] if self._classes == 2 else wanted)
        gradients = self.network.gradients
        self._penalty.add_gradients(self.network.penalized, gradients)
        self._optimizer.learning_rate = rate
        self._optimizer.step(self.network.parameters, gradients)
        return loss

    def answers(self, inputs: Floats) -> Floats:
        """Return the probability of each class (batch, classes)."""
        shares = self.network.predict(inputs)
        return np.concatenate([1 - shares, shares], axis=1) if self._classes == 2 else shares

    def weights(self) -> State:
        """Return copies of the network's arrays."""
        return {name: array.copy() for name, array in self.network.arrays.items()}

    def state(self) -> State:
        """Return copies of the network's arrays and of the optimizer's."""
        memory = {f"optimizer/{name}": array.copy() for name, array in self._optimizer.memory.items()}
        return {**self.weights(), **memory, "steps": np.array(self._optimizer.steps)}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take over saved arrays; raise ``KeyError`` or ``ValueError`` where they do not fit."""
        for name, array in self.network.arrays.items():
            if state[name].shape != array.shape:
                raise ValueError(f"{name} is not as large as the network's")
            array[...] = state[name]
        if "steps" in state:
            self._optimizer.steps = int(state["steps"])
            prefix = "optimizer/"
            memory = {key.removeprefix(prefix): state[key] for key in state if key.startswith(prefix)}
            self._optimizer.recall(memory, self.network.parameters)


def described(recipe: Recipe, shape: Shape, classes: int) -> tuple[str, str]:
    """Return the layers of a recipe's network, as :mod:`dltools.models.nn.spec` writes them, and its loss."""
    words = complete(recipe.layers, shape, _outputs(classes))
    return ",".join(map(str, words)), "binary-crossentropy" if classes == 2 else "categorical-crossentropy"


def _outputs(classes: int) -> tuple[int]:
    return (1 if classes == 2 else classes,)
