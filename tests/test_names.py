"""dino-names: the list, the baseline, both networks, training at a tiny size, sampling, and the command."""

from __future__ import annotations

import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.errors import InputError, ModelFileError, UsageError
from dltools.models.names import infer
from dltools.models.names.background import spliced, unrelated
from dltools.models.names.config import KINDS, Kind, NamesConfig, Weights
from dltools.models.names.data import OWN_NAMES, distinct, normalize, own_words, read_names, split
from dltools.models.names.infer import Invented, Namer, Wish
from dltools.models.names.ngram import NGram, tuned
from dltools.models.names.recurrent import BLOCK, Recurrent, State
from dltools.models.names.sampler import Shape, choose, draw, shares
from dltools.models.names.store import decode, encode
from dltools.models.names.teacher import Shares, Teacher, best_shares, by_place, changing_shares, mixture_loss
from dltools.models.names.training import Recipe, first_weights, train
from tests.conftest import ROOT, Run

TOWNS = ["Москва", "Минск", "Мурманск", "Омск", "Томск", "Курск", "Брянск", "Смоленск", "Иркутск", "Псков", "Ростов"]
PLACES = ["とうきょう", "きょうと", "おおさか", "なごや", "さっぽろ", "ふくおか", "ひろしま", "せんだい", "こうべ"]


def tiny_namer(kind: Kind = "lstm", *, members: int = 2, units: int = 6, threads: int = 1) -> Namer:
    """Return an untrained model over the letters a to e."""
    recipe = Recipe(seed=0, members=members, units=units, dimensions=4)
    random = np.random.default_rng(0)
    weights = first_weights(kind, 6, recipe, random)
    noisy = Weights(*(array + random.normal(0, 0.4, array.shape).astype(np.float32) for array in weights))
    return Namer(NamesConfig(kind, "abcde", ("a", "bad", "cab"), {}), noisy, threads=threads)


def names_of(namer: Namer, count: int, seed: int, wish: Wish | None = None) -> list[Invented]:
    return [name for some in namer.sample(count, seed, wish) for name in some]


@pytest.fixture(scope="module")
def shipped() -> Namer:
    return Namer.load()


# --- the list and its split


def test_the_list() -> None:
    lines = OWN_NAMES.read_text("ascii").splitlines()
    assert len(lines) >= 1000
    assert lines == sorted(set(lines))
    assert all(re.fullmatch("[A-Z][a-z]+", line) for line in lines)
    assert {"Tyrannosaurus", "Brachiosaurus", "Triceratops", "Stegosaurus", "Yi"} <= set(lines)
    assert not {"Pteranodon", "Ichthyosaurus", "Plesiosaurus", "Dimetrodon", "Archaeopteryx"} & set(lines)


def test_the_split_hangs_on_the_names_alone() -> None:
    names = read_names(OWN_NAMES)
    parts, again = split(names), split(names[::-1])
    assert parts == again
    assert sorted([*parts.train, *parts.validation, *parts.test]) == names
    assert all(0.07 * len(names) < len(part) < 0.13 * len(names) for part in parts[1:])
    assert set(split(names[:500]).test) <= set(parts.test)


@pytest.mark.parametrize("count", range(2, 8))
def test_a_short_list_has_names_to_learn_and_to_validate(count: int) -> None:
    parts = split(TOWNS[:count])
    assert parts.train and parts.validation and sum(map(len, parts)) == count


def test_names_are_made_alike() -> None:
    assert distinct(["Zoe\u0301", " Zo\xe9\r", "", "Ana"], "x") == ["Zo\xe9", "Ana"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no names"),
        (b"\n \n", "no names"),
        (b"one\none\n", "one name"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"good\nbad\x00\n", "line 2 has a control character"),
        (b"good\n" + b"x" * 65, "line 2 is longer"),
    ],
)
def test_lists_that_are_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "list"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_names(path)


# --- the baseline


def test_the_ngram_model_is_a_distribution() -> None:
    model = NGram(["abra", "cadabra", "bar"], discounts=((0.8, 1.0, 1.3),) * 5)
    for before in map(model.context, ("", "a", "abra", "cadabra", "xx")):
        total = sum(model.probability(before, character) for character in "abcdr\x03")
        assert total == pytest.approx(1 - model.probability(before, "?"), abs=1e-12)
    assert model.nats("abra") < model.nats("arba") < model.nats("????")
    assert model.loss(["abra"]) == pytest.approx(model.nats("abra"))


