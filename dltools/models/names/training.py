"""Train a names model on a list of names.

Words of other kinds come first, if there are any (:mod:`dltools.models.names.background`). Then eight tenths of the
names: another tenth, for validation, says after which epoch to stop, and how to mix the networks with n-gram models.
Then networks on both parts, for that many epochs; last, these learn what the mixture says of names that it makes up,
and of words with endings of names (:mod:`dltools.models.names.teacher`). The third part, the last tenth, is for nothing
but the measure. In: distinct names, and words. Out: a configuration, its weights, and what was measured, in nats a
character, the end of a name counted as one.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError
from dltools.models.names.background import spliced, unrelated
from dltools.models.names.config import EDGE, GATES, MAX_LENGTH, Floats, Kind, NamesConfig, Weights
from dltools.models.names.data import Split, split
from dltools.models.names.infer import Namer
from dltools.models.names.ngram import NGram, tuned
from dltools.models.names.teacher import (
    Lesson,
    Shares,
    Teacher,
    best_shares,
    by_place,
    changing_shares,
    mixture_loss,
)

#: Called with what is done now, how many of its steps are done, and how many there are.
Progress = Callable[[str, int, int], None]

_SPLICES = 3  # words with endings of names for each word, in the n-gram model of the background
_SPLICES_ORDER = 6
_WORD_DROPOUT = 0.25
_STEPS = (8, 12, 16, 20, 28, 40, 65)  # names are filled up to one of these lengths: each is compiled once
_SMALL_LIST_STEPS = 3000  # a list of few names is gone through more often, to make so many steps
_MOST_EPOCHS = 300
_OF_KIND: dict[Kind, dict[str, float]] = {"lstm": {}, "rnn": {"learning_rate": 4e-3, "recurrent_dropout": 0.1}}
#: One larger network that has read words knows more than several small ones that have not, and needs smaller steps.
_AFTER_WORDS: dict[str, float] = {
    "members": 1,
    "units": 384,
    "word_epochs": 12,
    "epochs": 9,
    "learning_rate": 3e-3,
    "decay": 0.0,
    "dropout": 0.3,
    "recurrent_dropout": 0.2,
    "lessons": 120_000,
    "lesson_epochs": 3,
    "lesson_batch": 128,
    "lesson_learning_rate": 3e-3,
    "lesson_dropout": 0.0,
}


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults were chosen on the validation part of the toolkit's own list.

    ``patience``: epochs without a better validation loss before the first stage ends. ``decay``: of the weights (AdamW;
    Loshchilov and Hutter, 2019). ``epochs``: at most; 0 for as many as the list asks for. ``lessons``: names made up in
    the last stage; 0 for none. ``words``: of the background that are read, at most.
    """

    seed: int
    epochs: int = 0
    members: int = 4
    units: int = 128
    dimensions: int = 32
    batch: int = 16
    learning_rate: float = 2e-2
    decay: float = 0.05
    dropout: float = 0.5
    recurrent_dropout: float = 0.3
    input_dropout: float = 0.1
    patience: int = 15
    lessons: int = 16_000
    lesson_epochs: int = 6
    lesson_batch: int = 64
    lesson_learning_rate: float = 4e-3
    lesson_dropout: float = 0.1
    words: int = 250_000
    word_epochs: int = 4
    word_batch: int = 256
    word_learning_rate: float = 4e-3

    @classmethod
    def of(cls, kind: Kind, seed: int, *, background: bool = False, **chosen: int) -> Recipe:
        """Return the recipe of a kind, with words to read first or none: the plain network needs smaller steps."""
        after = _AFTER_WORDS if background else {}
        return cls(seed, **{**_OF_KIND[kind], **after, **chosen})  # type: ignore[arg-type]

    def for_words(self) -> Recipe:
        """Return the recipe of the words that come first."""
        return dataclasses.replace(
            self.for_lessons(),
            epochs=self.word_epochs,
            batch=self.word_batch,
            learning_rate=self.word_learning_rate,
            dropout=_WORD_DROPOUT,
        )

    def for_lessons(self) -> Recipe:
        """Return the recipe of the last stage, where there are so many names that little has to be left out."""
        return dataclasses.replace(
            self,
            epochs=self.lesson_epochs,
            batch=self.lesson_batch,
            learning_rate=self.lesson_learning_rate,
            decay=0.0,
            dropout=self.lesson_dropout,
            recurrent_dropout=0.0,
            input_dropout=0.0,
        )

    def epochs_for(self, names: int) -> int:
        """Return after how many passes over so many names training ends at the latest."""
        return self.epochs or min(_MOST_EPOCHS, max(50, _SMALL_LIST_STEPS // -(-names // self.batch)))


class Epoch(NamedTuple):
    """The losses of one pass: on what was learned, with what was left out at random, and on validation."""

    train: float
    validation: float


class Trained(NamedTuple):
    """A new model, its parts of the list, the first stage's epochs, and losses in nats a character.

    ``validation``: the first stage's best. ``test``: the model's on names that nothing was chosen by, and ``ngram`` the
    5-gram model's on the same names after the same names; None where the list is too short for a test part.
    ``ngram_words``: that of two mixed 5-gram models, the second one's of the background; None without one.
    """

    config: NamesConfig
    weights: Weights
    parts: Split
    epochs: list[Epoch]
    best_epoch: int
    validation: float
    test: float | None
    ngram: float | None
    ngram_words: float | None


def train(
    names: Sequence[str],
    kind: Kind,
    recipe: Recipe,
    progress: Progress | None = None,
    resume: Namer | None = None,
    background: Sequence[str] = (),
) -> Trained:
    """Train a model of ``kind`` on distinct ``names``, going on from ``resume`` if given, and with the words of
    ``background`` that cannot come from a name; raise :class:`InputError`.

    The result is the same to the byte for one recipe.
    """
    progress = progress or (lambda _what, _done, _all: None)
    parts = split(names)
    alphabet, first = _start(names, kind, recipe, resume)
    random = np.random.default_rng(recipe.seed)
    words = _readable(unrelated(background, names), alphabet, recipe, random)
    known = dict.fromkeys((*(resume.config.names if resume else ()), *names))
    config = NamesConfig(kind, alphabet, tuple(known), {})
    total = recipe.epochs_for(len(parts.train))
    history: list[Epoch] = []
    best, kept = 0, first

    def judge(loss: float, weights: Weights) -> bool:
        nonlocal best, kept
        history.append(Epoch(loss, Namer(config, weights).loss(parts.validation)))
        progress("validation", len(history), total)
        if len(history) == 1 or history[-1].validation < history[best].validation:
            best, kept = len(history) - 1, weights
        return len(history) - 1 - best < recipe.patience

    def until(what: str, epochs: int) -> Callable[[float, Weights], bool]:
        done = itertools.count(1)

        def told(_loss: float, _weights: Weights) -> bool:
            now = next(done)
            progress(what, now, epochs)
            return now < epochs

        return told

    if words:
        reading = recipe.for_words()
        told = until("background", reading.epochs)
        first = kept = _fit(_lessons(words, alphabet), kind, reading, first, reading.epochs, told)
    _fit(_lessons(parts.train, alphabet), kind, recipe, first, total, judge)
    learned = parts.train + parts.validation
    weights = _fit(_lessons(learned, alphabet), kind, recipe, first, total, until("names", best + 1))
    discounts = tuned(parts.train, parts.validation, told=partial(progress, "n-gram discounts"))
    mixed = _beside(spliced(words * _SPLICES, parts.train, random), parts)
    others = [NGram(mixed, order=_SPLICES_ORDER)] if words else []
    ngrams = [NGram(parts.train, discounts=discounts), *others]
    models: list[Namer | NGram] = [Namer(config, kept), *ngrams]
    shares = changing_shares(models, parts.validation) if words else Shares(best_shares(models, parts.validation))
    ngram_shares = best_shares(ngrams, parts.validation)
    ngram = NGram(learned, discounts=discounts)
    if recipe.lessons:
        teacher = Teacher(Namer(config, weights), (ngram, *others), shares)
        drawn = np.random.default_rng(recipe.seed)
        lessons = teacher.lessons(recipe.lessons, drawn, partial(progress, "names made up"))
        lessons += teacher.lessons_of(
            _beside(spliced(words, learned, random), parts), partial(progress, "words judged")
        )
        last = recipe.for_lessons()
        weights = _fit(lessons, kind, last, weights, last.epochs, until("lessons", last.epochs))
    weights = Weights(*(array.astype(np.float16).astype(np.float32) for array in weights))
    facts = {
        "names": len(names),
        "learned": len(learned),
        "words": len(words),
        "best_epoch": best + 1,
        "shares": shares.first.tolist(),
        **({} if shares.changes is None else {"changes": shares.changes.round(4).tolist()}),
    }
    config = dataclasses.replace(config, training={**dataclasses.asdict(recipe), **facts})
    test = Namer(config, weights).loss(parts.test) if parts.test else None
    baseline = ngram.loss(parts.test) if parts.test else None
    both = mixture_loss(ngram_shares, by_place([ngram, *others], parts.test)) if parts.test and others else None
    return Trained(config, weights, parts, history, best + 1, history[best].validation, test, baseline, both)


def _readable(words: Sequence[str], alphabet: str, recipe: Recipe, random: np.random.Generator) -> list[str]:
    """Return the words that a network can read, at most as many as the recipe says."""
    known = frozenset(alphabet)
    found = [word for word in words if known.issuperset(word)]
    if len(found) <= recipe.words:
        return found
    return [found[at] for at in np.sort(random.choice(len(found), recipe.words, replace=False))]


def _beside(words: Sequence[str], parts: Split) -> list[str]:
    """Return the words that, by chance, are no names to judge by, nor longer than a name may be."""
    held = {*parts.validation, *parts.test}
    return [word for word in words if word not in held and len(word) <= MAX_LENGTH]


def _start(names: Sequence[str], kind: Kind, recipe: Recipe, resume: Namer | None) -> tuple[str, Weights]:
    """Return the alphabet and the weights to start from."""
    alphabet = "".join(sorted({character for name in names for character in name}))
    if resume is None:
        return alphabet, first_weights(kind, len(alphabet) + 1, recipe, np.random.default_rng(recipe.seed))
    if resume.config.kind != kind:
        raise InputError(f"the model to resume is of the kind {resume.config.kind}, not {kind}")
    unknown = sorted(set(alphabet) - set(resume.config.alphabet))
    if unknown:
        raise InputError(f"the model to resume does not know the character {unknown[0]!r} of the list")
    return resume.config.alphabet, resume.weights


def first_weights(kind: Kind, classes: int, recipe: Recipe, random: np.random.Generator) -> Weights:
    """Return weights to start from, as Keras': Glorot's, orthogonal recurrence, an LSTM's forget gates with bias 1."""
    members, units, gates = recipe.members, recipe.units, GATES[kind]

    def glorot(*shape: int) -> Floats:
        limit = np.sqrt(6 / (shape[-2] + shape[-1]))
        return random.uniform(-limit, limit, shape).astype(np.float32)

    turns = [[np.linalg.qr(random.normal(size=(units, units)))[0] for _ in range(gates)] for _ in range(members)]
    bias = np.zeros((members, gates * units), np.float32)
    if kind == "lstm":
        bias[:, units : 2 * units] = 1
    return Weights(
        random.normal(0, 0.3, (members, classes, recipe.dimensions)).astype(np.float32),
        glorot(members, recipe.dimensions, gates * units),
        np.array([np.concatenate(each, axis=1) for each in turns], np.float32),
        bias,
        glorot(members, units, classes),
        np.zeros((members, classes), np.float32),
    )


def _lessons(names: Sequence[str], alphabet: str) -> list[Lesson]:
    """Return names as what they are: after each character comes the next, and nothing else."""
    numbers = {character: number for number, character in enumerate(alphabet, 1)}
    return [Lesson([numbers[character] for character in name]) for name in names]


def _fit(
    lessons: Sequence[Lesson],
    kind: Kind,
    recipe: Recipe,
    first: Weights,
    epochs: int,
    each_epoch: Callable[[float, Weights], bool],
) -> Weights:
    """Train on ``lessons`` until ``each_epoch`` says no; the learning rate falls over ``epochs`` as a cosine does."""
    from dltools.runtime.export import quiet_tensorflow

    with quiet_tensorflow():
        import keras
        import tensorflow as tf

        from dltools.models.names.network import Members, train_step

    tf.get_logger().setLevel("ERROR")  # it advises developers on standard error
    keras.utils.set_random_seed(recipe.seed)
    tf.config.experimental.enable_op_determinism()
    # The optimizer of graphs would sum the shares of the recurrent kernel's gradient in the order that they come in,
    # whatever was asked for above; without it a step takes no longer.
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    random = np.random.default_rng(recipe.seed)
    model = Members(
        kind,
        first,
        seed=recipe.seed,
        dropout=recipe.dropout,
        recurrent_dropout=recipe.recurrent_dropout,
        input_dropout=recipe.input_dropout,
    )
    optimizer = keras.optimizers.AdamW(recipe.learning_rate, beta_2=0.99, weight_decay=recipe.decay)
    optimizer.build(model.trainable_variables)
    step = train_step(model, optimizer)
    classes = first.output_bias.shape[1]
    lengths = np.array([len(lesson.numbers) for lesson in lessons])
    steps_in_all, done = epochs * -(-len(lessons) // recipe.batch), 0
    for _ in range(epochs):
        order = np.argsort(lengths + random.uniform(0, 3, len(lengths)), kind="stable")  # like lengths together
        batches = [order[start : start + recipe.batch] for start in range(0, len(order), recipe.batch)]
        losses = []
        for at in random.permutation(len(batches)):
            inputs, targets, counts = _packed([lessons[index] for index in batches[at]], recipe.batch, classes)
            optimizer.learning_rate.assign(recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * done / steps_in_all)))
            losses.append(float(step(*map(tf.constant, (inputs, targets, counts)))))
            done += 1
        if not each_epoch(float(np.mean(losses)), model.weights_now()):
            break
    return model.weights_now()


def _packed(lessons: Sequence[Lesson], batch: int, classes: int) -> tuple[npt.NDArray[np.int32], Floats, Floats]:
    """Return inputs (batch, steps), targets (batch, steps, classes) and counts (batch, steps)."""
    longest = max(len(lesson.numbers) for lesson in lessons) + 1
    steps = next(size for size in _STEPS if size >= longest)
    inputs, counts = np.zeros((batch, steps), np.int32), np.zeros((batch, steps), np.float32)
    targets = np.zeros((batch, steps, classes), np.float32)
    for row, (numbers, shares) in enumerate(lessons):
        length = len(numbers) + 1
        inputs[row, 1:length] = numbers
        if shares is None:
            targets[row, range(length), [*numbers, EDGE]] = 1
        else:
            targets[row, :length] = shares
        counts[row, :length] = 1
    return inputs, targets, counts
