"""From labelled examples to a trained model: targets, split, standardization, network, training, measures."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from dltools.errors import UsageError
from dltools.models.nn.config import ModelConfig, Task
from dltools.models.nn.examples import Examples, Targets, one_hot, scaling, split, targets_of
from dltools.models.nn.fit import History, Pairs, Progress, Recipe, fit
from dltools.models.nn.infer import Model, standardized
from dltools.models.nn.layer import Array, Shape, Start
from dltools.models.nn.model import Network
from dltools.models.nn.spec import Word, complete, make
from dltools.models.nn.tables import numbers_of


@dataclasses.dataclass(frozen=True)
class Design:
    """What is trained: the layers as :mod:`.spec` has them, and what stands around them.

    ``task``: None finds out from the labels. ``validation``: the share of the examples that is held out. ``shape``:
    what the rows of a table are laid out as, (rows, columns, channels), if they are images.
    """

    layers: str
    seed: int
    activation: str = "relu"
    init: str = "he"
    dropout: float = 0.0
    validation: float = 0.2
    task: Task | None = None
    standardize: bool = True
    shape: Shape = ()


class Measures(NamedTuple):
    """The mean loss over so many examples; ``accuracy``, or a regression's root mean squared error and R squared."""

    examples: int
    scores: dict[str, float]


class Trained(NamedTuple):
    """A new model, the losses on the way, and its measures on the examples that it saw and on those held out."""

    model: Model
    history: History
    training: Measures
    validation: Measures | None


def train(examples: Examples, design: Design, recipe: Recipe, progress: Progress | None = None) -> Trained:
    """Train a model; raise :class:`InputError` or :class:`UsageError` where that cannot be.

    The seed decides the split, the first weights, the batches and what is dropped; with it, on the same machine, the
    same model comes out.
    """
    targets = targets_of(examples.labels, numbers_of(examples.labels), design.task)
    for_split, for_weights, for_batches = np.random.default_rng(design.seed).spawn(3)
    seen, held = split(targets, design.validation, for_split)
    if recipe.patience and not len(held):
        raise UsageError("early stopping needs held-out examples: a larger --validation")
    model = _model(examples, targets, seen, design, recipe, for_weights)
    training = _pairs(examples, targets, seen, model)
    validation = _pairs(examples, targets, held, model) if len(held) else None
    history = fit(model.network, recipe, training, validation, for_batches, progress)
    return Trained(
        model,
        history,
        measure(model, training),
        measure(model, validation) if validation is not None else None,
    )


def _model(
    examples: Examples, targets: Targets, seen: Array, design: Design, recipe: Recipe, random: np.random.Generator
) -> Model:
    """Return the untrained model for ``targets``; what it scales by comes from the examples ``seen`` alone."""
    shape = examples.inputs.shape[1:]
    lead = [Word("reshape", "x".join(map(str, design.shape)))] if design.shape not in ((), shape) else []
    outputs = {0: (1,), 2: (1, 2)}.get(len(targets.classes), (len(targets.classes),))
    words = [
        *lead,
        *complete(design.layers, design.shape or shape, outputs, activation=design.activation, dropout=design.dropout),
    ]
    loss = "mean-squared-error"
    if targets.task == "classification":
        loss = "binary-crossentropy" if words[-1].sizes == "1" else "categorical-crossentropy"
    network = Network([make(word) for word in words], loss, shape, Start(random, design.init))
    values = targets.values[seen] if targets.task == "regression" else np.array([0.0])
    config = ModelConfig(
        layers=tuple(map(str, words)),
        loss=loss,
        shape=shape,
        task=targets.task,
        classes=targets.classes,
        columns=examples.columns,
        label=examples.label,
        label_at=examples.label_at,
        target_mean=float(values.mean()),
        target_scale=float(values.std()) or 1.0,
        training={"seed": design.seed, "init": design.init, **dataclasses.asdict(recipe), "learning_rate": recipe.rate},
    )
    return Model(config, network, *_scaling(examples.inputs[seen], words[0], wanted=design.standardize))


def _scaling(inputs: Array, first: Word, *, wanted: bool) -> tuple[Array, Array]:
    """Return what inputs are standardized by: features each by itself, all pixels of a channel alike, words not."""
    width = inputs.shape[-1]
    if not wanted or first.kind == "embedding":
        return np.zeros(width), np.ones(width)
    sizes = tuple(map(int, first.sizes.split("x"))) if first.kind == "reshape" else ()
    if len(sizes) != 3 or inputs.ndim != 2:
        return scaling(inputs)
    mean, scale = scaling(inputs.reshape(len(inputs), *sizes))
    return np.broadcast_to(mean, sizes).reshape(-1), np.broadcast_to(scale, sizes).reshape(-1)


def _pairs(examples: Examples, targets: Targets, numbers: Array, model: Model) -> Pairs:
    """Return the examples ``numbers`` as the network takes them, and what it should give for them."""
    config, values = model.config, targets.values[numbers]
    if config.task == "regression":
        wanted = ((values - config.target_mean) / config.target_scale).astype(np.float32)[:, None]
    elif config.loss == "binary-crossentropy":
        wanted = values.astype(np.float32)[:, None]
    else:
        wanted = one_hot(values, len(targets.classes))
    return Pairs(standardized(examples.inputs[numbers], model.mean, model.scale), wanted)


def measure(model: Model, pairs: Pairs) -> Measures:
    """Return how good a model is on examples that are prepared for its network."""
    outputs = model.network.outputs(pairs.inputs)
    scores = {"loss": model.network.loss.value(outputs, pairs.targets)}
    if model.config.task == "regression":
        errors = np.square(outputs - pairs.targets, dtype=np.float64)
        spread = np.square(pairs.targets - pairs.targets.mean(dtype=np.float64)).sum()
        scores["rmse"] = float(errors.mean() ** 0.5) * model.config.target_scale
        scores["r2"] = 1 - float(errors.sum() / spread) if spread else 0.0
    elif outputs.shape[1] == 1:
        scores["accuracy"] = float(((outputs > 0) == (pairs.targets > 0.5)).mean())
    else:
        scores["accuracy"] = float((outputs.argmax(axis=1) == pairs.targets.argmax(axis=1)).mean())
    return Measures(len(outputs), scores)
