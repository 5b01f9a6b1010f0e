"""From labelled pictures to a classifier's file: networks that each learn with another part held out.

In: pictures of :mod:`.data`. Out: the bytes of a model file, the losses on the way, and how often the networks were
right about pictures that they had not learned from. One seed gives the same result on the same machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError, ModelFileError, UsageError
from dltools.models.classify import arrays
from dltools.models.classify.config import ClassifierConfig, Preparation
from dltools.models.classify.data import Numbers, Pictures, folds, groups_of
from dltools.models.classify.learners import ArrayLearner, Learner, State, described
from dltools.models.classify.prepare import Floats, normalized
from dltools.models.classify.recipe import Recipe
from dltools.models.classify.state import TrainingState
from dltools.runtime.predictor import Predictor

_LEAST = 4  # pictures
_FEATURE_BATCH = 16

#: Told of each epoch: the network's number from 1, epoch, epochs, training loss, held-out loss.
Progress = Callable[[int, int, int, float, float], None]
#: Called with what is to be saved, each time that an epoch is done.
Save = Callable[[bytes], None]


class Trained(NamedTuple):
    """A new model's file, its configuration, each network's losses, and the held-out pictures' scores and targets."""

    data: bytes
    config: ClassifierConfig
    losses: list[list[float]]
    held_losses: list[list[float]]
    scores: Floats
    targets: Numbers


@dataclasses.dataclass
class _Source:
    """Where batches come from: squares that are changed at random, or features made of them once."""

    pictures: Pictures
    recipe: Recipe
    preparation: Preparation
    features: Floats | None = None  # (pictures, 2, features), of the picture and of its mirror image

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.pictures.squares.shape[1:] if self.features is None else self.features.shape[2:]

    def batch(self, numbers: Numbers, random: np.random.Generator) -> Floats:
        """Return examples to learn from (batch, ...)."""
        if self.features is not None:
            views = random.integers(0, 2, len(numbers)) if self.recipe.augmentation.mirror else 0
            features: Floats = self.features[numbers, views]
            return features
        changed = self.recipe.augmentation.apply(self.pictures.squares[numbers], random)
        plain = dataclasses.replace(self.preparation, mirror=False)
        return normalized(changed, plain)

    def answers(self, learner: Learner, numbers: Numbers) -> Floats:
        """Return the mean probabilities (pictures, classes) of the pictures and their mirror images."""
        parts = []
        for start in range(0, len(numbers), 64):
            part = numbers[start : start + 64]
            if self.features is not None:
                values = self.features[part].reshape(-1, self.features.shape[2])
            else:
                values = normalized(self.pictures.squares[part], self.preparation)
            raw = learner.answers(values)
            parts.append(raw.reshape(len(part), -1, raw.shape[1]).mean(axis=1))
        return np.concatenate(parts)


def preparation_of(recipe: Recipe, squares: npt.NDArray[np.uint8] | None = None) -> Preparation:
    """Return how pictures are prepared; ``squares`` (pictures, size, size, 3): standardized by their channels."""
    if recipe.weights == "imagenet":
        from dltools.models.classify.convert import KERAS, SQUEEZENET

        if recipe.arch == "resnet50":
            return dataclasses.replace(KERAS, size=recipe.size, short=round(recipe.size * 256 / 224), mirror=True)
        return dataclasses.replace(SQUEEZENET, size=recipe.size)
    plain = Preparation(recipe.size, sampling="box", mirror=True)
    if squares is None:
        return plain
    mean = squares.mean(axis=(0, 1, 2), dtype=np.float64)
    scale = np.maximum(squares.std(axis=(0, 1, 2), dtype=np.float64), 1.0)
    (red, green, blue), (deep, wide, far) = mean.tolist(), scale.tolist()
    return dataclasses.replace(plain, mean=(red, green, blue), scale=(deep, wide, far))


