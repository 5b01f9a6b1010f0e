"""Every example of README.md and of the man pages, run as it stands there."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from dltools.commands import COMMANDS
from tests.conftest import ROOT
from tests.example_files import lay_out
from tests.test_man import build_man

README = (ROOT / "README.md").read_text("utf-8")
PROGRAMS = {*COMMANDS, "dltools"}
#: Programs of others that examples use; an example is left out where one is missing.
OTHERS = ("ffmpeg", "jq", "parallel", "sox")
#: What is not run here, by how it begins, and why.
ELSEWHERE = {
    "python3 -m venv": "the set-up, which CI runs",
    "dltools fetch": "needs the network",
    "dask ": "servers; test_map.py has a cluster",
    "dltools map --scheduler": "needs those servers",
    "inotifywait": "watches for ever; test_pipelines.py has it",
    "iso = sc.": "Spark's Python",
    "yolo-detect -e -q -c person door.jpg": "says no: the photograph that we have shows a cup",
    "face-verify train": "takes minutes; test_face_verify.py trains small ones",
    "dino-names train": "takes minutes; test_names.py trains small ones",
    "trigger-detect train": "takes minutes; test_trigger_detect.py trains small ones",
    "sox -d": "needs a microphone",
}


def blocks(text: str) -> list[str]:
    """Return the indented blocks of a text, without their indent."""
    found = re.findall(r"(?:^(?:    .*|)\n)+", f"{text}\n", re.MULTILINE)
    return [textwrap.dedent(block).strip("\n") for block in found if block.strip()]


def sections(text: str) -> list[tuple[str, str]]:
    """Return README.md's second-level headings, each with what stands under it; first what stands above them."""
    first, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    return [("", first), *((part.partition("\n")[0], part.partition("\n")[2]) for part in rest)]


def statements(block: str) -> list[str]:
    """Return the statements of a shell block: lines, joined where one goes on in the next."""
    joined: list[str] = []
    for line in block.splitlines():
        if joined and (joined[-1].rstrip().endswith(("|", "&&", "\\")) or line.startswith(" ")):
            joined[-1] += f"\n{line}"
        else:
            joined.append(line)
    return joined


def left_out(statement: str) -> bool:
    """Whether a statement runs elsewhere, or needs a program that is not here."""
    words = set(re.findall(r"[\w-]+", statement))
    return statement.startswith(tuple(ELSEWHERE)) or any(
        program in words and shutil.which(program) is None for program in OTHERS
    )


def install(programs: Path) -> dict[str, str]:
    """Make every command a program in the new folder ``programs``; return the environment that finds them."""
    programs.mkdir()
    for name in PROGRAMS:
        module = f"dltools.commands.{name.replace('-', '_')}"
        guard = 'if __name__ == "__main__":'  # as pip writes it: workers import the script again
        (programs / name).write_text(f"#!{sys.executable}\nfrom {module} import main\n\n{guard}\n    main()\n")
        (programs / name).chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def shell(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Return a function that runs bash where every command is a program, in the folder of the examples."""
    environment = install(tmp_path / "bin")
    folder = tmp_path / "work"
    folder.mkdir()

    def run(script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=180,
            check=False,
        )

    run.folder = folder  # type: ignore[attr-defined]
    return run


def alike(shown: str, written: str) -> bool:
    """Whether a line is the one shown, numbers to a twentieth: their last digits are the machine's."""
    pattern = r"\d+\.\d+(?:e[+-]\d+)?|\d+e[+-]\d+"
    numbers = [list(map(float, re.findall(pattern, line))) for line in (shown, written)]
    texts = [re.sub(pattern, "#", line) for line in (shown, written)]
    return texts[0] == texts[1] and all(
        math.isclose(one, other, rel_tol=0.05, abs_tol=1e-4) for one, other in zip(*numbers, strict=True)
    )


def check_statements(shell, found: list[str]) -> None:  # type: ignore[no-untyped-def]
    for statement in found:
        if left_out(statement):
            continue
        done = shell(f"set -o pipefail\n{statement}")
        assert done.returncode == 0, f"{statement}\n{done.stdout}"
        assert "Traceback" not in done.stdout


def check_transcript(shell, block: str) -> None:  # type: ignore[no-untyped-def]
    """Run the lines behind ``$``; what each writes is what stands under it, in whatever order the streams come."""
    script, shown = ["status=0"], []
    for line in block.splitlines():
        if line.startswith("$ "):
            script += ["printf '\\001\\n'", "(exit $status)", line[2:], "status=$?"]
            shown.append([])
        elif line.startswith("    ") and script[-2].endswith("|"):
            script[-2] += f"\n{line}"
        else:
            shown[-1].append(line)
    written = [part.splitlines() for part in shell("\n".join(script)).stdout.split("\x01\n")[1:]]
    assert len(written) == len(shown)
    for expected, lines in zip(shown, written, strict=True):
        if expected:  # a line with nothing under it is shown for itself
            pairs = zip(sorted(expected), sorted(lines), strict=False)
            assert len(expected) == len(lines) and all(alike(*pair) for pair in pairs), "\n".join(lines)


SECTIONS = [(title, text) for title, text in sections(README) if blocks(text) and title != "From Python"]


@pytest.mark.parametrize(("title", "text"), SECTIONS, ids=[title or "top" for title, _ in SECTIONS])
def test_readme(shell, title: str, text: str) -> None:  # type: ignore[no-untyped-def]
    lay_out(shell.folder, title)
    for block in blocks(text):
        if block.startswith("$ "):
            check_transcript(shell, block)
        else:
            check_statements(shell, statements(block))


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_man_page(shell, name: str) -> None:  # type: ignore[no-untyped-def]
    lay_out(shell.folder, name)
    part = build_man.part(name)
    order = sorted(part, key=lambda heading: heading != "EXAMPLES")  # the others may use what these make
    found = [block for heading in order for block in blocks("\n".join(part[heading]))]
    commands = [block for block in found if not block.startswith("{")]
    assert commands
    check_statements(shell, [statement for block in commands for statement in statements(block)])


def test_readme_python(tmp_path: Path) -> None:
    """The blocks of Python, one after the other; the last learns from what we give it."""
    lay_out(tmp_path, "")
    (text,) = (text for title, text in sections(README) if title == "From Python")
    given = "import numpy as np\ninputs = np.eye(2)\ntargets = np.array([[1.0], [0.0]])\n"
    program = given + "\n".join(blocks(text)) + "\nassert np.allclose(probabilities, targets, atol=0.1)\n"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "2009-06-25" in done.stdout and "cup" in done.stdout