def test_a_whole_distribution_is_that_of_each_character() -> None:
    model, known = NGram(["abra", "cadabra", "bar"], order=4), {}  # type: ignore[var-annotated]
    for before in map(model.context, ("", "a", "abra", "cadabra", "xx", "abra")):
        found = model.distribution(before, "abcdrx\x03", known)
        assert found.tolist() == [model.probability(before, character) for character in "abcdrx\x03"]


def test_tuned_discounts_are_no_worse() -> None:
    parts = split(read_names(OWN_NAMES)[:120])
    discounts = tuned(parts.train, parts.validation, order=3)
    assert NGram(parts.train, discounts=discounts, order=3).loss(parts.validation) <= NGram(parts.train, order=3).loss(
        parts.validation
    )


# --- the background


def test_the_own_words_come_from_no_name_of_the_list() -> None:
    words, names = own_words(), read_names(OWN_NAMES)
    assert len(words) > 90_000 and words == sorted(set(words))
    assert {"Homo", "Passer", "Quercus", "Varanus"} <= set(words)
    left = unrelated(words, names)
    assert 0.97 * len(words) < len(left) < len(words)
    assert not {name.casefold() for name in names} & {word.casefold() for word in left}


def test_what_comes_from_a_name_is_left_out() -> None:
    words = ["Tyrannosauridae", "TYRANNOSAURUS", "Tyrannosauria", "Tyrannus", "Yia", "yi", "Baryonychinae", "Baryonus"]
    assert unrelated(words, ["Tyrannosaurus", "Yi", "Baryonyx"]) == ["Tyrannus", "Yia"]


@given(
    st.lists(st.text("abco", max_size=12)),
    st.lists(st.text("abco", min_size=1, max_size=14), min_size=1),
    st.integers(0, 99),
)
def test_a_splice_begins_like_a_word_and_ends_like_a_name(words: list[str], names: list[str], seed: int) -> None:
    made = spliced(words, names, np.random.default_rng(seed))
    assert len(made) <= len(words)
    for text in set(made) - set(words):
        assert any(
            any(word.startswith(text[:at]) for word in words) and any(name.endswith(text[at - 1 :]) for name in names)
            for at in range(3, len(text))
        )


# --- the networks


@pytest.mark.parametrize("kind", KINDS)
def test_numpy_equals_keras(kind: Kind) -> None:
    """Keras' own layers are the oracle; float32 gives the tolerance."""
    keras = pytest.importorskip("keras")
    from dltools.models.names.network import Members

    namer = tiny_namer(kind)
    weights, random = namer.weights, np.random.default_rng(1)
    inputs = random.integers(0, 6, (BLOCK, 9))
    inputs[:, 0] = 0
    state = State(Recurrent(kind, weights), 1)
    ours = np.stack([state.advance(inputs[None, :, step])[0].copy() for step in range(9)], axis=1)
    expected = []
    for member in range(2):
        layer = (keras.layers.LSTM if kind == "lstm" else keras.layers.SimpleRNN)(6, return_sequences=True)
        layer.build((1, None, 4))
        layer.set_weights([weights.kernel[member], weights.recurrent[member], weights.bias[member]])
        hidden = np.asarray(layer(weights.embedding[member][inputs]))
        expected.append(hidden @ weights.output_kernel[member] + weights.output_bias[member])
    np.testing.assert_allclose(ours, np.mean(expected, axis=0), atol=1e-5)
    trained = np.asarray(Members(kind, weights, dropout=0.5)(inputs, training=False))
    np.testing.assert_allclose(ours, trained.mean(axis=0), atol=1e-5)


def direct_nats(namer: Namer, text: str) -> float:
    """Return minus the log-probability of ``text`` and its end, one character at a time."""
    state, last, total = State(Recurrent(namer.config.kind, namer.weights), 1), 0, 0.0
    for character in [*text, ""]:
        number = namer.config.alphabet.index(character) + 1 if character else 0
        logits = state.advance(np.full((1, BLOCK), last))[0, 0].astype(np.float64)
        total -= logits[number] - math.log(np.exp(logits).sum())
        last = number
    return total


