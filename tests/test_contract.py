"""The command-line contract, held against every registered command and subcommand.

A command that is added to the table is held to it without a new test.
"""

from __future__ import annotations

import json
import re
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from dltools import __version__
from dltools.commands import COMMANDS, Entry
from dltools.commands._group import DefaultGroup, load
from dltools.io.text import printable
from tests.conftest import PHOTO, ROOT, Run

GROUPS = {name: load(entry) for name, entry in COMMANDS.items()}
GROUPS["dltools"] = load(Entry("dltools.commands.dltools:cli", ""))
SUBCOMMANDS = [(name, command) for name, group in GROUPS.items() for command in group.commands]


def _options(command: click.Command) -> set[str]:
    return {option for param in command.params if isinstance(param, click.Option) for option in param.opts}


#: Commands over image files: they share every rule of inputs, records and batches.
IMAGE_COMMANDS = [
    name
    for name, group in GROUPS.items()
    if "--files-from" in _options(group.main_command()) and "[IMAGE]" in str(group.main_command().params[0].metavar)
]


def _arguments(name: str) -> list[str]:
    """Return how ``dltools`` is told to run the command ``name``."""
    return [] if name == "dltools" else [name]


def _records(output: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.decode("utf-8").splitlines()]


def test_there_are_image_commands() -> None:
    assert "yolo-detect" in IMAGE_COMMANDS


@pytest.mark.parametrize("name", GROUPS)
def test_version(run: Run, name: str) -> None:
    for flag in ("-V", "--version"):
        done = run(*_arguments(name), flag)
        assert (done.returncode, done.stdout.decode(), done.stderr) == (0, f"{name} (dltools) {__version__}\n", b"")


