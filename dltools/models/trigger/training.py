"""Train a trigger model: mix examples, fit, look where the word is wrongly heard, mix those in, fit again.

In: the recordings of :mod:`dltools.models.trigger.material`, some voices and sources of which are held out. Out: a
configuration with what was measured on these, and weights.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dltools.models.trigger import augment, examples
from dltools.models.trigger.config import Floats, Kind, TriggerConfig, Weights
from dltools.models.trigger.evaluate import Measures, default_threshold, measure
from dltools.models.trigger.features import Features, open_features
from dltools.models.trigger.material import Clip, Material
from dltools.models.trigger.recurrent import Recurrent

#: Called with what is done now, and how much of it is done.
Progress = Callable[[str, int, int], None]

_HARD_SCORE = 0.1  # a score above it, where the word is not, is worth learning from
_APART = 5.0  # seconds between two places of a recording that are learned from


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults were chosen on held-out voices and sources.

    ``examples``: of ten seconds, mixed before the first round and, in part anew, before each other one. ``rounds``: of
    fitting, looking for false accepts between two of them. ``false_accepts``: an hour, which the default threshold
    allows on the held-out recordings.
    """

    seed: int
    examples: int = 5000
    rounds: int = 3
    epochs: int = 8
    batch: int = 64
    learning_rate: float = 2e-3
    dropout: float = 0.25
    noise: float = 0.3
    positive_weight: float = 6.0
    false_accepts: float = 0.2


