"""What ``dltools doctor`` says of an installation, sound or not."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from dltools.runtime.assets import Registry, cached_path
from dltools.runtime.doctor import Check, examine
from tests.conftest import Run


def _checks() -> dict[str, Check]:
    return {check.name: check for check in examine()}


def test_a_sound_installation_lacks_nothing_that_is_required(run: Run) -> None:
    done = run("doctor")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and done.stderr == b""
    assert all(record["ok"] for record in records if record["required"])
    names = [record["name"] for record in records]
    assert len(set(names)) == len(names)
    assert {"numpy", "tensorflow", "yolov3-tiny", "runtime", "cache", "babel", "distributed"} <= set(names)


def _without(monkeypatch: pytest.MonkeyPatch, name: str, version: str | None) -> None:
    known = importlib.metadata.version

    def tampered(package: str) -> str:
        if package != name:
            return known(package)
        if version is None:
            raise importlib.metadata.PackageNotFoundError(package)
        return version

    monkeypatch.setattr(importlib.metadata, "version", tampered)


def test_a_missing_package_comes_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "tensorflow", None)
    assert _checks()["tensorflow"] == ("tensorflow", False, "not installed", "pip install 'tensorflow>=2.20'", True)


def test_an_old_package_is_no_good(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "pillow", "9.0.0")
    check = _checks()["pillow"]
    assert not check.ok and check.required and check.found == "9.0.0, needs >=11.0"


def test_the_package_of_an_extra_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    _without(monkeypatch, "distributed", None)
    check = _checks()["distributed"]
    assert not check.ok and not check.required
    assert check.advice == "for dltools map: pip install 'dltools[dask]'"


def test_a_damaged_model_in_the_cache_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLTOOLS_CACHE", str(tmp_path))
    assert _checks()["other models"].found.startswith("0 of ")
    path = cached_path(Registry.load().file("yolov2.weights"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"not it")
    check = _checks()["other models"]
    assert not check.ok and check.found == "damaged: yolov2" and check.advice == "dltools fetch yolov2"
