"""Paint a photograph as another picture is painted: the public door of style transfer.

Gatys, Ecker and Bethge, "Image style transfer using convolutional neural networks" (2016), coarse to fine. In: pixels
(rows, columns, 3) uint8 RGB of a content and one or more styles. Out: pixels of the content's size, or another.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dltools.io.images import Pixels
from dltools.models.style import memory
from dltools.models.style.config import BACKBONES, BackboneName, Settings
from dltools.models.style.optimizers import Lbfgs
from dltools.models.style.painting import OPTIMIZERS, Painting, Subject, result_size
from dltools.models.style.state import Saved
from dltools.runtime.assets import Progress, Registry, embedded_path, locate
from dltools.runtime.export import quiet_tensorflow
from dltools.runtime.fetch import fetch_model

if TYPE_CHECKING:
    from dltools.models.style.engine import Cost

#: What the registry calls each backbone. SqueezeNet's weights are those of the classifier that is embedded anyway.
_MODELS: Mapping[BackboneName, str] = {
    "vgg19": "style-transfer-vgg19",
    "vgg16": "style-transfer-vgg16",
    "squeezenet": "squeezenet",
}


class Found(NamedTuple):
    """A backbone, the file of its weights, and how it came: embedded, cached, fetched, given."""

    name: BackboneName
    weights: Path
    origin: str


def find(
    name: BackboneName | None = None,
    weights: Path | None = None,
    *,
    offline: bool = False,
    progress: Progress | None = None,
) -> Found:
    """Return the backbone ``name``, fetched if it has to be; None: the best that is embedded or cached.

    ``weights``: a file to use instead of the registered one. Raise :class:`MissingError` where it cannot be had.
    """
    registry = Registry.load()
    if name is None:
        return next(found for candidate in BACKBONES if (found := _at_hand(registry, candidate)))  # the best first
    if weights is not None:
        return Found(name, weights, "given")
    model = registry.model(_MODELS[name])
    return _at_hand(registry, name) or Found(
        name, fetch_model(model, offline=offline, progress=progress)["weights"], "fetched"
    )


def _at_hand(registry: Registry, name: BackboneName) -> Found | None:
    """Return a backbone that is embedded or in the cache."""
    model = registry.model(_MODELS[name])
    path = embedded_path(model)
    if path is not None:
        return Found(name, path, "embedded")
    path = locate(model.files["weights"])
    return None if path is None else Found(name, path, "cached")


class Painter:
    """Paints with one backbone."""

    def __init__(self, found: Found, *, threads: int = 0) -> None:
        """Take a backbone; ``threads``: of the network, 0 for all cores."""
        self.backbone = found.name
        self.found = found
        self._threads = threads

    @classmethod
    def load(
        cls,
        backbone: BackboneName | None = None,
        *,
        threads: int = 0,
        offline: bool = False,
        progress: Progress | None = None,
    ) -> Painter:
        """Return a painter with ``backbone``, as :func:`find` finds it."""
        return cls(find(backbone, offline=offline, progress=progress), threads=threads)

    def begin(
        self,
        content: Pixels,
        styles: Sequence[Pixels],
        *,
        masks: Sequence[Pixels] = (),
        settings: Settings | None = None,
        saved: Saved | None = None,
    ) -> Painting:
        """Return a painting to be run.

        Raise :class:`InputError` or :class:`UsageError` where it cannot be made, above all for want of memory.
        """
        settings = settings or Settings()
        size = result_size(content, settings)
        optimizer = OPTIMIZERS[settings.optimizer]
        kept = 2 * optimizer.pairs if isinstance(optimizer, Lbfgs) else 2
        memory.demand(self.backbone, size, kept, settings.style_scale)
        weights = BACKBONES[self.backbone].weights.chosen(settings)
        return Painting(self._cost, weights, Subject(content, styles, masks), settings, saved)

    def paint(self, content: Pixels, styles: Sequence[Pixels], settings: Settings | None = None) -> Pixels:
        """Return ``content`` painted as ``styles`` are."""
        painting = self.begin(content, styles, settings=settings)
        painting.run()
        return painting.pixels()

    @functools.cached_property
    def _cost(self) -> Cost:
        layers = BACKBONES[self.backbone].weights
        with quiet_tensorflow():
            from dltools.models.style.engine import Cost
            from dltools.models.style.network import Network, use_threads

            use_threads(self._threads)
            return Cost(Network(self.backbone, self.found.weights, layers.layers), layers)
