"""The man pages: current, complete, and as they were meant once groff has set them."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import types
from pathlib import Path

import click
import pytest

from dltools.commands import COMMANDS
from dltools.commands._group import DefaultGroup, load
from dltools.commands.dltools import cli as umbrella
from dltools.models.yolo.store import coco_names

ROOT = Path(__file__).parent.parent
NAMES = [*COMMANDS, "dltools"]
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO")
COLUMNS = 80


def _script() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("build_man", ROOT / "tools" / "build_man.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build_man = _script()


def group_of(name: str) -> DefaultGroup:
    return load(COMMANDS[name]) if name in COMMANDS else umbrella


def groff(text: str) -> tuple[str, str]:
    """Set a page for a terminal; return what is shown, without its typefaces, and the warnings."""
    if shutil.which("groff") is None:
        pytest.skip("groff is not installed")
    line = ["groff", "-man", "-ww", "-Tutf8", "-P-c", f"-rLL={COLUMNS}n"]
    done = subprocess.run(line, input=text.encode(), capture_output=True, timeout=60, check=True)
    return re.sub(".\b", "", done.stdout.decode()), done.stderr.decode()


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def committed(name: str) -> str:
    return (ROOT / "man" / f"{name}.1").read_text("utf-8")


def test_pages_are_current() -> None:
    assert build_man.stale() == [], f"rebuild them: {build_man.REBUILD}"


def test_every_command_has_a_page_with_the_sections(committed: str) -> None:
    found = re.findall(r'^\.SH "(.*)"$', committed, re.M)
    assert found[:4] == list(SECTIONS[:4])
    assert [heading for heading in found if heading in SECTIONS] == list(SECTIONS)


def test_every_option_of_every_subcommand_is_on_its_page(name: str, committed: str) -> None:
    shown = re.sub(r"\\f.", "", committed).replace("\\-", "-")
    group = group_of(name)
    with group.make_context(name, [], resilient_parsing=True) as ctx:
        options = group.get_params(ctx)
        for command in group.commands.values():
            with command.make_context(command.name, [], parent=ctx, resilient_parsing=True) as inner:
                options += command.get_params(inner)
    wanted = {one for each in options if isinstance(each, click.Option) for one in (*each.opts, *each.secondary_opts)}
    assert wanted >= {"--help", "--json", "--version"}
    assert {one for one in wanted if not re.search(rf"(?<![\w-]){one}(?![\w-])", shown)} == set()


def test_every_subcommand_is_on_its_page(name: str, committed: str) -> None:
    group = group_of(name)
    shown = committed.replace("\\-", "-")
    headings = re.findall(r'^\.SH "(.*)"$', shown, re.M)
    assert {each.upper() for each in group.commands if each != group.default} <= set(headings)
    assert all(f"\\fB{each}\\fR" in shown for each in group.entries)


def test_groff_has_no_complaint_and_lines_fit(committed: str) -> None:
    shown, warnings = groff(committed)
    assert warnings == ""
    assert [line for line in shown.splitlines() if len(line) > COLUMNS] == []


def test_what_is_shown_can_be_copied(name: str, committed: str) -> None:
    shown, _ = groff(committed)
    assert "--format" in shown
    assert not re.search("[\u2010\u2011\u2018\u2019\u2212`]", shown)  # typographic hyphens, quotes and minus signs
    examples = [chunk for chunk in "\n".join(build_man.part(name)["EXAMPLES"]).split("\n\n") if chunk[:4] == "    "]
    assert examples
    for example in examples:
        assert all(line in [row.strip() for row in shown.splitlines()] for line in map(str.strip, example.split("\n")))


def test_every_example_follows_its_sentence(name: str) -> None:
    chunks = "\n".join(build_man.part(name)["EXAMPLES"]).strip("\n").split("\n\n")
    assert all(chunk[:4] != "    " and chunk.endswith(".") for chunk in chunks[::2])
    assert all(chunk[:4] == "    " for chunk in chunks[1::2])
    assert len(chunks) % 2 == 0


@pytest.mark.parametrize(
    "text", [".TH leading dot", "'quote", r"back\slash \n \fB", 'a "b" `c` ~d ^e', "--long -s a-b", "é ✓ 日本", "x\n.y"]
)
def test_escaping_shows_the_text_itself(text: str) -> None:
    shown, warnings = groff(
        "\n".join(['.TH X 1 "" "" ""', ".SH NAME", *build_man.render(["    " + text.replace("\n", "\n    ")])])
    )
    assert warnings == ""
    assert all(line in [row.strip() for row in shown.splitlines()] for line in text.split("\n"))


def test_marks_in_prose() -> None:
    assert build_man.inline("Give --score or `-e`; _FILE_, x_min and a-b.") == (
        r"Give \fB\-\-score\fR or \fB\-e\fR; \fIFILE\fR, x_min and a\-b."
    )


def test_check_names_the_stale_page_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_man, "MAN", tmp_path)
    assert build_man.main([]) == 0
    assert build_man.main(["--check"]) == 0
    (tmp_path / "yolo-detect.1").write_text("old")
    (tmp_path / "gone.1").write_text("of a command that is no more")
    capsys.readouterr()
    assert build_man.main(["--check"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        f"man/{stale}.1 is stale; rebuild it: python tools/build_man.py" for stale in ("gone", "yolo-detect")
    ]
    assert build_man.main([]) == 0
    assert build_man.stale() == []
    assert build_man.main(["--wrong"]) == 2


def test_yolo_detect_lists_the_classes_that_the_model_has() -> None:
    text = " ".join(" ".join(build_man.part("yolo-detect")["CLASSES"]).split())
    assert text.partition(": ")[2].rstrip(".").split(", ") == list(coco_names())
