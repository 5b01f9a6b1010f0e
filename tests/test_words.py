"""Word vectors: the mapped file, search, analogies, debiasing, tests of association, evaluation; oracle gensim."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.errors import InputError, ModelFileError
from dltools.models.words import evaluate, lexicon, plot
from dltools.models.words.audit import Auditor, two_means
from dltools.models.words.debias import debias, direction, equalize, neutralize
from dltools.models.words.infer import WordVectors
from dltools.models.words.weat import weat
from dltools.runtime import vectors as runtime
from dltools.runtime.vectorfile import VectorWriter
from dltools.runtime.vectors import DType, VectorStore, embedded_vectors

FAMILY = ["man", "woman", "king", "queen", "he", "she", "nurse", "engineer", "doctor", "cat", "dog", "Paris", "u.s."]


def write(path: Path, words: list[str], table: Any, dtype: DType = "float32", block: int = 7) -> VectorStore:
    """Write a store a few rows at a time, and open it."""
    with path.open("xb") as stream:
        writer = VectorWriter(stream, table.shape[1], name=path.stem, dtype=dtype)
        for at in range(0, len(words), block):
            writer.append(words[at : at + block], np.asarray(table[at : at + block]))
        writer.finish()
    return VectorStore.open(path)


@pytest.fixture
def table() -> Any:
    return np.random.default_rng(1).normal(size=(len(FAMILY), 12)).astype(np.float32)


@pytest.fixture
def family(tmp_path: Path, table: Any) -> WordVectors:
    return WordVectors(write(tmp_path / "family.vectors", FAMILY, table))


@pytest.fixture(scope="session")
def embedded() -> WordVectors:
    return WordVectors(embedded_vectors())


@pytest.fixture(scope="session")
def peer(embedded: WordVectors) -> Any:
    """Return gensim's vectors of the 4,000 most frequent embedded words, and ours of the same numbers."""
    models = pytest.importorskip("gensim.models", reason="the oracle is gensim: pip install 'dltools[test]'")
    words = embedded.store.words(0, 4000)
    peer = models.KeyedVectors(embedded.dimensions)
    peer.add_vectors(words, embedded.store.raw(np.arange(4000)))
    return peer


@pytest.fixture(scope="session")
def same(embedded: WordVectors, tmp_path_factory: pytest.TempPathFactory) -> WordVectors:
    """Return our float vectors of the same words and numbers as :func:`peer`."""
    path = tmp_path_factory.mktemp("words") / "same.vectors"
    return WordVectors(write(path, embedded.store.words(0, 4000), embedded.store.raw(np.arange(4000)), block=999))


# --- the file


@given(st.lists(st.text(max_size=12), min_size=1, max_size=60), st.integers(1, 9), st.sampled_from(["float32", "int8"]))
def test_every_word_is_found_and_none_else(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], block: int, dtype: DType
) -> None:
    words = [word.encode("utf-8", "replace").decode() for word in words]
    table = np.random.default_rng(len(words)).normal(size=(len(words), 5)).astype(np.float32)
    store = write(tmp_path_factory.mktemp("store") / "s", words, table, dtype, block)
    once = list(dict.fromkeys(words))
    assert store.rows == len(once) and store.words() == once
    for row, word in enumerate(once):
        assert store.row(word) == row and store.word(row) == word
        tolerance = 1e-6 if dtype == "float32" else 0.05
        assert np.abs(store.raw([row])[0] - table[words.index(word)]).max() <= tolerance * np.abs(table).max() * 5
    assert store.row("not among them, surely") is None


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float16", 2e-3), ("int8", 2e-2)])
def test_rows_are_of_unit_length_and_remember_theirs(
    tmp_path: Path, table: Any, dtype: DType, tolerance: float
) -> None:
    store = write(tmp_path / "s", FAMILY, table, dtype)
    assert np.allclose(np.linalg.norm(store.unit(range(len(FAMILY))), axis=1), 1, atol=1e-6)
    assert np.allclose(store.raw(range(len(FAMILY))), table, atol=tolerance * np.abs(table).max())


def test_zero_vectors_stay_zero(tmp_path: Path) -> None:
    store = write(tmp_path / "s", ["zero", "one"], np.array([[0, 0], [3, 4]], np.float32), "int8")
    assert (store.raw([0]) == 0).all() and store.norms([1])[0] == 5


