"""face-verify: the same person or not, and who."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from dltools.commands import _faces_database, _faces_groups, _faces_measures
from dltools.commands import _options as options
from dltools.commands._batch import View, Work, failed, image_batch, record_writer
from dltools.commands._boundary import Context, entry_point, open_context
from dltools.commands._faces import (
    NAME,
    Seen,
    all_faces,
    load,
    looking_options,
    main_face,
    mark,
    own_config,
    see,
    show_option,
    threshold_option,
    watching,
    wishes_of,
    write_picture,
)
from dltools.commands._group import DefaultGroup
from dltools.errors import InputError, OutputError, UsageError
from dltools.io.records import Record, path_fields
from dltools.io.report import EXIT_NO, Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import Item
    from dltools.io.outputs import OutputFolder
    from dltools.models.faces.config import EmbedderConfig

cli = DefaultGroup(
    NAME,
    default="verify",
    help="""Say whether photographs show the same person.

    Give two photographs or more, or folders of them: the first is compared with each of the others. The
    exit status is 0 if all show the same person, and 1 if not. Nothing leaves this machine.""",
)
main = entry_point(cli)


def _verdict(record: Record, paint: Callable[..., str]) -> str:
    word = paint("same", fg="green", bold=True) if record["same"] else paint("different", fg="red", bold=True)
    written = f"  -> {printable(record['output'])}" if "output" in record else ""
    distance = f"{record['distance']:.4f} {'<' if record['same'] else '>='} {record['threshold']:g}"
    return f"{word}  {distance}  {printable(record['a'])}  {printable(record['b'])}{written}"


_VERDICTS = View(("a", "b", "distance", "threshold", "same", "model", "a_face", "b_face", "output"), _verdict)


@cli.command(
    "verify", short_help="The same person? Exit 0 for yes, 1 for no.", epilog="Example: face-verify a.jpg b.jpg"
)
@options.file_inputs("PHOTO")
@looking_options
@threshold_option
@click.option(
    "--face",
    type=click.IntRange(0),
    metavar="N",
    help="Take face N of every photograph, the largest being 0 (default: the one it is about).",
)
@show_option
@options.pictures_options
@click.pass_context
def verify(
    ctx: click.Context,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    threshold: float | None,
    face: int | None,
    show: str | None,
) -> int:
    """Compare the first photograph with each of the others, one record a pair.

    Exit 0 if all show the same person, 1 if one does not, 3 if one could not be compared.
    """
    context = open_context(ctx)
    operands = context.settings.operands
    if context.settings.files_from is None and len(operands) == 1 and not _is_several(operands[0]):
        raise UsageError("one photograph has nothing to be compared with: give two or more")
    wishes = wishes_of(model, min_face, min_score, jitter)
    with watching(ctx, context, wishes, main_face(face)) as items:
        return _compare(context, items, own_config(context, wishes), threshold, show)


def _is_several(operand: str) -> bool:
    return operand == "-" or os.path.isdir(operand)


def _compare(
    context: Context,
    items: Iterator[tuple[Item, Seen | Exception]],
    config: EmbedderConfig,
    threshold: float | None,
    show: str | None,
) -> int:
    """Write a record for each pair of the first item and another; return the exit status."""
    write, report = record_writer(context, _VERDICTS), Report()
    folder = context.output_folder(show)
    first, one = next(items, (None, None))
    if first is None or one is None:
        raise UsageError("no photographs to compare")
    alike, pairs = True, 0
    missing = {}
    if isinstance(one, Exception):
        missing = failed(context, first, one, report)
    for second, other in items:
        pairs += 1
        names = {**second.carried, **_named("a", first), **_named("b", second)}
        if isinstance(one, Exception) or isinstance(other, Exception):
            lost = failed(context, second, other, report) if isinstance(other, Exception) else missing
            write({**names, **lost})
        else:
            record = _pair(one, other, threshold or config.threshold)
            try:
                drawn = _draw_pair(folder, (first, one), (second, other), record) if folder else {}
            except (InputError, OutputError) as error:
                write({**names, **failed(context, second, error, report)})
            else:
                alike = alike and record["same"]
                report.done += 1
                write({**names, **record, "model": config.name, **drawn})
        if context.settings.fail_fast and report.failed:
            break
    if not pairs and not report.failed:
        raise UsageError("one photograph has nothing to be compared with: give two or more")
    if not pairs:
        write({**_named("a", first), **missing})
    if pairs > 1:
        context.note(report.summary())
    status = report.exit_status()
    return EXIT_NO if status == 0 and not alike else status


def _named(key: str, item: Item) -> Record:
    place = path_fields(item.path or "")
    raw = {f"{key}_b64": place["path_b64"]} if "path_b64" in place else {}
    frame = {f"{key}_frame": item.frame} if item.frame is not None else {}
    return {key: place["path"], **raw, **frame}


def _pair(one: Seen, other: Seen, threshold: float) -> Record:
    """Return distance and verdict of two pictures' chosen faces, and which faces those are."""
    from dltools.models.faces.infer import distance

    ((first, embedding),), ((second, others),) = one.embeddings.items(), other.embeddings.items()
    apart = distance(embedding, others)
    return {
        "distance": round(apart, 6),
        "threshold": threshold,
        "same": apart < threshold,
        "a_face": first,
        "b_face": second,
        "a_faces": len(one.faces),
        "b_faces": len(other.faces),
        "a_bbox": one.bbox(first),
        "b_bbox": other.bbox(second),
    }


