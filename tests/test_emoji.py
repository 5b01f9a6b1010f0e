"""emojify: tokenizer, both models, training at a tiny size, and the command as real processes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltools.errors import InputError, ModelFileError, UsageError
from dltools.models.emoji.config import STANDARD, EmojiConfig, Label, Weights
from dltools.models.emoji.data import OWN_SENTENCES, classes_of, own_examples, read_examples
from dltools.models.emoji.evaluate import measure
from dltools.models.emoji.grammar import sentences
from dltools.models.emoji.infer import Emojifier, softmax
from dltools.models.emoji.recurrent import Recurrent
from dltools.models.emoji.store import decode, encode
from dltools.models.emoji.tokens import MAX_WORDS, spellings, words
from dltools.models.emoji.training import Recipe, first_weights, split, train
from tests.conftest import Run

NEGATIONS = OWN_SENTENCES.with_name("negations.csv")
PLAIN = OWN_SENTENCES.with_name("fresh.csv")

FRESH = [
    ("I love you", "❤️"),
    ("my grandson gave me the sweetest kiss", "❤️"),
    ("our wedding is next month, my darling", "❤️"),
    ("who wants to shoot some hoops", "⚾"),
    ("he threw the ball over the fence", "⚾"),
    ("our team trains in the evening", "⚾"),
    ("that was the funniest joke", "😄"),
    ("I passed all my courses", "😄"),
    ("congratulations on your new job!!", "😄"),
    ("my bike was stolen", "😞"),
    ("he was so rude to the teacher", "😞"),
    ("I'm not feeling good today", "😞"),
    ("shall we order a pizza", "🍴"),
    ("grab me a sandwich please", "🍴"),
    ("sooo hungry", "🍴"),
]


@pytest.fixture(scope="module")
def shipped() -> Emojifier:
    return Emojifier.load()


# --- words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I LOVE you!!", "i love you"),
        ("don't", "do not"),
        ("Don’t, I can't; won't", "do not i can not will not"),
        ("I'm here, he's not", "i am here he is not"),
        ("luv u", "love you"),
        ("<3 you :)", "love you happy"),
        ("so tired :'(", "so tired sad"),
        ("❤️", "love"),
        ("rock'n'roll", "rock n roll"),
        ("well-done", "well done"),
        ("  ", ""),
        ("...!?", ""),
        ("naïve café", "naïve café"),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert " ".join(words(text)) == expected


def test_elongated_and_inflected_words_have_other_spellings() -> None:
    assert "so" in list(spellings("soooo"))
    assert "good" in list(spellings("gooood"))
    assert "laughing" in list(spellings("hahahaha"))
    assert "disappoint" in list(spellings("disappoints"))
    assert next(spellings("love")) == "love"


@given(st.text())
def test_any_text_can_be_cut(text: str) -> None:
    found = words(text)
    assert len(found) <= MAX_WORDS
    assert all(word and word == word.strip() and " " not in word for word in found)


# --- data


def test_the_sentences_are_many_and_distinct() -> None:
    examples = own_examples(grammar=False)
    assert len(examples) >= 2000
    assert len({tuple(words(example.text)) for example in examples}) == len(examples)
    assert all(example.group for example in examples)
    assert classes_of(examples) == STANDARD


def test_what_is_measured_is_in_no_training_data() -> None:
    trained = {tuple(words(example.text)) for example in own_examples()}
    assert not trained & {tuple(words(example.text)) for example in read_examples(NEGATIONS) + read_examples(PLAIN)}
    assert not trained & {tuple(words(text)) for text, _emoji in FRESH if text != "I love you"}


def test_the_grammars_repeat_themselves_for_a_seed_only() -> None:
    assert list(sentences(1)) == list(sentences(1))
    assert list(sentences(1)) != list(sentences(2))
    assert not [row for row in sentences(1) if set(row.text) & set("[]{}|_")]


def test_a_split_keeps_groups_and_every_class() -> None:
    groups = ["a", "a", "b", "b", "c", "c", "", ""]
    targets = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    folds = split(groups, targets, 2, seed=0)
    assert all(len(set(folds[[group == name for group in groups]])) == 1 for name in "abc")
    assert set(folds) == {0, 1}


@pytest.mark.parametrize(
    "content", ["text,label\nhi there,smile\n", "hi there,smile\n", "\ufeffLabel,Text\nsmile,hi there\n"]
)
def test_csv_with_and_without_header(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(content, "utf-8")
    assert [(example.text, example.label) for example in read_examples(path)] == [("hi there", "smile")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no sentences"),
        (b"text,label\n", "no sentences"),
        (b"text,class\na,b\n", "no column is called label"),
        (b"text,label\nonly\n", "line 2 has no label"),
        (b"text,label\n,smile\n", "line 2 has no text"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_csv_that_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_examples(path)


def test_labels_are_names_emojis_in_any_variation_or_numbers(shipped: Emojifier) -> None:
    class_of = shipped.config.class_of
    assert [class_of(label) for label in ("heart", "❤️", "❤", "0", "🍴", "4")] == [0, 0, 0, 0, 4, 4]
    assert class_of("5") is class_of("banana") is None


# --- the network


def _texts(count: int, words_known: int, random: np.random.Generator) -> list[list[int]]:
    return [random.integers(0, words_known, random.integers(1, 12)).tolist() for _ in range(count)]


def test_numpy_equals_keras() -> None:
    """Keras' own LSTM is the oracle; 1e-4 is what the issue asks for, float32 gives a hundredth of it."""
    keras = pytest.importorskip("keras")
    random = np.random.default_rng(0)
    dimensions, units, members = 7, 5, 2
    weights = first_weights(members, dimensions, units, 3, random)
    weights = Weights(*(array + random.normal(0, 0.2, array.shape).astype(np.float32) for array in weights))
    vectors = random.normal(size=(40, dimensions)).astype(np.float32)
    texts = _texts(30, 40, random)
    ours = Recurrent(weights, threads=2).logits(vectors, texts)  # (members, texts, classes)
    for member in range(members):
        features = []
        for direction in range(2):
            run = 2 * member + direction
            layer = keras.layers.LSTM(units, return_sequences=True)
            layer.build((1, None, dimensions))
            layer.set_weights([weights.kernel[run], weights.recurrent[run], weights.bias[run]])
            order = slice(None, None, -1) if direction else slice(None)
            features.append([np.asarray(layer(vectors[text][None, order]))[0].max(axis=0) for text in texts])
        expected = np.concatenate(features, axis=1) @ weights.output_kernel[member] + weights.output_bias[member]
        np.testing.assert_allclose(ours[member], expected, atol=1e-5)


