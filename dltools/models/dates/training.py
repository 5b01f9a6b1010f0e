"""Train a date model on examples that are drawn without end.

Two stages. In the first a tenth each of the formats is held out; their examples say when to stop and what to expect.
In the second, a short one, all formats join in. In: a recipe, locales, formats. Out: a configuration, weights, and
what was measured on formats never trained on, before they joined in.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dltools.models.dates.batches import Batch, Codes, Source, alphabet_of, batches, draw
from dltools.models.dates.characters import Alphabet, fold
from dltools.models.dates.config import DatesConfig, Weights
from dltools.models.dates.evaluate import Labelled, Measures, measure
from dltools.models.dates.examples import Example
from dltools.models.dates.formats import Formats
from dltools.models.dates.grammar import evaluate, kind_of
from dltools.models.dates.infer import Answer, DateTranslator, Options
from dltools.models.dates.locales import names_of, number_order
from dltools.models.dates.order import readings
from dltools.models.dates.store import decode

#: Called with what is done now, how much of it is done, and what was measured last.
Progress = Callable[[str, int, int, str], None]

_WORDS = 8000
_VALIDATION, _TEST = 1 << 20, 1 << 21  # added to the seed, so that no example is drawn twice
_MEASURED = 16_000  # examples drawn to measure on, texts without a date among them
_JUDGED = 3_000  # texts with a date that the curve is measured on
_TEMPERATURES = (0.8, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5)
_KINDS = {"none": "not a date", "relative": "not absolute", "partial": "not absolute", "name": "with names"}
_DATE_WORDS = (
    "today tomorrow yesterday now tonight next last this ago before after coming previous following first second "
    "third day days week weeks month months year years weekday morning evening noon midnight am pm one two three "
    "four five six seven eight nine ten eleven twelve"
).split()


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained.

    ``steps``: of the first stage, each on ``batch`` examples; ``finish``: of the second. ``units``: of the encoder in
    each direction; ``decoder``: of the decoder. Every fourth step also learns times of day.
    """

    seed: int
    steps: int = 16_000
    finish: int = 2_500
    batch: int = 256
    embedding: int = 48
    units: int = 80
    decoder: int = 128
    learning_rate: float = 2e-3
    finish_rate: float = 3e-4
    warm_up: int = 500
    dropout: float = 0.1
    judge_every: int = 1_000
    patience: int = 6


class Trained(NamedTuple):
    """A new model, what the first stage did on formats held out, and its curve: step, loss, accuracy on validation."""

    config: DatesConfig
    weights: Weights
    held_out: Measures
    curve: list[tuple[int, float, float]]


def noise_words() -> tuple[str, ...]:
    """Return frequent English words that say nothing of dates: what stands around dates, or instead of them."""
    from dltools.runtime.vectors import embedded_vectors

    names = names_of("en")
    banned = {
        fold(way) for table in (*names.months.values(), *names.days.values()) for ways in table for way in ways
    } | set(_DATE_WORDS)
    words = embedded_vectors().words(0, _WORDS)
    return tuple(word for word in words if word.isalpha() and len(word) > 1 and word not in banned)


def train(
    recipe: Recipe,
    locales: Sequence[str],
    formats: Formats,
    *,
    resume: Path | None = None,
    progress: Progress | None = None,
    keep: Callable[[DatesConfig, Weights], None] | None = None,
) -> Trained:
    """Train a model on examples of ``formats`` and of CLDR's patterns of ``locales``.

    ``resume``: a model to go on from, whose alphabet and sizes stay. ``keep``: called with the model as it is each time
    it was measured. Raise :class:`UsageError` for an unknown locale,
    :class:`MissingError` without babel, :class:`ModelFileError` for a file to resume that is none.
    """
    tell = progress or (lambda _what, _done, _all, _measured: None)
    source = Source(tuple(locales), formats, noise_words(), "train", recipe.seed)
    config, first = _beginning(recipe, source) if resume is None else decode(resume)
    codes = Codes(Alphabet(config.alphabet), config.languages)
    loop = _Loop(recipe, first, codes)
    validation = _labelled(source._replace(part="validation", seed=recipe.seed + _VALIDATION))
    test = _labelled(source._replace(part="test", seed=recipe.seed + _TEST))
    curve: list[tuple[int, float, float]] = []

    def judge(done: int, loss: float) -> bool:
        share = _accuracy(config, loop.weights_now(), validation)
        curve.append((done, loss, share))
        tell("formats held out", done, recipe.steps, f"loss {loss:.4f}, accuracy {share:.4f}")
        if keep is not None:
            keep(config, loop.weights_now())
        best = max(range(len(curve)), key=lambda at: curve[at][2])
        return len(curve) - 1 - best < recipe.patience

    loop.run(batches(source, codes, recipe.batch), recipe.steps, recipe.learning_rate, judge)
    config = _calibrated(config, loop.weights_now(), validation)
    rounded = _rounded(loop.weights_now())
    held_out = measure(test, _answers(DateTranslator(config, rounded), test))
    everything = source._replace(part=None, seed=recipe.seed + 1)
    loop.run(
        batches(everything, codes, recipe.batch),
        recipe.finish,
        recipe.finish_rate,
        lambda done, loss: tell("all formats", done, recipe.finish, f"loss {loss:.4f}") is None,
    )
    config = dataclasses.replace(config, training={**dataclasses.asdict(recipe), "locales": list(locales)})
    return Trained(config, _rounded(loop.weights_now()), held_out, curve)