def test_the_version_stands_in_one_place() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    assert setup["metadata"]["version"] == "attr: dltools.__version__"
    assert not re.search(r"^version", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", GROUPS)
def test_help_names_every_subcommand_and_the_main_options(run: Run, name: str) -> None:
    done = run(*_arguments(name), "--help")
    text = done.stdout.decode()
    assert done.returncode == 0 and done.stderr == b""
    for subcommand in GROUPS[name].commands:
        assert re.search(rf"^  {re.escape(subcommand)}\b", text, re.MULTILINE)
    for option in _options(GROUPS[name].main_command()):
        assert option in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(("name", "subcommand"), SUBCOMMANDS)
def test_every_subcommand_explains_itself(name: str, subcommand: str) -> None:
    command = GROUPS[name].commands[subcommand]
    assert command.help and command.short_help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {subcommand} {param.opts} has no help"


@pytest.mark.parametrize(("name", "subcommand"), SUBCOMMANDS)
def test_every_subcommand_takes_the_general_options(name: str, subcommand: str) -> None:
    assert _options(GROUPS[name].commands[subcommand]) >= {"-q", "--quiet", "-v", "--verbose", "--color", "--debug"}


@pytest.mark.parametrize(("name", "subcommand"), SUBCOMMANDS)
def test_a_choice_of_format_comes_with_its_short_form(name: str, subcommand: str) -> None:
    options = _options(GROUPS[name].commands[subcommand])
    assert ("--format" in options) == ("--json" in options)


@pytest.mark.parametrize("name", GROUPS)
def test_a_command_has_its_section_in_the_readme(name: str) -> None:
    assert f"\n## {name}\n" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_also_a_console_script_and_a_module(name: str) -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    scripts = dict(
        line.split(" = ") for line in setup["options.entry_points"]["console_scripts"].splitlines() if line.strip()
    )
    module = COMMANDS[name].target.split(":")[0]
    assert scripts[name] == f"{module}:main"
    assert module == f"dltools.commands.{name.replace('-', '_')}"


@pytest.mark.parametrize("name", GROUPS)
def test_a_mistyped_option_is_wrong_usage_and_names_what_was_meant(run: Run, name: str) -> None:
    done = run(*_arguments(name), "--formatt", "tsv")
    first = done.stderr.decode().splitlines()[0]
    assert done.returncode == 2 and done.stdout == b""
    assert first.startswith(f"{name}: ") and "--format" in first


def test_a_mistyped_command_names_what_was_meant(run: Run) -> None:
    done = run("yolo-detct", "photo.jpg")
    assert done.returncode == 2
    assert b"yolo-detect" in done.stderr.splitlines()[0]


@pytest.mark.parametrize("name", [name for name in COMMANDS if len(GROUPS[name].commands) > 1])
def test_options_may_stand_before_a_subcommand(run: Run, name: str) -> None:
    """Else ``wordvec --json similarity cat dog`` would look for the neighbours of "similarity", and exit 0."""
    other = next(subcommand for subcommand in GROUPS[name].commands if subcommand != GROUPS[name].default)
    assert run(name, "-q", other, "--help").stdout == run(name, other, "--help").stdout


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_the_main_job_needs_no_subcommand(run: Run, name: str) -> None:
    main = GROUPS[name].default
    short, long = run(name, PHOTO), run(name, main, PHOTO)
    assert short.returncode == 0 and short.stderr == b""
    assert short.stdout == long.stdout != b""
    assert run(name, "--json", PHOTO).stdout == short.stdout


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_records_keep_order_and_a_bad_input_stops_nothing(run: Run, name: str, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.jpg").write_bytes(PHOTO.read_bytes()[:20_000])
    (tmp_path / "folder.jpg").mkdir()
    names = ["text.jpg", "empty.png", "cut.jpg", "folder.jpg", "missing.jpg", "new\nline.jpg", "[red]x[/red].jpg"]
    done = run(name, *names, PHOTO, cwd=tmp_path)
    records = _records(done.stdout)
    assert done.returncode == 3
    assert [record["path"] for record in records] == [*names, str(PHOTO)]
    messages = {
        "text.jpg": "not an image (unknown format)",
        "empty.png": "not an image (empty file)",
        "cut.jpg": "not an image (truncated JPEG)",
        "folder.jpg": "is a folder, not a file",
        "missing.jpg": "no such file",
        "new\nline.jpg": "no such file",
        "[red]x[/red].jpg": "no such file",
    }
    for record in records[:-1]:
        assert record["error"]["message"] == messages[record["path"]]  # type: ignore[index]
        assert record["error"]["code"]  # type: ignore[index]
    assert "error" not in records[-1]
    lines = done.stderr.decode().splitlines()
    assert lines[:-1] == [f"{name}: {printable(path)}: {text}" for path, text in messages.items()]
    assert lines[-1] == f"{name}: 1 ok, 7 failed"


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_a_path_that_is_not_utf8(run: Run, name: str, tmp_path: Path) -> None:
    raw = bytes(tmp_path) + b"/caf\xe9.jpg"
    Path(raw.decode("utf-8", "surrogateescape")).write_bytes(PHOTO.read_bytes())
    done = run(name, raw.decode("utf-8", "surrogateescape"))
    (record,) = _records(done.stdout)
    assert done.returncode == 0 and "path_b64" in record
    again = run(name, input=done.stdout)
    assert _records(again.stdout) == [record]


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_fail_fast_stops_at_the_first_failure(run: Run, name: str) -> None:
    done = run(name, "--fail-fast", "missing.jpg", PHOTO)
    assert done.returncode == 3 and len(_records(done.stdout)) == 1


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_quiet_keeps_errors_and_drops_the_summary(run: Run, name: str) -> None:
    done = run(name, "-q", PHOTO, "missing.jpg")
    assert done.stderr.decode() == f"{name}: missing.jpg: no such file\n"


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_lists_of_paths(run: Run, name: str, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{PHOTO}\n\n{PHOTO}\n")
    expected = run(name, PHOTO, PHOTO).stdout
    assert run(name, "--files-from", listed).stdout == expected
    assert run(name, "--files-from", "-", input=listed.read_bytes()).stdout == expected
    assert run(name, input=listed.read_bytes()).stdout == expected
    assert run(name, "-0", input=f"{PHOTO}\0{PHOTO}\0".encode()).stdout == expected
    assert run(name, input=b"").stdout == b""


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_records_pass_through(run: Run, name: str) -> None:
    failed = {"path": "x.jpg", "error": {"code": "no", "message": "earlier"}, "mine": 1}
    lines = [{"mine": {"deep": [1, None]}, "path": str(PHOTO)}, failed]
    done = run(name, input="\n".join(map(json.dumps, lines)).encode())
    first, second = _records(done.stdout)
    assert done.returncode == 0
    assert first["mine"] == {"deep": [1, None]} and "width" in first
    assert second == failed and list(second) == list(failed)


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_images_on_standard_input_are_frames(run: Run, name: str) -> None:
    photo = PHOTO.read_bytes()
    done = run(name, "-", input=photo + photo + photo[:9000])
    records = _records(done.stdout)
    assert done.returncode == 3
    assert [(record["path"], record["frame"]) for record in records] == [("-", 0), ("-", 1), ("-", 2)]
    assert records[0].get("items") == records[1].get("items")
    assert records[2]["error"]["message"] == "not an image (truncated JPEG)"  # type: ignore[index]


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_an_image_where_a_list_belongs_is_wrong_usage(run: Run, name: str) -> None:
    done = run(name, input=PHOTO.read_bytes())
    assert done.returncode == 2 and b"give '-'" in done.stderr and done.stdout == b""


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_tsv_has_a_header_and_escapes(run: Run, name: str, tmp_path: Path) -> None:
    odd = tmp_path / "a\tb\\c\nd.jpg"
    odd.write_bytes(PHOTO.read_bytes())
    done = run(name, "--format", "tsv", odd, "missing.jpg")
    header, *rows = done.stdout.decode().splitlines()
    assert header.split("\t")[0] == "path" and header.split("\t")[-1] == "error"
    assert all(len(row.split("\t")) == len(header.split("\t")) for row in rows)
    assert rows[0].split("\t")[0].endswith("a\\tb\\\\c\\nd.jpg")
    assert rows[-1].split("\t")[-1] == "no such file"


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_human_output_has_colour_only_when_asked(run: Run, name: str) -> None:
    assert b"\x1b[" not in run(name, "--format", "human", PHOTO).stdout
    assert b"\x1b[" in run(name, "--format", "human", "--color", "always", PHOTO).stdout


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_names_cannot_reach_the_terminal_as_escapes(run: Run, name: str, tmp_path: Path) -> None:
    evil = tmp_path / "\x1b[31mred\x07.jpg"
    evil.write_bytes(PHOTO.read_bytes())
    done = run(name, "--format", "human", evil, "\x1b]0;title\x07.jpg")
    assert b"\x1b" not in done.stdout + done.stderr and b"\x07" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", IMAGE_COMMANDS)
def test_damaged_metadata_is_no_news(run: Run, name: str, tmp_path: Path) -> None:
    """Pillow warns of a broken EXIF block on standard error; our users must not hear of it."""
    photo = PHOTO.read_bytes()
    segment = b"Exif\0\0MM\0*\0\0\0\x08\0\x05\x01\x12"
    path = tmp_path / "exif.jpg"
    path.write_bytes(photo[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + photo[2:])
    done = run(name, path)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_internal_error_is_70_and_stays_with_its_input() -> None:
    from click.testing import CliRunner

    from dltools.commands import _options as options
    from dltools.commands._batch import View, image_batch
    from dltools.commands._boundary import run as run_group

    group = DefaultGroup("probe", default="work")

    @group.command("work", help="Fail.", short_help="Fail.")
    @options.file_inputs("IMAGE")
    @options.format_options
    @options.batch_options
    @options.general_options
    @image_batch(View(("path",), lambda record, paint: ""))
    def work(context: object) -> object:
        def one(item: object) -> object:
            if "bad" in str(item.path):  # type: ignore[attr-defined]
                raise ZeroDivisionError("a slip of ours")
            return item.record()  # type: ignore[attr-defined]

        return one

    @click.command()
    @click.argument("words", nargs=-1)
    def outer(words: tuple[str, ...]) -> None:
        raise SystemExit(run_group(group, list(words)))

    result = CliRunner().invoke(outer, ["good.jpg", "bad.jpg", "fine.jpg"])
    assert result.exit_code == 70
    assert [record["path"] for record in _records(result.stdout_bytes)] == ["good.jpg", "bad.jpg", "fine.jpg"]
    assert _records(result.stdout_bytes)[1]["error"]["code"] == "internal"  # type: ignore[index]
    assert "internal error: ZeroDivisionError: a slip of ours" in result.stderr and "Traceback" not in result.stderr
