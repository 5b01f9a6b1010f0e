"""nn-train compare: the same training in variants, side by side."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import open_context
from dltools.commands._files import Files, picture_bytes
from dltools.commands._nn_train import make_plan
from dltools.commands._nn_train_options import training_options
from dltools.commands._render import EpochProgress
from dltools.errors import InputError
from dltools.io.records import Record, path_fields
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.nn.compare import Vary
    from dltools.models.nn.training import Trained

_SCORES = (
    "loss",
    "accuracy",
    "rmse",
    "r2",
    "validation_loss",
    "validation_accuracy",
    "validation_rmse",
    "validation_r2",
)
#: Curves that reach over more than this factor are drawn on a logarithmic axis.
_WIDE = 20.0


def _human(record: Record, paint: Callable[..., str]) -> str:
    names = [name for name in _SCORES if any(name in item for item in record["items"])]
    titles = [name.replace("validation_", "held out ") for name in names]
    width = max(len(item["label"]) for item in record["items"])
    title = f"{printable(record['path'])}: {record['vary']}, seed {record['seed']}"
    rows = [paint(title, bold=True), "  ".join([" " * (width + 2), *titles, "epochs"])]
    for item in record["items"]:
        cells = [
            (f"{item[name]:.4f}" if name in item else "-").rjust(len(name_shown))
            for name, name_shown in zip(names, titles, strict=True)
        ]
        end = "diverged" if "diverged" in item else f"{item['epochs']:6}"
        rows.append("  ".join([f"  {item['label']:<{width}}", *cells, end]))
    if "curve" in record:
        rows.append(f"  curve {printable(record['curve'])}")
    return "\n".join(rows)


@click.command(
    "compare",
    short_help="Train variants that differ in one thing, and compare them.",
    epilog="Example: nn-train compare data.csv --vary optimizer --curve optimizers.png",
)
@training_options
@click.option(
    "--vary",
    required=True,
    type=click.Choice(["optimizer", "init", "regularization", "learning-rate"]),
    help="What differs: all optimizers, all ways to begin, none, L2, dropout and early stopping, or a hundredth to a "
    "hundred times the learning rate.",
)
@click.option("--curve", type=options.FILE, metavar="PNG", help="Draw the held-out loss of each variant.")
@options.writing_options
@options.threads_option("1")
@options.format_options
@options.general_options
@click.pass_context
def compare(ctx: click.Context, /, vary: Vary, curve: str | None, **chosen: Any) -> int:
    """Train the same network on the same split, from one seed, in variants that differ in one thing.

    Prints a table of their measures. A training that diverges is part of the comparison.
    """
    context, report = open_context(ctx), Report()
    plan = make_plan(ctx, context, report, chosen)
    from dltools.models.nn.compare import variants

    items: list[Record] = []
    curves: dict[str, list[float]] = {}
    with ExitStack() as stack:
        curve_file = Files(stack, force=context.settings.force).open(curve)
        with EpochProgress(context) as progress:
            for variant in variants(vary, plan.design, plan.recipe):
                progress.name = variant.name
                try:
                    trained = plan.train(variant.design, variant.recipe, progress)
                except InputError as error:
                    if error.code != "diverged":
                        raise
                    items.append({"label": variant.name, "diverged": str(error)})
                    continue
                items.append({"label": variant.name, **_measures(trained)})
                curves[variant.name] = trained.history.validation_losses or trained.history.losses
        if curve_file is not None and curve is not None:
            held_out = plan.design.validation > 0
            curve_file.write(picture_bytes(_chart(f"{plan.title}: {vary}", curves, held_out), curve))
    record = {**path_fields(plan.path), "vary": vary, "items": items, "seed": plan.design.seed}
    if curve is not None:
        record["curve"] = curve
    write_one(context, record, View(("path", "vary", "label", *_SCORES, "epochs", "best_epoch", "seed"), _human))
    return report.exit_status()


def _measures(trained: Trained) -> Record:
    held_out = trained.validation.scores if trained.validation is not None else {}
    epochs = len(trained.history.losses)
    return {
        **{name: round(value, 6) for name, value in trained.training.scores.items()},
        **{f"validation_{name}": round(value, 6) for name, value in held_out.items()},
        "epochs": epochs,
        "best_epoch": min(trained.history.best_epoch, epochs),
    }


def _chart(title: str, curves: dict[str, list[float]], held_out: bool) -> Any:
    from dltools.io.charts import line_chart

    values = [value for curve in curves.values() for value in curve]
    wide = bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)
    label = "held-out loss" if held_out else "training loss"
    return line_chart(curves, title=title, x_label="epoch", y_label=label, log_y=wide)