def _beginning(recipe: Recipe, source: Source) -> tuple[DatesConfig, Weights]:
    from dltools.runtime.export import quiet_tensorflow

    alphabet = alphabet_of(draw(source, 0))
    languages = tuple(dict.fromkeys(code.split("_")[0] for code in source.locales))
    config = DatesConfig(alphabet.characters, languages, {code: number_order(code) for code in source.locales}, 1.0, {})
    with quiet_tensorflow():
        from dltools.models.dates.network import first_weights
    sizes = (recipe.embedding, recipe.units, recipe.decoder)
    return config, first_weights(len(alphabet), len(languages), *sizes, recipe.seed)


class _Loop:
    """The network, its optimizer and its losses."""

    def __init__(self, recipe: Recipe, first: Weights, codes: Codes) -> None:
        from dltools.runtime.export import quiet_tensorflow

        with quiet_tensorflow():
            import keras
            import tensorflow as tf

            from dltools.models.dates.network import Translator, train_step
        tf.get_logger().setLevel("ERROR")  # it advises developers on standard error
        keras.utils.set_random_seed(recipe.seed)
        self._recipe, self._codes = recipe, codes
        self._model = Translator(first)
        self._optimizer = keras.optimizers.Adam(recipe.learning_rate, clipnorm=1.0)
        self._optimizer.build(self._model.variables)
        self._step = train_step(self._model, self._optimizer, recipe.dropout)
        self._constant = tf.constant

    def weights_now(self) -> Weights:
        """Return the weights as they are."""
        return self._model.weights_now()

    def run(self, source: Iterator[Batch], steps: int, peak: float, judge: Callable[[int, float], bool]) -> None:
        """Take ``steps`` steps, the learning rate falling as a cosine; stop where ``judge`` says no.

        It is called with the steps done and the mean loss since.
        """
        recipe = self._recipe
        losses: list[Any] = []
        for number, batch in enumerate(itertools.islice(source, steps)):
            warm = min(1, (number + 1) / recipe.warm_up)
            rate = peak * warm * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * number / steps)))
            self._optimizer.learning_rate.assign(rate)
            written = (batch.dates, batch.times) if number % 4 == 3 else (batch.dates,)
            losses.append(self._step(*map(self._constant, (batch.characters, batch.hints, *written)))[0])
            if (number + 1) % recipe.judge_every == 0 or number + 1 == steps:
                mean = float(np.mean([loss.numpy() for loss in losses]))
                losses.clear()
                if not judge(number + 1, mean):
                    return


def _rounded(weights: Weights) -> Weights:
    """Return ``weights`` as a file of float16 gives them back."""
    return Weights(*(array.astype(np.float16).astype(np.float32) for array in weights))


def _labelled(source: Source) -> list[Labelled]:
    """Return texts to measure with, without hints; what has more than one reading is a kind of its own."""
    return [_label(example) for example in draw(source, 0, _MEASURED) if not example.order and not example.language]


def _label(example: Example) -> Labelled:
    date = evaluate(example.date) if kind_of(example.date) == "date" else None
    ambiguous = date is not None and len(set(readings(example.text).values())) > 1
    kind = "ambiguous" if ambiguous else _KINDS.get(example.kind, example.kind)
    return Labelled(example.text, date.isoformat() if date else "", kind)


def _answers(translator: DateTranslator, labelled: Sequence[Labelled], options: Options | None = None) -> list[Answer]:
    return translator.translate([each.text for each in labelled], options or Options())


def _accuracy(config: DatesConfig, weights: Weights, labelled: Sequence[Labelled]) -> float:
    some = [each for each in labelled if each.date][:_JUDGED]
    return measure(some, _answers(DateTranslator(config, weights), some)).accuracy


def _calibrated(config: DatesConfig, weights: Weights, labelled: Sequence[Labelled]) -> DatesConfig:
    """Choose the temperature with the lowest Brier score on held-out formats."""
    dates = np.array([each.date for each in labelled])
    best: tuple[float, DatesConfig] | None = None
    for temperature in _TEMPERATURES:
        trial = dataclasses.replace(config, temperature=temperature)
        answers = _answers(DateTranslator(trial, weights), labelled, Options(min_score=0.0))
        said = np.array([answer.date or "" for answer in answers])
        scores = np.array([answer.score for answer in answers])
        right, dated = said == dates, said != ""
        brier = float(np.mean((scores[dated] - right[dated]) ** 2)) if dated.any() else 1.0
        if best is None or brier < best[0]:
            best = brier, trial
    return best[1] if best is not None else config