def test_numpy_equals_the_network_that_is_trained(shipped: Emojifier) -> None:
    pytest.importorskip("keras")
    from dltools.models.emoji.network import Members
    from dltools.models.emoji.training import _packed
    from dltools.runtime.assets import own_model_path

    _config, weights = decode(own_model_path("emojify", "lstm"))
    assert isinstance(weights, Weights)
    texts = [shipped.vocabulary.rows(text) for text, _emoji in FRESH]
    unique, places = np.unique(np.concatenate(texts), return_inverse=True)
    vectors = shipped.vocabulary.take(unique)
    ends = np.cumsum([len(text) for text in texts])[:-1]
    numbered = [part.tolist() for part in np.split(places.reshape(-1), ends)]
    network = Members(weights, dropout=0.5, input_dropout=0.1, seed=0)
    expected = np.array(network(*map(np.asarray, _packed(numbered, vectors)), training=False))
    np.testing.assert_allclose(Recurrent(weights).logits(vectors, numbered), expected, atol=1e-4)
    np.testing.assert_allclose(shipped.logits(texts), expected.mean(axis=0), atol=1e-4)


def test_a_text_reads_alike_alone_and_in_any_company(shipped: Emojifier) -> None:
    texts = [text for text, _emoji in FRESH] * 30
    together = shipped.classify(texts)
    threaded = Emojifier.load(threads=2).classify(texts)
    for text, one, other in list(zip(texts, together, threaded, strict=True))[:15]:
        np.testing.assert_allclose(shipped.classify([text])[0].probabilities, one.probabilities, atol=1e-5)
        np.testing.assert_array_equal(one.probabilities, other.probabilities)


# --- what the shipped models say


def test_fresh_sentences(shipped: Emojifier) -> None:
    readings = shipped.classify([text for text, _emoji in FRESH])
    wrong = [
        text
        for (text, emoji), reading in zip(FRESH, readings, strict=True)
        if shipped.labels[reading.class_id].emoji != emoji
    ]
    assert len(wrong) <= 1, wrong


def test_the_recurrent_model_beats_the_average_on_plain_sentences(shipped: Emojifier) -> None:
    examples = read_examples(PLAIN)
    assert shipped.evaluate(examples).accuracy >= 0.9
    assert shipped.evaluate(examples).accuracy > Emojifier.load("average").evaluate(examples).accuracy


@pytest.mark.parametrize(
    ("text", "emoji"), [("not feeling happy", "😞"), ("I do not like the food", "😞"), ("never been better", "😄")]
)
def test_negations_of_the_promise(shipped: Emojifier, text: str, emoji: str) -> None:
    assert shipped.labels[shipped.classify([text])[0].class_id].emoji == emoji