def train(
    pictures: Pictures,
    classes: Sequence[str],
    recipe: Recipe,
    *,
    name: str,
    min_score: float = 0.0,
    published: Path | None = None,
    threads: int = 1,
    resume: Path | None = None,
    save: Save | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a classifier; raise :class:`InputError` or :class:`UsageError` where that cannot be.

    ``published``: Keras' weights to start from. ``save`` gets, epoch by epoch, the content of the file that ``resume``
    goes on from.
    """
    _demand_classes(pictures, classes)
    preparation = preparation_of(recipe, pictures.squares)
    source = _Source(pictures, recipe, preparation)
    if recipe.takes_features:
        source.features = _features(pictures, preparation, arrays.embedded_features(threads))
    parts = _parts(pictures, recipe)
    state = TrainingState(recipe, pictures)
    if resume is not None:
        state = TrainingState.read(resume, recipe, pictures)
    scores = np.zeros((len(parts), len(pictures.targets), len(classes)), np.float32)
    learner: Learner | None = None
    for number, (seen, held) in enumerate(parts):
        seed = int(np.random.default_rng([recipe.seed, number]).integers(2**31))
        learner = _learner(recipe, source.shape, len(classes), seed, published)
        if number < len(state.finished):
            _restore(learner, state.finished[number])
        else:
            _fit(learner, source, seen, held, number, state, save, progress)
        scores[number][held] = source.answers(learner, held)
    tested = np.array(sorted({int(at) for _, held in parts for at in held}), np.int64)
    counts = np.array([sum(at in held for held in (set(held.tolist()) for _, held in parts)) for at in tested])
    mean = scores.sum(axis=0)[tested] / counts[:, None]
    targets = pictures.targets[tested]
    facts = {
        **{key: value for key, value in dataclasses.asdict(recipe).items() if key != "augmentation"},
        "augmentation": dataclasses.asdict(recipe.augmentation),
        "pictures": len(pictures.targets),
        "held_out_accuracy": float((mean.argmax(axis=1) == targets).mean()),
    }
    config = ClassifierConfig(name, recipe.arch, preparation, tuple(classes), min_score, training=facts)
    data, config = _encoded(config, recipe, source.shape, state.finished)
    return Trained(data, config, state.losses, state.held_losses, mean.astype(np.float32), targets)


def _demand_classes(pictures: Pictures, classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise InputError("a classifier needs two classes: a sub-folder for each", code="no_pictures")
    counts = np.bincount(pictures.targets, minlength=len(classes))
    if counts.min() < 2 or len(pictures.targets) < _LEAST:
        raise InputError(
            f"{classes[int(counts.argmin())]}: fewer than two pictures that can be read", code="no_pictures"
        )


def _parts(pictures: Pictures, recipe: Recipe) -> list[tuple[Numbers, Numbers]]:
    """Return which pictures each network learns from, and which are held out from it."""
    if pictures.held is not None:
        both = np.flatnonzero(~pictures.held), np.flatnonzero(pictures.held)
        if not all(map(len, both)):
            raise InputError("one of the folders for training and validation has no pictures", code="no_pictures")
        return [both] * recipe.members
    random = np.random.default_rng(recipe.seed)
    groups = groups_of(pictures.hashes)
    count = max(2, round(1 / recipe.validation), recipe.members)
    fold = folds(pictures.targets, groups, count, random)
    parts = [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(recipe.members)]
    if any(
        not len(held) or len(np.unique(pictures.targets[seen])) <= int(pictures.targets.max()) for seen, held in parts
    ):
        raise UsageError(
            f"too few pictures that differ for {count} parts: give fewer --members or a larger --validation"
        )
    return parts


def _features(pictures: Pictures, preparation: Preparation, predictor: Predictor) -> Floats:
    """Return what the embedded network makes of each picture and its mirror image (pictures, 2, features)."""
    parts = []
    for start in range(0, len(pictures.squares), _FEATURE_BATCH):
        values = predictor.predict(normalized(pictures.squares[start : start + _FEATURE_BATCH], preparation))[1]
        parts.append(values.reshape(-1, 2, values.shape[1]))
    return np.concatenate(parts)


def _learner(recipe: Recipe, shape: tuple[int, ...], classes: int, seed: int, published: Path | None) -> Learner:
    if not recipe.is_keras:
        return ArrayLearner(recipe, shape, classes, seed)
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        from dltools.models.classify.training import KerasLearner

        return KerasLearner(recipe, classes, seed, published)


def _encoded(
    config: ClassifierConfig, recipe: Recipe, shape: tuple[int, ...], members: Sequence[State]
) -> tuple[bytes, ClassifierConfig]:
    """Return the model's file and its whole configuration."""
    if recipe.is_keras:
        from dltools.models.classify.training import export

        return export(config, recipe, members), config
    layers, loss = described(recipe, shape, len(config.classes))
    config = dataclasses.replace(config, network=arrays.described(layers, loss, shape, len(members)))
    learners = [ArrayLearner(recipe, shape, len(config.classes), 0) for _ in members]
    for learner, weights in zip(learners, members, strict=True):
        learner.restore(weights)
    return arrays.encode(config, [learner.network for learner in learners]), config


def _fit(
    learner: Learner,
    source: _Source,
    seen: Numbers,
    held: Numbers,
    number: int,
    state: TrainingState,
    save: Save | None,
    progress: Progress | None,
) -> None:
    """Train one network, from where ``state`` has it; leave its best weights in it and in ``state``."""
    recipe, targets = source.recipe, source.pictures.targets
    if len(state.losses) == number:
        state.losses.append([])
        state.held_losses.append([])
        state.now, state.best = {}, {}
    elif state.now:
        _restore(learner, state.now)
    losses, held_losses = state.losses[number], state.held_losses[number]
    while len(losses) < recipe.epochs and not _is_stuck(held_losses, recipe.patience):
        epoch = len(losses)
        random = np.random.default_rng([recipe.seed, number, epoch])
        learner.reseed(int(random.integers(2**31)))
        order = _order(targets, seen, recipe.balance, random)
        starts = range(0, len(order), recipe.batch)
        total = 0.0
        for done, start in enumerate(starts):
            part = order[start : start + recipe.batch]
            if len(part) < 2 <= len(order):
                continue  # batch normalization makes nothing of one picture
            rate = recipe.rate * 0.5 * (1 + np.cos(np.pi * (epoch + done / len(starts)) / recipe.epochs))
            total += learner.learn(source.batch(part, random), targets[part], float(rate)) * len(part)
        answers = source.answers(learner, held)
        held_loss = float(-np.log(np.maximum(answers[np.arange(len(held)), targets[held]], 1e-7)).mean())
        if not np.isfinite(total) or not np.isfinite(held_loss):
            raise InputError("training diverged: the loss is not finite (a smaller --learning-rate may help)")
        losses.append(total / len(order))
        held_losses.append(held_loss)
        if held_loss <= min(held_losses):
            state.best = learner.weights()
        if progress is not None:
            progress(number + 1, epoch + 1, recipe.epochs, losses[-1], held_loss)
        if save is not None:
            state.now = learner.state()
            save(state.encode())
    _restore(learner, state.best)
    state.finished.append(state.best)
    state.now, state.best = {}, {}


def _restore(learner: Learner, arrays: State) -> None:
    try:
        learner.restore(arrays)
    except (KeyError, ValueError) as error:
        raise ModelFileError("the saved state has arrays that do not fit the network") from error


def _is_stuck(losses: Sequence[float], patience: int) -> bool:
    return bool(patience and losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience


def _order(targets: Numbers, seen: Numbers, balance: bool, random: np.random.Generator) -> Numbers:
    """Return the pictures of an epoch: each once or, balanced, as many of each class and about as many in all."""
    if not balance:
        return random.permutation(seen)
    present = np.unique(targets[seen])
    each = -(-len(seen) // len(present))
    parts = []
    for group in present:
        own = seen[targets[seen] == group]
        rounds = [random.permutation(own) for _ in range(-(-each // len(own)))]
        parts.append(np.concatenate(rounds)[:each])
    return random.permutation(np.concatenate(parts))
