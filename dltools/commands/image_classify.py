"""image-classify: what is in a picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, Work, image_batch
from dltools.commands._boundary import Context, entry_point
from dltools.commands._classify import MODEL, load
from dltools.commands._classify_evaluate import evaluate
from dltools.commands._classify_train import train
from dltools.commands._group import DefaultGroup
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from dltools.io.inputs import Item, Picture
    from dltools.io.outputs import OutputFolder
    from dltools.models.classify.infer import Prediction

NAME = "image-classify"

cli = DefaultGroup(
    NAME,
    default="predict",
    help="""Say what is in a picture: one class for the whole of it, or the likeliest few.

    IMAGE is a file, or '-' for images on standard input, several in a row if you like. Without IMAGE,
    paths or records are read from standard input, one a line.""",
)
main = entry_point(cli)
cli.add_command(train)
cli.add_command(evaluate)


def _lines(record: Record, paint: Callable[..., str]) -> str:
    frame = f" frame {record['frame']}" if "frame" in record else ""
    size = f"{record['width']} x {record['height']}"
    rows = [paint(f"{printable(record.get('path', ''))}{frame}: {size}", bold=True)]
    rows += [
        f"  {paint(format(item['score'], '.4f'), fg='green')}  {printable(item['label'])}" for item in record["items"]
    ]
    if not record["items"]:
        rows.append("  nothing that scores enough")
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


@cli.command(
    "predict", short_help="Say what is in pictures.", epilog="Example: image-classify -n 1 --format tsv photos/*.jpg"
)
@options.file_inputs("IMAGE")
@MODEL
@click.option(
    "-n", "--top", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="At most so many classes."
)
@click.option(
    "-s",
    "--min-score",
    type=options.FloatRange(0, 1),
    metavar="NUMBER",
    help="Only classes that score as much, 0 to 1 (default: as the model's file says).",
)
@click.option("-a", "--annotate", type=options.FILE, metavar="DIR", help="Write pictures with the classes written in.")
@options.finding_options
@options.pictures_options
@image_batch(View(("path", "frame", "label", "class_id", "score", "output"), _lines))
def predict(context: Context, model: str, top: int, min_score: float | None, annotate: str | None) -> Work:
    """Say what is in pictures, one record an image."""
    classifier = load(context, model)
    config = classifier.config
    context.detail(f"{config.name}: {len(config.classes)} classes, {config.preparation.size} pixels")
    annotated = context.output_folder(annotate)

    def work(item: Item) -> Record:
        picture = item.picture()
        target = annotated.reserve(item.stem, item.picture_suffix, source=item.path) if annotated else None
        found = classifier.best(classifier.scores(classifier.prepare(picture.pixels)), top=top, min_score=min_score)
        if annotated and target:
            _write_annotated(annotated, target, picture, found)
        output = {"output": str(target)} if target else {}
        items = [{**one._asdict(), "score": round(one.score, 4)} for one in found]
        return item.record(width=picture.width, height=picture.height, items=items, **output)

    return work


def _write_annotated(folder: OutputFolder, target: Path, picture: Picture, found: list[Prediction]) -> None:
    from dltools.io.drawing import draw_caption
    from dltools.io.images import encode_image

    lines = [f"{one.label} {one.score:.2f}" for one in found]
    folder.write(target, encode_image(draw_caption(picture.pixels, lines), target.suffix))