@pytest.mark.parametrize("damage", ["cut", "magic", "header", "empty", "absent"])
def test_a_damaged_file_is_refused(tmp_path: Path, table: Any, damage: str) -> None:
    path = tmp_path / "s"
    write(path, FAMILY, table)
    data = path.read_bytes()
    new = {"cut": data[:-1], "magic": b"x" + data[1:], "header": data[:20] + b"?" + data[21:], "empty": b""}
    path.write_bytes(new[damage]) if damage in new else path.unlink()
    with pytest.raises(ModelFileError):
        VectorStore.open(path)


def test_opening_reads_neither_matrix_nor_strings(embedded: WordVectors) -> None:
    """A store of which only the header was ever read must be lazy: nothing in it is an array of its own."""
    assert not embedded.store._matrix.flags.owndata and not embedded.store._matrix.flags.writeable


# --- search


@settings(deadline=None)
@given(
    rows=st.integers(1, 400),
    queries=st.integers(1, 30),
    count=st.integers(1, 25),
    block=st.integers(16, 4096),
    seed=st.integers(0, 9),
)
def test_search_is_exact(
    tmp_path_factory: pytest.TempPathFactory, rows: int, queries: int, count: int, block: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    table = generator.integers(-2, 3, size=(rows, 4)).astype(np.float32)  # small integers: many equal scores
    store = write(tmp_path_factory.mktemp("store") / "s", [f"w{row}" for row in range(rows)], table, block=4096)
    asked = generator.integers(-2, 3, size=(queries, 4)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "_BLOCK_FLOATS", block)
        patch.setattr(runtime, "_QUERY_BLOCK", 7)
        found = store.search(asked, count)
    expected = -np.sort(-(asked @ store.unit(np.arange(rows)).T), axis=1)[:, :count]
    missing = count - expected.shape[1]
    assert np.allclose(found.scores[:, : expected.shape[1]], expected, atol=1e-5)
    assert (found.rows[:, : expected.shape[1]] >= 0).all()
    if missing > 0:
        assert (found.rows[:, -missing:] == -1).all()
    for chosen in found.rows:
        assert len({*chosen[chosen >= 0].tolist()}) == (chosen >= 0).sum()


def test_ties_come_in_order_of_frequency(tmp_path: Path) -> None:
    store = write(tmp_path / "s", [f"w{row}" for row in range(9)], np.ones((9, 3), np.float32))
    assert store.search(np.ones((1, 3), np.float32), 4).rows.tolist() == [[0, 1, 2, 3]]


def test_search_holds_little_memory(tmp_path: Path) -> None:
    """Hundreds of thousands of words: the temporary arrays must not grow with them."""
    tracemalloc = pytest.importorskip("tracemalloc")
    path = tmp_path / "s"
    with path.open("xb") as stream:
        writer = VectorWriter(stream, 8, name="s", dtype="int8")
        for start in range(0, 300_000, 50_000):
            block = np.random.default_rng(start).normal(size=(50_000, 8))
            writer.append([f"w{row}" for row in range(start, start + 50_000)], block)
        writer.finish()
    store = VectorStore.open(path)
    tracemalloc.start()
    store.search(store.unit(np.arange(1000)), 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200 * 2**20


# --- queries


def test_cosines_and_neighbours_are_gensim_s(peer: Any, same: WordVectors) -> None:
    for word in ("king", "france", "water", "three"):
        ours, theirs = same.nearest(word, count=20), peer.most_similar(word, topn=20)
        assert [one.word for one in ours] == [one for one, _ in theirs]
        assert np.allclose([one.score for one in ours], [score for _, score in theirs], atol=1e-4)
    assert same.similarity("man", "woman") == pytest.approx(peer.similarity("man", "woman"), abs=1e-4)


def test_several_words_are_their_mean(peer: Any, same: WordVectors) -> None:
    ours, theirs = same.nearest("king", "war", "church", count=5), peer.most_similar(["king", "war", "church"], topn=5)
    assert [one.word for one in ours] == [one for one, _ in theirs]
    one, other = ["the", "king", "of", "france"], ["a", "president", "in", "china"]
    means = [peer.get_mean_vector(words, pre_normalize=True) for words in (one, other)]
    cosine = means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1])
    assert same.similarity(" ".join(one), " ".join(other)) == pytest.approx(cosine, abs=1e-4)


