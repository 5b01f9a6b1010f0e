"""face-verify evaluate and train: how well a model tells people apart, and how to make one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, failed, open_jobs, open_source, write_one
from dltools.commands._boundary import Context, one_blas_thread, open_context, raw_stdin
from dltools.commands._faces import (
    Wishes,
    counted,
    load,
    looker,
    looking_options,
    main_face,
    own_config,
    people_in,
    see,
    threshold_option,
    wishes_of,
)
from dltools.commands._group import DefaultGroup
from dltools.commands._render import EpochProgress
from dltools.errors import DltoolsError, InputError
from dltools.io.inputs import Item, pictures_in, split_parts
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dltools.models.faces.training import Recipe


def register(cli: DefaultGroup) -> None:
    """Add the subcommands to the group."""
    cli.add_command(evaluate)
    cli.add_command(train)


class _Pair(NamedTuple):
    a: str
    b: str
    same: bool


def _table(record: Record, paint: Callable[..., str]) -> str:
    rows = [paint(f"{record['pairs']} pairs, {record['skipped']} skipped, {record['model']}", bold=True)]
    rows.append(
        f"  accuracy   {record['accuracy']:.4f} +- {record['deviation']:.4f}  threshold {record['threshold']:.4f}"
    )
    rows.append(f"  as set     {record['default_accuracy']:.4f}           threshold {record['default_threshold']:.4f}")
    rows.append(f"  AUC {record['auc']:.5f}   EER {record['eer']:.4f}")
    rows.append(f"  TAR {record['tar_1']:.4f} at FAR 1 %, {record['tar_01']:.4f} at FAR 0.1 %")
    if "output" in record:
        rows.append(f"  -> {printable(record['output'])}")
    return "\n".join(rows)


_MEASURES = View(
    (
        *("pairs", "skipped", "no_face", "model", "accuracy", "deviation", "threshold"),
        *("default_accuracy", "default_threshold", "auc", "eer", "tar_1", "tar_01"),
    ),
    _table,
)


@click.command(
    "evaluate",
    short_help="Accuracy, AUC and error rates over pairs.",
    epilog="Example: face-verify evaluate pairs.tsv",
)
@click.argument("pairs", type=options.FILE, metavar="PAIRS")
@looking_options
@threshold_option
@click.option("--roc", type=options.FILE, metavar="PNG", help="Draw the receiver's operating curve.")
@options.writing_options
@options.format_options
@options.jobs_option
@options.runtime_options
@options.general_options
@click.pass_context
def evaluate(
    ctx: click.Context,
    pairs: str,
    model: str | None,
    min_face: float | None,
    min_score: float | None,
    jitter: int,
    threshold: float | None,
    roc: str | None,
) -> int:
    """Measure a model over the pairs of the file PAIRS: two paths and 1 (the same person) or 0, with tabs between.

    Paths are looked for from here, then from the folder of PAIRS. Accuracy is that of LFW: by ten folds, the threshold
    chosen on nine for the tenth. Pairs of which a photograph fails are skipped, and counted.
    """
    context = open_context(ctx)
    listed = _read_pairs(pairs)
    wishes = wishes_of(model, min_face, min_score, jitter)
    config = own_config(context, wishes)
    limit = threshold or config.threshold
    report = Report()
    embeddings, faceless = _embeddings(context, wishes, sorted({path for pair in listed for path in pair[:2]}), report)
    import numpy as np

    from dltools.models.faces.evaluate import accuracy, measure
    from dltools.models.faces.evaluate import roc as curve
    from dltools.models.faces.infer import distance

    usable = [pair for pair in listed if pair.a in embeddings and pair.b in embeddings]
    distances = np.array([distance(embeddings[pair.a], embeddings[pair.b]) for pair in usable])
    same = np.array([pair.same for pair in usable], bool)
    result = measure(distances, same)
    record: Record = {
        "pairs": len(usable),
        "skipped": len(listed) - len(usable),
        "images": len(embeddings) + report.failed,
        "no_face": faceless,
        "model": config.name,
        **{key: round(value, 6) for key, value in result._asdict().items()},
        "default_threshold": limit,
        "default_accuracy": round(accuracy(distances, same, limit), 6),
    }
    if roc is not None:
        _draw_roc(Path(roc), curve(distances, same), config.name, force=context.settings.force)
        record["output"] = roc
    write_one(context, record, _MEASURES)
    return report.exit_status()


def _read_pairs(source: str) -> list[_Pair]:
    """Read the file of pairs, which may have a header; raise :class:`InputError`."""
    base = os.path.dirname(source)
    found: list[_Pair] = []

    def place(path: str) -> str:
        beside = os.path.join(base, path)
        return path if os.path.exists(path) or not os.path.exists(beside) else beside

    with open_source(source, raw_stdin()) as read:
        for number, line in enumerate(split_parts(read, b"\n"), start=1):
            cells = os.fsdecode(line.rstrip(b"\r")).split("\t")
            if cells == [""] or (number == 1 and len(cells) == 3 and cells[2] not in ("0", "1")):
                continue
            if len(cells) != 3 or cells[2] not in ("0", "1"):
                raise InputError(
                    f"{source}: line {number}: not two paths and 0 or 1, with tabs between", code="bad_pairs"
                )
            found.append(_Pair(place(cells[0]), place(cells[1]), cells[2] == "1"))
    if not found:
        raise InputError(f"{source}: no pairs in it", code="bad_pairs")
    return found


def _embeddings(
    context: Context, wishes: Wishes, paths: list[str], report: Report
) -> tuple[dict[str, npt.NDArray[np.float32]], int]:
    """Return the embedding of every photograph's main face, and how many photographs have none."""
    found, faceless = {}, 0
    with open_jobs(context, looker(wishes, main_face()), len(paths)) as run:
        for item, seen in counted(context, run(map(Item, paths)), len(paths), writing=False):
            if isinstance(seen, Exception):
                faceless += isinstance(seen, DltoolsError) and seen.code == "no_face"
                failed(context, item, seen, report)
                continue
            report.done += 1
            ((_, found[item.path or ""]),) = seen.embeddings.items()
    return found, faceless


