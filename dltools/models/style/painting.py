"""A painting at work: from size to size, step by step, to be looked at, stopped and gone on with at any time."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from dltools.errors import UsageError
from dltools.io.images import Pixels
from dltools.models.style import pictures
from dltools.models.style.config import LEAST_SIDE, WINDOW, Settings, Weights
from dltools.models.style.optimizers import Adam, Lbfgs, Optimizer, State, start
from dltools.models.style.pictures import Floats, Size
from dltools.models.style.state import Saved

if TYPE_CHECKING:
    from dltools.models.style.engine import Cost, Costs, Objective, Region

Ended = Literal["iterations", "converged"]

OPTIMIZERS: dict[str, Optimizer] = {"adam": Adam(), "lbfgs": Lbfgs()}


class Progress(NamedTuple):
    """A step that was made.

    ``level`` of ``levels`` sizes, from 1; ``size``: of the picture at that level; ``step`` of ``steps`` at most at that
    level; ``total``: steps of all levels so far; ``costs``: of the picture now; ``share``: of all the work that is
    done, 0 to 1, if no level ends early; ``seconds``: since this run began.
    """

    level: int
    levels: int
    size: Size
    step: int
    steps: int
    total: int
    costs: Costs
    share: float
    seconds: float


class Subject(NamedTuple):
    """What is painted, and how: pixels (rows, columns, 3) of the content, the styles and masks.

    No mask: all is painted. One: only where it is white. As many as styles: each style where its mask is white.
    """

    content: Pixels
    styles: Sequence[Pixels]
    masks: Sequence[Pixels] = ()


class _Standing(NamedTuple):
    """All that changes while a painting is made, in one piece, so that an interrupt finds it whole."""

    level: int
    total: int
    state: State
    recent: tuple[float, ...]


class Painting:
    """A picture that becomes a painting: :meth:`run` works on it, :meth:`pixels` shows it, :meth:`saved` keeps it.

    ``size``: of the result. ``levels``: the sizes that it is painted at. ``costs``: of the picture now, None before
    :meth:`run`. ``ended``: why the last size is done, None if it is not.
    """

    def __init__(
        self, cost: Cost, weights: Weights, subject: Subject, settings: Settings, saved: Saved | None = None
    ) -> None:
        """Prepare, or go on from ``saved``.

        Raise :class:`InputError` or :class:`UsageError` where pictures, masks, settings and state do not go together.
        """
        self.settings = settings
        self.costs: Costs | None = None
        self.ended: Ended | None = None
        self._cost = cost
        self._weights = weights
        self._optimizer = OPTIMIZERS[settings.optimizer]
        self._mark = _mark(weights, subject, settings)
        self._content = pictures.to_floats(subject.content)
        self._styles = [pictures.to_floats(style) for style in subject.styles]
        self._all_grey = all(map(pictures.is_grey, (subject.content, *subject.styles)))
        self.size = result_size(subject.content, settings)
        self.levels = pictures.sizes(self.size, settings.pyramid, LEAST_SIDE)
        self._masks = [pictures.read_mask(mask, self.size) for mask in subject.masks]
        self._shares = _shares(settings.blend, len(subject.styles))
        if len(self._masks) not in (0, 1, len(self._styles)):
            raise UsageError(f"{len(self._masks)} masks for {len(self._styles)} styles: give one, or one for each")
        self._at = self._first() if saved is None else self._restored(saved)

    def run(self, watch: Callable[[Progress], None] | None = None) -> None:
        """Paint until every size is done, calling ``watch`` after each step.

        What ``watch`` raises, or an interrupt, ends the work with a picture and a state that are whole.
        """
        began = time.monotonic()
        while True:
            objective = self._objective(self._at.level)
            state = self._at.state
            self._at = self._at._replace(state=start(state.values, objective, state.memory, state.steps))
            self.costs = objective.last
            for _ in self._steps(objective):
                self.costs = objective.last
                if watch is not None:
                    watch(self._progress(self.costs, time.monotonic() - began))
            if self._at.level + 1 == len(self.levels):
                return
            level = self._at.level + 1
            values = pictures.resize(self._picture(), self.levels[level]).ravel()
            self._at = _Standing(level, self._at.total, _unknown(values), ())

    def pixels(self) -> Pixels:
        """Return the painting as it is now, at the size of the result."""
        painted = pictures.resize(self._picture(), self.size)
        content = pictures.resize(self._content, self.size)
        if self.settings.preserve_colors:
            painted = pictures.with_colours(painted, content)
        elif self._all_grey:
            painted = pictures.luminance(painted)
        return pictures.to_pixels(pictures.blended(self._masks, painted, content))

    def saved(self) -> Saved:
        """Return where the painting stands, for a later run."""
        level, total, state, recent = self._at
        return Saved(self._mark, self.settings.seed, level, state.steps, total, recent, state.values, state.memory)

    @property
    def total(self) -> int:
        """How many steps were made, at all sizes."""
        return self._at.total

    def _steps(self, objective: Objective) -> Iterator[None]:
        """Make steps at one size until there are enough of them, or the cost no longer falls."""
        self.ended = None
        tolerance = self.settings.tolerance
        while self._at.state.steps < self.settings.iterations:
            level, total, state, recent = self._at
            recent = (*recent, state.cost)[-WINDOW - 1 :]
            falls = len(recent) <= WINDOW or recent[-1] <= recent[0] * (1 - tolerance)
            flat = tolerance > 0 and not falls
            after = None if flat else self._optimizer.step(state, objective)
            if after is None:
                self.ended = "converged"
                return
            self._at = _Standing(level, total + 1, after, recent)
            yield
        self.ended = "iterations"

    def _objective(self, level: int) -> Objective:
        from dltools.models.style.engine import Objective, Region

        size = self.levels[level]
        content = pictures.resize(self._content, size)
        styles = [
            pictures.resize(style, pictures.of_area(Size(*style.shape[:2]), size.pixels * self.settings.style_scale**2))
            for style in self._styles
        ]
        if self.settings.preserve_colors or self._all_grey:
            content = pictures.luminance(content)
            styles = [pictures.luminance(style) for style in styles]
        if self.settings.preserve_colors:
            styles = [pictures.matched(style, content) for style in styles]
        masks = [pictures.resize(mask, size) for mask in self._masks]
        return Objective(self._cost, self._weights, content, self._regions(Region, styles, masks))

    def _regions(self, make: type[Region], styles: list[Floats], masks: list[Floats]) -> list[Region]:
        """Return which styles belong where: blended in one region, or each in its own."""
        if len(masks) < len(styles) or len(styles) == 1:
            return [make(list(zip(styles, self._shares, strict=True)), masks[0] if masks else None, 1.0)]
        count = len(styles)
        return [
            make([(style, 1.0)], mask, share * count)
            for style, mask, share in zip(styles, masks, self._shares, strict=True)
        ]

    def _first(self) -> _Standing:
        """Return where a new painting begins."""
        size = self.levels[0]
        if self.settings.init == "noise":
            values = np.random.default_rng(self.settings.seed).random((*size, 3), np.float32)
        elif self.settings.init == "style":
            values = pictures.cover(self._styles[0], size)
        else:
            values = pictures.resize(self._content, size)
        if self.settings.preserve_colors or self._all_grey:
            values = pictures.luminance(values)
        return _Standing(0, 0, _unknown(values.ravel()), ())

    def _restored(self, saved: Saved) -> _Standing:
        if saved.mark != self._mark:
            raise UsageError("the saved state is of another painting: other pictures, backbone, weights or settings")
        if saved.level >= len(self.levels) or saved.values.size != self.levels[saved.level].pixels * 3:
            raise UsageError("the saved state does not fit this painting")
        if not self._optimizer.fits(saved.memory) or not 0 <= saved.values.min() <= saved.values.max() <= 1:
            raise UsageError("the saved state has numbers that no painting comes to")
        state = _unknown(saved.values)._replace(memory=saved.memory, steps=saved.steps)
        return _Standing(saved.level, saved.total, state, saved.costs)

    def _picture(self) -> Floats:
        return self._at.state.values.reshape(*self.levels[self._at.level], 3)

    def _progress(self, costs: Costs, seconds: float) -> Progress:
        level, total, state, _ = self._at
        steps = self.settings.iterations
        work = [size.pixels * steps for size in self.levels]
        share = (sum(work[:level]) + self.levels[level].pixels * state.steps) / sum(work)
        return Progress(level + 1, len(work), self.levels[level], state.steps, steps, total, costs, share, seconds)


def result_size(content: Pixels, settings: Settings) -> Size:
    """Return the size of the painting of ``content``; raise :class:`InputError` where there can be none."""
    native = Size(*content.shape[:2])
    return pictures.scaled(native, settings.size or max(native))


def _unknown(values: Floats) -> State:
    """Return a state whose cost was not looked at yet."""
    return State(np.ascontiguousarray(values, np.float32), np.inf, np.empty(0, np.float32))


def _shares(blend: Sequence[float], count: int) -> list[float]:
    """Return a share for each of ``count`` styles, in sum 1."""
    if not blend:
        return [1 / count] * count
    if len(blend) != count:
        raise UsageError(f"{len(blend)} shares for {count} styles: give as many as there are styles")
    if min(blend) < 0 or not 0 < sum(blend) < np.inf:
        raise UsageError("the shares of the styles must be 0 or more, and not all 0")
    return [share / sum(blend) for share in blend]


def _mark(weights: Weights, subject: Subject, settings: Settings) -> str:
    """Return a checksum of all that makes a painting what it is, but for when it ends."""
    import hashlib

    facts = dataclasses.asdict(dataclasses.replace(settings, iterations=0, tolerance=0.0, seed=0))
    digest = hashlib.sha256(json.dumps([weights, facts], sort_keys=True).encode())
    for pixels in (subject.content, *subject.styles, *subject.masks):
        digest.update(repr(pixels.shape).encode())
        digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()
