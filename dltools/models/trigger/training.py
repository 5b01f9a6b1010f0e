"""Train a trigger model: mix examples, fit a scout, look where it wrongly hears the word, mix those in, fit the model.

In: the recordings of :mod:`dltools.models.trigger.material`, some voices and sources of which are held out. Out: a
configuration with what was measured on these, and weights.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dltools.models.trigger import augment
from dltools.models.trigger.config import Kind, TriggerConfig, Weights
from dltools.models.trigger.evaluate import Measures, measure
from dltools.models.trigger.hearing import Hearing, Progress, open_hearing
from dltools.models.trigger.material import Clip, Hard, Material
from dltools.models.trigger.sets import Plain, Set, batches

if TYPE_CHECKING:
    from dltools.models.trigger.network import Network, Shape


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults were chosen on held-out voices and sources.

    ``examples``: of ten seconds, mixed before the first round and, half as many, before each other one; of recordings
    without the word half as many, too. ``rounds``: all but the last fit a scout, a network half as wide, and look for
    what it wrongly hears; the last fits the model, from the beginning. ``epochs``: passes of either. ``noise``: the
    spread of what is added to features; it and ``dropout`` are those of the members in turn, since a mean gains most by
    networks that err otherwise. ``plain``: the share of each batch that is recordings without the word, nothing
    mixed in. ``fresh``: the share before which nothing was heard, as at a recording's beginning; before the rest was
    anything of the last batch. ``false_accepts``: an hour, which the default threshold allows on the held-out
    recordings. ``members``: how many networks are averaged, if not as many as the kind of model has.
    """

    seed: int
    examples: int = 8000
    rounds: int = 3
    epochs: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    dropout: tuple[float, ...] = (0.25, 0.4)
    noise: tuple[float, ...] = (0.25, 0.5)
    positive_weight: float = 6.0
    plain: float = 0.5
    fresh: float = 0.25
    false_accepts: float = 0.5
    members: int | None = None


class Trained(NamedTuple):
    """A new model, and what was measured on held-out voices and sources."""

    config: TriggerConfig
    weights: Weights
    losses: list[float]
    held_out: Measures


def train(
    material: Material,
    held_out: Material,
    kind: Kind,
    label: str,
    recipe: Recipe,
    *,
    threads: int = 1,
    progress: Progress | None = None,
    resume: Weights | None = None,
) -> Trained:
    """Train a model of ``kind`` for the word ``label``; the result is the same to the byte for one recipe."""
    tell = progress or (lambda _what, _done, _all: None)
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import tensorflow as tf

        from dltools.models.trigger.network import SHAPES, exported, shape_of

    tf.config.experimental.enable_op_determinism()
    shape = SHAPES[kind] if resume is None else shape_of(resume, SHAPES[kind].stride)
    if recipe.members is not None:
        shape = shape._replace(members=recipe.members)
    with open_hearing(kind, shape.stride, material, threads, tell) as hearing:
        fitted = _rounds(hearing, shape, recipe, resume, tell)
    rounded = _rounded(exported(fitted.members))
    measures = measure(rounded, kind, shape.stride, held_out, recipe.seed, threads=threads, progress=tell)
    facts = {
        **dataclasses.asdict(recipe),
        "positives": len(material.positives),
        "negatives": len(material.negatives),
        "background_hours": round(_hours(material.backgrounds), 2),
        "hard": len(fitted.hard.places),
        "hard_words": len(fitted.hard.words),
        "hard_plain": fitted.hard_plain,
        "losses": [round(loss, 5) for loss in fitted.losses],
    }
    threshold = measures.lowest_threshold(recipe.false_accepts)
    config = TriggerConfig(kind, label, shape.stride, threshold, (), 0.0, 0.0, _length(material), facts)
    return Trained(measures.calibrated(config, threshold), rounded, fitted.losses, measures)


class _Fitted(NamedTuple):
    """What the rounds gave: the networks, the mean loss of each pass, and what they mistook."""

    members: list[Network]
    losses: list[float]
    hard: Hard
    hard_plain: int