def _draw_pair(folder: OutputFolder, one: tuple[Item, Seen], other: tuple[Item, Seen], record: Record) -> Record:
    """Write both pictures side by side, their faces marked, the two that were compared with the distance."""
    from dltools.io.drawing import beside, draw_marks
    from dltools.io.images import encode_image

    group = 0 if record["same"] else 1
    word = f"{'same' if record['same'] else 'different'} {record['distance']:.3f}"
    drawn = []
    for item, seen in (one, other):
        (chosen,) = seen.embeddings
        marks = [mark(seen, chosen, word, group)]
        marks += [mark(seen, number, "", 2) for number in range(len(seen.faces)) if number != chosen]
        drawn.append(draw_marks(item.picture().pixels, marks))
    target = folder.reserve(f"{one[0].stem[:20]}-{other[0].stem[:20]}", one[0].picture_suffix)
    folder.write(target, encode_image(beside(*drawn), target.suffix))
    return {"output": str(target)}


def _faces_lines(record: Record, paint: Callable[..., str]) -> str:
    frame = f" frame {record['frame']}" if "frame" in record else ""
    size = f"{record['width']} x {record['height']}"
    count = len(record["items"])
    rows = [paint(f"{printable(record.get('path', ''))}{frame}: {count} face{'s'[: count != 1]} in {size}", bold=True)]
    for item in record["items"]:
        box = " ".join(f"{side:7.1f}" for side in item["bbox"])
        start = " ".join(f"{value:7.4f}" for value in item["embedding"][:4])
        score = paint(f"{item['score']:.2f}", fg="green")
        rows.append(f"  {score}  {box}  {start} ...")
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


@cli.command("embed", short_help="The numbers of every face.", epilog="Example: face-verify embed --json photo.jpg")
@options.file_inputs("IMAGE")
@looking_options
@show_option
@options.finding_options
@options.pictures_options
@image_batch(View(("path", "frame", "score", "bbox", "landmarks", "embedding"), _faces_lines))
def embed(
    context: Context,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    show: str | None,
) -> Work:
    """Find the faces in photographs, and write for each its box, five points and embedding."""
    wishes = wishes_of(model, min_face, min_score, jitter)
    reader = load(context, wishes)
    folder = context.output_folder(show)

    def work(item: Item) -> Record:
        seen = see(reader, item, wishes, all_faces)
        items = [
            {**seen.item(number), "landmarks": seen.points(number), "embedding": seen.numbers(number)}
            for number in range(len(seen.faces))
        ]
        output = {}
        if folder is not None:
            marks = [mark(seen, number, f"{seen.faces[number].score:.2f}", number) for number in range(len(seen.faces))]
            output["output"] = write_picture(folder, item, seen.picture, marks)
        size = {"width": seen.picture.width, "height": seen.picture.height}
        return item.record(**size, model=reader.config.name, items=items, **output)

    return work


_faces_database.register(cli)
_faces_groups.register(cli)
_faces_measures.register(cli)