@pytest.mark.parametrize("kind", KINDS)
def test_a_score_is_the_sum_of_log_probabilities(kind: Kind) -> None:
    namer = tiny_namer(kind)
    texts = ["a", "abcde", "eee", "dab" * 5]
    assert namer.scores(texts) == pytest.approx(
        [direct_nats(namer, text) / (len(text) + 1) for text in texts], abs=1e-5
    )
    assert namer.loss(texts) == pytest.approx(
        sum(direct_nats(namer, text) for text in texts) / sum(len(text) + 1 for text in texts), abs=1e-5
    )
    for name in names_of(namer, 20, 3):
        assert name.score == pytest.approx(namer.score(name.text), abs=1e-5)


@pytest.mark.parametrize("text", ["", " ", "abx", "a" * 65])
def test_what_has_no_score(text: str) -> None:
    with pytest.raises(InputError):
        tiny_namer().score(text)


# --- sampling


def test_the_distribution_against_a_direct_computation() -> None:
    logits = np.log(np.array([[0.5, 0.3, 0.15, 0.05]], np.float32))
    logits -= logits.max()

    def share(**shape: float) -> list[float]:
        powers = shares(logits, Shape(**shape))  # type: ignore[arg-type]
        return (powers / powers.sum())[0].tolist()  # type: ignore[no-any-return]

    assert share() == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=1e-6)
    squares = np.array([0.5, 0.3, 0.15, 0.05]) ** 2
    assert share(temperature=0.5) == pytest.approx((squares / squares.sum()).tolist(), abs=1e-6)
    assert share(top_k=2) == pytest.approx([0.625, 0.375, 0, 0], abs=1e-6)
    assert share(top_p=0.7) == pytest.approx([0.625, 0.375, 0, 0], abs=1e-6)
    assert share(top_p=0.1) == pytest.approx([1, 0, 0, 0], abs=1e-6)
    # the temperature comes first: at 0.5 the two likeliest have 0.93 of the whole, at 1 only 0.8
    assert np.count_nonzero(share(temperature=0.5, top_p=0.9)) == 2
    assert np.count_nonzero(share(top_p=0.9)) == 3


def test_choose() -> None:
    powers = np.array([[1, 0, 3, 0]] * 4, np.float32)
    assert choose(powers, np.array([0.0, 0.2499, 0.25, 1 - 2.0**-24])).tolist() == [0, 0, 2, 2]


def test_names_come_as_often_as_the_model_says() -> None:
    namer = tiny_namer()
    count = 20_000
    drawn = namer.draw(5, range(count), [0] * count, Wish(max_length=64))
    texts = namer.texts(drawn)
    for text in ("a", "b", "ab"):
        expected = math.exp(-direct_nats(namer, text))
        assert texts.count(text) / count == pytest.approx(expected, abs=4 * math.sqrt(expected / count))


@pytest.mark.parametrize("wish", [Wish(), Wish(unique=True), Wish(Shape(0.9, 5, 0.98), suffix="a", max_length=20)])
def test_a_sample_does_not_depend_on_how_many_are_asked_for(monkeypatch: pytest.MonkeyPatch, wish: Wish) -> None:
    namer = tiny_namer()
    many = names_of(namer, 700, 11, wish)
    assert names_of(namer, 3, 11, wish) == many[:3]
    assert names_of(namer, 100, 11, wish) == many[:100]
    assert names_of(namer, 700, 12, wish) != many
    monkeypatch.setattr(infer, "CHUNK", 128)
    assert names_of(tiny_namer(threads=2), 700, 11, wish) == many


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**63 - 1),
    st.text("abcde", max_size=2),
    st.text("abcde", max_size=1),
    st.integers(2, 4),
    st.integers(5, 12),
    st.booleans(),
)
def test_wishes_are_fulfilled(seed: int, prefix: str, suffix: str, shortest: int, longest: int, unique: bool) -> None:
    namer = tiny_namer()
    wish = Wish(prefix=prefix, suffix=suffix, min_length=shortest, max_length=longest, unique=unique)
    names = names_of(namer, 8, seed, wish)
    assert len(names) == 8
    for name in names:
        assert name.text.startswith(prefix) and name.text.endswith(suffix)
        assert shortest <= len(name.text) <= longest
        assert name.novel and name.text not in namer.config.names
    assert not unique or len({name.text for name in names}) == 8