def _rounds(hearing: Hearing, shape: Shape, recipe: Recipe, resume: Weights | None, tell: Progress) -> _Fitted:
    """Fit scouts, look what they mistake, and fit the networks."""
    import keras

    from dltools.models.trigger.network import Network, exported

    recordings = hearing.recordings()
    plain = Plain(hearing.plain(max(1, recipe.examples // 2), recipe.seed), recordings, recipe.plain)
    hard = Hard()
    learned = hearing.mixed(recipe.examples, recipe.seed, hard)
    losses: list[float] = []
    for left in reversed(range(recipe.rounds)):
        keras.utils.set_random_seed(recipe.seed)
        scout = left > 0 and resume is None
        own = shape.half() if scout else shape
        members = [
            Network(
                own,
                hearing.dimensions,
                dropout=recipe.dropout[number % len(recipe.dropout)],
                noise=recipe.noise[number % len(recipe.noise)],
                seed=recipe.seed + 2 * number,
            )
            for number in range(own.members)
        ]
        flat = learned.features[::4].reshape(-1, hearing.dimensions).astype(np.float32)  # a part is enough
        mean, spread = flat.mean(axis=0), flat.std(axis=0) + np.float32(1e-3)
        for number, network in enumerate(members):
            network.start(mean, spread, None if resume is None else resume.map(operator.itemgetter(number)))
        losses += _fit(members, learned, plain, recipe, tell)
        if left:
            found = hearing.falsely(recordings, plain.examples, exported(members))
            frames = [
                (place.recording, round(place.second * hearing.rate / hearing.hop)) for place in found.hard.places
            ]
            plain.harden(found.plain, frames)
            hard = Hard([*hard.places, *found.hard.places], found.hard.words)
            more = hearing.mixed(recipe.examples // 2, recipe.seed + recipe.rounds - left, hard)
            learned = Set(*(np.concatenate(pair) for pair in zip(learned, more, strict=True)))
    return _Fitted(members, losses, hard, plain.hard)


def _rounded(weights: Weights) -> Weights:
    """Return weights as a file holds them, so that what is measured is what is shipped."""
    from dltools.models.trigger.store import halved

    return halved(weights)


def _length(material: Material) -> float:
    return round(float(np.median([len(clip.samples) for clip in material.positives])) / augment.RATE, 3)


def _hours(recordings: Sequence[Clip]) -> float:
    return sum(len(clip.samples) for clip in recordings) / augment.RATE / 3600


def _fit(
    members: Sequence[Network],
    learned: Set,
    plain: Plain,
    recipe: Recipe,
    tell: Progress,
) -> list[float]:
    """Fit on the examples and, among them, on plain recordings; most states are carried from batch to batch."""
    import keras
    import tensorflow as tf

    from dltools.models.trigger.network import train_step, variables

    random = np.random.default_rng((recipe.seed, 0))
    steps = recipe.epochs * (len(learned.features) // (recipe.batch - plain.rows(recipe.batch)))
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, max(1, steps), alpha=0.02)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-3)
    optimizer.build(variables(members))
    step = train_step(members, optimizer, recipe.positive_weight)
    states = [[tf.zeros((recipe.batch, units)) for units in network.shape.units] for network in members]
    losses = []
    for epoch in range(recipe.epochs):
        total, count = 0.0, 0
        for features, wanted in batches(learned, plain, recipe.batch, random):
            # Who went on in one place would learn where in a batch no word ever comes: among the plain recordings.
            before = tf.constant(random.permutation(recipe.batch))
            carried = tf.constant(random.random((recipe.batch, 1)) >= recipe.fresh, tf.float32)
            states = [[tf.gather(state, before) * carried for state in own] for own in states]
            loss, states = step(tf.constant(features), tf.constant(wanted), states)
            total, count = total + float(loss), count + 1
        losses.append(total / max(1, count))
        tell(f"loss {losses[-1]:.4f}", epoch + 1, recipe.epochs)
    return losses
