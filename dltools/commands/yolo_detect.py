"""yolo-detect: objects in photographs."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, Work, demand_pipe, image_batch, read_records, write_one
from dltools.commands._boundary import Context, entry_point, open_context
from dltools.commands._group import DefaultGroup
from dltools.commands._render import FetchProgress
from dltools.errors import UsageError
from dltools.io.inputs import STDIN
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import Item, Picture
    from dltools.io.outputs import OutputFolder
    from dltools.models.yolo.boxes import Resize
    from dltools.models.yolo.infer import Detection, Detector

NAME = "yolo-detect"

cli = DefaultGroup(
    NAME,
    default="detect",
    help="""Find objects in photographs: what they are, how sure it is, and where.

    IMAGE is a file, or '-' for images on standard input, several in a row if you like. Without IMAGE,
    paths or records are read from standard input, one a line.""",
)
main = entry_point(cli)


def _lines(record: Record, paint: Callable[..., str]) -> str:
    frame = f" frame {record['frame']}" if "frame" in record else ""
    size = f"{record['width']} x {record['height']}"
    rows = [paint(f"{printable(record.get('path', ''))}{frame}: {len(record['items'])} found in {size}", bold=True)]
    for item in record["items"]:
        box = " ".join(f"{side:7.1f}" for side in item["bbox"])
        score = paint(f"{item['score']:.2f}", fg="green")
        written = f"  -> {printable(item['output'])}" if "output" in item else ""
        rows.append(f"  {score}  {box}  {printable(item['label'])}{written}")
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


@cli.command("detect", short_help="Find objects and their boxes.", epilog="Example: yolo-detect --json photo.jpg")
@options.file_inputs("IMAGE")
@click.option(
    "-m", "--model", type=options.ModelName(NAME), default=None, help="Registered model (default: yolov3-tiny)."
)
@click.option("--cfg", type=options.FILE, metavar="FILE", help="Darknet network description; with --weights.")
@click.option("--weights", type=options.FILE, metavar="FILE", help="Darknet weights; with --cfg.")
@click.option(
    "--names",
    type=options.FILE,
    metavar="FILE",
    help="Class names, one a line; without it COCO's, if there are 80 classes.",
)
@click.option(
    "-s",
    "--score",
    type=options.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="NUMBER",
    help="Keep only what scores above it, 0 to 1.",
)
@click.option(
    "--iou",
    type=options.FloatRange(0, 1),
    default=0.45,
    show_default=True,
    metavar="NUMBER",
    help="Of two boxes of a class that overlap by more than it, 0 to 1, the better stays.",
)
@click.option("-c", "--classes", metavar="NAME,NAME", multiple=True, help="Keep only these classes.")
@click.option(
    "--max-detections",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    metavar="N",
    help="At most so many an image.",
)
@click.option(
    "--resize",
    type=click.Choice(["letterbox", "stretch"]),
    default="letterbox",
    show_default=True,
    help="Keep the aspect ratio, or fill the network's input.",
)
@click.option("-a", "--annotate", type=options.FILE, metavar="DIR", help="Write pictures with the boxes drawn in.")
@click.option("--crops", type=options.FILE, metavar="DIR", help="Write each object found as a picture.")
@options.finding_options
@options.pictures_options
@image_batch(View(("path", "frame", "label", "class_id", "score", "bbox", "output"), _lines))
def detect(
    context: Context,
    model: str | None,
    cfg: str | None,
    weights: str | None,
    names: str | None,
    score: float,
    iou: float,
    classes: tuple[str, ...],
    max_detections: int,
    resize: Resize,
    annotate: str | None,
    crops: str | None,
) -> Work:
    """Find objects in photographs, one record an image."""
    detector = _load(context, model, cfg, weights, names)
    context.detail(
        f"{detector.config.name}: {detector.config.width} x {detector.config.height}, {context.threads} threads"
    )
    labels = [label.strip() for choice in classes for label in choice.split(",") if label.strip()]
    if classes and not labels:
        raise UsageError("--classes names no class")
    wanted = detector.class_ids(labels) if labels else None
    annotated, cropped = context.output_folder(annotate), context.output_folder(crops)

    def work(item: Item) -> Record:
        picture = item.picture()
        target = annotated.reserve(item.stem, item.picture_suffix, source=item.path) if annotated else None
        found = detector.detect(
            picture.pixels, score=score, iou=iou, classes=wanted, max_detections=max_detections, resize=resize
        )
        items = [_item(detection, picture) for detection in found]
        if cropped:
            _write_crops(cropped, item, picture, found, items)
        if annotated and target:
            _write_annotated(annotated, target, picture, found)
        output = {"output": str(target)} if target else {}
        return item.record(width=picture.width, height=picture.height, items=items, **output)

    return work


def _load(context: Context, model: str | None, cfg: str | None, weights: str | None, names: str | None) -> Detector:
    from dltools.models.yolo.infer import Detector

    if cfg is None and weights is None and names is None:
        with FetchProgress(context) as progress:
            chosen = {"model": model} if model else {}
            return Detector.load(
                **chosen, threads=context.threads, offline=context.offline, progress=progress, notify=context.announce
            )
    if model is not None:
        raise UsageError("--model and --cfg, --weights, --names exclude each other")
    if cfg is None or weights is None:
        raise UsageError("--cfg and --weights go together")
    return Detector.from_darknet(
        Path(cfg), Path(weights), Path(names) if names else None, threads=context.threads, notify=context.announce
    )


def _item(detection: Detection, picture: Picture) -> Record:
    """Return a finding as a record, its box in pixels of the whole picture, to a hundredth."""
    left, top = picture.left, picture.top
    x_min, y_min, x_max, y_max = detection.bbox
    return {
        "label": detection.label,
        "class_id": detection.class_id,
        "score": round(detection.score, 4),
        "bbox": [round(side, 2) for side in (x_min + left, y_min + top, x_max + left, y_max + top)],
    }


def _write_annotated(folder: OutputFolder, target: Path, picture: Picture, found: list[Detection]) -> None:
    from dltools.io.drawing import Mark, draw_marks
    from dltools.io.images import encode_image

    marks = [Mark(one.bbox, f"{one.label} {one.score:.2f}", one.class_id) for one in found]
    folder.write(target, encode_image(draw_marks(picture.pixels, marks), target.suffix))


def _write_crops(
    folder: OutputFolder, item: Item, picture: Picture, found: list[Detection], items: list[Record]
) -> None:
    """Cut each object out, to whole pixels, and note the file in its finding."""
    from dltools.io.images import encode_image

    for number, (detection, finding) in enumerate(zip(found, items, strict=True)):
        x_min, y_min, x_max, y_max = detection.bbox
        region = picture.pixels[int(y_min) : math.ceil(y_max), int(x_min) : math.ceil(x_max)]
        target = folder.reserve(f"{item.stem}-{number}-{detection.label}", item.picture_suffix, source=item.path)
        folder.write(target, encode_image(region, target.suffix))
        finding["output"] = str(target)


def _table(record: Record, paint: Callable[..., str]) -> str:
    rows = [paint(f"{'class':20} {'AP50':>6} {'AP':>6}", bold=True)]
    for label, score in sorted(record["per_class"].items(), key=lambda row: -row[1]["ap"]):
        rows.append(f"{printable(label):20} {score['ap50']:6.3f} {score['ap']:6.3f}")
    rows.append(paint(f"{'all':20} {record['ap50']:6.3f} {record['ap']:6.3f}", bold=True))
    return "\n".join(rows)


def _class_rows(record: Record) -> list[Record]:
    rows = [{"label": label, **score} for label, score in sorted(record["per_class"].items())]
    return [*rows, {"label": "all", "ap50": record["ap50"], "ap": record["ap"]}]


@cli.command(
    "evaluate",
    short_help="Average precision of records against a COCO truth file.",
    epilog="Example: yolo-detect -s 0.005 --json photos/*.jpg | yolo-detect evaluate --truth instances.json",
)
@click.argument("records", default="-", type=options.FILE, metavar="[RECORDS]")
@click.option("--truth", required=True, type=options.FILE, metavar="COCO.json", help="Boxes known to be right.")
@options.format_options
@options.general_options
@click.pass_context
def evaluate(ctx: click.Context, records: str, truth: str) -> None:
    """Measure what 'detect' wrote by COCO's AP50 and AP.

    RECORDS is a file, or standard input. Give detect --score 0.005: with its own default half of the recall is cut off.
    """
    from dltools.models.yolo.evaluate import evaluate as measure

    context = open_context(ctx)
    if records == STDIN:
        demand_pipe(ctx)
    score = measure(read_records(records), Path(truth))
    if score.missing:
        context.note(f"{len(score.missing)} of {score.images} images have no record: {score.missing[0]}, ...")
    if score.unknown:
        context.note(f"{len(score.unknown)} records are of images that the truth does not have")
    per_class = {
        label: {key: round(value, 4) for key, value in values.items()} for label, values in score.per_class.items()
    }
    record = {"ap50": round(score.ap50, 4), "ap": round(score.ap, 4), "images": score.images, "per_class": per_class}
    write_one(context, record, View(("label", "ap50", "ap"), _table, rows=_class_rows))
