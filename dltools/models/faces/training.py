"""Train an embedding network on people's faces, by the triplet loss.

Schroff, Kalenichenko and Philbin, "FaceNet" (2015): P people with K faces each in a batch, and for each pair of one
person's faces the semi-hard negative within it. Some people are held out: the measure is how well pairs of their faces
are told apart. In: chips (n, size, size, 3) and a person for each. Out: a model file, and what was measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.models.faces.config import EmbedderConfig
from dltools.models.faces.evaluate import auc, best_threshold
from dltools.models.faces.geometry import PADDING
from dltools.runtime.export import quiet_tensorflow, to_litert
from dltools.runtime.modelfile import append_config

Chips = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]
#: Called with the epoch, the epochs, and the losses of training and on held-out pairs (1 minus their AUC).
Progress = Callable[[int, int, float, "float | None"], None]

#: The margin between squared distances of one person and of two.
MARGIN = 0.2
MIN_PEOPLE = 4


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    ``people``, ``faces``: P and K of a batch. ``steps``: batches an epoch. ``learning_rate``: at the start, from where
    it falls by half a cosine. ``size``: of the chips in pixels. ``width``: filters as a share of OpenFace's.
    ``held_out``: share of the people that is for the measure alone.
    """

    seed: int
    epochs: int = 20
    steps: int = 30
    people: int = 8
    faces: int = 4
    learning_rate: float = 6e-4
    size: int = 96
    dimensions: int = 128
    width: float = 1.0
    held_out: float = 0.2


class Trained(NamedTuple):
    """A model file, and the AUC on pairs of held-out people: before any training, and of what was kept.

    ``threshold``: parts those pairs best. ``people``, ``held_out``: how many there were for learning and for the
    measure. ``best_epoch``: the one that was kept.
    """

    model: bytes
    config: EmbedderConfig
    people: int
    held_out: int
    untrained_auc: float
    auc: float
    threshold: float
    best_epoch: int


def train(
    chips: Chips, people: Sequence[str], recipe: Recipe, progress: Progress | None = None, *, name: str = "trained"
) -> Trained:
    """Train on ``chips`` (n, size, size, 3) of ``people`` (n,); raise :class:`InputError` where they are too few."""
    import hashlib

    labels = np.unique(np.array(people), return_inverse=True)[1]
    learned, held = _split(labels, recipe)
    with quiet_tensorflow():
        import keras

        from dltools.models.faces.inception import build_small

        keras.utils.set_random_seed(recipe.seed)
        model = build_small(recipe.size, recipe.dimensions, recipe.width)
        step = _training_step(model, recipe)
        values = _scaled(chips)
        untrained = best = _measure(model, values[held], labels[held])
        weights, best_epoch = model.get_weights(), 0
        random = np.random.default_rng(recipe.seed)
        for epoch in range(1, recipe.epochs + 1):
            losses = [step(*_batch(values, labels, learned, recipe, random)) for _ in range(recipe.steps)]
            reached = _measure(model, values[held], labels[held])
            if reached[0] > best[0] or not best_epoch:
                best, weights, best_epoch = reached, model.get_weights(), epoch
            if progress is not None:
                progress(epoch, recipe.epochs, float(np.mean(losses)), 1 - reached[0])
        model.set_weights(weights)
    flatbuffer = to_litert(model, quantize="float16")
    config = EmbedderConfig(
        f"{name}-{hashlib.sha256(flatbuffer).hexdigest()[:8]}",
        recipe.size,
        recipe.dimensions,
        best[1],
        scaling="symmetric",
        margin=PADDING,
    )
    counts = [len(np.unique(labels[part])) for part in (learned, held)]
    model_file = append_config(flatbuffer, config.to_json())
    return Trained(model_file, config, counts[0], counts[1], untrained[0], best[0], best[1], best_epoch)


