"""date-translate train and evaluate: models of one's own, and how well any does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _dates as dates
from dltools.commands import _options as options
from dltools.commands._batch import View, write_one
from dltools.commands._boundary import open_context
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.dates.config import DatesConfig, Weights
    from dltools.models.dates.evaluate import Measures

_WORST = 10  # errors that are shown


def _measured(measures: Measures, worst: int) -> Record:
    return {
        "texts": measures.texts,
        "accuracy": round(measures.accuracy, 4),
        "refused": None if measures.refused is None else round(measures.refused, 4),
        "calibration_error": round(measures.calibration_error, 4),
        "per_kind": {
            kind: {"texts": texts, "accuracy": round(share, 4)} for kind, (texts, share) in measures.per_kind.items()
        },
        "worst": [{**each._asdict(), "score": round(each.score, 4)} for each in measures.wrong[:worst]],
    }


def _table(record: Record, paint: Callable[..., str]) -> str:
    width = max(len("all"), *map(len, record["per_kind"]))
    rows = [paint(f"{'kind':{width}} {'texts':>8} {'right':>8}", bold=True)]
    for kind, found in record["per_kind"].items():
        rows.append(f"{printable(kind):{width}} {found['texts']:8,} {found['accuracy']:8.2%}")
    rows.append(f"{'all':{width}} {record['texts']:8,} {record['accuracy']:8.2%}")
    rows.append(f"calibration error {record['calibration_error']:.4f}")
    if record["worst"]:
        rows.append(paint("the surest of the wrong:", bold=True))
    for each in record["worst"]:
        said, expected = each["date"] or "refused", each["expected"] or "no date"
        rows.append(f"    {each['score']:.2f}  {said}, not {expected}: {printable(each['text'])}")
    if "output" in record:
        rows.append(f"on formats held out from training; the model is {printable(record['output'])}")
    return "\n".join(rows)


_MEASURES = View(("output", "texts", "accuracy", "refused", "calibration_error", "per_kind", "worst"), _table)


@click.command(
    "train",
    short_help="Train a model on dates that are drawn from formats and locales.",
    epilog="Example: date-translate train --locales en,de --out my.npz",
)
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option(
    "--formats", type=options.FILE, metavar="FILE", help="Formats of your own, in the notation of the toolkit's."
)
@click.option(
    "--locales", metavar="CODE,...", help="CLDR locales to draw from (default: all that the toolkit's model knows)."
)
@click.option("--seed", type=click.IntRange(0, 2**20 - 1), help="Makes training repeatable; drawn if not given.")
@click.option("--steps", type=click.IntRange(1, 10**7), help="Steps with formats held out.")
@click.option("--finish", type=click.IntRange(0, 10**7), help="Steps with all formats after that.")
@click.option("--batch", type=click.IntRange(1, 65_536), help="Examples in a step.")
@click.option("--units", type=click.IntRange(1, 1024), help="Size of the encoder's state in a direction.")
@click.option("--decoder", type=click.IntRange(1, 1024), help="Size of the decoder's state.")
@click.option("--resume", type=options.FILE, metavar="MODEL", help="Go on from the weights of MODEL.")
@click.option("--checkpoint", type=options.FILE, metavar="FILE", help="Keep the model there as training goes on.")
@click.option("--curve", type=options.FILE, metavar="PNG", help="Draw the loss and the accuracy on held-out formats.")
@options.writing_options
@options.format_options
@options.general_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    out: str,
    formats: str | None,
    locales: str | None,
    seed: int | None,
    resume: str | None,
    checkpoint: str | None,
    curve: str | None,
    **chosen: int | None,
) -> None:
    """Train the network on examples drawn from CLDR's patterns and from a file of formats.

    A tenth of the formats each are held out for validation and test until the last steps; prints how the model does on
    them. The toolkit's own model took an hour on two cores.
    """
    import secrets

    from dltools.io.outputs import atomic_write
    from dltools.models.dates.formats import OWN, read_formats
    from dltools.models.dates.locales import LOCALES
    from dltools.models.dates.store import encode
    from dltools.models.dates.training import Recipe
    from dltools.models.dates.training import train as fit

    context = open_context(ctx)
    if curve is not None:
        dates.suffixed(curve, (".png",))
    recipe = Recipe(
        seed=secrets.randbelow(2**20) if seed is None else seed,
        **{name: value for name, value in chosen.items() if value is not None},
    )

    def progress(what: str, done: int, total: int, measured: str) -> None:
        context.announce(f"{what}: step {done} of {total}{', ' + measured if measured else ''}")

    def keep(config: DatesConfig, weights: Weights) -> None:
        with atomic_write(Path(str(checkpoint)), force=True) as stream:
            stream.write(encode(config, weights))

    with atomic_write(Path(out), force=context.settings.force) as stream:
        trained = fit(
            recipe,
            tuple(locales.split(",")) if locales else LOCALES,
            read_formats(OWN if formats is None else Path(formats)),
            resume=None if resume is None else Path(resume),
            progress=progress,
            keep=None if checkpoint is None else keep,
        )
        stream.write(encode(trained.config, trained.weights))
    record: Record = {"output": out, "seed": recipe.seed, **_measured(trained.held_out, _WORST)}
    if curve is not None:
        _draw(trained.curve, Path(curve), force=context.settings.force)
        record["curve"] = curve
    write_one(context, record, _MEASURES)


def _draw(curve: list[tuple[int, float, float]], path: Path, *, force: bool) -> None:
    from dltools.io.charts import line_chart
    from dltools.io.images import encode_image
    from dltools.io.outputs import atomic_write

    series = {"loss": [loss for _, loss, _ in curve], "accuracy": [share for _, _, share in curve]}
    title = f"date-translate train: loss, and accuracy on held-out formats ({curve[-1][0]:,} steps)"
    pixels = line_chart(series, title=title, x_label="times measured", y_label="nats a character, share")
    with atomic_write(path, force=force) as stream:
        stream.write(encode_image(pixels, ".png"))


@click.command(
    "evaluate",
    short_help="Exact matches, refusals and calibration on labelled texts.",
    epilog="Example: date-translate evaluate table.tsv",
)
@click.argument("table", type=options.FILE, metavar="TSV")
@dates.reading_options
@click.option(
    "--worst",
    type=click.IntRange(0),
    default=_WORST,
    show_default=True,
    metavar="N",
    help="Show N errors, surest first.",
)
@options.format_options
@options.runtime_options
@options.general_options
@click.pass_context
def evaluate(ctx: click.Context, /, table: str, model: str, order: str, worst: int, **chosen: object) -> None:
    """Measure a model on lines of TEXT, DATE (2009-06-25; empty: none) and, if wanted, KIND, with tabs between."""
    from dltools.models.dates.evaluate import measure, read_labelled

    context = open_context(ctx)
    labelled = read_labelled(Path(table))
    answers = dates.load(context, model).translate([each.text for each in labelled], dates.reading(order, **chosen))
    write_one(context, _measured(measure(labelled, answers), worst), _MEASURES)
