"""Sort faces by person without being told who there is, or how many.

Agglomerative clustering with average linkage (Sokal and Michener, 1958), inside the connected parts of the graph of
faces that are near each other. In: embeddings (n, dimensions). Out: a group for each face, 0 the largest.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from dltools.models.faces.boxes import Floats

_ROWS = 512  # rows of the matrix of distances that are made at once


def cluster(embeddings: Floats, threshold: float) -> list[int]:
    """Return for each embedding the number of its group; groups nearer than ``threshold`` on average become one.

    Groups are numbered by size, the largest 0, and those of a size by their first face.
    """
    labels = _parts(embeddings, threshold)
    for part in np.unique(labels):
        members = np.flatnonzero(labels == part)
        if len(members) > 2:
            within = _linked(_distances(embeddings[members], embeddings[members]), threshold)
            labels[members] = members[within]
    sizes = Counter(labels.tolist())
    first: dict[int, int] = {}
    for index, label in enumerate(labels.tolist()):
        first.setdefault(label, index)
    order = sorted(sizes, key=lambda label: (-sizes[label], first[label]))
    numbers = {label: number for number, label in enumerate(order)}
    return [numbers[label] for label in labels.tolist()]


def _distances(one: Floats, other: Floats) -> Floats:
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :] - 2 * one @ other.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)


def _parts(embeddings: Floats, threshold: float) -> npt.NDArray[np.intp]:
    """Return (n,) the lowest member of each face's part of the graph whose edges are shorter than ``threshold``."""
    parent = np.arange(len(embeddings))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return int(index)

    for start in range(0, len(embeddings), _ROWS):
        near = _distances(embeddings[start : start + _ROWS], embeddings) < threshold
        for row, column in zip(*np.nonzero(np.triu(near, start + 1)), strict=True):
            one, other = root(start + int(row)), root(int(column))
            parent[max(one, other)] = min(one, other)
    return np.array([root(index) for index in range(len(embeddings))], np.intp)


def _linked(distances: Floats, threshold: float) -> npt.NDArray[np.intp]:
    """Return (n,) one member of each face's group, groups being joined in order of their mean distance (n, n)."""
    count = len(distances)
    mean = distances.astype(np.float64)
    np.fill_diagonal(mean, np.inf)
    sizes = np.ones(count)
    label = np.arange(count)
    nearest = mean.argmin(axis=1)
    least = mean[np.arange(count), nearest]
    while True:
        one = int(least.argmin())
        if not least[one] < threshold:
            return label
        other = int(nearest[one])
        joined = (sizes[one] * mean[one] + sizes[other] * mean[other]) / (sizes[one] + sizes[other])
        joined[[one, other]] = np.inf
        mean[one], mean[:, one] = joined, joined
        mean[other], mean[:, other] = np.inf, np.inf
        sizes[one] += sizes[other]
        label[label == other] = one
        stale = (nearest == one) | (nearest == other) | (mean[:, one] < least)
        stale[[one, other]] = True
        nearest[stale] = mean[stale].argmin(axis=1)
        least[stale] = mean[stale, nearest[stale]]
