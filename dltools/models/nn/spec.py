"""Networks as text: ``conv:8x3,pool:2,dense:64`` or, for dense layers alone, their sizes, ``20,7,5``.

A layer is its kind, and behind a colon its sizes, separated by x:

    dense:UNITS (or UNITS alone)    conv:FILTERSxSIZE[xSTRIDE]    pool:SIZE    avgpool:SIZE    flatten
    rnn:UNITS    lstm:UNITS    gru:UNITS    embedding:WORDSxDIMENSIONS    reshape:SIZE[xSIZE]...
    batchnorm    dropout:RATE    relu    leaky-relu    tanh    sigmoid    softmax

:func:`complete` adds what goes without saying, and :func:`make` turns each word into a layer.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import NamedTuple

from dltools.errors import UsageError
from dltools.models.nn.activations import ACTIVATIONS, Activation
from dltools.models.nn.convolution import AveragePool, Convolution, MaxPool
from dltools.models.nn.dense import Dense, Embedding, Flatten, Reshape
from dltools.models.nn.layer import Layer, Shape
from dltools.models.nn.normalization import BatchNormalization
from dltools.models.nn.recurrent import GRU, LSTM, SimpleRNN
from dltools.models.nn.regularizers import Dropout

_MOST = 1_000_000  # of any size: more is a slip, and would fill the memory
_SEQUENCES = "all"  # behind the units of a recurrent layer: it gives its state after every step


class _Kind(NamedTuple):
    """How a layer is made of its sizes, how many it takes, and how it is written."""

    make: Callable[..., Layer]
    least: int
    most: int
    form: str


def _convolution(filters: int, size: int, stride: int = 1) -> Layer:
    return Convolution(filters, size, stride=stride)


_KINDS = {
    "dense": _Kind(Dense, 1, 1, "dense:64"),
    "conv": _Kind(_convolution, 2, 3, "conv:8x3 (8 filters of 3 x 3)"),
    "pool": _Kind(MaxPool, 1, 1, "pool:2"),
    "avgpool": _Kind(AveragePool, 1, 1, "avgpool:2"),
    "flatten": _Kind(Flatten, 0, 0, "flatten"),
    "reshape": _Kind(Reshape, 1, 4, "reshape:8x8x1"),
    "embedding": _Kind(Embedding, 2, 2, "embedding:1000x16 (1000 words in 16 dimensions)"),
    "rnn": _Kind(SimpleRNN, 1, 1, "rnn:32"),
    "lstm": _Kind(LSTM, 1, 1, "lstm:32"),
    "gru": _Kind(GRU, 1, 1, "gru:32"),
    "batchnorm": _Kind(BatchNormalization, 0, 0, "batchnorm"),
    "dropout": _Kind(Dropout, 1, 1, "dropout:0.3"),
}
_RECURRENT = frozenset({"rnn", "lstm", "gru"})
_SPATIAL = frozenset({"conv", "pool", "avgpool"})
_PASSING = frozenset({"batchnorm", "dropout", *ACTIVATIONS})  # they leave the shape as it is


class Word(NamedTuple):
    """One layer as written: its kind, and what stands behind the colon."""

    kind: str
    sizes: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.sizes}" if self.sizes else self.kind


def parse(text: str) -> list[Word]:
    """Return the layers that ``text`` names; no text, no layers. Raise :class:`UsageError` naming what is wrong."""
    if not text.strip():
        return []
    words = [_word(part.strip().lower()) for part in text.split(",")]
    for word in words:
        make(word)
    return words


def _word(text: str) -> Word:
    kind, colon, sizes = text.partition(":")
    if kind.isdecimal() and not colon:
        return Word("dense", kind)
    if not text:
        raise UsageError("layers: nothing stands between two commas, or before or after one")
    if kind not in _KINDS and kind not in ACTIVATIONS:
        near = difflib.get_close_matches(kind, [*_KINDS, *ACTIVATIONS], n=1)
        raise UsageError(f"layers: no layer is called {kind!r}" + (f" (did you mean {near[0]}?)" if near else ""))
    return Word(kind, sizes)


def make(word: Word) -> Layer:
    """Return the layer, not built yet; raise :class:`UsageError` where its sizes are none."""
    if word.kind in ACTIVATIONS:
        if word.sizes:
            raise UsageError(f"layers: {word.kind} takes no size, but {str(word)!r} has one")
        return Activation(word.kind)
    kind = _KINDS[word.kind]
    try:
        if word.kind == "dropout":
            return Dropout(float(word.sizes))
        sizes, _, every = word.sizes.partition(":")
        if every and (word.kind not in _RECURRENT or every != _SEQUENCES):
            raise ValueError
        numbers = [int(size) for size in sizes.split("x")] if sizes else []
        if not kind.least <= len(numbers) <= kind.most or not all(0 < size <= _MOST for size in numbers):
            raise ValueError
    except ValueError:
        raise UsageError(f"layers: {str(word)!r} is not of the form {kind.form}") from None
    return kind.make(*numbers, return_sequences=True) if every else kind.make(*numbers)


def complete(
    text: str, shape: Shape, outputs: Sequence[int], *, activation: str = "relu", dropout: float = 0.0
) -> list[Word]:
    """Return the whole network for examples of ``shape``, with what ``text`` leaves unsaid.

    That is: the last layer, dense, of ``outputs[0]`` units, unless the last one written is dense and has one of the
    sizes ``outputs``; ``activation`` behind every other dense and convolution layer (behind its batch normalization,
    if one follows) that has none of its own; ``dropout`` behind every other dense and recurrent layer; flattening
    before the first dense layer; images made of rows where the first layer wants images, and steps where it wants
    steps; all states of a recurrent layer, if another one follows. A softmax or sigmoid at the end belongs to the loss
    and is left out.
    """
    words = parse(text)
    if words and words[-1].kind in ("softmax", "sigmoid") and _is_output(words[:-1], outputs):
        words = words[:-1]
    if not _is_output(words, outputs):
        words.append(Word("dense", str(outputs[0])))
    *hidden, last = _blocks(words)
    whole: list[Word] = []
    rank: int | None = None  # how many axes an example has; the first layer that shapes it decides
    for at, (head, *passing) in enumerate(hidden):
        fitted, rank = _fitted(head, shape, rank)
        if head.kind in _RECURRENT:
            follower = (*hidden, last)[at + 1][0]
            if follower.kind in _RECURRENT:
                fitted[-1], rank = Word(head.kind, f"{head.sizes}:{_SEQUENCES}"), 2
        if head.kind in ("dense", "conv") and not any(word.kind in ACTIVATIONS for word in passing):
            passing.insert(1 if passing and passing[0].kind == "batchnorm" else 0, Word(activation))
        if dropout and head.kind in ("dense", *_RECURRENT) and not any(word.kind == "dropout" for word in passing):
            passing.append(Word("dropout", f"{dropout:g}"))
        whole += [*fitted, *passing]
    return whole + _fitted(last[0], shape, rank)[0]


def _is_output(words: Sequence[Word], outputs: Sequence[int]) -> bool:
    return bool(words) and words[-1].kind == "dense" and int(words[-1].sizes) in outputs


def _blocks(words: Sequence[Word]) -> list[list[Word]]:
    """Return the layers in blocks: one that shapes numbers, with those behind it that only pass them on."""
    blocks: list[list[Word]] = []
    for word in words:
        if blocks and word.kind in _PASSING:
            blocks[-1].append(word)
        else:
            blocks.append([word])
    return blocks


def _fitted(word: Word, shape: Shape, rank: int | None) -> tuple[list[Word], int | None]:
    """Return a layer with what it needs before it, and how many axes an example has behind it.

    ``rank``: how many it has before it, None where it still has the network's own ``shape``.
    """
    if word.kind in _PASSING:
        return [word], rank
    before = _reshaped(word.kind, shape) if rank is None else []
    rank = len(shape) if rank is None else rank
    if word.kind == "dense" and rank > 1:
        before = [Word("flatten")]
    after = {"reshape": word.sizes.count("x") + 1, "embedding": 2, "conv": 3, "pool": 3, "avgpool": 3}
    return [*before, word], after.get(word.kind, 1)


def _reshaped(kind: str, shape: Shape) -> list[Word]:
    """Return what makes images or steps of examples of ``shape`` for a first layer that wants them."""
    if kind in _SPATIAL and len(shape) == 1:
        for channels in (1, 3):
            side = round((shape[0] / channels) ** 0.5)
            if side * side * channels == shape[0]:
                return [Word("reshape", f"{side}x{side}x{channels}")]
        raise UsageError(f"layers: {kind} needs images, and {shape[0]} columns make no square one (--size says which)")
    if kind in _RECURRENT and len(shape) == 1:
        return [Word("reshape", f"{shape[0]}x1")]
    if kind in _RECURRENT and len(shape) == 3:  # a picture's rows, one after the other
        return [Word("reshape", f"{shape[0]}x{shape[1] * shape[2]}")]
    return []
