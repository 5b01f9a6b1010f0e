"""From logits to expressions that exist: greedy, and by a beam where several readings are wanted.

At each step only the symbols that the automaton allows are considered and their probabilities made one again; what
they had before is what the constraint kept. In: a network and what it read. Out: expressions with their scores.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.models.dates.config import Floats
from dltools.models.dates.grammar import SYMBOLS, Automaton
from dltools.models.dates.recurrent import Decoder, Network, Reading

Ints = npt.NDArray[np.intp]
_CODES = np.frombuffer(SYMBOLS.encode("ascii"), np.uint8)


class Written(NamedTuple):
    """What the decoder wrote for a batch of texts, each with its most probable symbols.

    ``texts``: expressions. ``scores`` (batch,): the product of their probabilities after the constraint. ``kept``
    (batch,): the product of the probabilities that the constraint left. ``attention`` (batch, symbols, 1 + steps).
    """

    texts: list[str]
    scores: Floats
    kept: Floats
    attention: Floats | None


def greedy(
    network: Network,
    reading: Reading,
    automaton: Automaton,
    start: int,
    steps: int,
    temperature: float,
    *,
    attend: bool = False,
) -> Written:
    """Write ``steps`` symbols for each text, the most probable one that exists at each step."""
    batch = len(reading.output)
    decoder = Decoder(network, reading)
    before = np.full(batch, start, np.intp)
    states = np.zeros(batch, np.intp)
    rows = np.arange(batch)
    scores, kept = np.ones(batch, np.float32), np.ones(batch, np.float32)
    symbols = np.empty((batch, steps), np.intp)
    seen = []
    for at in range(steps):
        logits, attention = decoder.step(before)
        shares = _softmax(logits, temperature)
        shares *= automaton.allowed[states]
        left = shares.sum(axis=1)
        before = shares.argmax(axis=1)
        scores *= shares[rows, before] / left
        kept *= left
        states = automaton.following[states, before].astype(np.intp)
        symbols[:, at] = before
        if attend:
            seen.append(attention)
    return Written(_texts(symbols), scores, kept, np.stack(seen, 1) if attend else None)


def beam(
    network: Network, reading: Reading, automaton: Automaton, start: int, steps: int, temperature: float, width: int
) -> list[list[tuple[str, float]]]:
    """Return for each text its ``width`` most probable expressions (or as many as were found) with their scores."""
    batch = len(reading.output)
    decoder = Decoder(network, reading.rows(np.repeat(np.arange(batch), width)))
    scores = np.zeros((batch, width), np.float32)  # logarithms
    scores[:, 1:] = -np.inf  # all begin alike
    before = np.full(batch * width, start, np.intp)
    states = np.zeros(batch * width, np.intp)
    symbols = np.zeros((batch * width, 0), np.intp)
    first = np.arange(batch)[:, None] * width
    for _ in range(steps):
        logits, _ = decoder.step(before)
        shares = _softmax(logits, temperature) * automaton.allowed[states]
        shares /= shares.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):
            total = scores[:, :, None] + np.log(shares).reshape(batch, width, -1)
        flat = total.reshape(batch, -1)
        best = np.argsort(-flat, axis=1, kind="stable")[:, :width]
        scores = np.take_along_axis(flat, best, 1)
        parents = (first + best // len(SYMBOLS)).ravel()
        before = (best % len(SYMBOLS)).ravel()
        decoder.follow(parents)
        states = automaton.following[states[parents], before].astype(np.intp)
        symbols = np.concatenate([symbols[parents], before[:, None]], 1)
    texts = _texts(symbols)
    return [
        [
            (texts[row * width + place], float(np.exp(scores[row, place])))
            for place in range(width)
            if np.isfinite(scores[row, place])
        ]
        for row in range(batch)
    ]


def _softmax(logits: Floats, temperature: float) -> Floats:
    powers = np.exp((logits - logits.max(axis=1, keepdims=True)) / np.float32(temperature))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    left: Floats = np.maximum(shares, np.float32(1e-20))  # so that something is left wherever the automaton goes
    return left


def _texts(symbols: Ints) -> list[str]:
    """Return the strings of rows of symbols (batch, steps)."""
    joined = _CODES[symbols].tobytes().decode("ascii")
    width = symbols.shape[1]
    return [joined[start : start + width] for start in range(0, len(joined), width)]
