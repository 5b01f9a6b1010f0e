"""date-translate: folding, the grammar of dates, decoding, the network against Keras, tiny trainings, the command."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dltools.errors import InputError, ModelFileError, UsageError
from dltools.models.dates import grammar
from dltools.models.dates.characters import MAX_CHARS, PADDING, Alphabet, fold, fold_aligned, steps_for
from dltools.models.dates.config import DatesConfig, Weights
from dltools.models.dates.decode import beam, greedy
from dltools.models.dates.evaluate import Labelled, measure, read_labelled
from dltools.models.dates.examples import Writer
from dltools.models.dates.find import find
from dltools.models.dates.formats import OWN, part_of, read_formats
from dltools.models.dates.infer import Answer, DateTranslator, Options
from dltools.models.dates.order import Evidence, full_year, readings
from dltools.models.dates.recurrent import Decoder, Network
from dltools.models.dates.store import decode, encode
from tests.conftest import Run, command

BASE = dt.date(2024, 1, 31)  # a Wednesday


@pytest.fixture(scope="module")
def shipped() -> DateTranslator:
    return DateTranslator.load(threads=1)


@pytest.fixture(scope="module")
def untrained() -> DateTranslator:
    """Return a translator with weights drawn at random, which writes whatever it may."""
    return _untrained(Alphabet("".join(map(chr, range(32, 127)))))


def _untrained(alphabet: Alphabet) -> DateTranslator:
    random = np.random.default_rng(3)
    sizes = {"A": len(alphabet), "L": 3, "E": 5, "H": 4, "D": 6, "S": len(grammar.SYMBOLS)}
    a, e, h, d, s = (sizes[key] for key in "AEHDS")
    shapes = [
        (a, e), (4, e), (3, e), (2, e, 4 * h), (2, h, 4 * h), (2, 4 * h), (2 * h, d), (d,), (d, 2 * h),
        (2 * h, 4 * d), (s + 2, 4 * d), (d, 4 * d), (4 * d,), (d + 2 * h, s), (s,),
    ]  # fmt: skip
    weights = Weights(*(random.normal(0, 1.5, shape).astype(np.float32) for shape in shapes))
    return DateTranslator(DatesConfig(alphabet.characters, ("en", "de"), {"en": "mdy", "de": "dmy"}, 1.0, {}), weights)


# --- folding


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("25th of June, 2009", "25th of june, 2009"),
        ("  25\t\tJune\n2009 ", "25 june 2009"),
        ("２５－０６－２００９", "25-06-2009"),
        ("٢٥ يونيو ٢٠٠٩", "25 يونيو 2009"),
        ("25 Août — ÉTÉ", "25 aout - ete"),
        ("İSTANBUL ΙΟΎΝΙΟΣ Й ё", "istanbul ιουνιοσ и е"),
        ("ก.ย. हिन्दी", "ก.ย. हिन्दी"),
        ("a\u200eb\u00adc\u0000d", "abc d"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_folding_knows_where_each_character_comes_from(text: str) -> None:
    folded, places = fold_aligned(text)
    assert folded == fold(text)
    assert len(places) == len(folded)
    assert places == sorted(places)
    assert all(0 <= place < max(1, len(text)) for place in places)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_numbers_are_filled_up_with_padding(texts: list[str]) -> None:
    folded = [fold(text)[:40] for text in texts]
    numbers = Alphabet("abc 123").numbers(folded, 40)
    assert numbers.shape == (len(texts), 40)
    for row, text in zip(numbers, folded, strict=True):
        assert (row[: len(text)] != PADDING).all()
        assert (row[len(text) :] == PADDING).all()


def test_lengths_to_fill_up_to() -> None:
    assert [steps_for(length) for length in (1, 8, 9, 41, MAX_CHARS)] == [8, 8, 12, 48, MAX_CHARS]


# --- the grammar


def test_the_automaton_takes_every_date_and_no_other() -> None:
    accepts = grammar.date_automaton().accepts
    for ordinal in range(1, dt.date.max.toordinal() + 1, 97):
        assert accepts(dt.date.fromordinal(ordinal).isoformat())
    for year in (1, 4, 100, 400, 1900, 2000, 2023, 2024, 2100, 2400, 9999):
        for month in range(14):
            for day in range(33):
                text = f"{year:04}-{month:02}-{day:02}"
                assert accepts(text) == _exists(text), text
    assert not accepts("0000-01-01")


def _exists(text: str) -> bool:
    try:
        return bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


@given(st.lists(st.integers(0, 10**6), min_size=14, max_size=14), st.sampled_from(["date", "time"]))
def test_every_way_through_the_automata_ends_in_something_that_exists(choices: list[int], which: str) -> None:
    automaton = grammar.date_automaton() if which == "date" else grammar.time_automaton()
    state, text = 0, ""
    for choice in choices[: grammar.DATE_STEPS if which == "date" else grammar.TIME_STEPS]:
        allowed = np.flatnonzero(automaton.allowed[state])
        assert len(allowed), f"a dead end after {text}"
        symbol = int(allowed[choice % len(allowed)])
        text += grammar.SYMBOLS[symbol]
        state = int(automaton.following[state, symbol])
    if which == "date" and grammar.kind_of(text) == "date" and text[5] not in "WD":
        assert grammar.evaluate(text) == dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("expression", "date"),
    [
        ("2009-06-25", "2009-06-25"),
        ("2009-W26-4", "2009-06-25"),
        ("2009-D176.", "2009-06-25"),
        ("2008-D366.", "2008-12-31"),
        ("+0000d....", "2024-01-31"),
        ("-0003w....", "2024-01-10"),
        ("+0001m....", "2024-02-29"),
        ("-0011m....", "2023-02-28"),
        ("+0001y....", "2025-01-31"),
        ("+0001m$...", "2024-02-29"),
        ("+0001m^...", "2024-02-01"),
        (">3........", "2024-02-07"),
        ("=3........", "2024-01-31"),
        ("<3........", "2024-01-24"),
        ("=5........", "2024-02-02"),
        ("____-02-$$", "2024-02-29"),
        ("____-06-25", "2024-06-25"),
        ("2009-06-__", None),
        ("x.........", None),
        ("2009-W53-4", "2009-12-31"),
        ("2010-W53-4", None),
        ("+9999y....", None),
        ("-9999y....", None),
    ],
)
def test_expressions(expression: str, date: str | None) -> None:
    assert grammar.date_automaton().accepts(expression)
    found = grammar.evaluate(expression, BASE)
    assert (found and found.isoformat()) == date


def test_relative_expressions_need_a_base() -> None:
    assert grammar.evaluate("+0001d....") is None
    assert grammar.evaluate("____-02-29", dt.date(2023, 1, 1)) is None


# --- numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("01/02/2003", {"dmy": "2003-02-01", "mdy": "2003-01-02"}),
        ("13/02/2003", {"dmy": "2003-02-13"}),
        ("02/13/2003", {"mdy": "2003-02-13"}),
        ("2003-02-01", {"ymd": "2003-02-01"}),
        ("01.02.03", {"dmy": "2003-02-01", "mdy": "2003-01-02", "ymd": "2001-02-03"}),
        ("at 10:36:28 on 31-12-99", {"dmy": "1999-12-31"}),
        ("32/01/2003", {}),
        ("25 june 2009", {}),
        ("99/99/99", {}),
    ],
)
def test_readings_of_numbers(text: str, found: dict[str, str]) -> None:
    assert readings(text) == found


def test_the_pivot_is_where_the_century_turns() -> None:
    assert [full_year(year) for year in (0, 68, 69, 99)] == [2000, 2068, 1969, 1999]
    assert full_year(30, 30) == 1930
    assert readings("31.12.30", 30) == {"dmy": "1930-12-31", "ymd": "1931-12-30"}


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["01/02/2003", "13/02/2003"], "dmy"),
        (["01/02/2003", "02/13/2003"], "mdy"),
        (["01/02/2003"], None),
        (["13/02/2003", "02/13/2003"], None),
        (["2003-02-13", "01/02/2003"], None),
        (["5/5/2003", "01/02/2003"], None),
    ],
)
def test_one_order_for_a_whole_input(texts: list[str], order: str | None) -> None:
    evidence = Evidence()
    for text in texts:
        evidence.add(text)
    assert evidence.order == order


# --- the network


def test_numpy_equals_keras() -> None:
    """The tolerance is float32's: both sum the same products in another order."""
    keras = pytest.importorskip("keras")
    import tensorflow as tf

    from dltools.models.dates.network import Translator, first_weights

    assert keras
    weights = Weights(*(array * 1.5 for array in first_weights(50, 3, 8, 6, 10, 1)))
    random = np.random.default_rng(0)
    characters = random.integers(2, 50, (5, 12)).astype(np.int32)
    characters[0, 8:] = characters[3, 3:] = PADDING
    hints = np.array([[0, 0], [1, 2], [3, 3], [2, 0], [0, 1]], np.int32)
    before = random.integers(0, len(grammar.SYMBOLS), (5, 10)).astype(np.int32)
    model = Translator(weights)
    assert all(np.array_equal(one, other) for one, other in zip(weights, model.weights_now(), strict=True))
    wanted = model.decode(*model.encode(tf.constant(characters), tf.constant(hints)), tf.constant(before)).numpy()
    network = Network(weights)
    decoder = Decoder(network, network.read(characters, hints))
    found = np.stack([decoder.step(before[:, at])[0] for at in range(10)], 1)
    assert np.abs(found - wanted).max() < 1e-5