def _split(labels: Integers, recipe: Recipe) -> tuple[Integers, Integers]:
    """Return the numbers of the faces to learn, of people with two or more, and of those held out."""
    counts = np.bincount(labels)
    usable = np.flatnonzero(counts >= 2)
    if len(usable) < MIN_PEOPLE:
        raise InputError(
            f"{len(usable)} people with two photographs or more; training needs {MIN_PEOPLE}", code="too_few"
        )
    shuffled = np.random.default_rng(recipe.seed).permutation(usable)
    held = max(2, round(recipe.held_out * len(usable)))
    return np.flatnonzero(np.isin(labels, shuffled[held:])), np.flatnonzero(np.isin(labels, shuffled[:held]))


def _scaled(chips: Chips) -> Floats:
    return np.asarray((chips.astype(np.float32) - np.float32(127.5)) / np.float32(128))


def _batch(
    values: Floats, labels: Integers, learned: Integers, recipe: Recipe, random: np.random.Generator
) -> tuple[Floats, Integers]:
    """Return P x K varied faces and their people."""
    known = np.unique(labels[learned])
    people = random.choice(known, min(recipe.people, len(known)), replace=False)
    chosen = []
    for person in people:
        own = learned[labels[learned] == person]
        chosen.append(random.choice(own, recipe.faces, replace=len(own) < recipe.faces))
    faces = np.concatenate(chosen)
    return np.stack([_varied(values[face], random) for face in faces]), labels[faces]


def _varied(face: Floats, random: np.random.Generator) -> Floats:
    """Mirror, move, brighten and change the contrast of a face (size, size, 3) at random."""
    reach = max(1, face.shape[0] // 24)
    padded = np.pad(face, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    y, x = random.integers(0, 2 * reach + 1, 2)
    moved = padded[y : y + face.shape[0], x : x + face.shape[1]]
    if random.random() < 0.5:
        moved = moved[:, ::-1]
    return np.asarray(moved * random.uniform(0.8, 1.2) + random.uniform(-0.15, 0.15), np.float32)


def _training_step(model: Any, recipe: Recipe) -> Callable[[Floats, Integers], float]:
    """Return a function that learns one batch and returns its loss; compiled, once for all batches."""
    import keras
    import tensorflow as tf

    # Falling to nothing: at a constant 1e-3 the full network's loss stalls, at 3e-4 a small one learns too slowly.
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * recipe.steps)
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def compiled(values: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = semi_hard_loss(model(values, training=True), labels)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    def step(values: Floats, labels: Integers) -> float:
        return float(compiled(tf.constant(values), tf.constant(labels)))

    return step


def semi_hard_loss(embeddings: Any, labels: Any, margin: float = MARGIN) -> Any:
    """Return the mean triplet loss of a batch: embeddings (n, dimensions) of length 1, and people (n,).

    For each anchor and positive the negative is the nearest of those further away than the positive; where there is
    none, the furthest of all (Schroff et al., section 3.2).
    """
    from keras import ops

    products = ops.matmul(embeddings, ops.transpose(embeddings))
    squares = ops.maximum(2.0 - 2.0 * products, 0.0)  # (n, n) squared distances
    same = ops.equal(labels[:, None], labels[None, :])
    positive = ops.cast(same, squares.dtype) - ops.eye(ops.shape(squares)[0], dtype=squares.dtype)
    far = 5.0  # beyond every squared distance of vectors of length 1, which is at most 4
    apart = ops.where(same, far, squares)[:, None, :]  # (anchor, 1, negative)
    beyond = ops.where(apart > squares[:, :, None], apart, far)  # (anchor, positive, negative)
    semi_hard = ops.min(beyond, axis=2)  # (anchor, positive)
    furthest = ops.max(ops.where(same, -far, squares), axis=1)[:, None]
    negative = ops.where(semi_hard < far, semi_hard, furthest)
    losses = ops.maximum(squares - negative + margin, 0.0) * positive
    return ops.sum(losses) / ops.maximum(ops.sum(positive), 1.0)


def _measure(model: Any, values: Floats, labels: Integers) -> tuple[float, float]:
    """Return the AUC of all pairs of faces, and the threshold that parts them best."""
    embeddings = np.asarray(model.predict(values, batch_size=32, verbose=0), np.float64)
    one, other = np.triu_indices(len(labels), 1)
    distances = np.linalg.norm(embeddings[one] - embeddings[other], axis=1)
    same = labels[one] == labels[other]
    return auc(distances, same), best_threshold(distances, same)
