"""Adam and L-BFGS over pictures whose values stay between 0 and 1.

Kingma and Ba, "Adam: a method for stochastic optimization" (2015); Nocedal and Wright, "Numerical optimization" (2006),
algorithm 7.4 (L-BFGS), its bounds kept by projection (Bertsekas, "Projected Newton methods", 1982). A state is never
changed: a step returns a new one, so that what an interrupt leaves is whole. In and out: float32 vectors (values,).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

Name = Literal["adam", "lbfgs"]
Floats = npt.NDArray[np.float32]
#: Cost and gradient at a vector.
Objective = Callable[[Floats], tuple[float, Floats]]


class State(NamedTuple):
    """Where an optimizer stands: values, their cost and gradient, what it remembers, and how many steps it has made."""

    values: Floats
    cost: float
    gradient: Floats
    memory: tuple[Floats, ...] = ()
    steps: int = 0


class Optimizer(Protocol):
    """What a painting is made with."""

    def step(self, state: State, objective: Objective) -> State | None:
        """Return the next state, or None where no step lowers the cost any more."""

    def fits(self, memory: tuple[Floats, ...]) -> bool:
        """Return whether ``memory``, from outside, can be what this optimizer remembers."""


def start(values: Floats, objective: Objective, memory: tuple[Floats, ...] = (), steps: int = 0) -> State:
    """Return the state of ``values``: a first one, or that of an earlier run with its memory and count of steps."""
    return State(values, *objective(values), memory, steps)


@dataclasses.dataclass(frozen=True)
class Adam:
    """Adam, bounded; its memory is the running mean and the running square of the gradient."""

    rate: float = 0.02
    mean_decay: float = 0.9
    square_decay: float = 0.99
    epsilon: float = 1e-8

    def step(self, state: State, objective: Objective) -> State | None:
        """Take a step along the mean gradient, each value's scaled by its size (algorithm 1)."""
        mean, square = state.memory or (np.zeros_like(state.values), np.zeros_like(state.values))
        steps = state.steps + 1
        mean = self.mean_decay * mean + (1 - self.mean_decay) * state.gradient
        square = self.square_decay * square + (1 - self.square_decay) * state.gradient**2
        scale = np.float32(self.rate / (1 - self.mean_decay**steps))
        shrink = np.float32(1 / (1 - self.square_decay**steps))
        values = np.clip(state.values - scale * mean / (np.sqrt(square * shrink) + np.float32(self.epsilon)), 0, 1)
        return State(values, *objective(values), (mean, square), steps)

    def fits(self, memory: tuple[Floats, ...]) -> bool:
        """See :class:`Optimizer`."""
        return not memory or (len(memory) == 2 and bool(memory[1].min(initial=0) >= 0))


@dataclasses.dataclass(frozen=True)
class Lbfgs:
    """Limited-memory BFGS, bounded; its memory is the last steps and changes of the gradient, in turn.

    A step is taken whole or halved until the cost falls enough (Armijo's rule), so that the cost never rises.
    ``pairs``: how many steps are remembered. ``first``: the largest change of a value in the first step.
    """

    pairs: int = 8
    first: float = 0.05
    least: float = 1e-4  # of the fall that the gradient promises (Nocedal and Wright, section 3.1)
    halvings: int = 12

    def step(self, state: State, objective: Objective) -> State | None:
        """Step along the quasi-Newton direction or, where that leads nowhere, along the gradient alone."""
        found = self._search(state, objective)
        if found is None and state.memory:
            found = self._search(state._replace(memory=()), objective)
        return found

    def fits(self, memory: tuple[Floats, ...]) -> bool:
        """See :class:`Optimizer`."""
        pairs = zip(memory[::2], memory[1::2], strict=False)
        return len(memory) % 2 == 0 and len(memory) <= 2 * self.pairs and all(self._curves(*pair) for pair in pairs)

    def _search(self, state: State, objective: Objective) -> State | None:
        values, gradient = state.values, state.gradient
        # Values at a bound that want to go beyond it stay out of the step.
        held = ((values <= 0) & (gradient > 0)) | ((values >= 1) & (gradient < 0))
        free = np.where(held, np.float32(0), gradient)
        direction = -self._newton(free, state.memory)
        direction[held] = 0
        if not np.dot(direction, gradient) < 0:
            return None
        length = 1.0 if state.memory else self.first / max(float(np.abs(direction).max()), 1e-30)
        for _ in range(self.halvings):
            reached = np.clip(values + np.float32(length) * direction, 0, 1)
            moved = reached - values
            cost, slope = objective(reached)
            promised = float(np.dot(gradient, moved))
            if promised < 0 and cost <= state.cost + self.least * promised:
                memory = self._remember(state.memory, moved, slope - gradient)
                return State(reached, cost, slope, memory, state.steps + 1)
            length /= 2
        return None

    def _newton(self, gradient: Floats, memory: tuple[Floats, ...]) -> Floats:
        """Return the inverse Hessian, as the memory has it, times the gradient (two-loop recursion)."""
        result: Floats = gradient.copy()
        if not memory:
            return result
        pairs = [
            (moved, change, float(np.dot(moved, change)))
            for moved, change in zip(memory[::2], memory[1::2], strict=True)
        ]
        shares = []
        for moved, change, curve in reversed(pairs):
            shares.append(float(np.dot(moved, result)) / curve)
            result -= np.float32(shares[-1]) * change
        _, change, curve = pairs[-1]
        result *= np.float32(curve / float(np.dot(change, change)))
        for (moved, change, curve), share in zip(pairs, reversed(shares), strict=True):
            result += np.float32(share - float(np.dot(change, result)) / curve) * moved
        return result

    def _remember(self, memory: tuple[Floats, ...], moved: Floats, change: Floats) -> tuple[Floats, ...]:
        """Add a step and its change of the gradient, unless the cost does not curve up along it."""
        if not self._curves(moved, change):
            return memory
        remembered: tuple[Floats, ...] = (*memory, moved, change)
        return remembered[-2 * self.pairs :]

    def _curves(self, moved: Floats, change: Floats) -> bool:
        """Return whether the cost curves up along a step, by the change of its gradient."""
        return float(np.dot(moved, change)) > 1e-10 * float(np.dot(change, change)) > 0
