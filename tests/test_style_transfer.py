"""style-transfer: pictures, previews, logs and states in files; streams, interrupts and errors in words."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from dltools.commands._boundary import run as run_group
from dltools.commands.style_transfer import cli
from dltools.models.style import memory
from tests.conftest import PHOTO, ROOT, Run, command, on_a_terminal

FAST = ("--size", "48", "--pyramid", "1", "--iterations", "2", "--threads", "1")


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def _outer(words: tuple[str, ...]) -> None:
    raise SystemExit(run_group(cli, list(words)))


def paint(*words: object, given: bytes = b"") -> Any:
    """Run the command in this process, which has TensorFlow already."""
    return CliRunner().invoke(_outer, [str(word) for word in words], input=given)


def record_of(done: Any) -> dict[str, Any]:
    """Return the one record of a run that ended well and said nothing else."""
    assert (done.exit_code, done.stderr) == (0, ""), done.stderr
    (line,) = done.stdout_bytes.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def pixels_of(source: Path | bytes) -> Any:
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
        return np.asarray(image)


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """Return a picture of slanted coloured bands."""
    down, across = np.mgrid[0:60, 0:72]
    waves = np.sin((down[..., None] * (1, 2, -1) + across[..., None] * (2, -1, 1)) / 4.0)
    path = tmp_path / "style.png"
    Image.fromarray(np.asarray(127 + 120 * waves, np.uint8)).save(path)
    return path


def test_a_picture_and_a_record_come_out(style: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    record = record_of(paint(PHOTO, style, "-o", out, *FAST))
    assert record["path"] == str(PHOTO) and record["styles"] == [str(style)] and record["output"] == str(out)
    assert (record["width"], record["height"]) == (48, 32) and pixels_of(out).shape == (32, 48, 3)
    assert (record["backbone"], record["iterations"], record["ended"]) == ("squeezenet", 2, "iterations")
    parts = [record[f"{name}_cost"] for name in ("content", "style", "tv")]
    assert record["cost"] == pytest.approx(sum(parts), abs=1e-4) and min(parts) > 0
    assert isinstance(record["seed"], int)
    kept = paint(PHOTO, style, "-o", out, *FAST)
    assert kept.exit_code == 3 and kept.stderr == f"style-transfer: {out}: exists already (--force overwrites it)\n"
    again = record_of(paint("paint", PHOTO, style, "-o", out, *FAST, "--force", "--seed", record["seed"]))
    assert again == record


def test_the_size_is_the_contents_unless_told(style: Path, tmp_path: Path) -> None:
    content = tmp_path / "content.png"
    with Image.open(PHOTO) as photo:
        photo.resize((51, 37)).save(content)
    record = record_of(paint(content, style, "-o", tmp_path / "o.jpg", "--iterations", "1"))
    assert (record["width"], record["height"]) == (51, 37)
    with Image.open(tmp_path / "o.jpg") as image:
        assert (image.format, image.size) == ("JPEG", (51, 37))


def test_pictures_in_a_pipe(style: Path, tmp_path: Path) -> None:
    arguments = (*FAST, "--seed", "1")
    record_of(paint(PHOTO, style, "-o", tmp_path / "o.png", *arguments))
    done = paint("-", style, "-o", "-", *arguments, given=PHOTO.read_bytes())
    assert done.exit_code == 0 and done.stdout_bytes == (tmp_path / "o.png").read_bytes()
    done = paint(PHOTO, "-", "-o", "-", "--output-format", "webp", *arguments, given=style.read_bytes())
    with Image.open(io.BytesIO(done.stdout_bytes)) as image:
        assert (image.format, image.size) == ("WEBP", (48, 32))


def test_transparent_upright_and_grey(style: Path, tmp_path: Path) -> None:
    turned, clear, grey = (tmp_path / name for name in ("turned.jpg", "clear.png", "grey.png"))
    with Image.open(PHOTO) as photo:
        small = photo.resize((60, 40))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    small.save(turned, exif=exif)
    small.putalpha(Image.linear_gradient("L").resize((60, 40)))
    small.save(clear)
    small.convert("L").save(grey)
    fast = ("--iterations", "1", "--threads", "1")
    record = record_of(paint(turned, style, "-o", tmp_path / "1.png", *fast))
    assert (record["width"], record["height"]) == (40, 60)
    record_of(paint(clear, style, "-o", tmp_path / "2.png", *fast))
    np.testing.assert_array_equal(pixels_of(tmp_path / "2.png")[..., 3], pixels_of(clear)[..., 3])
    record_of(paint(clear, style, "-o", tmp_path / "2.jpg", *fast))
    assert pixels_of(tmp_path / "2.jpg")[0].min() > 230  # the row that is all transparent, on white
    record_of(paint(grey, grey, "-o", tmp_path / "3.png", *fast))
    bands = pixels_of(tmp_path / "3.png")
    assert (bands[..., 0] == bands[..., 1]).all() and (bands[..., 0] == bands[..., 2]).all()


def test_previews_and_the_log(style: Path, tmp_path: Path) -> None:
    previews, log = tmp_path / "previews", tmp_path / "log.ndjson"
    arguments = ("--size", "96", "--pyramid", "2", "--iterations", "3", "--tolerance", "0", "--threads", "1")
    files = ("--preview", previews, "--preview-every", "2", "--loss-log", log)
    record = record_of(paint(PHOTO, style, "-o", tmp_path / "o.png", *arguments, *files))
    assert sorted(path.name for path in previews.iterdir()) == [f"coffee-0000{step}.jpg" for step in (2, 4)]
    assert all(pixels_of(path).shape == (64, 96, 3) for path in previews.iterdir())
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["step"], row["level"], row["iteration"]) for row in rows] == [
        *((1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 3)),
    ]
    assert [(row["width"], row["height"]) for row in rows[:2]] == [(48, 32), (96, 64)]
    assert rows[-1]["cost"] == record["cost"] and rows[-1]["tv"] == record["tv_cost"]
    assert all(row["cost"] == pytest.approx(row["content"] + row["style"] + row["tv"], abs=1e-4) for row in rows)
    taken = paint(PHOTO, style, "-o", tmp_path / "o2.png", *arguments, "--preview", previews)
    assert taken.exit_code == 0  # steps of 25: none of the names that are there


def test_more_steps_from_a_saved_state(style: Path, tmp_path: Path) -> None:
    kept, whole = tmp_path / "state", tmp_path / "whole.png"
    arguments = ("--size", "48", "--pyramid", "1", "--tolerance", "0", "--init", "noise", "--threads", "1")
    record_of(paint(PHOTO, style, "-o", whole, *arguments, "--iterations", "4", "--seed", "3"))
    first = (PHOTO, style, "-o", tmp_path / "half.png", *arguments, "--iterations", "2", "--seed", "3")
    record_of(paint(*first, "--save-state", kept))
    rest = (PHOTO, style, "-o", tmp_path / "rest.png", *arguments, "--iterations", "4")
    record = record_of(paint(*rest, "--resume", kept))
    assert (record["iterations"], record["seed"]) == (4, 3)
    assert (tmp_path / "rest.png").read_bytes() == whole.read_bytes()
    wrong = paint(PHOTO, PHOTO, "-o", tmp_path / "x.png", *arguments, "--resume", kept)
    assert wrong.exit_code == 2 and "of another painting" in wrong.stderr
    kept.write_bytes(kept.read_bytes()[:300])
    wrong = paint(*rest, "--resume", kept, "--force")
    assert (wrong.exit_code, wrong.stderr) == (2, f"style-transfer: {kept}: not a state of style-transfer\n")


def test_masks_and_several_styles(style: Path, tmp_path: Path) -> None:
    mask, content, out = tmp_path / "mask.png", tmp_path / "content.png", tmp_path / "o.png"
    with Image.open(PHOTO) as photo:
        photo.resize((60, 40)).save(content)
    half = np.zeros((40, 60), np.uint8)
    half[:, :30] = 255
    Image.fromarray(half).save(mask)
    fast = ("--iterations", "2", "--threads", "1", "--pyramid", "1")
    record = record_of(
        paint(content, style, PHOTO, "-o", out, *fast, "--style-blend", "3,1", "--mask", mask, "--preserve-colors")
    )
    assert record["styles"] == [str(style), str(PHOTO)]
    changed = (pixels_of(out) != pixels_of(content)).any(axis=2)
    assert changed[:, :28].mean() > 0.5 and not changed[:, 32:].any()


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["missing.jpg", "@", "-o", "o.png"], 3, "missing.jpg: no such file"),
        (["@", "text.png", "-o", "o.png"], 3, "text.png: not an image (unknown format)"),
        (["@", ".", "-o", "o.png"], 3, ".: is a folder, not a file"),
        (["-", "@", "-o", "o.png"], 3, "-: not an image (empty file)"),
        (["-", "-", "-o", "o.png"], 2, "standard input can be one picture only"),
        (["@", "@", "-o", "o.gif"], 2, "o.gif: its name must end in .png, .jpg, .jpeg, .webp, .tif, .tiff"),
        (["@", "@", "-o", "@", "--force"], 3, "@: the result would overwrite the input itself"),
        (["@", "@", "-o", "no/o.png"], 3, "no/o.png: cannot write (no such file or directory)"),
        (["@", "@", "-o", "o.png", "--style-blend", "a,b"], 2, "--style-blend a,b: not numbers"),
        (["@", "@", "-o", "o.png", "--style-blend", "1,2"], 2, "2 shares for 1 styles"),
        (["@", "@", "-o", "o.png", "--size", "20"], 3, "20 x 17 pixels are too few to paint"),
        (["@", "@", "-o", "o.png", "--mask", "tall.png"], 3, "tall.png: a mask of 20 x 90 does not fit"),
        (["@", "@", "-o", "o.png", "--mask", "dark.png"], 3, "dark.png: the mask is black all over"),
        (["@", "@", "-o", "o.png", "--resume", "none"], 2, "none: cannot be read (no such file or directory)"),
        (["@", "@", "-o", "o.png", "--weights", "text.png"], 2, "--weights needs --backbone"),
        (["@", "@", "-o", "o.png", "--weights", "text.png", "--backbone", "vgg16"], 2, "not the weights of"),
        (["@", "@", "-o", "o.png", "--weights", "text.png", "--backbone", "squeezenet"], 2, "not SqueezeNet's"),
        (["@", "@", "-o", "o.png", "--backbone", "vgg19"], 4, "the network is off; get it with"),
        (["@", "@", "-o", "o.png", "--content-weight", "inf"], 2, "the cost is no finite number"),
        (["@", "@"], 2, "missing option '-o' / '--out'"),
        (["@", "-o", "o.png"], 2, "missing argument 'STYLE...'"),
        ([], 2, "missing argument 'CONTENT'"),
    ],
)
def test_what_is_wrong_is_named(
    style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], status: int, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no picture")
    Image.new("L", (20, 90), 255).save("tall.png")
    Image.new("L", (72, 60), 0).save("dark.png")
    before = style.read_bytes()
    done = paint(*(word.replace("@", style.name) for word in words))
    assert done.exit_code == status and done.stdout_bytes == b""
    first, *rest = done.stderr.splitlines()
    assert first.startswith("style-transfer: ") and message.replace("@", style.name) in first
    assert not rest or (len(rest) == 1 and rest[0].startswith("Try 'style-transfer"))
    assert style.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"style.png", "text.png", "tall.png", "dark.png"}


def test_what_does_not_fit_into_memory(style: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "available", lambda: 2_000_000_000)
    done = paint(PHOTO, style, "-o", tmp_path / "o.png", "--size", "9000")
    assert done.exit_code == 3 and not (tmp_path / "o.png").exists()
    assert "9000 x 6000 pixels with squeezenet take about" in done.stderr and "is the largest that fits" in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_saves_what_there_is(style: Path, tmp_path: Path, number: int, status: int) -> None:
    out, previews, log, kept = (tmp_path / name for name in ("o.png", "previews", "log", "state"))
    long = ("--size", "64", "--pyramid", "1", "--iterations", "100000", "--tolerance", "0", "--threads", "1")
    files = ("-o", out, "--preview", previews, "--preview-every", "1000", "--loss-log", log, "--save-state", kept)
    # A loss log grows beside its target: what shows that steps are made is its temporary file.
    process = subprocess.Popen(
        command("style-transfer", PHOTO, style, *long, *files),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    end = time.monotonic() + 90
    try:
        while not any(path.stat().st_size > 0 for path in tmp_path.glob(".log.*")):
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, stderr) == (status, b"")
    record = json.loads(stdout)
    assert record["ended"] == "interrupted" and record["iterations"] > 0 and pixels_of(out).shape == (43, 64, 3)
    assert len(log.read_text().splitlines()) >= record["iterations"] and kept.stat().st_size > 0
    assert not list(tmp_path.glob(".*"))


def test_a_terminal_sees_which_backbone_and_how_far(style: Path, tmp_path: Path) -> None:
    # Enough steps to outlast the bar's patience on an idle machine too.
    arguments = ("--size", "64", "--pyramid", "1", "--iterations", "400", "--tolerance", "0")
    status, screen = on_a_terminal("style-transfer", PHOTO, style, "-o", tmp_path / "o.png", *arguments)
    assert status == 0
    assert "style-transfer: backbone squeezenet (embedded)" in screen and "64 x 43, squeezenet, 400 steps" in screen
    assert "64 x 43, cost " in screen and "%" in screen


def test_a_process_of_its_own_says_nothing_but_the_record(run: Run, style: Path, tmp_path: Path) -> None:
    done = run("style-transfer", PHOTO, style, "-o", tmp_path / "o.png", *FAST, "--format", "tsv")
    assert (done.returncode, done.stderr) == (0, b"")
    header, row = done.stdout.decode().splitlines()
    assert header.split("\t")[:4] == ["path", "output", "width", "height"] and len(row.split("\t")) == 13
