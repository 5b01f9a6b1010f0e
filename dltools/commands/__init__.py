"""The commands: the only place that knows click and rich.

:data:`COMMANDS` is static, so that listing the commands imports none of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command's click group stands (``module:attribute``), and what it does in one line."""

    target: str
    summary: str


COMMANDS = {
    "yolo-detect": Entry("dltools.commands.yolo_detect:cli", "Find objects in photographs: labels, scores and boxes."),
    "date-translate": Entry("dltools.commands.date_translate:cli", "Bring dates in any wording to ISO 8601."),
    "emojify": Entry("dltools.commands.emojify:cli", "Say which emoji a sentence asks for."),
    "dino-names": Entry("dltools.commands.dino_names:cli", "Invent names like those of a list: dinosaurs, or any."),
    "wordvec": Entry("dltools.commands.wordvec:cli", "Query word vectors: neighbours, analogies, similarity, bias."),
    "trigger-detect": Entry("dltools.commands.trigger_detect:cli", "Hear a word in recordings, or as it is spoken."),
    "nn-train": Entry("dltools.commands.nn_train:cli", "Train neural networks from scratch on tables and images."),
}
