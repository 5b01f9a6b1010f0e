"""A run over texts: batches, failures, and lines that stay beside their inputs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dltools.commands import _options as options
from dltools.commands import _texts
from dltools.commands._batch import View
from dltools.commands._boundary import Context, run
from dltools.commands._group import DefaultGroup
from dltools.errors import InputError
from dltools.io.inputs import TextItem
from dltools.io.records import Record

cli = DefaultGroup("shout", default="up")
batches: list[int] = []


@cli.command("up")
@options.text_inputs("TEXT")
@options.text_format_options
@options.batch_options
@options.general_options
@_texts.text_batch(View(("text", "loud"), lambda record, _paint: f"-> {record['loud']}", lambda record: record["loud"]))
def up(context: Context) -> _texts.TextWork:
    """Write texts in capitals."""

    def work(items: list[TextItem]) -> list[Record | InputError]:
        batches.append(len(items))
        if any(item.text == "crash" for item in items):
            raise ValueError("a mistake of ours")
        return [InputError("too bad") if item.text == "bad" else item.record(loud=item.text.upper()) for item in items]

    return work


class _Bytes(io.BytesIO):
    terminal = False

    def isatty(self) -> bool:
        return self.terminal


class _Stream(io.TextIOWrapper):
    terminal = False

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that runs ``shout`` on bytes and returns its exit status and output."""
    batches.clear()

    def call(data: bytes, *arguments: str, terminal: bool = False) -> tuple[int, bytes]:
        output = _Bytes()
        output.terminal = terminal
        stdin, stdout = _Stream(io.BytesIO(data)), _Stream(output)
        stdin.terminal = stdout.terminal = terminal
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", stdin)
            patch.setattr(sys, "stdout", stdout)
            return run(cli, list(arguments)), output.getvalue()

    return call  # type: ignore[return-value]


def test_one_line_out_for_each_line_in(streams: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, output = streams(b"a\nbad\n\nb\xff\nend")
    assert (status, output) == (3, b"A\n\n\n\nEND\n")
    assert capsys.readouterr().err.splitlines() == [
        "shout: line 2: too bad",
        "shout: line 4: not UTF-8",
        "shout: 3 ok, 2 failed",
    ]
    assert batches == [3, 1]


def test_success_writes_nothing_on_standard_error(streams: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert streams(b"a\nb\n") == (0, b"A\nB\n")
    assert capsys.readouterr().err == ""


def test_a_crash_is_traced_to_its_text(streams: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert streams(b"a\ncrash\nb\n") == (70, b"A\n\nB\n")
    assert batches == [3, 1, 1, 1]
    assert "line 2: internal error (ValueError)" in capsys.readouterr().err


def test_fail_fast_stops_at_the_first_failure(streams: Any) -> None:
    assert streams(b"a\nbad\nb\n", "--fail-fast") == (3, b"A\n\n")


def test_records_pass_through(streams: Any) -> None:
    lines = b'{"text": "a", "mine": 1}\n{"error": {"code": "x", "message": "y"}, "text": "z"}\nno record\n'
    status, output = streams(lines, "--files-from", "-", "--json")
    records = [json.loads(line) for line in output.splitlines()]
    assert status == 3
    assert records[0] == {"text": "a", "mine": 1, "loud": "A"}
    assert records[1] == {"error": {"code": "x", "message": "y"}, "text": "z"}
    assert records[2]["error"]["code"] == "bad_record"


def test_operands_come_before_the_lines_of_a_file(streams: Any, tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("c\n")
    assert streams(b"ignored", "a b", "-f", str(path)) == (0, b"A B\nC\n")


def test_formats(streams: Any) -> None:
    assert streams(b"a\n", "--format", "tsv") == (0, b"text\tloud\terror\na\tA\t\n")
    assert streams(b"a\n", "--format", "human") == (0, b"-> A\n")
    assert streams(b"a\n", "--json") == (0, b'{"text": "a", "loud": "A"}\n')


def test_a_terminal_is_not_waited_for(streams: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert streams(b"a\n", terminal=True) == (2, b"")
    assert "Usage:" in capsys.readouterr().err


def test_a_terminal_sees_control_characters_escaped(streams: Any) -> None:
    assert streams(b"", "\x1b[2Jhi", terminal=True) == (0, b"\\x1b[2JHI\n")
    assert streams(b'{"text": "a\\nb"}', "--files-from", "-") == (0, b"A\\nB\n")


def test_standard_input_is_read_once(streams: Any) -> None:
    assert streams(b"a\n", "-f", "-", "--files-from", "-") == (2, b"")
    assert streams(b"a\n", "-f", "/no/such/file") == (3, b"")
