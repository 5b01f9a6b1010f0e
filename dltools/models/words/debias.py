"""Hard debiasing of word vectors, and the audit that shows what it leaves.

Bolukbasi et al., "Man is to Computer Programmer as Woman is to Homemaker?" (2016), section 6: identify the subspace,
neutralize, equalize. Gonen and Goldberg, "Lipstick on a Pig" (2019): the neighbours of a word still tell its bias.
In and out: a vector store; all arithmetic on unit vectors in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.runtime.vectorfile import VectorWriter
from dltools.runtime.vectors import VectorStore

Doubles = npt.NDArray[np.float64]
Pairs = Sequence[tuple[str, str]]

_TINY = 1e-9
_BLOCK = 1 << 14


class Debiased(NamedTuple):
    """What a debiasing did: the direction, how many words it neutralized, exempted and equalized."""

    direction: Doubles
    neutralized: int
    exempt: int
    equalized: list[tuple[str, str]]


def direction(pairs: npt.NDArray[np.floating]) -> Doubles:
    """Return the first principal component of ``pairs`` (pairs, 2, dimensions), each centred on its own mean.

    It is a unit vector (dimensions,); its sign is fixed so that on the whole it points to the pairs' first members.
    Raise :class:`InputError` if the members of all pairs are equal.
    """
    vectors = pairs.astype(np.float64)
    centred = (vectors - vectors.mean(axis=1, keepdims=True)).reshape(-1, vectors.shape[2])  # (2 * pairs, dimensions)
    _, singular, components = np.linalg.svd(centred, full_matrices=False)
    if singular[0] < _TINY:
        raise InputError("the two words of each pair are the same", code="no_direction")
    component: Doubles = components[0]
    towards_first = float(((vectors[:, 0] - vectors[:, 1]) @ component).sum())
    return component if towards_first >= 0 else -component


def neutralize(vectors: Doubles, axis: Doubles) -> Doubles:
    """Return ``vectors`` (words, dimensions) without their component along the unit ``axis``, at unit length."""
    rest = vectors - np.outer(vectors @ axis, axis)
    rest -= np.outer(rest @ axis, axis)  # once more: what rounding left of a component that was nearly all
    norms = np.linalg.norm(rest, axis=1, keepdims=True)
    result: Doubles = rest / np.where(norms > 0, norms, 1)
    return result


def equalize(one: Doubles, other: Doubles, axis: Doubles) -> tuple[Doubles, Doubles] | None:
    """Return two unit vectors that differ only along ``axis`` and are as far from everything orthogonal to it.

    mu = (a + b) / 2; nu = mu - mu_B; e = nu + sqrt(1 - |nu|^2) (e_B - mu_B) / |e_B - mu_B| for e in a, b, where
    x_B is the part of x along the axis. None if both have the same part: the formula divides by zero there.
    """
    gap = float(one @ axis - other @ axis)
    if abs(gap) < _TINY:
        return None
    mu = (one + other) / 2
    nu = mu - (mu @ axis) * axis
    step = np.sqrt(max(0.0, 1 - float(nu @ nu))) * np.sign(gap) * axis
    return nu + step, nu - step


def debias(
    store: VectorStore,
    stream: BinaryIO,
    *,
    name: str,
    definitional: Pairs,
    specific: Sequence[str],
    equalized: Pairs,
    progress: Callable[[int, int], None] | None = None,
) -> Debiased:
    """Write the debiased vectors of ``store``, all of unit length and as float32, to ``stream``, empty and seekable.

    Words that are not in the vocabulary are passed over. Raise :class:`InputError` without a usable definitional pair.
    """
    known = [rows for pair in definitional if (rows := _pair_rows(store, pair))]
    if not known:
        raise InputError("no definitional pair is in the vocabulary", code="no_direction")
    axis = direction(np.stack([store.unit(rows) for rows in known]))
    exempt = np.zeros(store.rows, np.bool_)
    for word in [*specific, *(word for pair in (*definitional, *equalized) for word in pair)]:
        for form in (word, word.lower(), word.title(), word.upper()):
            if (row := store.row(form)) is not None:
                exempt[row] = True
    replaced, done = _equalized_rows(store, equalized, axis)
    writer = VectorWriter(stream, store.dimensions, name=name)
    for start, block in store.blocks(_BLOCK):
        vectors = block.astype(np.float64)
        neutral = ~exempt[start : start + len(block)]
        vectors[neutral] = neutralize(vectors[neutral], axis)
        for row in range(start, start + len(block)) if replaced else ():
            if row in replaced:
                vectors[row - start] = replaced[row]
        writer.append(store.words(start, start + len(block)), vectors)
        if progress is not None:
            progress(start + len(block), store.rows)
    writer.finish()
    return Debiased(axis, int((~exempt).sum()), int(exempt.sum()), done)


def _equalized_rows(
    store: VectorStore, pairs: Pairs, axis: Doubles
) -> tuple[dict[int, Doubles], list[tuple[str, str]]]:
    replaced: dict[int, Doubles] = {}
    done = []
    for pair in pairs:
        rows = _pair_rows(store, pair)
        if rows is None or rows[0] in replaced or rows[1] in replaced or rows[0] == rows[1]:
            continue
        one, other = store.unit(rows).astype(np.float64)
        equal = equalize(one / np.linalg.norm(one), other / np.linalg.norm(other), axis)
        if equal is not None:
            replaced.update(zip(rows, equal, strict=True))
            done.append(pair)
    return replaced, done


def _pair_rows(store: VectorStore, pair: tuple[str, str]) -> list[int] | None:
    one, other = store.resolve(pair[0]), store.resolve(pair[1])
    return None if one is None or other is None else [one, other]