def test_negations_are_what_the_recurrent_model_is_for(shipped: Emojifier) -> None:
    examples = read_examples(NEGATIONS)
    recurrent, average = shipped.evaluate(examples), Emojifier.load("average").evaluate(examples)
    assert recurrent.accuracy >= 0.75
    assert recurrent.accuracy > average.accuracy + 0.1


def test_no_known_word_gives_the_prior(shipped: Emojifier) -> None:
    reading = shipped.classify(["qwrtzp xkcdq"])[0]
    np.testing.assert_allclose(reading.probabilities, shipped.config.prior, atol=1e-6)
    assert reading.oov == 1.0
    assert shipped.classify(["I love qwrtzp"])[0].oov == pytest.approx(1 / 3)


def test_explain_tells_the_word_that_matters(shipped: Emojifier) -> None:
    reading = shipped.classify(["the soup is on the table"])[0]
    weights = dict(zip(reading.words, shipped.explain(reading), strict=True))
    assert max(weights, key=lambda word: weights[word]) == "soup"


# --- training, at a tiny size


TINY = [
    *[("the sea is blue", "water", "a"), ("waves and rain", "water", "b"), ("a river runs to the ocean", "water", "c")],
    *[("the fire burns", "fire", "a"), ("hot flames and smoke", "fire", "b"), ("burning wood", "fire", "c")],
]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "label", "group", "emoji"])
        writer.writerows([*row, {"water": "🌊", "fire": "🔥"}[row[1]]] for row in TINY)
    return path


@pytest.mark.parametrize("kind", ["average", "lstm"])
def test_training_repeats_to_the_byte(tiny: Path, kind: str) -> None:
    recipe = Recipe(seed=3, folds=3, members=2, epochs=8, units=4, batch=4, learning_rate=0.02, dropout=0.0)
    told: list[tuple[str, int, int]] = []
    first, second = (
        train(read_examples(tiny), kind, recipe, lambda *now: told.append(now))  # type: ignore[arg-type]
        for _ in range(2)
    )
    assert encode(first.config, first.weights) == encode(second.config, second.weights)
    assert first.config.labels == (Label("fire", "🔥"), Label("water", "🌊"))
    assert told
    assert first.held_out.texts == len(TINY)


def test_training_needs_two_labels_and_known_words(tiny: Path) -> None:
    examples = read_examples(tiny)
    with pytest.raises(InputError, match="two labels"):
        train(examples[:3], "average", Recipe(seed=1))
    with pytest.raises(InputError, match="at least two sentences"):
        train(examples[:4], "average", Recipe(seed=1))


def test_a_model_file_comes_back_and_damage_is_told(tmp_path: Path) -> None:
    weights = first_weights(1, 100, 3, 2, np.random.default_rng(0))
    config = EmojiConfig("lstm", (Label("a", "A"), Label("b", "B")), (0.5, 0.5), 1.0, "glove-50k", 100, {})
    path = tmp_path / "m.npz"
    path.write_bytes(encode(config, weights))
    again, arrays = decode(path)
    assert again == config
    np.testing.assert_allclose(arrays.kernel, weights.kernel, atol=1e-3)
    whole = path.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"not a model",
        encode(config, weights._replace(bias=weights.bias[:1])),
    ):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError):
            decode(path)
    with pytest.raises(UsageError, match="no such model"):
        Emojifier.load("lsmt")


def test_measures() -> None:
    shares = softmax(np.log(np.array([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]], np.float32)))
    found = measure(shares, [0, 1, 1], (Label("a", "A"), Label("b", "B")))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.confusion == {"a": {"a": 1, "b": 0}, "b": {"a": 1, "b": 1}}
    assert found.calibration_error == pytest.approx((0.1 + 0.6 + 0.3) / 3, abs=1e-6)


# --- the command


def test_one_text(run: Run) -> None:
    answer = run("emojify", "I love you")
    assert (answer.returncode, answer.stdout.decode(), answer.stderr) == (0, "❤️\n", b"")


def test_inference_loads_no_tensorflow() -> None:
    from tests.conftest import ROOT

    program = (
        "import atexit, sys\n"
        "atexit.register(lambda: sys.stderr.write(' '.join(sys.modules)))\n"
        "from dltools.commands.emojify import main\n"
        "sys.argv = ['emojify', 'I love you']\n"
        "main()\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.split(".")[0] for name in process.stderr.split()}
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "ai_edge_litert", "rich", "requests", "PIL"}


def test_lines_stay_beside_their_input(run: Run, tmp_path: Path) -> None:
    lines = "".join(text + "\n" for text, _emoji in FRESH) + "\n\nlunch\n"
    answer = run("emojify", input=lines.encode())
    assert answer.returncode == 0
    assert answer.stdout.decode().count("\n") == lines.count("\n")
    assert answer.stdout.decode().splitlines()[-3:] == ["", "", "🍴"]
    path = tmp_path / "lines.txt"
    path.write_text(lines, "utf-8")
    assert run("emojify", "-f", path).stdout == answer.stdout