def _draw_roc(target: Path, shares: list[float], name: str, *, force: bool) -> None:
    from dltools.io.charts import line_chart
    from dltools.io.images import encode_image
    from dltools.io.outputs import atomic_write

    chart = line_chart({name: shares}, title="ROC", x_label="false accepts (%)", y_label="true accepts", x_start=0)
    with atomic_write(target, force=force) as stream:
        stream.write(encode_image(chart, ".png"))


def _learned(record: Record, _paint: Callable[..., str]) -> str:
    return (
        f"{printable(record['output'])}: {record['faces']} faces of {record['people']} people, seed {record['seed']}\n"
        f"  AUC {record['auc']:.4f} on {record['held_out']} held-out people (untrained {record['untrained_auc']:.4f}), "
        f"threshold {record['threshold']:.4f}, epoch {record['epoch']}"
    )


@click.command(
    "train",
    short_help="Train an embedding on a folder of people.",
    epilog="Example: face-verify train people --out own.tflite",
)
@click.argument("people", type=options.FILE, metavar="DIR")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Makes training repeatable.")
@click.option("--epochs", type=click.IntRange(1, 10_000), help="Passes of 30 batches (default: 20).")
@click.option("--steps", type=click.IntRange(1, 100_000), help="Batches an epoch (default: 30).")
@click.option("--size", type=click.IntRange(32, 256), help="Side of a face in pixels (default: 96).")
@click.option("--width", type=options.FloatRange(0.05, 4), help="Filters, as a share of OpenFace's (default: 1).")
@click.option(
    "--learning-rate",
    type=options.FloatRange(0, 1, min_open=True),
    metavar="NUMBER",
    help="Adam's at the start; it falls to nothing (default: 0.0006).",
)
@options.writing_options
@options.format_options
@options.runtime_options
@options.general_options
@click.pass_context
def train(ctx: click.Context, /, people: str, out: str, seed: int | None, **chosen: int | float | None) -> int:
    """Learn an embedding of 128 numbers by the triplet loss from DIR, which has a sub-folder for each person.

    It is a small network of the Inception family. A fifth of the people is held out: the AUC over pairs of their faces
    says which epoch is kept, and how good it is; it is printed beside that of the untrained network. The file is what
    --model takes.
    """
    import secrets

    context = open_context(ctx)
    one_blas_thread()
    from dltools.io.outputs import atomic_write
    from dltools.models.faces.training import Recipe
    from dltools.models.faces.training import train as fit

    given = {name: value for name, value in chosen.items() if value is not None}
    recipe = Recipe(secrets.randbelow(2**31) if seed is None else seed, **given)  # type: ignore[arg-type]
    report = Report()
    with atomic_write(Path(out), force=context.settings.force) as stream:
        chips, whose = _chips(context, people, recipe, report)
        with EpochProgress(context) as progress:
            trained = fit(chips, whose, recipe, progress, name=Path(out).stem[:40])
        stream.write(trained.model)
    record = {
        "output": out,
        "seed": recipe.seed,
        "faces": len(whose),
        "people": trained.people + trained.held_out,
        "held_out": trained.held_out,
        "epoch": trained.best_epoch,
        **{key: round(getattr(trained, key), 6) for key in ("untrained_auc", "auc", "threshold")},
        "model": trained.config.name,
    }
    write_one(context, record, View(tuple(record), _learned))
    return report.exit_status()


def _chips(context: Context, folder: str, recipe: Recipe, report: Report) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Return the main face of every photograph in the sub-folders, (n, size, size, 3), and whose it is."""
    import numpy as np

    from dltools.models.faces.chips import points_chip
    from dltools.models.faces.geometry import PADDING

    wishes = Wishes("dlib-resnet")
    reader = load(context, wishes)
    pick = main_face()
    chips, whose = [], []
    photographs = list(_photographs(folder))
    for person, path in counted(context, photographs, len(photographs), writing=False):
        item = Item(path)
        try:
            seen = see(reader, item, wishes, lambda _seen: ())
            (number,) = pick(seen)
            chips.append(points_chip(seen.picture.pixels, seen.faces[number].anchors, recipe.size, PADDING))
            whose.append(person)
            report.done += 1
        except InputError as error:
            failed(context, item, error, report)
    if not chips:
        raise InputError(f"{folder}: no faces in the photographs of its sub-folders", code="too_few")
    return np.stack(chips), whose


def _photographs(folder: str) -> Iterator[tuple[str, str]]:
    for person in people_in(folder):
        yield from ((person, path) for path in pictures_in(os.path.join(folder, person), deep=True))
