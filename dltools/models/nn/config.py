"""What a trained network's file says about itself."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Literal, get_args

from dltools.io.jsontext import read_json

Task = Literal["classification", "regression"]

FORMAT_VERSION = 1
#: An example of more numbers is none that a model of this toolkit was trained on.
MAX_NUMBERS = 1 << 27


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """A whole model: its layers (as :mod:`.spec` writes them), its loss, the shape of an example, and what it is for.

    ``classes``: their names, in the order of the outputs; none in a regression. ``columns``: the names of a table's
    features, none for images; ``label``: that of the label's column, empty where it has none. ``label_at``: its place.
    ``target_mean`` and ``target_scale`` turn a regression's outputs back. ``training``: how it was trained.
    """

    layers: tuple[str, ...]
    loss: str
    shape: tuple[int, ...]
    task: Task
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    label: str = ""
    label_at: int = 0
    target_mean: float = 0.0
    target_scale: float = 1.0
    training: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_image(self) -> bool:
        """Whether examples are images (rows, columns, channels) and not rows of a table."""
        return len(self.shape) == 3

    def to_json(self) -> str:
        """Return the configuration as one JSON text, the inverse of :meth:`from_json`."""
        return json.dumps(
            {"format": FORMAT_VERSION, "model": "network", **dataclasses.asdict(self)}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read what :meth:`to_json` wrote; raise ``ValueError``, ``KeyError``, ``TypeError`` where it does not fit."""
        fields: dict[str, Any] = read_json(text)
        if fields.pop("format", None) != FORMAT_VERSION or fields.pop("model", None) != "network":
            raise ValueError("not a network's configuration")
        for name in ("layers", "classes", "columns"):
            fields[name] = tuple(map(str, fields[name]))
        fields["shape"] = tuple(map(int, fields["shape"]))
        config = cls(**fields)
        config._check()
        return config

    def _check(self) -> None:
        """Raise ``ValueError`` where the parts cannot belong together, or an example would fill the memory."""
        if not self.shape or min(self.shape) < 1 or math.prod(self.shape) > MAX_NUMBERS:
            raise ValueError("examples of a size that cannot be")
        if (self.task == "classification") != (len(self.classes) > 1) or self.task not in get_args(Task):
            raise ValueError("classes that do not fit the task")
        if not (isinstance(self.label, str) and isinstance(self.label_at, int)):
            raise ValueError("a label that is none")
        for number in (self.target_mean, self.target_scale):
            if not math.isfinite(number):
                raise ValueError("a number that is not finite")