def test_unique_tries_again_only_for_names_that_were_there() -> None:
    namer = tiny_namer()
    wish = Wish(max_length=2, novel=False)
    free = [name.text for name in names_of(namer, 20, 1, wish)]
    once = [name.text for name in names_of(namer, 20, 1, Wish(max_length=2, novel=False, unique=True))]
    assert len(set(free)) < 20 == len(set(once))
    first_seen = next(at for at, text in enumerate(free) if text in free[:at])
    assert once[:first_seen] == free[:first_seen]


def test_tries_are_bounded() -> None:
    namer = tiny_namer()
    with pytest.raises(InputError, match="sample 5: none of 1000 tries"):
        names_of(namer, 8, 1, Wish(max_length=1, unique=True, novel=False))  # there are but five
    assert len(names_of(namer, 5, 1, Wish(max_length=1, unique=True, novel=False))) == 5


def test_wishes_that_cannot_be() -> None:
    namer = tiny_namer()
    for wish in (
        Wish(prefix="x"),
        Wish(suffix="x"),
        Wish(min_length=5, max_length=4),
        Wish(suffix="abc", max_length=2),
    ):
        with pytest.raises(UsageError):
            namer.sample(1, 1, wish)


def test_a_row_ends_where_it_must() -> None:
    namer = tiny_namer()
    drawn = draw(
        Recurrent("lstm", namer.weights), Shape(), 1, *[np.arange(50, dtype=np.uint64)] * 2, np.array([2, 1]), 3
    )
    assert set(drawn.lengths.tolist()) <= {-1, 2, 3}
    assert (drawn.numbers[:, :2] == [2, 1]).all()


# --- the teacher


def by_paths(shares: Shares, likelihoods: list[list[float]]) -> float:
    """Return the probability of a name: the sum over all that its characters may come from."""
    total, changes = 0.0, shares.changes
    for path in itertools.product(range(len(shares.first)), repeat=len(likelihoods)):
        moves = [
            float(shares.first[now] if changes is None else changes[old, now]) for old, now in itertools.pairwise(path)
        ]
        total += (
            float(shares.first[path[0]])
            * math.prod(moves)
            * math.prod(row[now] for row, now in zip(likelihoods, path, strict=True))
        )
    return total


CHANGING = Shares(np.array([0.5, 0.2, 0.3]), np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.0, 0.4, 0.6]]))


@pytest.mark.parametrize("shares", [CHANGING, CHANGING._replace(changes=None)], ids=["changing", "fixed"])
def test_lessons_are_what_the_mixture_says(shares: Shares) -> None:
    namer = tiny_namer()
    ngrams = NGram(["abed", "bad"], order=3), NGram(["cab", "dad", "deed", "ebb"], order=5)
    teacher = Teacher(namer, ngrams, shares)
    given = teacher.lessons_of(["deed", "cab", "e"])
    assert [lesson.numbers for lesson in given] == [[5], [3, 1, 2], [4, 5, 5, 4]]
    for lesson in [*given, *teacher.lessons(5, np.random.default_rng(1))]:
        text = "".join("abcde"[number - 1] for number in lesson.numbers)
        assert lesson.targets is not None and lesson.targets.shape == (len(text) + 1, 6)
        np.testing.assert_allclose(lesson.targets.sum(axis=1), 1, atol=1e-6)
        # That which no name of an n-gram model had has a share there, and none in the lesson: each model's sum is 1.
        said = by_place([namer, *ngrams], [text]).T
        for row, ngram in enumerate(ngrams, 1):
            for at in range(len(text) + 1):
                said[at, row] /= sum(ngram.probability(ngram.context(text[:at]), other) for other in "abcde\x03")
        for length in range(1, min(len(text) + 1, 6) + 1):
            told = lesson.targets[range(length), [*lesson.numbers, 0][:length]]
            assert math.prod(told.tolist()) == pytest.approx(by_paths(shares, said[:length].tolist()), rel=1e-4)


