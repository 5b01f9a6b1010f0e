"""Train an emoji model on labelled sentences.

First the folds: networks that each leave out a fifth of the sentences, in whole groups where the data has groups, say
what to expect, which epoch is best, and which temperature makes the scores honest (Guo et al., "On Calibration of
Modern Neural Networks", 2017). Then the model itself, several networks on all sentences for that many epochs, whose
logits are averaged. In: examples. Out: a configuration, its weights, and what was measured.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.models.emoji.config import AverageWeights, EmojiConfig, Floats, Kind, Label, Weights
from dltools.models.emoji.data import GRAMMAR, GRAMMAR_WEIGHT, Example, classes_of
from dltools.models.emoji.evaluate import Measures, measure
from dltools.models.emoji.infer import Vocabulary, softmax
from dltools.models.emoji.recurrent import Recurrent
from dltools.runtime.vectors import embedded_vectors

Ints: TypeAlias = npt.NDArray[np.int64]
#: Called with what is done now, and how much of it is done.
Progress = Callable[[str, int, int], None]

VECTORS = "glove-50k"
_STEPS = (4, 6, 8, 10, 13, 20, 64)  # texts are filled up to one of these lengths: each is compiled once
_MAX_STEPS = _STEPS[-1]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults were chosen by the folds on the toolkit's own sentences.

    ``smoothing``: of the labels. ``decay``: of the weights (AdamW; Loshchilov and Hutter, 2019). Leaving out words at
    random is not among them: it costs more than a point, since it leaves out "not".
    """

    seed: int
    folds: int = 5
    members: int = 4
    epochs: int = 14
    units: int = 64
    batch: int = 64
    learning_rate: float = 3e-3
    decay: float = 1e-2
    dropout: float = 0.5
    input_dropout: float = 0.05
    smoothing: float = 0.05


class Trained(NamedTuple):
    """A new model, and the measures of the folds' networks on the sentences that each left out."""

    config: EmojiConfig
    weights: Weights | AverageWeights
    held_out: Measures
    unusable: int


class _Data(NamedTuple):
    """Sentences as the networks see them: rows of ``vectors``, classes, folds, and how much each counts."""

    texts: list[list[int]]
    targets: Ints
    folds: Ints
    counts: Floats
    vectors: Floats
    classes: int
    written: npt.NDArray[np.bool_]


def train(examples: Sequence[Example], kind: Kind, recipe: Recipe, progress: Progress | None = None) -> Trained:
    """Train a model of ``kind`` on ``examples``; raise :class:`InputError` where they cannot make one.

    Sentences without a known word are left out, and counted. The result is the same to the byte for one recipe.
    """
    labels = classes_of(examples)
    data, unusable = _prepare(examples, labels, recipe)
    fit = _fit_average if kind == "average" else _fit_lstm
    weights, held_out, facts = fit(data, recipe, progress or (lambda _what, _done, _all: None))
    temperature = _temperature(held_out[data.written], data.targets[data.written])
    shares = np.bincount(data.targets[data.written], minlength=len(labels)) / data.written.sum()
    config = EmojiConfig(
        kind=kind,
        labels=labels,
        prior=tuple(round(float(share), 6) for share in shares),
        temperature=round(temperature, 4),
        vectors=VECTORS,
        dimensions=data.vectors.shape[1],
        training={**dataclasses.asdict(recipe), **facts, "sentences": len(data.texts)},
    )
    probabilities = softmax(held_out[data.written] / np.float32(config.temperature))
    rounded = type(weights)(*(array.astype(np.float16).astype(np.float32) for array in weights))
    return Trained(config, rounded, measure(probabilities, data.targets[data.written].tolist(), labels), unusable)


def _prepare(examples: Sequence[Example], labels: tuple[Label, ...], recipe: Recipe) -> tuple[_Data, int]:
    store = embedded_vectors(VECTORS)
    vocabulary = Vocabulary(store)
    numbers = {label.name: number for number, label in enumerate(labels)}
    config = EmojiConfig("average", labels, (0.0,) * len(labels), 1.0, VECTORS, store.dimensions, {})
    rows = [vocabulary.rows(example.text)[:_MAX_STEPS] for example in examples]
    usable = [index for index, text in enumerate(rows) if text]
    targets = np.array([config.class_of(examples[index].label) for index in usable], np.int64)
    if len(numbers) < 2:
        raise InputError("a model needs sentences of at least two labels")
    amounts = np.bincount(targets, minlength=len(labels))
    if amounts.min() < 2:
        raise InputError(f"label {labels[int(amounts.argmin())].name!r} needs at least two sentences with known words")
    unique, places = np.unique(np.concatenate([rows[index] for index in usable]), return_inverse=True)
    ends = np.cumsum([len(rows[index]) for index in usable])[:-1]
    groups = [examples[index].group for index in usable]
    if len(set(groups)) == 1:  # nothing to keep together
        groups = [""] * len(groups)
    made = np.array([group.startswith(GRAMMAR) for group in groups])
    data = _Data(
        [part.tolist() for part in np.split(places.reshape(-1), ends)],
        targets,
        split(groups, targets, recipe.folds, recipe.seed),
        np.where(made, GRAMMAR_WEIGHT, 1.0).astype(np.float32),
        vocabulary.take(unique),
        len(labels),
        ~made if not made.all() else made,
    )
    return data, len(examples) - len(usable)


