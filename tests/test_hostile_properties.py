"""Rules for all input: records survive, names stay inside their folder, no escape sequence reaches a terminal."""

from __future__ import annotations

import json
import os
import re
import string
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dltools.errors import DltoolsError, InputError
from dltools.io import records
from dltools.io.inputs import listed_items, text_records
from dltools.io.jsontext import MAX_DEPTH, read_json
from dltools.io.outputs import OutputFolder
from dltools.io.text import printable, printable_json, printable_line
from tests.conftest import PHOTO, ROOT, command, on_a_terminal
from tests.hostile import MULTIPLE

bounded = settings(max_examples=60 * MULTIPLE, derandomize=True, deadline=None, database=None)

#: Any text, lone surrogates and control characters included.
_TEXTS = st.text(st.characters(), max_size=30)
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4), max_leaves=12
)
_KEYS = (
    st.sampled_from(["path", "path_b64", "frame", "text", "items", "bbox", "output", "error", "label", "score"])
    | _TEXTS
)
_RECORDS = st.dictionaries(_KEYS, _VALUES, max_size=6)
#: What a terminal may act on: C0 and C1 control characters, but for the end of a line and the tab between columns.
_ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@bounded
@given(_RECORDS)
def test_a_record_comes_back_as_it_was(record: dict[str, Any]) -> None:
    line = records.encode_ndjson(record)
    assert line.count(b"\n") == 1 and records.parse_record(line.decode("utf-8")) == record


@bounded
@given(_RECORDS)
def test_a_record_of_any_kind_is_passed_on_or_refused(record: dict[str, Any]) -> None:
    """Its own keys may be of any type: a list of paths, a box of texts, items that are none."""
    for item in listed_items(_reader(json.dumps(record).encode())):
        passed = item.record()
        for finding in [passed, *records.findings(passed)]:
            read_json(records.encode_ndjson(finding))
            row = records.tsv_row(finding, ("path", "bbox", "label"))
            assert records.encode_tsv(row).count(b"\t") == len(row) - 1 == 6


def _reader(data: bytes):  # type: ignore[no-untyped-def]
    blocks = iter((data, b""))
    return lambda _limit: next(blocks)


@bounded
@given(st.binary(max_size=200) | _RECORDS.map(lambda record: json.dumps(record).encode()))
def test_any_line_is_an_item(line: bytes) -> None:
    try:
        items = [*listed_items(_reader(line))]
        batches = [*text_records(_reader(line))]
    except DltoolsError:  # evidently an image
        return
    for item in [*items, *(item for batch in batches for item in batch)]:
        records.encode_ndjson(item.record(score=0.5))


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"a": 1e999}', "no float"),
        ('{"a": -1e999}', "no float"),
        ('{"a": ' + "9" * 400 + "}", "no float"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": ' + "[" * 5000 + "]" * 5000 + "}", "nested"),
        ("[" * 100_000, "nested"),
    ],
)
def test_what_is_json_in_form_only_is_refused(text: str, cause: str) -> None:
    with pytest.raises(ValueError, match=cause):
        read_json(text, max_depth=MAX_DEPTH)
    with pytest.raises(ValueError, match=cause):
        read_json(text.encode())
    with pytest.raises(InputError, match="not a JSON record"):
        records.parse_record(text)


def test_brackets_in_texts_are_no_nesting() -> None:
    record = {"text": "[{" * 5000 + '\\"', "items": [{} for _ in range(5000)]}
    assert records.parse_record(json.dumps(record)) == record


