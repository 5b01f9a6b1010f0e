"""The commands: the only place that knows click and rich.

:data:`COMMANDS` is static, so that listing the commands imports none of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a command's click group stands (``module:attribute``), what it does in one line, and a line to show it.

    ``demo`` is what ``dltools demo`` runs: it needs nothing but the installation, a photograph, ``coffee.jpg``, and a
    recording, ``activate.flac``.
    """

    target: str
    summary: str
    demo: str = ""


COMMANDS = {
    "yolo-detect": Entry(
        "dltools.commands.yolo_detect:cli",
        "Find objects in photographs: labels, scores and boxes.",
        "yolo-detect --format human -a boxes coffee.jpg",
    ),
    "face-verify": Entry(
        "dltools.commands.face_verify:cli",
        "Say whether photographs show the same person, and who.",
        "face-verify embed --format human astronaut.jpg",
    ),
    "style-transfer": Entry(
        "dltools.commands.style_transfer:cli",
        "Paint a photograph as another picture is painted.",
        "style-transfer --format human coffee.jpg coffee.jpg -o out_of_noise.jpg --init noise --size 128",
    ),
    "image-classify": Entry(
        "dltools.commands.image_classify:cli",
        "Say what is in a picture: one of a thousand classes, or of your own.",
        "image-classify --format human -n 3 coffee.jpg",
    ),
    "date-translate": Entry(
        "dltools.commands.date_translate:cli",
        "Bring dates in any wording to ISO 8601.",
        "date-translate '25th of June, 2009' 'den 3. Oktober 1990'",
    ),
    "emojify": Entry(
        "dltools.commands.emojify:cli",
        "Say which emoji a sentence asks for.",
        "emojify 'I love you' 'not feeling happy'",
    ),
    "dino-names": Entry(
        "dltools.commands.dino_names:cli",
        "Invent names like those of a list: dinosaurs, or any.",
        "dino-names -n 3 --seed 7",
    ),
    "wordvec": Entry(
        "dltools.commands.wordvec:cli",
        "Query word vectors: neighbours, analogies, similarity, bias.",
        "wordvec analogy man king woman",
    ),
    "trigger-detect": Entry(
        "dltools.commands.trigger_detect:cli",
        "Hear a word in recordings, or as it is spoken.",
        "trigger-detect --format human activate.flac",
    ),
    "nn-train": Entry(
        "dltools.commands.nn_train:cli",
        "Train neural networks from scratch on tables and images.",
        "nn-train check --format human --layers 5,3",
    ),
}