def split(groups: Sequence[str], targets: Ints, folds: int, seed: int) -> Ints:
    """Return each sentence's fold: whole groups, the largest first, to where their classes are fewest.

    A sentence without a group goes alone. What a grammar made goes by the last character of its group, the part of its
    word list.
    """
    random = np.random.default_rng(seed)
    classes = int(targets.max()) + 1
    filled = np.zeros((folds, classes))
    result = np.empty(len(groups), np.int64)
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        if group.startswith(GRAMMAR):
            result[index] = int(group[-1]) % folds
        else:
            members.setdefault(group or f"\0{index}", []).append(index)
    names = sorted(members, key=lambda name: (-len(members[name]), random.random()))
    for name in names:
        amounts = np.bincount(targets[members[name]], minlength=classes)
        fold = int((filled @ amounts + amounts.sum() * filled.sum(axis=1) / (100 * classes)).argmin())
        result[members[name]] = fold
        filled[fold] += amounts
    return result


def _temperature(logits: Floats, targets: Ints) -> float:
    """Return the temperature under which held-out sentences are likeliest, to a hundredth or so."""

    def loss(temperature: float) -> float:
        chosen = softmax(logits / np.float32(temperature))[np.arange(len(targets)), targets]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())

    candidates = np.geomspace(0.2, 5.0, 161)
    return float(candidates[int(np.argmin([loss(candidate) for candidate in candidates]))])


def _class_weights(data: _Data) -> Floats:
    """Return how much each sentence counts: every class as much as any other."""
    amounts = np.bincount(data.targets, weights=data.counts, minlength=data.classes)
    balanced: Floats = (data.counts * (amounts.sum() / data.classes / amounts)[data.targets]).astype(np.float32)
    return balanced


# --- the averaged model


def _fit_average(data: _Data, recipe: Recipe, progress: Progress) -> tuple[AverageWeights, Floats, dict[str, Any]]:
    means = np.array([data.vectors[text].mean(axis=0) for text in data.texts], np.float32)  # (texts, dimensions)
    weights = _class_weights(data)
    held_out = np.empty((len(means), data.classes), np.float32)
    for fold in range(recipe.folds):
        inside = data.folds != fold
        kernel, bias = _softmax_regression(means[inside], data.targets[inside], weights[inside], data.classes)
        held_out[~inside] = means[~inside] @ kernel + bias
        progress("folds", fold + 1, recipe.folds)
    kernel, bias = _softmax_regression(means, data.targets, weights, data.classes)
    return AverageWeights(kernel, bias), held_out, {}


def _softmax_regression(means: npt.NDArray[Any], targets: Ints, weights: Floats, classes: int) -> tuple[Floats, Floats]:
    """Fit a softmax by gradient descent with momentum (Nesterov), the loss weighted, the kernel kept small."""
    means = means.astype(np.float64)
    kernel, bias = np.zeros((means.shape[1], classes)), np.zeros(classes)
    kernel_step, bias_step = np.zeros_like(kernel), np.zeros_like(bias)
    wanted = np.eye(classes)[targets]
    shares = (weights / weights.sum())[:, None]
    rate, momentum, penalty = 0.3, 0.9, 1e-3
    for _ in range(400):
        logits = means @ (kernel + momentum * kernel_step) + bias + momentum * bias_step
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        errors = (powers / powers.sum(axis=1, keepdims=True) - wanted) * shares
        kernel_step = momentum * kernel_step - rate * (means.T @ errors + penalty * kernel)
        bias_step = momentum * bias_step - rate * errors.sum(axis=0)
        kernel, bias = kernel + kernel_step, bias + bias_step
    return kernel.astype(np.float32), bias.astype(np.float32)


# --- the recurrent model


