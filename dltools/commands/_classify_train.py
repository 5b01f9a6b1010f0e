"""image-classify train: learn the classes of a folder."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import Context, one_blas_thread, open_context
from dltools.commands._classify import skipping
from dltools.commands._files import Files, picture_bytes
from dltools.commands._render import EpochProgress, FetchProgress
from dltools.errors import UsageError
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.images import Pixels
    from dltools.models.classify.fit import Trained
    from dltools.models.classify.recipe import Recipe

_ARCHS = ("logistic", "mlp", "convnet", "resnet50")  # as models.classify.recipe.TRAINABLE, which loads NumPy


def _summary(record: Record, _paint: Callable[..., str]) -> str:
    counted = f"{record['pictures']} pictures of {len(record['classes'])} classes"
    rows = [f"{printable(record['output'])}: {record['arch']}, {counted}, seed {record['seed']}"]
    rows.append(
        f"  {record['accuracy']:.3f} right on {record['held_out']} held-out pictures ({record['members']} networks)"
    )
    if record["skipped"]:
        rows.append(f"  {record['skipped']} pictures skipped")
    return "\n".join(rows)


_TRAINED = View(
    (
        "output",
        "arch",
        "weights",
        "seed",
        "pictures",
        "skipped",
        "members",
        "epochs",
        "held_out",
        "accuracy",
        "loss",
    ),
    _summary,
)


@click.command(
    "train",
    short_help="Learn the classes of a folder.",
    epilog="Example: image-classify train pets/ --arch logistic --out pets.npz --seed 1",
)
@click.argument("folder", type=options.FILE, metavar="DIR")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option(
    "--arch",
    type=click.Choice(_ARCHS),
    default="convnet",
    show_default=True,
    help="logistic and mlp run in NumPy and learn in seconds; convnet and resnet50 are trained by TensorFlow.",
)
@click.option(
    "--weights",
    type=click.Choice(["imagenet", "none"]),
    help="What it starts from: a network that knows ImageNet's classes, embedded but for resnet50, or nothing "
    "(default: imagenet; none for resnet50, and with --width).",
)
@click.option(
    "--size",
    type=click.IntRange(8, 512),
    metavar="N",
    help="Pixels of a picture's side; like the next five, by default what suits --arch.",
)
@click.option("--width", type=click.IntRange(4, 256), metavar="N", help="Channels of a network's first stage.")
@click.option("--epochs", type=click.IntRange(1, 100_000), help="At most so many passes over the pictures.")
@click.option("--batch-size", "batch", type=click.IntRange(2, 4096), metavar="N", help="Pictures a step.")
@click.option(
    "--learning-rate", "rate", type=options.FloatRange(0, 10, min_open=True), metavar="RATE", help="At the start."
)
@click.option("--members", type=click.IntRange(1, 32), metavar="N", help="How many networks are averaged.")
@click.option(
    "--validation",
    type=options.FloatRange(0.02, 0.5),
    metavar="SHARE",
    default=0.2,
    show_default=True,
    help="Held out from each network, where there is no val/ folder.",
)
@click.option(
    "--patience", type=click.IntRange(0), metavar="N", help="Epochs without a better held-out loss; 0: no end."
)
@click.option(
    "--class-weights",
    type=click.Choice(["balanced", "none"]),
    default="balanced",
    show_default=True,
    help="See every class as often, or as often as it is there.",
)
@click.option("--augment/--no-augment", default=True, show_default=True, help="Change pictures at random as it learns.")
@click.option(
    "--min-score",
    type=options.FloatRange(0, 1),
    default=0.0,
    metavar="NUMBER",
    help="The threshold that the file carries.",
)
@click.option("--state", type=options.FILE, metavar="FILE", help="Save the training's state there after each epoch.")
@click.option("--resume", is_flag=True, help="Go on from the file of --state, if it is there.")
@click.option("--curve", type=options.FILE, metavar="PNG", help="Write a picture of the losses.")
@click.option("--confusion", type=options.FILE, metavar="PNG", help="Write a picture of the held-out confusion matrix.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Makes training repeatable.")
@options.writing_options
@options.format_options
@options.runtime_options
@options.general_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    folder: str,
    out: str,
    arch: str,
    seed: int | None,
    class_weights: str,
    augment: bool,
    min_score: float,
    state: str | None,
    resume: bool,
    curve: str | None,
    confusion: str | None,
    **chosen: Any,
) -> int:
    """Learn the classes of DIR: a sub-folder for each, or such folders in DIR/train and, held out, in DIR/val.

    Several networks learn, each with another part of the pictures held out, and are averaged; near-duplicates stay in
    one part. The record has their accuracy on what was held out. A picture that cannot be read is named and left out.
    """
    context, report = open_context(ctx), Report()
    if resume and state is None:
        raise UsageError("--resume needs the file of --state")
    one_blas_thread()
    from dltools.models.classify.augment import Augmentation
    from dltools.models.classify.recipe import Recipe

    given = {name: value for name, value in chosen.items() if value is not None}
    if not augment:
        given["augmentation"] = Augmentation.none()
    resumed = _saved(state) if resume else None
    recipe = Recipe.of(arch, _seed(seed, resumed), balance=class_weights == "balanced", **given)  # type: ignore[arg-type]
    with ExitStack() as stack:
        files = Files(stack, force=context.settings.force)
        model_file, curve_file, confusion_file = map(files.open, (out, curve, confusion))
        trained = _train(context, report, folder, recipe, min_score=min_score, resume=resumed, state=state)
        if model_file is not None:
            model_file.write(trained.data)
        if curve_file is not None and curve is not None:
            curve_file.write(picture_bytes(_curve(trained, recipe), curve))
        if confusion_file is not None and confusion is not None:
            confusion_file.write(picture_bytes(_confusion(trained), confusion))
    if state is not None:
        Path(state).unlink(missing_ok=True)
    pictures = {name: path for name, path in (("curve", curve), ("confusion", confusion)) if path is not None}
    write_one(context, {**_record(trained, recipe, out), **pictures, "skipped": report.failed}, _TRAINED)
    return report.exit_status()


def _saved(state: str | None) -> Path | None:
    """Return the file of ``--state``, or None where there is none yet."""
    return Path(state) if state is not None and Path(state).exists() else None


def _seed(seed: int | None, resumed: Path | None) -> int:
    """Return the seed that was given, else that of the training to go on with, else one that is drawn."""
    from dltools.models.classify.state import seed_of

    if seed is not None:
        return seed
    return secrets.randbelow(2**31) if resumed is None else seed_of(resumed)


def _train(
    context: Context,
    report: Report,
    folder: str,
    recipe: Recipe,
    *,
    min_score: float,
    resume: Path | None,
    state: str | None,
) -> Trained:
    """Read the pictures and learn them."""
    from dltools.io.outputs import atomic_write
    from dltools.models.classify.data import list_folder, read_pictures
    from dltools.models.classify.fit import preparation_of
    from dltools.models.classify.fit import train as fit
    from dltools.models.classify.store import weights_file

    listed = list_folder(Path(folder))
    classes = tuple(sorted(set(listed.labels)))
    published = None
    if recipe.is_published:
        with FetchProgress(context) as fetching:
            published = weights_file(recipe.arch, offline=context.offline, progress=fetching)

    def save(data: bytes) -> None:
        with atomic_write(Path(state or ""), force=True) as stream:
            stream.write(data)

    with EpochProgress(context) as bar:
        pictures = read_pictures(
            listed, classes, preparation_of(recipe), skipping(context, report), partial(bar.count, "reading")
        )

        def progress(number: int, epoch: int, epochs: int, loss: float, held: float) -> None:
            bar.name = f"network {number} of {recipe.members}"
            bar(epoch, epochs, loss, held)

        return fit(
            pictures,
            classes,
            recipe,
            name=Path(folder).resolve().name or recipe.arch,
            min_score=min_score,
            published=published,
            threads=context.threads,
            resume=resume,
            save=save if state is not None else None,
            progress=progress,
        )


def _record(trained: Trained, recipe: Recipe, out: str) -> Record:
    best = [min(losses) for losses in trained.held_losses]
    return {
        "output": out,
        "arch": recipe.arch,
        "weights": recipe.weights,
        "seed": recipe.seed,
        "pictures": trained.config.training["pictures"],
        "classes": list(trained.config.classes),
        "members": recipe.members,
        "epochs": max(map(len, trained.losses)),
        "held_out": len(trained.targets),
        "accuracy": round(trained.config.training["held_out_accuracy"], 4),
        "loss": round(sum(best) / len(best), 4),
    }


def _curve(trained: Trained, recipe: Recipe) -> Pixels:
    """Draw the mean losses of the networks; one that has stopped counts with its last."""
    from dltools.io.charts import line_chart

    series = {"training": _mean(trained.losses), "held out": _mean(trained.held_losses)}
    return line_chart(series, title=f"{recipe.arch}, seed {recipe.seed}", x_label="epoch", y_label="loss, nats")


def _mean(histories: list[list[float]]) -> list[float]:
    epochs = max(map(len, histories))
    return [sum(each[min(epoch, len(each) - 1)] for each in histories) / len(histories) for epoch in range(epochs)]


def _confusion(trained: Trained) -> Pixels:
    from dltools.io.confusion import confusion_chart
    from dltools.models.classify.evaluate import score_of

    score = score_of(trained.scores, trained.targets, trained.config.classes)
    return confusion_chart(score.confusion, score.labels)