def test_attention_leaves_padding_out(untrained: DateTranslator) -> None:
    network = untrained._network
    numbers = Alphabet(untrained.config.alphabet).numbers(["abc"], 8)
    _, attention = Decoder(network, network.read(numbers, np.zeros((1, 2), np.int32))).step(
        np.array([grammar.START_DATE])
    )
    assert attention[0, 4:].max() < 1e-20
    assert attention.sum() == pytest.approx(1, abs=1e-5)


def test_a_text_is_read_alike_alone_and_among_others(untrained: DateTranslator) -> None:
    texts = ["1 may 2009", "x", "a text that is quite a bit longer than the others", "1 may 2009", ""]
    together = untrained.translate(texts)
    alone = [untrained.translate([text])[0] for text in texts]
    for one, other in zip(together, alone, strict=True):
        assert (one.expression, one.date) == (other.expression, other.date)
        assert one.score == pytest.approx(other.score, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=90), min_size=1, max_size=20))
def test_no_text_gives_a_date_that_does_not_exist(untrained: DateTranslator, texts: list[str]) -> None:
    for answer in untrained.translate(texts, Options(top=3)):
        assert answer.date is None or _exists(answer.date)
        assert all(_exists(date) and 0 <= score <= 1.001 for date, score in answer.alternatives)
        assert (answer.date is None) == bool(answer.reason)


