"""Train a network by mini-batches: shuffle, step, measure, and stop when nothing gets better.

In: a network, examples (examples, ...) and their targets (examples, outputs). Out: the losses of every epoch; the
network's arrays are changed in place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.models.nn.layer import Array
from dltools.models.nn.model import Network
from dltools.models.nn.optimizers import OPTIMIZERS, clip, decayed
from dltools.models.nn.regularizers import L2, EarlyStopping

#: Told of each epoch that is done: its number from 1, of how many, the training and the validation loss.
Progress = Callable[[int, int, float, float | None], None]

#: Learning rates that do for most small networks on standardized inputs.
RATES = {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "rmsprop": 0.002, "adam": 0.005}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    ``learning_rate``: None for the optimizer's own of :data:`RATES`. ``clip``: the most that the gradients' common norm
    may be; 0 for no limit.
    ``patience``: epochs without a better validation loss before training stops; 0 for all epochs. The weights of the
    best epoch are kept then.
    """

    optimizer: str = "adam"
    learning_rate: float | None = None
    decay: float = 0.0
    batch_size: int = 32
    epochs: int = 100
    l2: float = 0.0
    clip: float = 0.0
    patience: int = 0

    @property
    def rate(self) -> float:
        """The learning rate of the first epoch."""
        return RATES[self.optimizer] if self.learning_rate is None else self.learning_rate


class Pairs(NamedTuple):
    """Inputs (examples, ...) and their targets (examples, outputs), both float32 or float64."""

    inputs: Array
    targets: Array


class History(NamedTuple):
    """Each epoch's training loss, as its batches had it, and validation loss, and the epoch whose weights were kept."""

    losses: list[float]
    validation_losses: list[float]
    best_epoch: int


def fit(
    network: Network,
    recipe: Recipe,
    training: Pairs,
    validation: Pairs | None,
    random: np.random.Generator,
    progress: Progress | None = None,
) -> History:
    """Train ``network`` in place, and return the losses; raise :class:`InputError` where a loss is no longer finite."""
    optimizer = OPTIMIZERS[recipe.optimizer](recipe.rate)
    stopping = EarlyStopping(recipe.patience) if recipe.patience and validation is not None else None
    history = History([], [], recipe.epochs)
    with np.errstate(all="ignore"):  # what overflows makes the loss not finite, and that is told
        for epoch in range(1, recipe.epochs + 1):
            optimizer.learning_rate = decayed(recipe.rate, recipe.decay, epoch - 1)
            history.losses.append(_epoch(network, optimizer.step, recipe, training, random))
            held_out = None
            if validation is not None:
                held_out = network.loss.value(network.outputs(validation.inputs), validation.targets)
                history.validation_losses.append(held_out)
            if not math.isfinite(history.losses[-1]) or not math.isfinite(held_out or 0.0):
                raise InputError(
                    f"training diverged in epoch {epoch}: the loss is not finite "
                    f"(a learning rate below {optimizer.learning_rate:g}, or clipping, may help)",
                    code="diverged",
                )
            if progress is not None:
                progress(epoch, recipe.epochs, history.losses[-1], held_out)
            if stopping is not None and held_out is not None and stopping.stop(epoch, held_out, network.arrays):
                break
    if stopping is None:
        return history
    stopping.restore(network.arrays)
    return history._replace(best_epoch=stopping.best_epoch)


def _epoch(
    network: Network,
    step: Callable[[dict[str, Array], dict[str, Array]], None],
    recipe: Recipe,
    training: Pairs,
    random: np.random.Generator,
) -> float:
    """Go through all examples once, in a new order; return the mean loss of the batches, without the penalty."""
    order = random.permutation(len(training.inputs))
    penalty = L2(recipe.l2)
    total = 0.0
    for start in range(0, len(order), recipe.batch_size):
        batch = order[start : start + recipe.batch_size]
        total += network.learn(training.inputs[batch], training.targets[batch]) * len(batch)
        gradients = network.gradients
        if recipe.l2:
            penalty.add_gradients(network.penalized, gradients)
        if recipe.clip:
            gradients = clip(gradients, recipe.clip)
        step(network.parameters, gradients)
    return total / len(order)