@pytest.mark.parametrize("question", [("man", "king", "woman"), ("france", "french", "china"), ("one", "two", "five")])
def test_analogies_are_gensim_s(peer: Any, same: WordVectors, question: tuple[str, str, str]) -> None:
    one, other, third = question
    ours = same.analogy(*question, count=10).answers
    theirs = peer.most_similar(positive=[other, third], negative=[one], topn=10)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert np.allclose([each.score for each in ours], [score for _, score in theirs], atol=1e-4)
    ours = same.analogy(*question, count=10, method="mul").answers
    theirs = peer.most_similar_cosmul(positive=[other, third], negative=[one], topn=10)
    assert [each.word for each in ours] == [word for word, _ in theirs]
    assert np.allclose([each.score for each in ours], [score for _, score in theirs], atol=1e-4)


def test_king_minus_man_plus_woman(embedded: WordVectors) -> None:
    found = embedded.analogy("man", "king", "woman", count=3)
    assert found.answers[0].word == "queen" and found.unrestricted[0].word == "king"
    assert found.answers[0].score == pytest.approx(0.7699, abs=0.002)  # int8


def test_the_odd_one_is_gensim_s(peer: Any, same: WordVectors) -> None:
    words = ["france", "china", "russia", "green"]
    assert same.odd_one(words)[0].word == peer.doesnt_match(words) == "green"
    with pytest.raises(InputError, match="fewer than three"):
        same.odd_one(["france", "china", "France"])


def test_words_are_found_as_they_stand_then_in_lower_then_in_title_case(tmp_path: Path) -> None:
    store = write(tmp_path / "s", ["us", "US", "Paris", "it"], np.eye(4, dtype=np.float32))
    rows = {word: store.resolve(word) for word in ("US", "us", "Us", "paris", "PARIS", "IT", "x")}
    assert rows == {"US": 1, "us": 0, "Us": 0, "paris": 2, "PARIS": 2, "IT": 3, "x": None}


@pytest.mark.parametrize(
    ("word", "near"), [("quen", "queen"), ("woamn", "woman"), ("recieve", "receive"), ("Womann", "woman")]
)
def test_unknown_words_are_told_with_near_ones(embedded: WordVectors, word: str, near: str) -> None:
    with pytest.raises(InputError, match=f"unknown word '{word}'.*{near}") as caught:
        embedded.vector(word)
    assert caught.value.code == "unknown_word"


@pytest.mark.parametrize("word", ["", "x" * 10_000, "\0", "\ud800", "ß" * 30])
def test_any_unknown_word_is_refused_soon(embedded: WordVectors, word: str) -> None:
    with pytest.raises(InputError, match="unknown word"):
        embedded.row(word)


def test_sentences_leave_unknown_words_out(embedded: WordVectors) -> None:
    assert embedded.sentence('He said: "love!" xqzzt') == embedded.rows(["he", "said", "love"])
    with pytest.raises(InputError, match="no known word"):
        embedded.sentence("xqzzt qqqqz")


# --- bias


def test_the_direction_is_of_centred_pairs_with_its_sign_fixed() -> None:
    generator = np.random.default_rng(0)
    axis = np.zeros(20)
    axis[3] = 1
    middle = generator.normal(size=(6, 1, 20)) * 5  # what the pairs have in common must not count
    pairs = middle + np.stack([axis, -axis])[None] + generator.normal(size=(6, 2, 20)) * 0.01
    found = direction(pairs)
    assert found @ axis > 0.999 and np.linalg.norm(found) == pytest.approx(1)
    assert np.allclose(direction(pairs[:, ::-1]), -found)
    with pytest.raises(InputError, match="the same"):
        direction(np.ones((2, 2, 4)))


def test_equalized_pairs_are_as_the_paper_has_them() -> None:
    generator = np.random.default_rng(3)
    axis, one, other = (row / np.linalg.norm(row) for row in generator.normal(size=(3, 30)))
    equal = equalize(one, other, axis)
    assert equal is not None
    assert np.allclose([np.linalg.norm(row) for row in equal], 1, atol=1e-12)
    assert equal[0] @ axis == pytest.approx(-(equal[1] @ axis))
    assert (equal[0] - equal[1]) @ axis * ((one - other) @ axis) > 0  # each stays on its side
    neutral = neutralize(generator.normal(size=(50, 30)), axis)
    assert np.abs(neutral @ axis).max() < 1e-12
    assert np.allclose(neutral @ equal[0], neutral @ equal[1], atol=1e-12)
    assert equalize(one, one, axis) is None


