"""How far a training has come, as an ``.npz`` file that it goes on from.

In and out: arrays of networks and optimizers by name, losses, and what it all belongs to: recipe and pictures.
"""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from dltools.errors import ModelFileError, UsageError
from dltools.models.classify.data import Pictures
from dltools.models.classify.learners import State
from dltools.models.classify.recipe import Recipe
from dltools.runtime.npz import read_npz


class TrainingState:
    """How far a training has come: finished networks, the one at work, its best so far, and all losses."""

    def __init__(self, recipe: Recipe, pictures: Pictures) -> None:
        self.finished: list[State] = []
        self.losses: list[list[float]] = []
        self.held_losses: list[list[float]] = []
        self.now: State = {}
        self.best: State = {}
        self._recipe = recipe
        self._belongs = {"recipe": json.dumps(dataclasses.asdict(recipe)), "pictures": _fingerprint(pictures)}

    def encode(self) -> bytes:
        """Return all of it as the bytes of an ``.npz`` file."""
        stream = io.BytesIO()
        members: dict[str, Any] = {name: np.array(text) for name, text in self._belongs.items()}
        members["finished"] = np.array(len(self.finished))
        for number, each in enumerate(self.finished):
            members |= {f"finished{number}:{name}": array for name, array in each.items()}
        for number, (loss, held) in enumerate(zip(self.losses, self.held_losses, strict=True)):
            members[f"losses{number}"] = np.array([loss, held])
        members |= {f"now:{name}": array for name, array in self.now.items()}
        members |= {f"best:{name}": array for name, array in self.best.items()}
        np.savez(stream, **members)
        return stream.getvalue()

    @classmethod
    def read(cls, path: Path, recipe: Recipe, pictures: Pictures) -> TrainingState:
        """Read what :meth:`encode` wrote.

        Raise :class:`ModelFileError` where it is none, :class:`UsageError` where it belongs to another training.
        """
        state = cls(recipe, pictures)
        content = _read(path)
        try:
            for name, text in state._belongs.items():
                if str(content[name]) != text:
                    raise UsageError(f"{path}: of a training with other {_OTHER[name]}")
            state._take(content)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFileError(f"{path}: {_DAMAGED}") from error
        return state

    def _take(self, content: State) -> None:
        """Take over what a file has; raise ``KeyError``, ``ValueError`` or ``TypeError`` where that is no state."""

        def under(prefix: str) -> State:
            return {key.removeprefix(prefix): array for key, array in content.items() if key.startswith(prefix)}

        finished, begun = int(content["finished"]), len(under("losses"))
        if not 0 <= finished <= begun <= min(finished + 1, self._recipe.members):
            raise ValueError("counts that cannot be")
        self.finished = [under(f"finished{number}:") for number in range(finished)]
        self.now, self.best = under("now:"), under("best:")
        for number in range(begun):
            losses, held = content[f"losses{number}"].astype(np.float64)  # (2, epochs)
            self.losses.append(losses.tolist())
            self.held_losses.append(held.tolist())
        if any(len(losses) > self._recipe.epochs for losses in self.losses):
            raise ValueError("more epochs than there are")


def seed_of(path: Path) -> int:
    """Return the seed of the training that a saved state belongs to; raise :class:`ModelFileError`."""
    try:
        return int(json.loads(str(_read(path)["recipe"]))["seed"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: {_DAMAGED}") from error


def _read(path: Path) -> State:
    """Return the arrays of a file; raise :class:`ModelFileError` where it has none, or numbers that are not finite."""
    try:
        content = read_npz(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    except ValueError as error:
        raise ModelFileError(f"{path}: {_DAMAGED}") from error
    if any(array.dtype.kind == "f" and not np.isfinite(array).all() for array in content.values()):
        raise ModelFileError(f"{path}: {_DAMAGED}")
    return content


def _fingerprint(pictures: Pictures) -> str:
    """Return what tells one set of labelled pictures from another."""
    import hashlib

    digest = hashlib.sha256(pictures.targets.tobytes() + pictures.hashes.tobytes())
    if pictures.held is not None:
        digest.update(pictures.held.tobytes())
    return digest.hexdigest()


_DAMAGED = "not the saved state of a training, or damaged"
_OTHER = {"recipe": "options (give the same, --seed included)", "pictures": "pictures"}
