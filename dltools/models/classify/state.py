"""How far a training has come, as an ``.npz`` file that it goes on from.

In and out: arrays of networks and optimizers by name, losses, and the recipe that all of it belongs to.
"""

from __future__ import annotations

import dataclasses
import io
import json
from typing import Any

import numpy as np

from dltools.errors import ModelFileError, UsageError
from dltools.models.classify.learners import State
from dltools.models.classify.recipe import Recipe
from dltools.runtime.npz import read_npz

_DAMAGED = "the state to resume is damaged, or none"


class TrainingState:
    """How far a training has come: finished networks, the one at work, its best so far, and all losses."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.finished: list[State] = []
        self.losses: list[list[float]] = []
        self.held_losses: list[list[float]] = []
        self.now: State = {}
        self.best: State = {}

    def encode(self) -> bytes:
        """Return all of it as the bytes of an ``.npz`` file."""
        stream = io.BytesIO()
        members: dict[str, Any] = {
            "recipe": np.array(_described(self.recipe)),
            "finished": np.array(len(self.finished)),
        }
        for number, each in enumerate(self.finished):
            members |= {f"finished{number}:{name}": array for name, array in each.items()}
        for number, (loss, held) in enumerate(zip(self.losses, self.held_losses, strict=True)):
            members[f"losses{number}"] = np.array([loss, held])
        members |= {f"now:{name}": array for name, array in self.now.items()}
        members |= {f"best:{name}": array for name, array in self.best.items()}
        np.savez(stream, **members)
        return stream.getvalue()

    @classmethod
    def read(cls, data: bytes, recipe: Recipe) -> TrainingState:
        """Read what :meth:`encode` wrote; raise :class:`ModelFileError` where it is none, or of another recipe."""
        state = cls(recipe)
        try:
            content = read_npz(io.BytesIO(data))
            same = str(content["recipe"]) == _described(recipe)

            def under(prefix: str) -> State:
                return {key.removeprefix(prefix): array for key, array in content.items() if key.startswith(prefix)}

            state.finished = [under(f"finished{number}:") for number in range(int(content["finished"]))]
            state.now, state.best = under("now:"), under("best:")
            for number in range(len(under("losses"))):
                loss, held = content[f"losses{number}"].tolist()
                state.losses.append(loss)
                state.held_losses.append(held)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelFileError(_DAMAGED) from error
        if not same:
            raise UsageError("the state to resume is of a training with other options: give the same, --seed included")
        return state


def seed_of(data: bytes) -> int:
    """Return the seed of the training that a saved state belongs to; raise :class:`ModelFileError`."""
    try:
        return int(json.loads(str(read_npz(io.BytesIO(data))["recipe"]))["seed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelFileError(_DAMAGED) from error


def _described(recipe: Recipe) -> str:
    return json.dumps(dataclasses.asdict(recipe))