def test_debiased_vectors_keep_the_paper_s_promises(embedded: WordVectors, tmp_path: Path) -> None:
    source = write(tmp_path / "source", embedded.store.words(0, 6000), embedded.store.raw(np.arange(6000)), block=999)
    ours = lexicon.gender()
    path = tmp_path / "neutral.vectors"
    with path.open("xb") as stream:
        done = debias(
            source,
            stream,
            name="neutral",
            definitional=ours.definitional,
            specific=ours.specific,
            equalized=ours.equalize,
        )
    store = VectorStore.open(path)
    assert store.words() == source.words() and len(done.equalized) >= 20
    units = store.unit(np.arange(store.rows)).astype(np.float64)
    assert np.allclose(np.linalg.norm(units, axis=1), 1, atol=1e-6)
    exempt = {*ours.specific, *(word for pair in (*ours.definitional, *ours.equalize) for word in pair)}
    neutral = np.array([word not in exempt for word in store.words()])
    assert neutral.sum() == done.neutralized
    assert np.abs(units[neutral] @ done.direction).max() < 1e-6
    for one, other in done.equalized:
        gap = units[neutral] @ (units[store.resolve(one)] - units[store.resolve(other)])
        assert np.abs(gap).max() < 1e-6
    untouched = store.resolve("sister") if ("brother", "sister") not in done.equalized else store.resolve("actors")
    assert untouched is not None and np.allclose(units[untouched], source.unit([untouched])[0], atol=1e-6)
    auditor = Auditor(source, done.direction, ours.professions, exempt)
    before, after = auditor.measure(source), auditor.measure(store)
    assert after.direct_bias < 1e-6 < before.direct_bias
    assert 0.5 <= after.cluster_accuracy <= before.cluster_accuracy <= 1
    assert 0.2 < after.neighbour_correlation < before.neighbour_correlation  # Gonen and Goldberg: most of it stays


def test_two_means_finds_two_heaps() -> None:
    points = np.random.default_rng(0).normal(size=(40, 3)) + np.repeat([[0, 0, 0], [9, 9, 9]], 20, axis=0)
    second = two_means(points, 0)
    assert second[:20].sum() in (0, 20) and second[20:].sum() == 20 - second[:20].sum()