def test_changing_shares_are_likelier_than_fixed_ones() -> None:
    """Names that begin as those of one model and end as those of the other."""
    models = NGram(["abab", "abababab"] * 3, order=2), NGram(["cdcd", "cdcdcdcd"] * 3, order=2)
    names = ["ab" * first + "cd" * last for first in (1, 2, 3) for last in (1, 2, 3)]
    shares = changing_shares(models, names)
    assert shares.changes is not None
    np.testing.assert_allclose([shares.first.sum(), *shares.changes.sum(axis=1)], 1)
    assert shares.first[0] > 0.9 and shares.changes[1, 1] > 0.9 and 0.5 < shares.changes[0, 0] < 0.9

    def loss(shares: Shares) -> float:
        nats = [-math.log(by_paths(shares, by_place(models, [name]).T.tolist())) for name in names]
        return sum(nats) / sum(len(name) + 1 for name in names)

    fixed = best_shares(models, names)
    assert loss(Shares(fixed)) == pytest.approx(mixture_loss(fixed, by_place(models, names)))
    assert loss(shares) < loss(Shares(fixed)) - 0.1


# --- training, at a tiny size

TINY = {"members": 2, "units": 8, "epochs": 4, "lessons": 100, "lesson_epochs": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_training_repeats_to_the_byte(kind: Kind) -> None:
    told: list[str] = []
    first, second = (
        train(TOWNS, kind, Recipe.of(kind, 3, **TINY), lambda what, *_now: told.append(what)) for _ in range(2)
    )
    assert encode(first.config, first.weights) == encode(second.config, second.weights)
    assert set(told) == {"validation", "names", "n-gram discounts", "names made up", "lessons"}
    assert first.validation == min(epoch.validation for epoch in first.epochs)
    assert first.config.names == tuple(TOWNS)


def test_large_batches_repeat_to_the_byte() -> None:
    """Their gradients are large enough for TensorFlow to sum them as they come, unless it is told not to."""
    names = read_names(OWN_NAMES)[:60]
    recipe = Recipe.of("lstm", 3, members=1, units=64, epochs=1, lessons=1500, lesson_epochs=1)
    first, second = (train(names, "lstm", recipe) for _ in range(2))
    assert encode(first.config, first.weights) == encode(second.config, second.weights)


def test_a_background_is_read_first_and_never_held_out_names() -> None:
    told: list[str] = []
    words = [*TOWNS, "Москвабург", "Тверь", "Кострома", "London", "Вологда", "Самара", "Калуга"]
    recipe = Recipe.of("lstm", 3, background=True, **{**TINY, "word_epochs": 2, "word_batch": 4})
    trained = train(TOWNS, "lstm", recipe, lambda what, *_now: told.append(what), background=words)
    assert told[:2] == ["background"] * 2 and "background" not in told[2:]
    assert {"names made up", "words judged"} <= set(told)
    assert (
        trained.config.training["words"] == 2
    )  # Кострома, Самара: the others are towns, begin so, or have new letters
    assert sum(trained.config.training["shares"]) == pytest.approx(1)
    assert [sum(row) for row in trained.config.training["changes"]] == pytest.approx([1] * 3, abs=1e-3)
    assert trained.config.names == tuple(TOWNS)
    assert trained.ngram_words is not None and math.isfinite(trained.ngram_words)
    alone = train(TOWNS, "lstm", Recipe.of("lstm", 3, **TINY))
    assert alone.ngram == trained.ngram and alone.ngram_words is None


def test_the_best_shares_of_a_mixture() -> None:
    names = ["abba", "cab"]
    good, bad = NGram(names), NGram(["eeee", "dede"])
    assert best_shares([bad, good], names).tolist() == [0, 1]
    shares = best_shares([good, bad, good], [*names, "dede"])
    assert shares.sum() == pytest.approx(1) and 0 < shares[1] < 1
    table = by_place([good, bad, good], [*names, "dede"])
    assert mixture_loss(shares, table) < min(mixture_loss(row, table) for row in np.eye(3))


def test_what_is_told_of_a_model_is_true() -> None:
    trained = train(TOWNS, "lstm", Recipe.of("lstm", 1, **TINY))
    namer = Namer(trained.config, trained.weights)
    assert trained.test == pytest.approx(namer.loss(trained.parts.test))
    assert trained.ngram is not None and trained.ngram > 0


def test_training_stops_early() -> None:
    recipe = Recipe.of("lstm", 1, members=1, units=8, epochs=200, patience=3, lessons=0)
    trained = train(TOWNS, "lstm", recipe)
    assert len(trained.epochs) == trained.best_epoch + 3 < 200


def test_resuming_goes_on_from_a_model() -> None:
    recipe = Recipe.of("lstm", 1, members=1, units=16, epochs=40, patience=100, lessons=0)
    first = train(TOWNS, "lstm", recipe)
    earlier = Namer(first.config, first.weights)
    again = train(TOWNS, "lstm", Recipe.of("lstm", 2, epochs=3, lessons=0), resume=earlier)
    assert again.epochs[0].train < first.epochs[0].train
    assert again.weights.recurrent.shape == first.weights.recurrent.shape
    with pytest.raises(InputError, match="does not know the character 'x'"):
        train([*TOWNS, "x"], "lstm", recipe, resume=earlier)
    with pytest.raises(InputError, match="kind lstm"):
        train(TOWNS, "rnn", recipe, resume=earlier)


def test_a_model_file_comes_back_and_damage_is_told(tmp_path: Path) -> None:
    namer = tiny_namer()
    path = tmp_path / "m.npz"
    path.write_bytes(encode(namer.config, namer.weights))
    config, weights = decode(path)
    assert config == namer.config
    np.testing.assert_allclose(weights.kernel, namer.weights.kernel, atol=1e-2)
    whole = path.read_bytes()
    wrong = encode(namer.config, namer.weights._replace(bias=namer.weights.bias[:1]))
    for damaged in (whole[: len(whole) // 2], b"", b"not a model", wrong):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            decode(path)
    with pytest.raises(UsageError, match="no such model"):
        Namer.load("lsmt")


# --- what the shipped models say


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_models_beat_chance_and_know_the_list(kind: Kind) -> None:
    namer = Namer.load(kind)
    names = read_names(OWN_NAMES)
    assert namer.config.names == tuple(names)
    assert namer.loss(split(names).test) < 1.75


def test_the_default_is_better_than_the_baseline(shipped: Namer) -> None:
    parts = split(read_names(OWN_NAMES))
    baseline = NGram(parts.train + parts.validation, discounts=tuned(parts.train, parts.validation))
    assert shipped.loss(parts.test) < baseline.loss(parts.test) - 0.10


def test_samples_are_new_distinct_and_sound_right(shipped: Namer) -> None:
    usual = names_of(shipped, 1000, 1, Wish(Shape(0.8, 0, 0.995)))
    assert len({name.text for name in usual}) >= 980
    real, parts = {*own_words(), *read_names(OWN_NAMES)}, split(read_names(OWN_NAMES))
    assert sum(name.text not in real for name in usual) >= 950
    # Names that were never learned stand for those of a longer list: of 1,500 more at most 50 would be made up.
    free = [name.text for name in names_of(shipped, 1000, 1, Wish(Shape(0.8, 0, 0.995), novel=False))]
    assert sum(text in set(parts.test) for text in free) * 1500 / len(parts.test) <= 50
    assert sum(text in real for text in free) <= 100
    judge = NGram(parts.train + parts.validation)
    ours = np.mean([judge.nats(name.text) for name in usual])
    assert ours == pytest.approx(np.mean([judge.nats(name) for name in parts.test]), abs=0.1)
    assert sum(re.fullmatch("[A-Z][a-z]+", name.text) is not None for name in usual) >= 990


def test_prefix_takes_the_case_of_the_list(shipped: Namer) -> None:
    for prefix in ("Tyr", "tyr"):
        assert all(name.text.startswith("Tyr") for name in names_of(shipped, 5, 1, Wish(prefix=prefix)))


# --- the command


def test_ten_names(run: Run) -> None:
    answer = run("dino-names")
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert len(answer.stdout.decode().split()) == answer.stdout.count(b"\n") == 10


def test_a_seed_repeats(run: Run) -> None:
    few, many = run("dino-names", "--seed", 7, "-n", 4), run("dino-names", "sample", "--seed", 7, "-n", 2000)
    assert many.stdout.splitlines()[:4] == few.stdout.splitlines()
    assert run("dino-names", "-n", 4).stdout != run("dino-names", "-n", 4).stdout


def test_sampling_loads_no_tensorflow() -> None:
    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))\n"
        "from dltools.commands.dino_names import main\n"
        "sys.argv = ['dino-names']\n"
        "main()\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.split(".")[0] for name in process.stderr.split()}
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "ai_edge_litert", "rich", "requests", "PIL"}