class Set(NamedTuple):
    """Features (count, frames, dimensions) float16, and targets (count, steps)."""

    features: Floats
    targets: Floats


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
        import keras
        import tensorflow as tf

        from dltools.models.trigger.network import SHAPES, Network

    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    features, shape = open_features(kind, threads=threads), SHAPES[kind]
    plain = _plain(material.backgrounds, features, shape.stride, tell)
    hard: list[Floats] = []
    learned = _mixed(material, features, shape.stride, recipe.examples, recipe.seed, hard, tell)
    network = Network(shape, learned.features.shape[2], dropout=recipe.dropout, noise=recipe.noise, seed=recipe.seed)
    flat = learned.features.reshape(-1, learned.features.shape[2]).astype(np.float32)
    mean, spread = flat.mean(axis=0), flat.std(axis=0) + np.float32(1e-3)
    if resume is None:
        network.mean.assign(mean)
        network.spread.assign(spread)
    else:
        network.restore(resume, mean, spread)
    losses: list[float] = []
    for number in range(recipe.rounds):
        if number:
            weights = network.exported()
            hard += _falsely_heard(material.backgrounds, weights, features, shape.stride, tell)
            more = _mixed(material, features, shape.stride, recipe.examples // 2, recipe.seed + number, hard, tell)
            learned = Set(*(np.concatenate(pair) for pair in zip(learned, more, strict=True)))
        losses += _fit(network, learned, plain, recipe, number, tell)
    rounded = _rounded(network.exported())
    measures = measure(rounded, kind, shape.stride, held_out, recipe.seed, threads=threads, progress=tell)
    facts = {
        **dataclasses.asdict(recipe),
        "positives": len(material.positives),
        "negatives": len(material.negatives),
        "background_hours": round(_hours(material.backgrounds, features.rate), 2),
        "hard": len(hard),
        "losses": [round(loss, 5) for loss in losses],
    }
    threshold = default_threshold(measures.curve, recipe.false_accepts)
    config = TriggerConfig(
        kind, label, shape.stride, threshold, measures.curve, measures.hours, measures.delay, _length(material), facts
    )
    return Trained(config, rounded, losses, measures)


def _rounded(weights: Weights) -> Weights:
    """Return weights as a file holds them, so that what is measured is what is shipped."""
    from dltools.models.trigger.store import halved

    return halved(weights)


def _length(material: Material) -> float:
    return round(float(np.median([len(clip.samples) for clip in material.positives])) / augment.RATE, 3)


def _hours(recordings: Sequence[Clip], rate: int) -> float:
    return sum(len(clip.samples) for clip in recordings) / rate / 3600


def _heard(samples: Floats, features: Features) -> Floats:
    """Return the features of an example, all its steps whole."""
    import soxr

    if features.rate != augment.RATE:
        samples = np.asarray(soxr.resample(samples, augment.RATE, features.rate), np.float32)
    features.reset()
    heard = features.push(np.concatenate([samples, np.zeros(features.hop * 4, np.float32)]))
    return heard[: len(samples) // features.hop]


def _mixed(
    material: Material,
    features: Features,
    stride: int,
    count: int,
    seed: int,
    hard: Sequence[Floats],
    tell: Progress,
) -> Set:
    """Mix ``count`` examples; number i depends on the seed and the material, not on how many there are."""
    heard, wanted = [], []
    for number in range(count):
        example = examples.mixed(material, np.random.default_rng((seed, number)), hard)
        made = _heard(example.samples, features)
        steps = len(made) // stride
        heard.append(made[: steps * stride].astype(np.float16))
        wanted.append(examples.targets(example.ends, steps, len(example.samples) / steps))
        tell("examples", number + 1, count)
    return Set(np.stack(heard), np.stack(wanted))


def _plain(recordings: Sequence[Clip], features: Features, stride: int, tell: Progress) -> Floats:
    """Return the recordings without the word as they are, cut into pieces as long as an example."""
    pieces = []
    for number, clip in enumerate(recordings):
        for start in range(0, len(clip.samples) - examples.LENGTH + 1, examples.LENGTH):
            made = _heard(clip.samples[start : start + examples.LENGTH], features)
            pieces.append(made[: len(made) // stride * stride].astype(np.float16))
        tell("recordings", number + 1, len(recordings))
    return np.stack(pieces) if pieces else np.zeros((0, 0, 0), np.float16)


def _falsely_heard(
    recordings: Sequence[Clip], weights: Weights, features: Features, stride: int, tell: Progress
) -> list[Floats]:
    """Return ten seconds around each place of the recordings where the network hears the word."""
    network, found = Recurrent(weights, stride), []
    seconds = features.hop * stride / features.rate
    for number, clip in enumerate(recordings):
        network.reset()
        scores = network.push(_heard(clip.samples, features))
        last = -_APART
        for step in np.flatnonzero(scores > _HARD_SCORE):
            now = step * seconds
            if now - last >= _APART:
                last = now
                middle = int(now * augment.RATE)
                start = max(0, min(middle - examples.LENGTH // 2, len(clip.samples) - examples.LENGTH))
                found.append(np.resize(clip.samples[start : start + examples.LENGTH], examples.LENGTH))
        tell("false accepts", number + 1, len(recordings))
    return found


def _fit(network: object, learned: Set, plain: Floats, recipe: Recipe, number: int, tell: Progress) -> list[float]:
    """Fit on the examples and, among them, on plain recordings, the network's state carried from batch to batch."""
    import keras
    import tensorflow as tf

    from dltools.models.trigger.network import train_step

    random = np.random.default_rng((recipe.seed, number))
    steps = recipe.epochs * (len(learned.features) * 4 // 3 // recipe.batch)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate / (1 + number), max(1, steps), alpha=0.02)
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=1e-3)
    optimizer.build(network.trainable_variables)  # type: ignore[attr-defined]
    step = train_step(network, optimizer, recipe.positive_weight)  # type: ignore[arg-type]
    states = [tf.zeros((recipe.batch, units)) for units in network.shape.units]  # type: ignore[attr-defined]
    losses = []
    for epoch in range(recipe.epochs):
        total, count = 0.0, 0
        for features, wanted in _batches(learned, plain, recipe.batch, random):
            loss, states = step(tf.constant(features), tf.constant(wanted), states)
            total, count = total + float(loss), count + 1
        losses.append(total / max(1, count))
        tell(f"round {number + 1}, loss {losses[-1]:.4f}", epoch + 1, recipe.epochs)
    return losses


def _batches(learned: Set, plain: Floats, batch: int, random: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
    """Yield batches, a quarter of each plain recordings where there are any."""
    beside = batch // 4 if len(plain) else 0
    own = batch - beside
    order = random.permutation(len(learned.features))
    others = itertools.cycle(random.permutation(len(plain))) if beside else iter(())
    for start in range(0, max(1, len(order) - own + 1), own):
        chosen = np.resize(order[start : start + own], own)
        features, wanted = learned.features[chosen], learned.targets[chosen]
        if beside:
            more = plain[list(itertools.islice(others, beside))]
            features = np.concatenate([features, more])
            wanted = np.concatenate([wanted, np.zeros((beside, wanted.shape[1]), np.float32)])
        yield features.astype(np.float32), wanted