def test_weat_by_hand_and_by_sample() -> None:
    generator = np.random.default_rng(5)
    sets = [row / np.linalg.norm(row, axis=1, keepdims=True) for row in generator.normal(size=(4, 6, 10))]
    exact = weat(*sets)
    association = np.array(
        [np.mean(sets[2] @ word) - np.mean(sets[3] @ word) for word in np.concatenate([sets[0], sets[1]])]
    )
    size = (association[:6].mean() - association[6:].mean()) / association.std(ddof=1)
    assert exact.effect_size == pytest.approx(size) and exact.exact and exact.permutations == math.comb(12, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dltools.models.words.weat.EXACT_LIMIT", 10)
        sampled = weat(*sets, samples=20_000, seed=1)
        assert sampled == weat(*sets, samples=20_000, seed=1)
    assert not sampled.exact and sampled.p == pytest.approx(exact.p, abs=0.02)
    scipy = pytest.importorskip("scipy.stats")
    test = scipy.permutation_test(
        (association[:6], association[6:]),
        lambda one, other, axis: one.mean(axis=axis) - other.mean(axis=axis),
        alternative="greater",
        n_resamples=math.inf,
        vectorized=True,
    )
    assert exact.p == pytest.approx(test.pvalue)
    with pytest.raises(InputError, match="two known words"):
        weat(sets[0][:1], *sets[1:])


def test_flowers_are_pleasant(embedded: WordVectors) -> None:
    test = lexicon.associations()["science-arts"]
    sets = [[*test.targets.values(), *test.attributes.values()]][0]
    rows = [[row for word in each if (row := embedded.store.resolve(word)) is not None] for each in sets]
    assert weat(*(embedded.store.unit(each).astype(np.float64) for each in rows)).effect_size > 0.8


def test_our_lists_are_sound() -> None:
    ours = lexicon.gender()
    exempt = {*ours.specific, *(word for pair in (*ours.definitional, *ours.equalize) for word in pair)}
    assert not exempt & set(ours.professions)
    assert len({*ours.definitional}) == 10 and len({*ours.equalize}) == len(ours.equalize)


# --- evaluation


def test_spearman_is_scipy_s_with_ties() -> None:
    scipy = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    for size in (2, 5, 100):
        one, other = generator.integers(0, 6, size).astype(float), generator.integers(0, 6, size).astype(float)
        expected = scipy.spearmanr(one, other).statistic if len({*one}) > 1 and len({*other}) > 1 else 0.0
        assert evaluate.spearman(one, other) == pytest.approx(expected)


QUESTIONS = """: capitals
Paris France Rome Italy
man woman king queen
man woman king xqzzt

: gram1-plural
car cars dog dogs
"""


def test_analogy_files_count_unknown_words_both_ways(embedded: WordVectors, tmp_path: Path) -> None:
    path = tmp_path / "questions"
    path.write_text(QUESTIONS)
    assert evaluate.is_analogy_file(path)
    counts = evaluate.evaluate_analogies(embedded, path)
    assert counts.semantic == (3, 2, 2) and counts.syntactic == (1, 1, 1) and counts.total.accuracy == 0.75
    assert counts.semantic.accuracy_covered == 1 and [*counts.sections] == ["capitals", "gram1-plural"]
    path.write_text(": a\none two three\n")
    with pytest.raises(InputError, match="line 2: not four words"):
        evaluate.evaluate_analogies(embedded, path)


def test_similarity_files_of_many_forms(peer: Any, same: WordVectors, tmp_path: Path) -> None:
    rows = [("king", "war", 5.0), ("man", "woman", 8.5), ("water", "three", 1.0), ("church", "xqzzt", 3.0)]
    forms = {
        "tab": "\n".join(f"{one}\t{other}\t{score}" for one, other, score in rows),
        "csv": "Word 1,Word 2,Mean\n" + "\n".join(f"{one},{other},{score}" for one, other, score in rows),
        "simlex": "word1\tword2\tPOS\tScore\n"
        + "\n".join(f"{one}\t{other}\tN\t{score}\t9" for one, other, score in rows),
        "space": "# a comment\n" + "\n".join(f"{one} {other} {score}" for one, other, score in rows),
    }
    for name, text in forms.items():
        path = tmp_path / name
        path.write_text(text)
        assert not evaluate.is_analogy_file(path)
        found = evaluate.evaluate_similarity(same, path)
        assert (found.pairs, found.covered) == (4, 3), name
    _, theirs, unknown = peer.evaluate_word_pairs(str(tmp_path / "tab"), case_insensitive=False)
    assert found.spearman_covered == pytest.approx(theirs[0], abs=1e-6) and unknown == 25
    (tmp_path / "tab").write_text("king\twar\t5\nking\twar\n")
    with pytest.raises(InputError, match="line 2: not two words and a number"):
        evaluate.evaluate_similarity(same, tmp_path / "tab")


def test_a_plot_is_a_picture_of_principal_components(family: WordVectors) -> None:
    pixels, points = plot.plot(family, FAMILY, width=300, height=200)
    assert pixels.shape == (200, 300, 3) and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 3
    units = family.store.unit(range(len(FAMILY)))
    centred = units - units.mean(axis=0)
    assert np.linalg.norm(points[:, 0]) == pytest.approx(np.linalg.svd(centred)[1][0], rel=1e-5)
    with pytest.raises(InputError, match="two words"):
        plot.plot(family, ["cat"])


# --- the whole set


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("DLTOOLS_TEST_NETWORK", "") in ("", "0"), reason="needs DLTOOLS_TEST_NETWORK=1")
def test_the_whole_set_gives_the_published_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLTOOLS_OFFLINE")
    vectors = WordVectors.load("glove-6b-100d")
    assert len(vectors) == 341_479
    found = vectors.analogy("man", "king", "woman").answers[0]
    assert found.word == "queen" and found.score == pytest.approx(0.7699, abs=1e-4)


def test_the_registry_names_its_vectors() -> None:
    data = json.loads(Path(runtime.__file__).with_name("assets.json").read_text())
    names = [name for name, model in data["models"].items() if model["command"] == "wordvec"]
    assert names[:2] == ["glove-50k", "glove-6b-100d"] and "stanford-glove-6b-300d" in names
