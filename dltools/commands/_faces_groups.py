"""face-verify cluster: sort photographs by who is on them, without being told who there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, failed, record_writer
from dltools.commands._boundary import Context, open_context
from dltools.commands._faces import (
    Seen,
    all_faces,
    looking_options,
    mark,
    own_config,
    show_option,
    threshold_option,
    watching,
    wishes_of,
    write_picture,
)
from dltools.commands._group import DefaultGroup
from dltools.errors import InputError, OutputError
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import Item
    from dltools.io.outputs import OutputFolder


def register(cli: DefaultGroup) -> None:
    """Add the subcommand to the group."""
    cli.add_command(cluster)


def _grouped(record: Record, paint: Callable[..., str]) -> str:
    people = ", ".join(str(item["cluster"]) for item in record["items"])
    return f"{paint(people, fg='green')}  {printable(record.get('path', ''))}"


@click.command(
    "cluster",
    short_help="Sort photographs by person, unasked who there is.",
    epilog="Example: face-verify cluster --out people photos",
)
@options.file_inputs("IMAGE")
@click.option("--out", type=options.FILE, metavar="DIR", help="Copy the photographs into one folder a person.")
@looking_options
@threshold_option
@show_option
@options.finding_options
@options.pictures_options
@click.pass_context
def cluster(
    ctx: click.Context,
    out: str | None,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    threshold: float | None,
    show: str | None,
) -> int:
    """Find out how many people there are on photographs, and on which each of them is.

    People are numbered from 0, who has the most faces. Records come when all photographs were read; a folder stands for
    the pictures in it and below it. With --out a photograph is copied into the folder of everybody on it.
    """
    context = open_context(ctx)
    wishes = wishes_of(model, min_face, min_score, jitter)
    config = own_config(context, wishes)
    report = Report()
    results: list[tuple[Item, Seen | Record]] = []
    with watching(ctx, context, wishes, all_faces, deep=True, writing=False) as items:
        for item, found in items:
            if item.is_error:
                report.passed += 1
                results.append((item, item.record()))
            elif isinstance(found, Exception):
                results.append((item, failed(context, item, found, report)))
                if context.settings.fail_fast:
                    break
            else:
                report.done += 1
                report.found += len(found.faces)
                results.append((item, found))
    numbers = _numbers(results, threshold or config.threshold)
    following = iter(numbers)
    write = record_writer(context, View(("path", "frame", "cluster", "score", "bbox"), _grouped))
    shown = context.output_folder(show)
    for item, result in results:
        if not isinstance(result, Seen):
            write(result)
            continue
        items_of = [{"cluster": next(following), **result.item(number)} for number in range(len(result.faces))]
        try:
            written = _written(context, item, result, items_of, out, shown)
        except (InputError, OutputError) as error:  # the photograph is gone meanwhile, or a copy in the way
            report.done -= 1
            write(failed(context, item, error, report))
            continue
        size = {"width": result.picture.width, "height": result.picture.height}
        write(item.record(**size, items=items_of, **written))
    if report.inputs > 1:
        context.note(f"{report.summary()}; {len(numbers)} faces of {len(set(numbers))} people")
    return report.exit_status(must_find=context.settings.exit_status)


def _numbers(results: list[tuple[Item, Seen | Record]], threshold: float) -> list[int]:
    """Return the group of every face, in their order."""
    import numpy as np

    from dltools.models.faces.cluster import cluster as group

    embeddings = [
        seen.embeddings[number] for _, seen in results if isinstance(seen, Seen) for number in range(len(seen.faces))
    ]
    return group(np.array(embeddings, np.float32), threshold) if embeddings else []


def _written(
    context: Context, item: Item, seen: Seen, items: list[Record], out: str | None, shown: OutputFolder | None
) -> Record:
    """Write the files that the options ask for, and return the keys that name them."""
    written: Record = {}
    if out is not None:
        written["outputs"] = _copy(context, out, item, sorted({each["cluster"] for each in items}))
    if shown is not None:
        written["output"] = _draw(shown, item, seen, items)
    return written


def _copy(context: Context, out: str, item: Item, people: list[int]) -> list[str]:
    """Copy a photograph, byte for byte, into the folder of everybody on it; return where to."""
    paths = []
    for person in people:
        folder = context.output_folder(os.path.join(out, f"person-{person:03}"))
        suffix = os.path.splitext(item.path or "")[1] if item.frame is None else item.picture_suffix
        if folder is not None:
            target = folder.reserve(item.stem, suffix, source=item.path)
            folder.write(target, item.read())
            paths.append(str(target))
    return paths


def _draw(folder: OutputFolder, item: Item, seen: Seen, items: list[Record]) -> str:
    marks = [mark(seen, number, str(found["cluster"]), found["cluster"]) for number, found in enumerate(items)]
    return write_picture(folder, item, item.picture(), marks)
