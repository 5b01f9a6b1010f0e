"""image-classify train and evaluate: learn the classes of a folder, and measure how well they are told."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import Context, one_blas_thread, open_context
from dltools.commands._classify import MODEL, load
from dltools.commands._render import EpochProgress, FetchProgress
from dltools.errors import InputError, UsageError
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.classify.data import Pictures
    from dltools.models.classify.evaluate import Score
    from dltools.models.classify.fit import Trained
    from dltools.models.classify.recipe import Recipe

_ARCHS = ("logistic", "mlp", "convnet", "resnet50", "squeezenet")
_NONE_FAILED = 0
_FAILED = 3


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


class _Skipped:
    """Tells of pictures that cannot be read, and counts them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.count = 0

    def __call__(self, path: str, error: InputError) -> None:
        self.count += 1
        self._context.say(f"{path}: {error} (skipped)")


def _write_picture(path: str, pixels: Any, *, force: bool) -> None:
    from dltools.io.images import encode_image
    from dltools.io.outputs import atomic_write

    with atomic_write(Path(path), force=force) as stream:
        stream.write(encode_image(pixels, ".png"))


@click.command(
    "evaluate",
    short_help="Measure a model on labelled pictures.",
    epilog="Example: image-classify evaluate pets/ -m pets.tflite --confusion confusion.png",
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

    A picture that cannot be read is named and left out, and the exit status is 3 then.
    """
    context = open_context(ctx)
    classifier = load(context, model)
    from dltools.models.classify.evaluate import evaluate as measure

    skipped = _Skipped(context)
    score = measure(classifier, Path(folder), skipped)
    record: Record = {"path": folder, "model": model, **_measured(score), "skipped": skipped.count}
    if confusion:
        from dltools.io.confusion import confusion_chart

        _write_picture(confusion, confusion_chart(score.confusion, score.labels), force=context.settings.force)
        record["output"] = confusion
    write_one(context, record, _MEASURES)
    return _FAILED if skipped.count else _NONE_FAILED


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
    ("output", "arch", "seed", "pictures", "skipped", "members", "epochs", "held_out", "accuracy", "loss"), _summary
)


@click.command(
    "train",
    short_help="Learn the classes of a folder.",
    epilog="Example: image-classify train pets/ --arch squeezenet --out pets.npz --seed 1",
)
@click.argument("folder", type=options.FILE, metavar="DIR")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option(
    "--arch",
    type=click.Choice(_ARCHS),
    default="convnet",
    show_default=True,
    help="logistic and mlp run in NumPy; convnet and resnet50 are trained by TensorFlow; squeezenet learns from what "
    "the embedded network sees, which does best on few pictures.",
)
@click.option("--size", type=click.IntRange(8, 512), metavar="N", help="Pixels of a picture's side.")
@click.option("--width", type=click.IntRange(4, 256), metavar="N", help="Channels of a network's first stage.")
@click.option("--epochs", type=click.IntRange(1, 100_000), help="At most so many passes over the pictures.")
@click.option("--batch-size", "batch", type=click.IntRange(2, 4096), metavar="N", help="Pictures a step.")
@click.option(
    "--learning-rate", "rate", type=click.FloatRange(0, 10, min_open=True), metavar="RATE", help="At the start."
)
@click.option("--members", type=click.IntRange(1, 32), metavar="N", help="How many networks are averaged.")
@click.option(
    "--validation",
    type=click.FloatRange(0.02, 0.5),
    metavar="SHARE",
    help="Held out where there is one network and no val/ folder.",
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
    "--weights",
    type=click.Choice(["none", "imagenet"]),
    default="none",
    show_default=True,
    help="What resnet50 starts from: nothing, or Keras' weights, fetched once.",
)
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
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
    """Learn the classes of DIR: a sub-folder for each, or such folders in DIR/train and DIR/val.

    Several networks learn, each with another part of the pictures held out, and are averaged; near-duplicates stay in
    one part. The record has their accuracy on what was held out. A picture that cannot be read is named and left out.
    """
    context = open_context(ctx)
    if resume and (state is None or seed is None):
        raise UsageError("--resume needs --state, and the --seed of the training that it goes on with")
    one_blas_thread()
    from dltools.io.outputs import atomic_write
    from dltools.models.classify.augment import Augmentation
    from dltools.models.classify.recipe import Recipe

    given = {name: value for name, value in chosen.items() if value is not None}
    if not augment:
        given["augmentation"] = Augmentation(0.0, 0.0, 0.0)
    if given["weights"] == "imagenet" and (arch != "resnet50" or given.get("width", 64) != 64):
        raise UsageError("--weights imagenet is for --arch resnet50 of --width 64")
    if arch == "squeezenet" and given.get("size", 227) != 227:
        raise UsageError("--arch squeezenet has pictures of 227 pixels")
    drawn = secrets.randbelow(2**31) if seed is None else seed
    recipe = Recipe.of(arch, drawn, balance=class_weights == "balanced", **given)  # type: ignore[arg-type]
    skipped = _Skipped(context)
    with atomic_write(Path(out), force=context.settings.force) as stream:
        pictures, classes, trained = _train(
            context, folder, recipe, skipped, min_score, state if resume else None, state
        )
        stream.write(trained.data)
    _draw(trained, recipe, curve, confusion, force=context.settings.force)
    if state is not None:
        Path(state).unlink(missing_ok=True)
    record = {
        "output": out,
        "arch": recipe.arch,
        "seed": recipe.seed,
        "pictures": len(pictures.targets),
        "skipped": skipped.count,
        "classes": list(classes),
        "members": recipe.members,
        "epochs": max(map(len, trained.losses)),
        "held_out": len(trained.targets),
        "accuracy": round(trained.config.training["held_out_accuracy"], 4),
        "loss": round(sum(min(losses) for losses in trained.held_losses) / len(trained.held_losses), 4),
    }
    write_one(context, record, _TRAINED)
    return _FAILED if skipped.count else _NONE_FAILED


def _train(
    context: Context,
    folder: str,
    recipe: Recipe,
    skipped: _Skipped,
    min_score: float,
    resume: str | None,
    state: str | None,
) -> tuple[Pictures, tuple[str, ...], Trained]:
    """Read the pictures and learn them."""
    from dltools.io.inputs import read_file
    from dltools.io.outputs import atomic_write
    from dltools.models.classify.data import list_folder, read_pictures
    from dltools.models.classify.fit import preparation_of
    from dltools.models.classify.fit import train as fit
    from dltools.models.classify.store import weights_file

    listed = list_folder(Path(folder))
    classes = tuple(sorted(set(listed.labels)))
    published = None
    if recipe.weights == "imagenet":
        with FetchProgress(context) as fetching:
            published = weights_file("resnet50", offline=context.offline, progress=fetching)
    pictures = read_pictures(listed, classes, preparation_of(recipe), skipped)

    def save(data: bytes) -> None:
        with atomic_write(Path(state or ""), force=True) as stream:
            stream.write(data)

    with EpochProgress(context) as bar:

        def progress(number: int, epoch: int, epochs: int, loss: float, held: float) -> None:
            bar.name = f"network {number} of {recipe.members}"
            bar(epoch, epochs, loss, held)

        trained = fit(
            pictures,
            classes,
            recipe,
            name=Path(folder).name or recipe.arch,
            min_score=min_score,
            published=published,
            threads=context.threads,
            resume=read_file(resume) if resume is not None and Path(resume).exists() else None,
            save=save if state is not None else None,
            progress=progress,
        )
    return pictures, classes, trained


def _draw(trained: Trained, recipe: Recipe, curve: str | None, confusion: str | None, *, force: bool) -> None:
    if curve:
        from dltools.io.charts import line_chart

        series: dict[str, list[float]] = {}
        for number, (losses, held) in enumerate(zip(trained.losses, trained.held_losses, strict=True), 1):
            series |= {f"training {number}": losses, f"held out {number}": held}
        chart = line_chart(series, title=f"{recipe.arch}, seed {recipe.seed}", x_label="epoch", y_label="loss, nats")
        _write_picture(curve, chart, force=force)
    if confusion:
        from dltools.io.confusion import confusion_chart
        from dltools.models.classify.evaluate import score_of

        score = score_of(trained.scores, trained.targets, trained.config.classes)
        _write_picture(confusion, confusion_chart(score.confusion, score.labels), force=force)
