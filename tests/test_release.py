"""The release: an sdist with everything, a wheel made of that sdist, and the wheel at work far from the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from dltools import __version__
from dltools.commands import COMMANDS
from tests.conftest import ROOT

#: What a working copy has beside what belongs to the project.
NOT_OURS = (
    ".git",
    ".venv",
    "venv",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
    ".gitignore",
)
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, 'build_' + sys.argv[1])(sys.argv[2]))"


def _build(kind: str, tree: Path, folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-c", BUILD, kind, str(folder)], cwd=tree, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project alone."""
    copy = tmp_path_factory.mktemp("release") / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*NOT_OURS))
    return copy


@pytest.fixture(scope="module")
def sdist(tree: Path) -> Path:
    return _build("sdist", tree, tree.parent)


@pytest.fixture(scope="module")
def wheel(sdist: Path) -> Path:
    """Return the wheel that the sdist, unpacked elsewhere, builds."""
    unpacked = sdist.parent / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(unpacked, filter="data")
    return _build("wheel", unpacked / f"dltools-{__version__}", sdist.parent)


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    """Return a folder into which pip has put the wheel; its dependencies are those of this interpreter."""
    target = wheel.parent / "installed"
    line = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
        str(wheel),
    ]
    subprocess.run(line, check=True, capture_output=True, timeout=120)
    return target


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_sdist_has_every_file(tree: Path, sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        packed = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    assert {name for name in _files(tree) if ".egg-info/" not in name} - packed == set()


def test_the_wheel_has_the_package_its_assets_pages_and_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    prefix = f"dltools-{__version__}"
    wanted = {f"dltools/{name}" for name in _files(ROOT / "dltools") if not name.endswith(".pyc")}
    wanted |= {f"{prefix}.data/data/share/man/man1/{page.name}" for page in (ROOT / "man").glob("*.1")}
    wanted |= {f"{prefix}.dist-info/licenses/{name}" for name in ("LICENSE", "NOTICE")}
    assert wanted - packed == set()
    assert {name.split("/")[0] for name in packed} == {"dltools", f"{prefix}.dist-info", f"{prefix}.data"}


@pytest.mark.parametrize("words", ["doctor", "demo", "verify"])
def test_the_installed_wheel_works_outside_the_clone(installed: Path, tmp_path: Path, words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PATH": f"{installed / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [installed / "bin" / "dltools", *words.split()], cwd=tmp_path, env=environment, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    where = "import dltools; print(dltools.__file__)"
    ours = subprocess.run([sys.executable, "-c", where], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert Path(ours.stdout.strip()).is_relative_to(installed)


def test_the_wheel_has_every_console_script(installed: Path) -> None:
    assert {path.name for path in (installed / "bin").iterdir()} == {"dltools", *COMMANDS}