def test_the_beam_finds_what_the_greedy_way_finds_and_more(untrained: DateTranslator) -> None:
    network, alphabet = untrained._network, Alphabet(untrained.config.alphabet)
    reading = network.read(alphabet.numbers(["1/2/2003", "abc"], 8), np.zeros((2, 2), np.int32))
    automaton = grammar.date_automaton()
    one = greedy(network, reading, automaton, grammar.START_DATE, grammar.DATE_STEPS, 1.0)
    narrow = beam(network, reading, automaton, grammar.START_DATE, grammar.DATE_STEPS, 1.0, 1)
    assert [texts[0][0] for texts in narrow] == one.texts
    assert [texts[0][1] for texts in narrow] == pytest.approx(one.scores.tolist(), rel=1e-4)
    for texts, score in zip(
        beam(network, reading, automaton, grammar.START_DATE, grammar.DATE_STEPS, 1.0, 8), one.scores, strict=True
    ):
        scores = [share for _, share in texts]
        assert scores == sorted(scores, reverse=True)
        assert scores[0] >= score * 0.999
        assert len({text for text, _ in texts}) == len(texts)


def test_a_model_file_round_trip(tmp_path: Path, untrained: DateTranslator) -> None:
    weights = _weights_of(untrained)
    path = tmp_path / "model.npz"
    path.write_bytes(encode(untrained.config, weights))
    config, read = decode(path)
    assert config == untrained.config
    assert all(
        np.array_equal(one.astype(np.float16), other.astype(np.float16))
        for one, other in zip(weights, read, strict=True)
    )


