"""Examine an installation: packages, runtime, embedded models, cache."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from dltools.errors import DltoolsError
from dltools.runtime.assets import Registry, cache_dir, embedded_path, verify
from dltools.runtime.modelfile import load_predictor

if TYPE_CHECKING:
    from packaging.requirements import Requirement

#: What each extra of setup.cfg is for; the extra for developers is left out.
_EXTRAS = {"dask": "dltools map", "evaluate": "yolo-detect evaluate", "train": "date-translate train"}
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
    yield from _packages()
    registry = Registry.load()
    for name in registry.names():
        model = registry.model(name)
        if model.embedded is not None:
            state = verify(model)
            yield Check(name, state == "embedded", state, "" if state == "embedded" else "install dltools again")
    yield _fetched(registry)
    yield _runtime(registry)
    yield _cache()


def _packages() -> Iterator[Check]:
    """Yield a check for each package that dltools itself says it needs, those of its extras last."""
    from packaging.requirements import Requirement

    try:
        needed = [Requirement(line) for line in importlib.metadata.requires("dltools") or ()]
    except importlib.metadata.PackageNotFoundError:
        yield Check("packages", False, "dltools is run from a folder, not installed", "pip install .", required=False)
        return
    for requirement in needed:
        if requirement.marker is None:
            yield _package(requirement, f"pip install '{requirement}'")
    for extra, purpose in _EXTRAS.items():
        for requirement in needed:
            if requirement.marker is not None and requirement.marker.evaluate({"extra": extra}):
                yield _package(requirement, f"for {purpose}: pip install 'dltools[{extra}]'", required=False)


def _package(requirement: Requirement, advice: str, *, required: bool = True) -> Check:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return Check(requirement.name, False, "not installed", advice, required)
    if not requirement.specifier.contains(version, prereleases=True):
        return Check(requirement.name, False, f"{version}, needs {requirement.specifier}", advice, required)
    return Check(requirement.name, True, version, required=required)


def _fetched(registry: Registry) -> Check:
    """Check what lies in the cache; a model that is not there is no fault, but said."""
    states = {model.name: verify(model) for model in registry.models.values() if model.embedded is None}
    damaged = [name for name, state in states.items() if state == "corrupt"]
    found = f"{sum(state == 'cached' for state in states.values())} of {len(states)} are here"
    if damaged:
        return Check("other models", False, f"damaged: {', '.join(damaged)}", f"dltools fetch {' '.join(damaged)}")
    return Check("other models", True, found, "'dltools list' shows them, 'dltools fetch MODEL' fetches one", False)


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