def test_record(run: Run) -> None:
    record = json.loads(run("emojify", "--json", "--top", 2, "--explain", "I love zzkqx").stdout)
    assert record["text"] == "I love zzkqx"
    assert (record["emoji"], record["label"], record["flags"]) == ("❤️", "heart", [])
    assert record["score"] == record["probabilities"]["heart"] == record["items"][0]["score"]
    assert len(record["items"]) == 2
    assert sum(record["probabilities"].values()) == pytest.approx(1, abs=1e-3)
    assert record["oov"] == pytest.approx(1 / 3, abs=1e-4)
    assert [word["known"] for word in record["words"]] == [True, True, False]


def test_abstain(run: Run) -> None:
    answer = run("emojify", "--min-score", 1, "--json", "the", "")
    unsure, empty = map(json.loads, answer.stdout.splitlines())
    assert unsure["label"] is unsure["emoji"] is empty["label"] is None
    assert (unsure["flags"], empty["flags"]) == (["below_min_score"], ["empty"])
    assert run("emojify", "--min-score", 1, "the").stdout == b"\n"


def test_records_pass_through(run: Run) -> None:
    lines = b'{"text": "I love you", "id": 7}\n{"text": "x", "error": {"code": "e", "message": "m"}}\n'
    answer = run("emojify", "--json", "--files-from", "-", input=lines)
    first, second = map(json.loads, answer.stdout.splitlines())
    assert (first["id"], first["label"]) == (7, "heart")
    assert second == {"text": "x", "error": {"code": "e", "message": "m"}}


def test_bad_bytes_fail_alone(run: Run) -> None:
    answer = run("emojify", input=b"I love you\n\xff\xfe\nlunch\n")
    assert answer.returncode == 3
    assert answer.stdout.decode() == "❤️\n\n🍴\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("--model", "nope", "hi"), 2, "no such model"),
        (("--top", "0", "hi"), 2, "--top"),
        (("evaluate", "nope.csv"), 3, "no such file"),
        (("train", "nope.csv", "--out", "x.npz"), 3, "no such file"),
    ],
)
def test_errors(run: Run, tmp_path: Path, arguments: tuple[str, ...], status: int, message: str) -> None:
    answer = run("emojify", *arguments, cwd=tmp_path, env=_environment())
    assert answer.returncode == status
    assert message in answer.stderr.decode()
    assert b"Traceback" not in answer.stderr
    assert not list(tmp_path.iterdir())


def _environment() -> dict[str, str]:
    import os

    from tests.conftest import ROOT

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_train_predict_and_evaluate_a_model_of_ones_own(run: Run, tiny: Path, tmp_path: Path) -> None:
    model = tmp_path / "own.npz"
    options = ("--seed", 1, "--model", "average", "--folds", 3)
    answer = run("emojify", "train", tiny, "--out", model, *options)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["texts"] == len(TINY)
    assert run("emojify", "-m", model, "a lake", "a blaze").stdout.decode() == "🌊\n🔥\n"
    record = json.loads(run("emojify", "evaluate", "-", "-m", model, input=tiny.read_bytes()).stdout)
    assert record["accuracy"] == 1.0
    assert "recall" in run("emojify", "evaluate", tiny, "-m", model, "--format", "human").stdout.decode()
    kept = run("emojify", "train", tiny, "--out", model, *options)
    assert kept.returncode == 3
    assert b"--force" in kept.stderr
    stranger = tmp_path / "stranger.csv"
    stranger.write_text("text,label\nhello,earth\n", "utf-8")
    assert "has no label 'earth'" in run("emojify", "evaluate", stranger, "-m", model).stderr.decode()


def test_a_pipe_is_answered_line_by_line(run: Run) -> None:
    from tests.conftest import ROOT, command

    process = subprocess.Popen(command("emojify"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert process.stdin is not None
    assert process.stdout is not None
    for line, emoji in (("I love you", "❤️"), ("lunch", "🍴")):
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline().decode() == emoji + "\n"
    process.stdin.close()
    assert process.wait(20) == 0


def test_many_lines_are_fast(run: Run) -> None:
    """5,000 lines a second is asked of an idle machine; a busy one is given three times as long."""
    texts = [example.text for example in own_examples(grammar=False)]
    lines = "".join(texts[number % len(texts)] + "\n" for number in range(10_000)).encode()
    started = time.perf_counter()
    answer = run("emojify", input=lines)
    assert answer.stdout.count(b"\n") == 10_000
    assert time.perf_counter() - started < 6
