"""Draw names character by character, many at once, each from a stream of random numbers of its own.

A character's random number is a function of the seed, the sample, the try and the place (counter-based, as Salmon et
al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011; the mixing is SplitMix64's), so that a sample is the same
whatever is drawn beside it. Logits are divided by the temperature, then filtered: top-k, then top-p (Holtzman et al.,
"The Curious Case of Neural Text Degeneration", 2020). In: samples and tries (rows,). Out: characters' numbers (rows,
steps), lengths and nats (rows,).
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.names.config import EDGE, MAX_LENGTH, Floats
from dltools.models.names.recurrent import BLOCK, Numbers, Recurrent, State

Counters = npt.NDArray[np.uint64]
#: The length of a row that did not end where it had to.
ENDLESS = -1

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_BITS = 24  # of a random number: few enough that its product with a sum stays below the sum
_FEWER = 0.85  # rows are moved together when so many of the blocks would do


@dataclasses.dataclass(frozen=True)
class Shape:
    """How the distribution of the next character is changed before one is drawn; 0 and 1 filter nothing."""

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0


class Drawn(NamedTuple):
    """``numbers`` (rows, steps) of the characters, ``lengths`` (rows,), and ``nats`` (rows,) that the whole name with
    its end has under the model itself, at temperature 1."""

    numbers: Numbers
    lengths: npt.NDArray[np.int64]
    nats: npt.NDArray[np.float64]


def draw(
    network: Recurrent, shape: Shape, seed: int, samples: Counters, tries: Counters, prefix: Numbers, longest: int
) -> Drawn:
    """Draw a name for each pair of a sample and a try: it begins with ``prefix``, and has ``longest`` characters at
    most or the length :data:`ENDLESS`."""
    longest = min(longest, MAX_LENGTH)
    count = len(samples)
    keys = _mix(_mix(_mix(np.full(1, seed, np.uint64) + _GOLDEN) + samples * _GOLDEN) + tries * _GOLDEN)
    numbers = np.zeros((count, longest + 1), np.intp)
    lengths, nats = np.full(count, ENDLESS, np.int64), np.zeros(count)
    blocks = -(-count // BLOCK)
    state = State(network, blocks)
    rows = np.arange(count)  # which name stands in which row
    alive = np.ones(count, bool)
    last = np.zeros(blocks * BLOCK, np.intp)
    for step in range(longest + 1):
        logits = state.advance(last.reshape(blocks, BLOCK)).reshape(-1, network.classes)[: len(rows)]
        logits -= logits.max(axis=1, keepdims=True)
        if step < len(prefix):
            chosen = np.full(len(rows), prefix[step], np.intp)
        else:
            chosen = choose(shares(logits, shape), _uniform(keys[rows], step))
        sums = np.exp(logits).sum(axis=1)
        nats[rows] += np.where(alive, np.log(sums) - logits[np.arange(len(rows)), chosen], 0)
        ended = alive & (chosen == EDGE)
        lengths[rows[ended]] = step
        alive &= ~ended
        numbers[rows[alive], step] = chosen[alive]
        left = int(alive.sum())
        if not left:
            break
        last[: len(rows)] = chosen
        if -(-left // BLOCK) <= _FEWER * blocks:
            kept = np.flatnonzero(alive)
            state.keep(kept)
            last[:left] = last[kept]
            rows, alive, blocks = rows[kept], alive[kept], -(-left // BLOCK)
            last = last[: blocks * BLOCK]
    return Drawn(numbers, lengths, nats)


def shares(logits: Floats, shape: Shape) -> Floats:
    """Return what the next characters are drawn in proportion to (rows, classes), of logits whose maximum is 0."""
    powers: Floats = np.exp(logits / np.float32(shape.temperature))
    if not shape.top_k and shape.top_p >= 1:
        return powers
    order = np.argsort(-powers, axis=1, kind="stable")
    ranked = np.take_along_axis(powers, order, axis=1)
    if shape.top_k:
        ranked[:, shape.top_k :] = 0
    if shape.top_p < 1:
        before = np.cumsum(ranked, axis=1) - ranked
        ranked[before >= np.float32(shape.top_p) * ranked.sum(axis=1, keepdims=True)] = 0
    np.put_along_axis(powers, order, ranked, axis=1)
    return powers


def choose(powers: Floats, uniform: npt.NDArray[np.float64]) -> Numbers:
    """Return for each row the class into whose share of the sum its ``uniform`` number, from 0 to below 1, falls."""
    sums = np.cumsum(powers, axis=1)
    chosen: Numbers = (sums <= (uniform * sums[:, -1])[:, None]).sum(axis=1)
    return chosen


def _uniform(keys: Counters, step: int) -> npt.NDArray[np.float64]:
    """Return numbers from 0 to below 1."""
    numbers = _mix(keys + np.full(1, step + 1, np.uint64) * _GOLDEN) >> np.uint64(64 - _BITS)
    uniform: npt.NDArray[np.float64] = numbers.astype(np.float64) * 2.0**-_BITS
    return uniform


def _mix(numbers: Counters) -> Counters:
    """Scatter 64-bit numbers (SplitMix64's finalizer; Steele, Lea and Flood, 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Counters = numbers ^ (numbers >> np.uint64(31))
    return mixed
