"""The same training in variants that differ in one thing."""

from __future__ import annotations

import dataclasses
from typing import Literal, NamedTuple

from dltools.models.nn.fit import Recipe
from dltools.models.nn.optimizers import OPTIMIZERS
from dltools.models.nn.training import Design

Vary = Literal["optimizer", "init", "regularization", "learning-rate"]

_INITS = ("zeros", "random", "xavier", "he")
_FACTORS = (0.01, 0.1, 1.0, 10.0, 100.0)  # of the learning rate
_L2, _DROPOUT, _PATIENCE = 0.001, 0.3, 10  # where the options say none


class Variant(NamedTuple):
    """One way to train, and what it is called."""

    name: str
    design: Design
    recipe: Recipe


def variants(vary: Vary, design: Design, recipe: Recipe) -> list[Variant]:
    """Return the ways to train: ``design`` and ``recipe`` with every value of what varies."""
    if vary == "optimizer":
        return [Variant(name, design, dataclasses.replace(recipe, optimizer=name)) for name in OPTIMIZERS]
    if vary == "init":
        return [Variant(name, dataclasses.replace(design, init=name), recipe) for name in _INITS]
    if vary == "learning-rate":
        rates = [float(f"{recipe.rate * factor:.3g}") for factor in _FACTORS]
        return [Variant(f"{rate:g}", design, dataclasses.replace(recipe, learning_rate=rate)) for rate in rates]
    plain = (dataclasses.replace(design, dropout=0.0), dataclasses.replace(recipe, l2=0.0, patience=0))
    dropped = dataclasses.replace(design, dropout=design.dropout or _DROPOUT)
    penalized = dataclasses.replace(plain[1], l2=recipe.l2 or _L2)
    stopped = dataclasses.replace(plain[1], patience=recipe.patience or _PATIENCE)
    return [
        Variant("none", *plain),
        Variant(f"l2 {penalized.l2:g}", plain[0], penalized),
        Variant(f"dropout {dropped.dropout:g}", dropped, plain[1]),
        Variant(f"early stopping {stopped.patience}", plain[0], stopped),
    ]
