"""CONTRIBUTING.md's least example of a command, a model and an asset, added to a copy of the project and tested."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PHOTO, ROOT
from tests.test_examples import blocks
from tests.test_release import NOT_OURS

#: Behind which line of a file its lines go, by the file; a file that is not here is a new one.
BEHIND = {
    "dltools/commands/__init__.py": "COMMANDS = {",
    "setup.cfg": "console_scripts =",
    "dltools/runtime/assets.json": '  "models": {',
    "tools/build_assets.py": 'ASSETS = Path(__file__).parent.parent / "dltools" / "assets"',
}
#: The last block has no file in its sentence: it goes into the one before.
BUILDERS = "BUILDERS: dict[str, Callable[[Registry], bytes]] = {"


def _example() -> list[tuple[str, str]]:
    """Return the example's blocks, each with the sentence before it."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    text = text.partition("### The least that it takes\n")[2].partition("\n## ")[0]
    sentences = re.findall(r"^([A-Z].*):$", text, re.MULTILINE)
    found = blocks(text)
    assert len(sentences) == len(found) == 9
    return list(zip(sentences, found, strict=True))


def _insert(path: Path, anchor: str, lines: str) -> None:
    text = path.read_text("utf-8")
    indent = next(len(line) - len(line.lstrip()) for line in text.partition(f"{anchor}\n")[2].splitlines() if line)
    moved = "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines.splitlines())
    assert text.count(f"{anchor}\n") == 1
    path.write_text(text.replace(f"{anchor}\n", f"{anchor}\n{moved}"), "utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with the example in it, its asset and its page built."""
    copy = tmp_path_factory.mktemp("contributing") / "project"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_OURS))
    name = ""
    for sentence, block in _example():
        named = re.search("`(.+)`", sentence)
        name = named[1] if named else name
        if name in BEHIND:
            _insert(copy / name, BEHIND[name] if named else BUILDERS, block)
        elif name == "README.md":
            (copy / name).write_text(f"{(ROOT / name).read_text('utf-8')}\n{block}\n", "utf-8")
        else:
            path = copy / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{block}\n", "utf-8")
    (copy / "dltools" / "models" / "light" / "__init__.py").write_text('"""How light a photograph is."""\n')
    (copy / "dltools" / "models" / "light" / "CARD.md").write_text("# Levels of light\n")
    _python(copy, "tools/build_assets.py", "photo-light-levels")
    _python(copy, "tools/build_man.py")
    return copy


def _python(project: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_says_how_light_a_photograph_is(project: Path) -> None:
    assert '"label": "even"' in _python(project, "-m", "dltools", "photo-light", str(PHOTO))
    assert "photo-light" in _python(project, "-m", "dltools", "list", "photo-light-levels")


def test_it_keeps_the_contract_and_the_rules(project: Path) -> None:
    tests = ["contract", "man", "imports", "assets", "examples"]
    chosen = "photo-light or light/infer or light/__init__ or photo_light or current or well_formed"
    options = ["-m", "pytest", "-p", "no:cacheprovider", "-k", chosen, *(f"tests/test_{name}.py" for name in tests)]
    done = _python(project, *options)
    passed = re.search(r"(\d+) passed", done)
    assert passed and int(passed[1]) > 40, done
    _python(project, "-m", "ruff", "check", "dltools", "tools")
    _python(project, "-m", "ruff", "format", "--check", "dltools")
    _python(project, "-m", "mypy", "dltools/models/light/infer.py", "dltools/commands/photo_light.py")