@pytest.mark.parametrize("damage", ["cut", "text", "shape"])
def test_damaged_model_files_are_refused(tmp_path: Path, untrained: DateTranslator, damage: str) -> None:
    weights = _weights_of(untrained)
    data = encode(untrained.config, weights)
    if damage == "shape":
        data = encode(untrained.config, weights._replace(query_kernel=weights.query_kernel[:, 1:]))
    path = tmp_path / "model.npz"
    path.write_bytes({"cut": data[: len(data) // 2], "text": b"no model", "shape": data}[damage])
    with pytest.raises(ModelFileError, match=r"model\.npz"):
        DateTranslator.open(path)


def _weights_of(translator: DateTranslator) -> Weights:
    return _untrained(Alphabet(translator.config.alphabet)).weights


# --- what is learned from


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer(["en", "de", "ja", "ar"], read_formats(), ["word", "other"], "train")


def test_examples_are_well_formed_and_repeatable(writer: Writer) -> None:
    examples = [writer.example(seed) for seed in range(1500)]
    assert examples == [writer.example(seed) for seed in range(1500)]
    dates, times = grammar.date_automaton(), grammar.time_automaton()
    for example in examples:
        assert dates.accepts(example.date)
        assert len(example.date) == grammar.DATE_STEPS
        assert times.accepts(example.time)
        assert len(example.time) == grammar.TIME_STEPS
        assert example.text == fold(example.text)
        assert 0 < len(example.text) <= MAX_CHARS
    assert {example.kind for example in examples} >= {"none", "relative", "partial", "name", "number", "packed"}


def test_a_hint_is_never_contradicted(writer: Writer) -> None:
    hinted = [example for example in map(writer.example, range(3000)) if example.order and example.kind == "number"]
    assert len(hinted) > 50
    for example in hinted:
        possible = readings(example.text)
        if example.order in possible and "w" not in example.text:
            assert possible[example.order] == example.date  # type: ignore[index]


def test_no_format_is_in_two_parts(writer: Writer) -> None:
    formats = {example.format for example in map(writer.example, range(2000)) if example.format not in ("", "y")}
    assert {part_of(pattern) for pattern in formats} == {"train"}
    shares = [part_of(f"{number} d MMMM y") for number in range(4000)]
    assert 0.08 < shares.count("test") / len(shares) < 0.12
    assert 0.08 < shares.count("validation") / len(shares) < 0.12


def test_own_formats_are_read_with_their_line_numbers(tmp_path: Path) -> None:
    path = tmp_path / "formats.txt"
    path.write_text("# a comment\nnumber\t2\ty-MM-dd\n\nname\td MMMM y\n", "utf-8")
    with pytest.raises(InputError, match="line 4"):
        read_formats(path)
    assert "number" in read_formats(OWN).patterns


# --- measures


def test_measures() -> None:
    labelled = [Labelled("a", "2009-06-25", "en"), Labelled("b", "", "not"), Labelled("c", "2009-06-25", "en")]
    right = Answer("2009-06-25", 0.9, 0.0, False, None, [], "date", "2009-06-25", "")
    refused = Answer(None, 0.0, 0.0, False, None, [], "refused", grammar.REFUSED, "no date in it")
    found = measure(labelled, [right, refused, right._replace(date="2009-06-26", score=0.7)])
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.refused == 1
    assert found.per_kind == {"en": (2, 0.5), "not": (1, 1.0)}
    assert [each.text for each in found.wrong] == ["c"]
    assert found.calibration_error == pytest.approx((0.1 + 0.7) / 2)


def test_a_labelled_table_with_a_fault_is_named(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    path.write_text("text\tdate\nJune 25, 2009\t2009-06-25\nJune 31\t2009-06-31\n", "utf-8")
    with pytest.raises(InputError, match="line 3"):
        read_labelled(path)


# --- training


FORMATS = """\
number	1	y-MM-dd
number	1	y/MM/dd
packed	1	yMMdd
name	1	d MMMM y
en	1	do MMMM y
time	1	HH:mm
"""


@pytest.mark.slow
def test_training_repeats_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("keras")
    from dltools.models.dates import batches, training

    monkeypatch.setattr(training, "_MEASURED", 300)
    monkeypatch.setattr(batches, "BLOCK", 1500)
    monkeypatch.setattr(batches, "steps_for", lambda _length: batches.STEPS[-1])  # each length is compiled anew
    path = tmp_path / "formats.txt"
    path.write_text(FORMATS, "utf-8")
    recipe = training.Recipe(seed=5, steps=4, finish=1, batch=16, embedding=4, units=8, decoder=8, judge_every=2)
    told: list[str] = []
    kept: list[Weights] = []
    one, two = (
        training.train(
            recipe,
            ("en",),
            read_formats(path),
            progress=lambda what, _done, _all, _measured: told.append(what),
            keep=lambda _config, weights: kept.append(weights),
        )
        for _ in range(2)
    )
    assert encode(one.config, one.weights) == encode(two.config, two.weights)
    assert set(told) == {"formats held out", "all formats"}
    assert len(kept) == 2 * len(one.curve) == 4
    assert one.held_out.texts > 50
    model = tmp_path / "one.npz"
    model.write_bytes(encode(one.config, one.weights))
    again = training.train(dataclasses.replace(recipe, steps=1, finish=0), ("en",), read_formats(path), resume=model)
    assert again.weights.embedding.shape == one.weights.embedding.shape
    assert not np.array_equal(again.weights.embedding, one.weights.embedding)


@pytest.mark.slow
def test_the_train_command_writes_a_model_and_a_curve(run: Run, tmp_path: Path) -> None:
    path, model, curve = tmp_path / "formats.txt", tmp_path / "model.npz", tmp_path / "curve.png"
    path.write_text(FORMATS, "utf-8")
    sizes = ["--units", 4, "--decoder", 4, "--batch", 8, "--steps", 2, "--finish", 0]
    arguments = ["--formats", path, "--locales", "en,de", "--seed", 5, *sizes, "-o", model, "--curve", curve]
    done = run("date-translate", "train", *arguments, timeout=300)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["seed"] == 5
    assert record["texts"] > 1000
    assert Image.open(curve).size[0] > 300
    assert run("date-translate", "-m", model, "2009-06-25").returncode in (0, 3)


def test_the_train_command_names_what_is_wrong(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "formats.txt"
    path.write_text("number y-MM-dd\n", "utf-8")
    done = run("date-translate", "train", "--formats", path, "-o", tmp_path / "model.npz")
    assert done.returncode == 3
    assert b"formats.txt: line 1" in done.stderr
    done = run("date-translate", "train", "--locales", "xx_YY", "-o", tmp_path / "model.npz")
    assert done.returncode == 2
    assert b"xx_YY" in done.stderr
    assert not (tmp_path / "model.npz").exists()


# --- the model that is shipped


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("25th of June, 2009", "2009-06-25"),
        ("Thursday, June 25, 2009", "2009-06-25"),
        ("Thu, 25 Jun 2009 10:49:41 -0300", "2009-06-25"),
        ("2009-06-25T10:49:41.5-03:00", "2009-06-25"),
        ("20090625T104941", "2009-06-25"),
        ("10:49 p.m., June 25th 2009", "2009-06-25"),
        ("the twenty-fifth of June 2009", "2009-06-25"),
        ("25-Jun-09", "2009-06-25"),
        ("(25.06.2009)", "2009-06-25"),
        ("２５／０６／２００９", "2009-06-25"),
        ("25. Juni 2009", "2009-06-25"),
        ("le 25 juin 2009", "2009-06-25"),
        ("25 de junio de 2009", "2009-06-25"),
        ("25 июня 2009 г.", "2009-06-25"),
        ("2009年6月25日", "2009-06-25"),
        ("2009년 6월 25일", "2009-06-25"),
        ("25 Haziran 2009", "2009-06-25"),
        ("29 February 2024", "2024-02-29"),
    ],
)
def test_dates_are_read(shipped: DateTranslator, text: str, date: str) -> None:
    assert shipped.translate([text])[0].date == date


@pytest.mark.parametrize(
    "text",
    [
        "car",
        "version 1.2.3",
        "221 baker street, london",
        "",
        "29 February 2023",
        "31/04/2020",
        "10:49:41",
        "call 555-0199",
    ],
)
def test_what_is_no_date_is_refused_with_a_reason(shipped: DateTranslator, text: str) -> None:
    answer = shipped.translate([text])[0]
    assert answer.date is None
    assert answer.reason


def test_order_decides(shipped: DateTranslator) -> None:
    found = {order: shipped.translate(["01/02/03"], Options(order=order))[0] for order in ("dmy", "mdy", "ymd")}  # type: ignore[arg-type]
    assert {order: answer.date for order, answer in found.items()} == {
        "dmy": "2003-02-01",
        "mdy": "2003-01-02",
        "ymd": "2001-02-03",
    }
    assert {order: answer.order for order, answer in found.items()} == {order: order for order in found}
    free = shipped.translate(["01/02/03"])[0]
    assert free.ambiguous
    assert len(free.alternatives) >= 2
    assert not found["dmy"].ambiguous
    assert shipped.translate(["02/01/2003"], Options(locale="de"))[0].date == "2003-01-02"
    assert shipped.translate(["13/02/2003"], Options(order="mdy"))[0].date == "2003-02-13"


def test_pivot_base_time_and_partial(shipped: DateTranslator) -> None:
    def read(text: str, **how: object) -> str | None:
        return shipped.translate([text], Options(**how))[0].date  # type: ignore[arg-type]

    assert read("25 Jun 40") == "2040-06-25"
    assert read("25 Jun 40", pivot=30) == "1940-06-25"
    assert read("Thu, 25 Jun 2009 10:49:41 -0300", time=True) == "2009-06-25T10:49:41-03:00"
    assert read("June 25, 2009", time=True) == "2009-06-25"
    assert read("June 2009") is None
    assert read("June 2009", partial=True) == "2009-06"
    assert read("tomorrow") is None
    assert read("tomorrow", base=BASE) == "2024-02-01"
    assert read("3 weeks ago", base=BASE) == "2024-01-10"
    assert read("next Friday", base=BASE) == "2024-02-02"
    assert read("last day of February", base=BASE) == "2024-02-29"


def test_an_unknown_locale_is_named(shipped: DateTranslator) -> None:
    with pytest.raises(UsageError, match="xx"):
        shipped.translate(["1.2.2003"], Options(locale="xx"))


def test_dates_in_running_text(shipped: DateTranslator) -> None:
    text = "The house was built on 4 July 1976 and sold again on 2009-06-25; see page 12."
    found = find(shipped, [text], Options(min_score=0.5))[0]
    assert [(text[each.start : each.end], each.answer.date) for each in found] == [
        ("4 July 1976", "1976-07-04"),
        ("2009-06-25", "2009-06-25"),
    ]


def test_the_attention_map_looks_at_the_year_for_the_year(shipped: DateTranslator) -> None:
    seen = shipped.attention("25 June 2009")
    assert (seen.characters, seen.symbols) == ("25 june 2009", "2009-06-25")
    assert seen.weights.shape == (10, 12)
    assert seen.weights[:4, 8:].sum() > seen.weights[:4, :8].sum()


# --- the command


def test_lines_stay_aligned_and_failures_are_told(run: Run) -> None:
    done = run("date-translate", input=b"25th of June, 2009\ncar\n\n4 July 1976\n")
    assert done.stdout == b"2009-06-25\n\n\n1976-07-04\n"
    assert done.returncode == 3
    assert b"line 2: no date in it" in done.stderr


def test_records(run: Run) -> None:
    record = json.loads(run("date-translate", "--json", "01/02/03").stdout)
    assert record["text"] == "01/02/03"
    assert record["ambiguous"] is True
    assert record["order"] in ("dmy", "mdy", "ymd")
    assert record["alternatives"][0] == {"date": record["date"], "score": record["score"]}
    assert 0 <= record["removed"] <= 1
    failed = json.loads(run("date-translate", "--json", "car").stdout)
    assert failed["error"]["code"] == "no_date"


@pytest.mark.parametrize("way", ["file", "pipe", "operands"])
def test_one_order_is_found_for_a_whole_input(run: Run, tmp_path: Path, way: str) -> None:
    lines = ["01/02/2003", "05/06/2003", "25/06/2003"]
    path = tmp_path / "dates.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    arguments = {"file": ["-f", path], "pipe": [], "operands": lines}[way]
    done = run("date-translate", *arguments, **({"input": path.read_bytes()} if way == "pipe" else {}))
    assert done.stdout == b"2003-02-01\n2003-06-05\n2003-06-25\n"
    assert b"dmy" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_live_pipe_is_answered_line_by_line() -> None:
    with subprocess.Popen(command("date-translate"), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for text, date in (("25 June 2009", b"2009-06-25\n"), ("4 July 1976", b"1976-07-04\n")):
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            assert process.stdout.readline() == date
        process.stdin.close()


def test_attention_is_drawn(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    done = run("date-translate", "--attention", path, "25th of June, 2009")
    assert (done.returncode, done.stdout) == (0, b"2009-06-25\n")
    width, height = Image.open(io.BytesIO(path.read_bytes())).size
    assert width > 18 * 20
    assert height > 10 * 20
    assert run("date-translate", "--attention", path, "25 June 2009").returncode == 3  # it is there already
    assert run("date-translate", "--attention", tmp_path / "two.png", "one", "two").returncode == 2


def test_find_and_evaluate(run: Run, tmp_path: Path) -> None:
    assert run("date-translate", "find", "We met on 5 May 2009.").stdout == b"2009-05-05\n"
    table = tmp_path / "table.tsv"
    table.write_text("25 June 2009\t2009-06-25\ten\ncar\t\tnot\n", "utf-8")
    record = json.loads(run("date-translate", "evaluate", table).stdout)
    assert record["accuracy"] == 1
    assert record["per_kind"]["en"] == {"texts": 1, "accuracy": 1.0}


def test_inference_loads_no_tensorflow(run: Run) -> None:
    program = (
        "import sys\nfrom dltools.models.dates.infer import DateTranslator\n"
        "DateTranslator.load().translate(['25 June 2009'])\nprint({'tensorflow', 'keras', 'babel'} & set(sys.modules))"
    )
    done = subprocess.run([command()[0], "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
