"""dltools demo: every command has a line to show, and the lines work."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from dltools.commands import COMMANDS
from tests.conftest import PHOTO, Run


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_shown_by_a_line_of_its_own(run: Run, name: str) -> None:
    line = COMMANDS[name].demo
    assert shlex.split(line)[0] == name
    done = run("demo", name)
    assert done.returncode == 0, done
    first, *written = done.stdout.decode().splitlines()
    assert first == f"$ {line}" and len(written) >= 3  # what it wrote, the time, an empty line
    assert done.stderr == b"dltools: 1 ok\n"


def test_the_files_can_be_kept_and_are_never_overwritten(run: Run, tmp_path: Path) -> None:
    assert run("demo", "yolo-detect", "-o", tmp_path / "kept").returncode == 0
    assert (tmp_path / "kept" / "coffee.jpg").read_bytes() == PHOTO.read_bytes()
    assert (tmp_path / "kept" / "boxes" / "coffee.jpg").exists()
    again = run("demo", "yolo-detect", "-o", tmp_path / "kept")
    assert again.returncode == 2 and again.stderr.endswith(b"coffee.jpg: exists already: name another folder\n")


def test_a_command_that_fails_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "boxes").write_text("in the way of the folder that yolo-detect makes")
    done = run("demo", "yolo-detect", "emojify", "-o", tmp_path)
    assert done.returncode == 3
    assert done.stderr.decode().splitlines()[-2:] == [
        "dltools: yolo-detect: ended with status 3",
        "dltools: 1 ok, 1 failed",
    ]
