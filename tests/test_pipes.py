"""Pipes, signals and terminals, with real processes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PHOTO, ROOT, Run, command, on_a_terminal


def _shell(script: str, **variables: object) -> subprocess.CompletedProcess[bytes]:
    """Run a bash script in which ``$DLTOOLS`` is the command, with pipe failures reported."""
    environment = {**os.environ, **{key: str(value) for key, value in variables.items()}}
    environment["DLTOOLS"] = " ".join(command())
    return subprocess.run(["bash", "-c", script], capture_output=True, timeout=120, env=environment, cwd=ROOT)


def test_head_ends_the_run_at_once_and_without_a_word(tmp_path: Path) -> None:
    paths = "\n".join([str(PHOTO)] * 400)
    (tmp_path / "list").write_text(paths)
    script = '$DLTOOLS yolo-detect --files-from "$LIST" | head -n 1; echo "${PIPESTATUS[0]}"'
    started = time.monotonic()
    done = _shell(script, LIST=tmp_path / "list")
    record, status = done.stdout.decode().splitlines()
    assert json.loads(record)["width"] == 600
    assert status == "141" and done.stderr == b""
    assert time.monotonic() - started < 15  # 400 photos take longer than that by far under load: it did stop


def test_help_into_a_closed_pipe_is_quiet() -> None:
    done = _shell("$DLTOOLS yolo-detect --help | true; echo ${PIPESTATUS[0]}")
    assert done.stdout.decode().strip() in ("0", "141") and done.stderr == b""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    done = _shell('$DLTOOLS yolo-detect "$PHOTO" >/dev/full', PHOTO=PHOTO)
    assert done.returncode == 3
    assert done.stderr.decode() == "yolo-detect: standard output: cannot write (no space left on device)\n"


def test_a_closed_standard_output_is_one_line() -> None:
    done = _shell('$DLTOOLS yolo-detect "$PHOTO" >&-', PHOTO=PHOTO)
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1


def test_a_closed_standard_error_disturbs_nothing() -> None:
    done = _shell('$DLTOOLS yolo-detect "$PHOTO" missing.jpg 2>&-', PHOTO=PHOTO)
    assert done.returncode == 3 and len(done.stdout.splitlines()) == 2


def test_a_closed_standard_input_is_an_empty_list() -> None:
    done = _shell("$DLTOOLS yolo-detect <&-")
    assert (done.returncode, done.stdout) in ((0, b""), (2, b""))


def test_process_substitution_is_a_file_like_any_other() -> None:
    done = _shell('$DLTOOLS yolo-detect <(cat "$PHOTO") | grep -c cup', PHOTO=PHOTO)
    assert done.stdout == b"1\n"


def test_a_second_command_reads_the_first_one_s_records() -> None:
    done = _shell('$DLTOOLS yolo-detect --each "$PHOTO" | $DLTOOLS yolo-detect', PHOTO=PHOTO)
    (record,) = map(json.loads, done.stdout.splitlines())
    assert record["label"] == "cup" and record["width"] == 600  # what the first said stays, the picture's size too
    x_min, y_min, x_max, y_max = record["bbox"]
    for item in record["items"]:  # found in the cut, told in the whole picture
        left, top, right, bottom = item["bbox"]
        assert int(x_min) <= left < right <= x_max + 1 and int(y_min) <= top < bottom <= y_max + 1


def test_frames_are_answered_as_they_come() -> None:
    process = subprocess.Popen(command("yolo-detect", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    try:
        for frame in range(3):
            process.stdin.write(PHOTO.read_bytes())  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            ready, _, _ = select.select([process.stdout], [], [], 30)
            assert ready, "no answer while the stream is open"
            assert json.loads(process.stdout.readline())["frame"] == frame  # type: ignore[union-attr]
    finally:
        process.stdin.close()  # type: ignore[union-attr]
        process.stdout.close()  # type: ignore[union-attr]
        assert process.wait(30) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_and_leaves_no_partial_file(tmp_path: Path, number: int, status: int) -> None:
    process = subprocess.Popen(
        command("yolo-detect", "-", "--annotate", tmp_path / "out"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    process.stdin.write(PHOTO.read_bytes() * 3)  # type: ignore[union-attr]
    process.stdin.flush()  # type: ignore[union-attr]
    process.stdout.readline()  # type: ignore[union-attr]
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert (process.returncode, told) == (status, b"")
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written and all(name.startswith("frame-") and name.endswith(".jpg") for name in written)
    for name in written:
        assert (tmp_path / "out" / name).read_bytes().endswith(b"\xff\xd9")


def test_a_terminal_gets_text_with_colour() -> None:
    status, screen = on_a_terminal("yolo-detect", PHOTO)
    assert status == 0 and "cup" in screen and "{" not in screen and "\x1b[" in screen


def test_json_on_a_terminal_is_json() -> None:
    _, screen = on_a_terminal("yolo-detect", "--json", PHOTO)
    assert screen.startswith('{"path"')


def test_no_color_is_respected() -> None:
    _, screen = on_a_terminal("yolo-detect", PHOTO, environment={"NO_COLOR": "1"})
    assert "cup" in screen and "\x1b[" not in screen


def test_no_operand_on_a_terminal_is_a_short_help() -> None:
    status, screen = on_a_terminal("yolo-detect")
    assert status == 2 and "Usage: " in screen and "--help" in screen and len(screen.splitlines()) < 8


def test_the_whole_run_stays_small() -> None:
    """200 MiB is the promise for one photo; importing TensorFlow alone would break it."""
    program = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    arguments = [sys.executable, "-c", program, *command("yolo-detect", PHOTO)]
    done = subprocess.run(arguments, capture_output=True, check=True, cwd=ROOT)
    assert int(done.stdout) < 200 * 1024  # KiB on Linux


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("yolo-detect --sc", "--score"),
        ("yolo-detect --model yolov4", "yolov4-tiny"),
        ("yolo-detect eva", "evaluate"),
        ("dltools ver", "verify"),
        ("dltools yolo-d", "yolo-detect"),
    ],
)
def test_completion(words: str, expected: str) -> None:
    name, *_ = words.split()
    variable = f"_{name}_COMPLETE".replace("-", "_").upper()
    module = "dltools" if name == "dltools" else name.replace("-", "_")
    program = f"import sys; sys.argv[0] = {name!r}; from dltools.commands.{module} import main; main()"
    environment = {
        **os.environ,
        variable: "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environment, cwd=ROOT)
    assert f"plain,{expected}" in done.stdout.decode().splitlines(), done


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    done = run("--version", env={**os.environ, "_DLTOOLS_COMPLETE": f"{shell}_source"})
    assert done.returncode == 0 and b"_DLTOOLS_COMPLETE" in done.stdout
