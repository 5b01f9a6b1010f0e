"""The rules of the house: who may import whom, and what a start-up may load."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from dltools.commands import COMMANDS
from tests.conftest import PHOTO, ROOT

PACKAGE = ROOT / "dltools"
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Who may import whom, by the first folder below the package; errors.py stands below all.
ALLOWED = {
    "commands": {"commands", "models", "runtime", "io", "errors"},
    "models": {"models", "runtime", "io", "errors"},
    "runtime": {"runtime", "io", "errors"},
    "io": {"io", "errors"},
    "errors": set(),
}
#: The files that may import TensorFlow; nothing that inference loads imports them at its top.
TENSORFLOW = {"network.py", "training.py", "inception.py", "export.py", "engine.py"}
#: Published architectures in Keras that more than one capability builds on; all of the folder may import TensorFlow.
BACKBONES = PACKAGE / "models" / "backbones"


def _imports(path: Path, *, top_only: bool = False) -> set[str]:
    """Return the dotted names of all modules that ``path`` imports (``from a import b`` gives a and a.b)."""
    tree = ast.parse(path.read_text("utf-8"))
    found: set[str] = set()
    nodes = _top_level(tree) if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that run at import, without those that only type checkers read."""
    return [node for node in tree.body if not isinstance(node, ast.If)]


def _layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_layers(path: Path) -> None:
    layer = _layer(path)
    if layer in ("__init__", "__main__"):
        return
    imported = {name.split(".")[1] for name in _imports(path) if name.startswith("dltools.")}
    assert imported <= ALLOWED[layer] | {"__version__"}, f"{layer} must not import {imported - ALLOWED[layer]}"


def test_version_imports_nothing() -> None:
    assert _imports(PACKAGE / "__init__.py") == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_click_and_rich_stay_in_commands(path: Path) -> None:
    if _layer(path) not in ("commands", "__main__"):
        assert not {name.split(".")[0] for name in _imports(path)} & {"click", "rich"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_network_and_training_import_tensorflow(path: Path) -> None:
    roots = {name.split(".")[0] for name in _imports(path)}
    if path.name not in TENSORFLOW and path.parent != BACKBONES:
        assert not roots & {"tensorflow", "keras"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_models_do_not_import_each_other(path: Path) -> None:
    parts = path.relative_to(PACKAGE).parts
    if parts[0] == "models" and len(parts) > 2:
        others = {name.split(".")[2] for name in _imports(path) if name.startswith("dltools.models.")}
        assert others <= {parts[1], "nn", "backbones"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    """Pillow, soundfile and whatever fetches are imported inside functions."""
    lazy = {
        "PIL",
        "soundfile",
        "requests",
        "pypi_simple",
        "filelock",
        "platformdirs",
        "hashlib",
        "pycocotools",
        "rich",
        "babel",
        "distributed",
    }
    if path.name != "sources.py":  # imported as a whole only once something has to be downloaded
        assert not {name.split(".")[0] for name in _imports(path, top_only=True)} & lazy


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_the_library_neither_prints_nor_asserts_nor_unpickles(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"print", "eval", "exec"}
    assert not {name.split(".")[0] for name in _imports(path)} & {"pickle", "joblib", "dill", "shelve"}


def _loaded(*arguments: str) -> set[str]:
    """Return the top-level modules loaded by the end of a run of ``dltools ARGUMENT...``."""
    program = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: sys.stderr.write(json.dumps(sorted(sys.modules))))\n"
        "from dltools.commands.dltools import main\n"
        f"sys.argv = ['dltools', *{list(arguments)!r}]\n"
        "main()\n"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(process.stderr.splitlines()[-1]))


HEAVY = {"tensorflow", "keras", "numpy", "PIL", "ai_edge_litert", "rich", "requests", "soundfile", "asyncio"}


@pytest.mark.parametrize("flag", ["--help", "--version"])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_and_version_load_nothing_heavy(name: str, flag: str) -> None:
    assert not _loaded(*filter(None, [name]), flag) & HEAVY


def test_inference_loads_no_tensorflow_and_no_rich() -> None:
    loaded = _loaded("yolo-detect", str(PHOTO))
    assert "ai_edge_litert.interpreter" in loaded
    assert not loaded & {"tensorflow", "keras", "rich", "requests", "pypi_simple"}