@bounded
@given(_TEXTS | st.text("./\\\0\x1b ~:", max_size=12), st.sampled_from([".jpg", ".png", ".wav"]))
def test_no_name_leaves_its_folder(stem: str, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = OutputFolder(Path(root) / "out")
        targets = [folder.reserve(stem, suffix) for _ in range(2)]
        for target in targets:
            folder.write(target, b"x")
        assert len({*targets}) == 2
        assert sorted(os.listdir(folder.folder)) == sorted(target.name for target in targets)
        assert os.listdir(root) == ["out"] and all(target.parent == folder.folder for target in targets)


@bounded
@given(st.text(st.characters(), max_size=60))
def test_shown_text_cannot_act_on_a_terminal(text: str) -> None:
    assert not _ACTIVE.search(printable(text)) and "\n" not in printable(text) and "\t" not in printable(text)
    told = printable_json(json.dumps({text: text}, ensure_ascii=False))
    assert not _ACTIVE.search(told) and json.loads(told) == {text: text}
    row = printable_line("a\t" + text.replace("\t", " "))
    assert not _ACTIVE.search(row) and row.count("\t") == 1


# --- a real terminal ------------------------------------------------------------------------------------------

_EVIL = "a\x1b]0;owned\x07\x1b[31mb\u009b5m\u202ec\x7f"
_OURS = re.compile(r"\x1b\[[0-9;]*m")  # the colours that click writes


def _screen(*arguments: object, given: bytes = b"", plain: bool = True) -> str:
    """Return what a terminal got of a command's output and errors, less our own colours."""
    _, seen = on_a_terminal(*arguments, environment={"NO_COLOR": "1"} if plain else None, given=given)
    return _OURS.sub("", seen).replace("\r\n", "\n")


@pytest.mark.parametrize("form", ["auto", "human", "tsv", "ndjson"])
@pytest.mark.parametrize("name", ["emojify", "date-translate", "yolo-detect"])
def test_no_escape_of_a_text_or_path_reaches_a_terminal(name: str, form: str) -> None:
    seen = _screen(name, "--format", form, _EVIL, plain=form != "human")
    assert seen and not _ACTIVE.search(seen)


@pytest.mark.parametrize("form", ["human", "tsv", "ndjson"])
def test_no_escape_of_a_record_reaches_a_terminal(form: str) -> None:
    record = {"path": str(PHOTO), "label": _EVIL, _EVIL: _EVIL, "items": [{"label": _EVIL}]}
    failed = {"path": _EVIL, "error": {"code": "x", "message": _EVIL}, "label": _EVIL}
    given = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in (record, failed))
    seen = _screen("yolo-detect", "--quiet", "--each", "--format", form, "--files-from", "-", given=given)
    assert "cup" in seen and not _ACTIVE.search(seen)
    if form == "ndjson":
        assert json.loads(seen.splitlines()[-1])["label"] == _EVIL


@pytest.mark.parametrize("words", [["emojify"], ["emojify", "predict", "--json"], ["yolo-detect"]])
def test_no_escape_reaches_the_terminal_of_a_mapped_command(words: list[str]) -> None:
    """The command itself writes into a pipe there, and does not know of the terminal behind it."""
    given = f"I love you {_EVIL}\n".encode()
    seen = _screen("map", "--workers", "1", "--", *words, given=given)
    assert seen and not _ACTIVE.search(seen)


def test_no_escape_of_a_model_file_reaches_a_terminal(tmp_path: Path) -> None:
    """Classes, words and names in a file are as free as any text."""
    from dltools.models.nn.config import ModelConfig
    from dltools.models.nn.infer import Model
    from dltools.models.nn.layer import Start
    from dltools.models.nn.model import Network
    from dltools.models.nn.spec import make, parse
    from dltools.models.nn.store import encode

    classes = (_EVIL, _EVIL + "2", _EVIL + "3")
    words = parse("dense:3")
    network = Network([make(word) for word in words], "categorical-crossentropy", (2,), Start(np.random.default_rng(0)))
    config = ModelConfig(("dense:3",), "categorical-crossentropy", (2,), "classification", classes, ("x", _EVIL))
    (tmp_path / "model.npz").write_bytes(encode(Model(config, network, np.zeros(2), np.ones(2))))
    (tmp_path / "table.csv").write_text(f"x,{_EVIL}\n1,2\n", "utf-8")
    (tmp_path / "vectors.txt").write_text(f"king 1 2\n{_EVIL} 1 3\nother 2 -1\n", "utf-8")
    for form in ("human", "tsv", "ndjson"):
        seen = _screen("nn-train", "predict", "--format", form, tmp_path / "model.npz", tmp_path / "table.csv")
        assert "owned" in seen and not _ACTIVE.search(seen)
        seen = _screen("wordvec", "nearest", "--quiet", "--format", form, "--vectors", tmp_path / "vectors.txt", "king")
        assert "owned" in seen and not _ACTIVE.search(seen)


def test_a_traceback_is_shown_harmless() -> None:
    code = (
        "import sys; from dltools.commands._boundary import crash\n"
        "try: raise RuntimeError(sys.argv[1])\nexcept RuntimeError as error: crash('x', error, debug=True)"
    )
    done = subprocess.run([command()[0], "-c", code, _EVIL], capture_output=True, cwd=ROOT, timeout=60)
    told = done.stderr.decode()
    assert "owned" in told and "Traceback" in told and not _ACTIVE.search(told)


def test_the_pattern_of_active_characters_knows_them() -> None:
    assert all(_ACTIVE.search(character) for character in "\x1b\x07\x9b\u202e\x7f\r")
    assert not _ACTIVE.search(string.printable.replace("\r", "").replace("\x0b", "").replace("\x0c", ""))