def _fit_lstm(data: _Data, recipe: Recipe, progress: Progress) -> tuple[Weights, Floats, dict[str, Any]]:
    inside = (data.folds[None] != np.arange(recipe.folds)[:, None]).astype(np.float32)  # (folds, texts)
    history: list[tuple[float, Floats]] = []

    def judge(weights: Weights) -> None:
        logits = _logits(weights, data)[data.folds, np.arange(len(data.texts))]  # each text by the network without it
        chosen = softmax(logits)[np.arange(len(data.texts)), data.targets][data.written]
        history.append((float(-np.log(np.maximum(chosen, 1e-12)).mean()), logits))
        progress("folds", len(history), recipe.epochs)

    _run(data, recipe, inside, recipe.epochs, judge)
    best = int(np.argmin([loss for loss, _ in history]))
    everything = np.ones((recipe.members, len(data.texts)), np.float32)
    done = 0

    def count(_weights: Weights) -> None:
        nonlocal done
        done += 1
        progress("members", done, best + 1)

    weights = _run(data, recipe, everything, best + 1, count)
    return weights, history[best][1], {"best_epoch": best + 1}


def _logits(weights: Weights, data: _Data) -> Floats:
    return Recurrent(weights).logits(data.vectors, data.texts)


def _run(data: _Data, recipe: Recipe, inside: Floats, epochs: int, each_epoch: Callable[[Weights], None]) -> Weights:
    """Train as many networks as ``inside`` (networks, texts) has rows, each on its own texts, side by side."""
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import keras
        import tensorflow as tf

        from dltools.models.emoji.network import Members, train_step

    tf.get_logger().setLevel("ERROR")  # it advises developers on standard error
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(recipe.seed)
    first = first_weights(len(inside), data.vectors.shape[1], recipe.units, data.classes, random)
    model = Members(first, dropout=recipe.dropout, input_dropout=recipe.input_dropout, seed=recipe.seed)
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, weight_decay=recipe.decay)
    optimizer.build(model.trainable_variables)
    step = train_step(model, optimizer)
    shares = inside * _class_weights(data)
    targets = np.eye(data.classes, dtype=np.float32) * (1 - recipe.smoothing) + recipe.smoothing / data.classes
    lengths = np.array([len(text) for text in data.texts])
    steps_in_all = epochs * -(-len(data.texts) // recipe.batch)
    done = 0
    for _ in range(epochs):
        order = np.argsort(lengths + random.uniform(0, 2, len(lengths)), kind="stable")  # like lengths together
        batches = [order[start : start + recipe.batch] for start in range(0, len(order), recipe.batch)]
        for number in random.permutation(len(batches)):
            batch = np.resize(batches[number], recipe.batch)  # the last one is filled up with texts that count nothing
            counts = shares[:, batch].copy()
            counts[:, len(batches[number]) :] = 0
            vectors, mask = _packed([data.texts[index] for index in batch], data.vectors)
            optimizer.learning_rate.assign(recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * done / steps_in_all)))
            step(*map(tf.constant, (vectors, mask, targets[data.targets[batch]], counts + 1e-9)))
            done += 1
        each_epoch(model.weights_now())
    return model.weights_now()


def first_weights(members: int, dimensions: int, units: int, classes: int, random: np.random.Generator) -> Weights:
    """Return weights to start from, as Keras' LSTM: Glorot's, orthogonal recurrence, forget gates with bias 1."""
    runs = 2 * members

    def glorot(*shape: int) -> Floats:
        limit = np.sqrt(6 / (shape[-2] + shape[-1]))
        return random.uniform(-limit, limit, shape).astype(np.float32)

    turns = [[np.linalg.qr(random.normal(size=(units, units)))[0] for _ in range(4)] for _ in range(runs)]
    bias = np.zeros((runs, 4 * units), np.float32)
    bias[:, units : 2 * units] = 1
    return Weights(
        glorot(runs, dimensions, 4 * units),
        np.array([np.concatenate(gates, axis=1) for gates in turns], np.float32),
        bias,
        glorot(members, 2 * units, classes),
        np.zeros((members, classes), np.float32),
    )


def _packed(texts: Sequence[Sequence[int]], vectors: Floats) -> tuple[Floats, Floats]:
    """Return the network's input: vectors (2, texts, steps, dimensions) of both directions, mask (texts, steps)."""
    longest = max(map(len, texts))
    steps = next(size for size in _STEPS if size >= longest)
    packed = np.zeros((2, len(texts), steps, vectors.shape[1]), np.float32)
    mask = np.zeros((len(texts), steps), np.float32)
    for index, text in enumerate(texts):
        packed[0, index, : len(text)] = vectors[text]
        packed[1, index, : len(text)] = vectors[text[::-1]]
        mask[index, : len(text)] = 1
    return packed, mask
