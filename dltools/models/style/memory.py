"""How much memory a painting takes, and how much there is."""

from __future__ import annotations

import os
from pathlib import Path

from dltools.errors import InputError
from dltools.models.style.config import BACKBONES, BackboneName
from dltools.models.style.pictures import Size, scaled

_MEBIBYTE = 1 << 20
_SHARE = 0.9  # of what is free may be taken: the estimate is one, and the system lives too
_MEMINFO = Path("/proc/meminfo")
_CGROUPS = (  # the limit of a container, and what of it is in use: cgroup v2, then v1
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def needed(backbone: BackboneName, pixels: int, pairs: int) -> int:
    """Return how many bytes the process takes at most to paint so many pixels.

    ``pairs``: how many float32 pictures the optimizer keeps. Measured (:data:`BACKBONES`).
    """
    facts = BACKBONES[backbone]
    return facts.base * _MEBIBYTE + pixels * (facts.pixel + 12 * pairs)


def available() -> int | None:
    """Return how many bytes this process may take, by the system and its container, or None where nobody tells."""
    found = [free for limit, used in _CGROUPS if (free := _within(limit, used)) is not None]
    try:
        lines = _MEMINFO.read_text("ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError, IndexError):
        pass
    if not found:
        try:  # not Linux: what is built in, of which half may well be free
            found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2]
        except (OSError, ValueError, AttributeError):
            return None
    return min(found)


def _within(limit: Path, used: Path) -> int | None:
    try:
        return max(0, int(limit.read_text("ascii")) - int(used.read_text("ascii")))
    except (OSError, ValueError):  # no such group, or "max"
        return None


def demand(backbone: BackboneName, size: Size, pairs: int, style_scale: float) -> None:
    """Raise :class:`InputError`, with the largest side that fits, where a painting of ``size`` would not fit.

    ``style_scale``: a style is looked at in so many times the result's area, squared, which takes a third of a step.
    """
    free = available()
    factor = max(1.0, style_scale**2 / 3)
    wanted = needed(backbone, round(size.pixels * factor), pairs)
    if free is None or wanted <= free * _SHARE:
        return
    side = max(size)
    step = max(1, side // 512)
    while (
        side > step and needed(backbone, round(size.pixels * (side / max(size)) ** 2 * factor), pairs) > free * _SHARE
    ):
        side -= step
    try:
        scaled(size, side)
        advice = f"--size {side} is the largest that fits"
    except InputError:
        advice = "no size fits"
    raise InputError(
        f"{size.columns} x {size.rows} pixels with {backbone} take about {wanted / 1e9:.1f} GB of memory, "
        f"and {free / 1e9:.1f} GB are free: {advice}",
        code="too_large",
    )
