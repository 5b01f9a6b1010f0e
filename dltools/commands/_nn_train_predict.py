"""nn-train predict: a trained model over the rows of a table, or over images."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, failed, read_bytes, record_writer
from dltools.commands._boundary import Context, open_context
from dltools.commands._nn_train import limit_threads, operand
from dltools.commands._nn_train_options import header_option
from dltools.errors import InputError
from dltools.io.inputs import Item
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.nn.infer import Model
    from dltools.models.nn.layer import Array

#: Examples that the model sees together.
_TOGETHER = 512

#: An example: where it comes from, and its numbers, or what is wrong with it.
Given = tuple[Item, "Array | InputError"]


def _human(record: Record, paint: Callable[..., str]) -> str:
    place = printable(record["path"]) + (f": row {record['row']}" if "row" in record else "")
    if "value" in record:
        return f"{place}: {paint(format(record['value'], '.6g'), fg='green')}"
    return f"{place}: {paint(format(record['score'], '.2f'), fg='green')}  {printable(record['label'])}"


_VIEW = View(("path", "row", "label", "score", "value", "probabilities"), _human)


@click.command(
    "predict",
    short_help="Classes or values by a trained model, one record a row or image.",
    epilog="Example: nn-train predict model.npz new.csv",
)
@click.argument("model", metavar="MODEL", type=options.FILE)
@click.argument("data", metavar="[DATA]", required=False, type=options.FILE)
@header_option
@options.threads_option("1")
@options.format_options
@options.batch_options
@options.general_options
@click.pass_context
def predict(ctx: click.Context, model: str, data: str | None, header: bool | None) -> int:
    """Print what a model makes of each row of a table, or of each image of an .npz, a folder, or a file.

    With a header the model finds its columns by name, and the label's column may be there or not.
    """
    context, report = open_context(ctx), Report()
    limit_threads(context)
    path = operand(ctx, data)
    from dltools.models.nn.infer import Model

    trained = Model.load(Path(model))
    write = record_writer(context, _VIEW)
    for batch in _batches(_given(path, trained, header)):
        for item, answer in zip([item for item, _ in batch], _answers(trained, batch), strict=True):
            if isinstance(answer, InputError):
                write(failed(context, item, answer, report))
                if context.settings.fail_fast:
                    return report.exit_status()
            else:
                report.done += 1
                write(item.record(**answer))
    _tell(context, report)
    return report.exit_status()


def _tell(context: Context, report: Report) -> None:
    if report.failed and report.inputs > 1:
        context.note(report.summary())


def _batches(given: Iterator[Given]) -> Iterator[list[Given]]:
    batch: list[Given] = []
    for each in given:
        batch.append(each)
        if len(batch) == _TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _given(path: str, model: Model, header: bool | None) -> Iterator[Given]:
    """Yield the examples that ``path`` holds, as the model takes them; raise :class:`InputError` if it holds none."""
    from dltools.models.nn.pictures import image_files, is_archive, read_archive, read_image

    shape = model.config.shape
    if os.path.isdir(path):
        if not model.config.is_image:
            raise InputError(f"{path}: is a folder, and the model takes tables", code="is_a_folder")
        for file in image_files(Path(path)):
            yield Item(str(file)), _tried(lambda file=file: read_image(file, shape))  # type: ignore[misc]
        return
    data = read_bytes(path)
    if is_archive(data):
        for number, example in enumerate(read_archive(data, path)[0], 1):
            yield Item(path, carried=_row(path, number)), example
    elif model.config.is_image:
        from dltools.io.images import decode_image
        from dltools.models.nn.pictures import fitted

        yield Item(path), _tried(lambda: fitted(decode_image(data), shape))
    else:
        yield from _table_rows(data, path, model, header)


def _table_rows(data: bytes, path: str, model: Model, header: bool | None) -> Iterator[Given]:
    import numpy as np

    from dltools.models.nn.tables import features, places_for, read_table

    table = read_table(data, path, header=header, known=model.config.columns)
    places = places_for(table, model.config)
    for number, row in enumerate(table.rows, 1):
        numbers = _tried(lambda row=row: np.array(features(table, row, places)))  # type: ignore[misc]
        yield Item(path, carried=_row(path, number)), numbers


def _row(path: str, number: int) -> Record:
    return {**Item(path).record(), "row": number}


def _tried(make: Callable[[], Array]) -> Array | InputError:
    try:
        return make()
    except InputError as error:
        return error


def _answers(model: Model, batch: list[Given]) -> list[Record | InputError]:
    """Return what the model says of each example, all at once, or one by one where that fails."""
    import numpy as np

    usable = [example for _, example in batch if not isinstance(example, InputError)]
    try:
        found: Iterator[Record | InputError] = iter(_fields(model, np.stack(usable)) if usable else [])
    except InputError as error:
        if len(usable) > 1:
            return [answer for each in batch for answer in _answers(model, [each])]
        row = next(item.carried.get("row") for item, example in batch if not isinstance(example, InputError))
        found = iter([InputError(f"row {row}: {error}" if row else str(error), code=error.code)])
    return [example if isinstance(example, InputError) else next(found) for _, example in batch]


def _fields(model: Model, examples: Array) -> list[Record]:
    if model.config.task == "regression":
        return [{"value": float(f"{value:.7g}")} for value in model.values(examples).tolist()]
    classes, records = model.config.classes, []
    for shares in model.probabilities(examples).tolist():
        best = max(range(len(classes)), key=shares.__getitem__)
        rounded = [round(share, 6) for share in shares]
        records.append(
            {
                "label": classes[best],
                "score": rounded[best],
                "probabilities": dict(zip(classes, rounded, strict=True)),
            }
        )
    return records
