"""A painting that is not done, as a file: an ``.npz`` of plain arrays (:mod:`dltools.runtime.arrayfile`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import ModelFileError
from dltools.io.jsontext import read_json
from dltools.models.style.optimizers import Floats
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_MOST = 2**31  # of any count: more cannot come of a run


class Saved(NamedTuple):
    """Where a painting stood.

    ``mark``: what it is a painting of, and how, as a checksum. ``seed``: of the noise it began with. ``level``: the
    number of the size, from 0. ``steps``: made at this size. ``total``: made at all sizes. ``costs``: the latest.
    ``values``, ``memory``: the optimizer's, each (values,).
    """

    mark: str
    seed: int
    level: int
    steps: int
    total: int
    costs: tuple[float, ...]
    values: Floats
    memory: tuple[Floats, ...]


def encode(saved: Saved) -> bytes:
    """Return the bytes of a state's file, the same for the same state."""
    facts = {name: value for name, value in saved._asdict().items() if name not in ("values", "memory")}
    arrays = {f"memory{number}": array for number, array in enumerate(saved.memory)}
    return encode_arrays(json.dumps(facts), {"values": saved.values, **arrays})


def decode(path: Path) -> Saved:
    """Read a state's file; raise :class:`ModelFileError` where it is damaged or none."""
    text, arrays = read_arrays(path, "a state of style-transfer")
    try:
        facts = read_json(text)
        values = arrays.pop("values")
        memory = tuple(arrays[f"memory{number}"] for number in range(len(arrays)))
        seed, level, steps, total = counts = [int(facts[key]) for key in ("seed", "level", "steps", "total")]
        saved = Saved(str(facts["mark"]), seed, level, steps, total, tuple(map(float, facts["costs"])), values, memory)
        fits = all(array.shape == values.shape and array.dtype == np.float32 for array in (values, *memory))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFileError(f"{path}: not a state of style-transfer") from error
    if not fits or values.ndim != 1 or min(counts) < 0 or max(counts) > _MOST:
        raise ModelFileError(f"{path}: not a state of style-transfer")
    return saved
