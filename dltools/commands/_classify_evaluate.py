"""image-classify evaluate: how well a model tells the classes of a folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import open_context
from dltools.commands._classify import MODEL, load, skipping
from dltools.commands._files import Files, picture_bytes
from dltools.commands._render import EpochProgress
from dltools.io.records import Record, path_fields
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.classify.evaluate import Score


def _share(value: float | None) -> str:
    return "     -" if value is None else f"{value:6.3f}"


def _table(record: Record, paint: Callable[..., str]) -> str:
    rows = [paint(f"{'class':24} {'pictures':>8} {'precision':>9} {'recall':>6}", bold=True)]
    for label, score in record["per_class"].items():
        precision, recall = _share(score["precision"]), _share(score["recall"])
        rows.append(f"{printable(label):24} {score['pictures']:8} {precision:>9} {recall}")
    rows.append(paint(f"{'all':24} {record['pictures']:8} accuracy {record['accuracy']:.3f}", bold=True))
    if "output" in record:
        rows.append(f"-> {printable(record['output'])}")
    return "\n".join(rows)


def _class_rows(record: Record) -> list[Record]:
    rows = [{"label": label, **score} for label, score in record["per_class"].items()]
    return [*rows, {"label": "all", "pictures": record["pictures"], "accuracy": record["accuracy"]}]


_MEASURES = View(("label", "pictures", "precision", "recall", "accuracy"), _table, rows=_class_rows)


def _measured(score: Score) -> Record:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 4)

    return {
        "accuracy": round(score.accuracy, 4),
        "top5": round(score.top5, 4),
        "pictures": score.pictures,
        "labels": list(score.labels),
        "confusion": score.confusion.tolist(),
        "per_class": {
            label: {"pictures": one.pictures, "precision": rounded(one.precision), "recall": rounded(one.recall)}
            for label, one in score.per_class.items()
        },
    }


@click.command(
    "evaluate",
    short_help="Measure a model on labelled pictures.",
    epilog="Example: image-classify evaluate pets/ -m pets.npz --confusion confusion.png",
)
@click.argument("folder", type=options.FILE, metavar="DIR")
@MODEL
@click.option("--confusion", type=options.FILE, metavar="PNG", help="Write a picture of the confusion matrix.")
@options.writing_options
@options.format_options
@options.runtime_options
@options.general_options
@click.pass_context
def evaluate(ctx: click.Context, folder: str, model: str, confusion: str | None) -> int:
    """Measure a model on the pictures of DIR, a sub-folder for each class.

    Of a DIR with train/ and test/ or val/ only the latter counts. A picture that cannot be read is named and left out,
    and the exit status is 3 then.
    """
    context, report = open_context(ctx), Report()
    classifier = load(context, model)
    from dltools.models.classify.evaluate import evaluate as measure

    with ExitStack() as stack:
        picture = Files(stack, force=context.settings.force).open(confusion)
        with EpochProgress(context) as bar:
            score = measure(classifier, Path(folder), skipping(context, report), partial(bar.count, "measuring"))
        if picture is not None and confusion is not None:
            from dltools.io.confusion import confusion_chart

            picture.write(picture_bytes(confusion_chart(score.confusion, score.labels), confusion))
    record: Record = {**path_fields(folder), "model": model, **_measured(score), "skipped": report.failed}
    if confusion is not None:
        record["output"] = confusion
    write_one(context, record, _MEASURES)
    return report.exit_status()