def test_record(run: Run) -> None:
    first, second = map(json.loads, run("dino-names", "--json", "-n", 2).stdout.splitlines())
    assert list(first) == ["text", "score", "novel", "sample", "seed"]
    assert (first["sample"], second["sample"]) == (0, 1) and first["novel"] is True
    again = run("dino-names", "--json", "-n", 1, "--seed", first["seed"]).stdout
    assert json.loads(again) == first
    (scored,) = map(json.loads, run("dino-names", "score", "--json", first["text"]).stdout.splitlines())
    assert scored["score"] == pytest.approx(first["score"], abs=2e-4)


def test_tsv_and_human(run: Run) -> None:
    header, row = run("dino-names", "--format", "tsv", "-n", 1).stdout.decode().splitlines()
    assert header.split("\t") == ["text", "score", "novel", "sample", "seed", "error"]
    assert len(row.split("\t")) == 6
    assert re.fullmatch(r"\d\.\d\d  \w+\n", run("dino-names", "--format", "human", "-n", 1).stdout.decode())


def test_scores_of_lines(run: Run) -> None:
    answer = run("dino-names", "score", input=b"Zzyzx\nTyrannosaurus\n?!\nXqvw\n")
    lines = answer.stdout.decode().split("\n")[:-1]
    assert answer.returncode == 3
    assert [line.split("\t")[1:] for line in lines] == [["Zzyzx"], ["Tyrannosaurus"], [], ["Xqvw"]]
    assert "line 3: the model does not know the character '?'" in answer.stderr.decode()
    ranked = run("dino-names", "score", "--sort", "Zzyzx", "Tyrannosaurus").stdout.decode().splitlines()
    assert [line.split("\t")[1] for line in ranked] == ["Tyrannosaurus", "Zzyzx"]
    assert float(ranked[0].split("\t")[0]) < float(ranked[1].split("\t")[0])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--model", "nope"), 2, "no such model"),
        (("--model", "."), 2, ".: a folder, not a model"),
        (("-n", "0"), 2, "--count"),
        (("--temperature", "0"), 2, "--temperature"),
        (("--temperature", "nan"), 2, "nan is not in the range"),
        (("--min-length", "9", "--max-length", "3"), 2, "no name has at least 9"),
        (("--prefix", "Ω"), 2, "does not know the character 'Ω'"),
        (("--suffix", "qqq"), 3, "none of 1000 tries"),
        (("Tyrannosaurus",), 2, "no such command"),
        (("train", "nope.txt", "--out", "x.npz"), 3, "no such file"),
        (("train", "empty.txt", "--out", "x.npz"), 3, "empty.txt: no names"),
    ],
)
def test_errors(run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    import os

    (tmp_path / "empty.txt").touch()
    answer = run("dino-names", *arguments, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert answer.returncode == status
    assert message in answer.stderr.decode()
    assert b"Traceback" not in answer.stderr and answer.stdout == b""
    assert [path.name for path in tmp_path.iterdir()] == ["empty.txt"]


@pytest.mark.parametrize("names", [TOWNS, PLACES], ids=["Cyrillic", "Japanese"])
def test_train_sample_and_score_in_any_script(run: Run, tmp_path: Path, names: list[str]) -> None:
    path, model = tmp_path / "names.txt", tmp_path / "own.npz"
    path.write_text("\n".join([*names, names[0]]), "utf-8")
    few = ("--lessons", 200)
    options = ("--seed", 1, "--members", 1, "--units", 12, "--epochs", 10, *few)
    answer = run("dino-names", "train", path, "--out", model, *options)
    assert answer.returncode == 0, answer.stderr
    record = json.loads(answer.stdout)
    assert record["names"] == record["train"] + record["validation"] + record["test"] == len(names)
    invented = run("dino-names", "-m", model, "-n", 5, "--seed", 2).stdout.decode().split()
    assert len(invented) == 5 and not set(invented) & set(names)
    assert set("".join(invented)) <= set("".join(names))
    assert run("dino-names", "score", "-m", model, names[0]).returncode == 0
    kept = run("dino-names", "train", path, "--out", model, *options)
    assert kept.returncode == 3 and b"--force" in kept.stderr
    piped = path.read_bytes()
    more = run("dino-names", "train", "-", "-o", tmp_path / "2", "--resume", model, "--epochs", 2, *few, input=piped)
    assert more.returncode == 0, more.stderr
    assert json.loads(more.stdout)["names"] == len(names)


def test_normalize() -> None:
    assert normalize(" e\u0301 ") == "\xe9"
