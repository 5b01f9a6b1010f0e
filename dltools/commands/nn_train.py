"""nn-train: networks from scratch on tables and images."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import entry_point, open_context
from dltools.commands._files import Files, picture_bytes
from dltools.commands._nn_train import Plan, cli, make_plan
from dltools.commands._nn_train_check import check
from dltools.commands._nn_train_compare import compare
from dltools.commands._nn_train_options import training_options
from dltools.commands._nn_train_predict import predict
from dltools.commands._render import EpochProgress
from dltools.io.records import Record, path_fields
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.nn.fit import History
    from dltools.models.nn.training import Trained

main = entry_point(cli)


@cli.command(
    "train",
    short_help="Train a network on a table or on images.",
    epilog="Example: nn-train data.csv --layers 20,7,5 --out model.npz",
)
@training_options
@click.option("-o", "--out", type=options.FILE, metavar="MODEL", help="The model's file (.npz).")
@click.option("--curve", type=options.FILE, metavar="PNG", help="Draw the losses of all epochs.")
@click.option("--boundary", type=options.FILE, metavar="PNG", help="Draw the classes over two features.")
@options.writing_options
@options.threads_option("1")
@options.format_options
@options.general_options
@click.pass_context
def train(ctx: click.Context, /, out: str | None, curve: str | None, boundary: str | None, **chosen: Any) -> int:
    """Train a network, and print how good it is on what it saw and on what was held out.

    A table has the label in its last column, unless --label names another; labels may be texts. Without --out
    nothing is kept.
    """
    context, report = open_context(ctx), Report()
    plan = make_plan(ctx, context, report, chosen)
    from dltools.models.nn.boundary import check_boundary, draw_boundary
    from dltools.models.nn.store import encode

    if boundary is not None:
        check_boundary(plan.examples, plan.design.task)
    with ExitStack() as stack:
        files = Files(stack, force=context.settings.force)
        model_file, curve_file, boundary_file = map(files.open, (out, curve, boundary))
        with EpochProgress(context) as progress:
            trained = plan.train(plan.design, plan.recipe, progress)
        if model_file is not None:
            model_file.write(encode(trained.model))
        if curve_file is not None and curve is not None:
            curve_file.write(picture_bytes(_curve(plan.title, trained.history), curve))
        if boundary_file is not None and boundary is not None:
            boundary_file.write(picture_bytes(draw_boundary(trained.model, plan.examples, plan.title), boundary))
    files_written = {"output": out, "curve": curve, "boundary": boundary}
    written = {name: path for name, path in files_written.items() if path is not None}
    write_one(context, {**_record(plan, trained), **written}, _VIEW)
    return report.exit_status()


def _curve(title: str, history: History) -> Any:
    from dltools.io.charts import line_chart

    series = {"training": history.losses}
    if history.validation_losses:
        series["held out"] = history.validation_losses
    return line_chart(series, title=title, x_label="epoch", y_label="loss")


def _record(plan: Plan, trained: Trained) -> Record:
    config = trained.model.config
    measures = {name: round(value, 6) for name, value in trained.training.scores.items()}
    held_out = trained.validation
    if held_out is not None:
        measures |= {f"validation_{name}": round(value, 6) for name, value in held_out.scores.items()}
    return {
        **path_fields(plan.path),
        "task": config.task,
        **({"classes": list(config.classes)} if config.classes else {}),
        "layers": list(config.layers),
        "parameters": sum(array.size for array in trained.model.network.parameters.values()),
        "examples": trained.training.examples,
        "held_out": held_out.examples if held_out is not None else 0,
        **measures,
        "epochs": len(trained.history.losses),
        "best_epoch": min(trained.history.best_epoch, len(trained.history.losses)),
        "seed": plan.design.seed,
    }


def _human(record: Record, paint: Callable[..., str]) -> str:
    kind = f"{len(record['classes'])} classes" if "classes" in record else "regression"
    epochs = f"{record['epochs']} epochs"
    if record["best_epoch"] < record["epochs"]:
        epochs += f", the weights of epoch {record['best_epoch']}"
    rows = [
        f"{paint(printable(record['path']), bold=True)}: {kind}, {record['parameters']:,} parameters",
        f"  layers    {' '.join(record['layers'])}",
        f"  training  {_scores(record, '', paint)}  ({record['examples']:,} examples)",
    ]
    if record["held_out"]:
        rows.append(f"  held out  {_scores(record, 'validation_', paint)}  ({record['held_out']:,} examples)")
    rows.append(f"  {epochs}, seed {record['seed']}")
    rows += [f"  {name:<9} {printable(record[name])}" for name in ("output", "curve", "boundary") if name in record]
    return "\n".join(rows)


def _scores(record: Record, prefix: str, paint: Callable[..., str]) -> str:
    names = [name for name in ("loss", "accuracy", "rmse", "r2") if prefix + name in record]
    return "  ".join(f"{name} {paint(format(record[prefix + name], '.4f'), fg='green')}" for name in names)


_VIEW = View(
    (
        "path",
        "task",
        "examples",
        "held_out",
        *(prefix + name for prefix in ("", "validation_") for name in ("loss", "accuracy", "rmse", "r2")),
        "epochs",
        "best_epoch",
        "seed",
        "output",
    ),
    _human,
)

for command in (predict, check, compare):
    cli.add_command(command)
