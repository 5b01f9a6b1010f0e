"""emojify: the emoji that a sentence asks for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, read_bytes, write_one
from dltools.commands._boundary import Context, entry_point, one_blas_thread, open_context
from dltools.commands._group import DefaultGroup
from dltools.commands._render import EpochProgress
from dltools.commands._texts import TextWork, text_batch
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import TextItem
    from dltools.models.emoji.config import Kind
    from dltools.models.emoji.evaluate import Measures
    from dltools.models.emoji.infer import Emojifier, Reading

NAME = "emojify"
_KINDS = ("lstm", "average")

cli = DefaultGroup(
    NAME,
    default="predict",
    help="""Say which emoji a sentence asks for: heart, baseball, smile, disappointed, or fork and knife.

    TEXT is a sentence. Without TEXT, sentences are read from standard input, one a line, and each gives one line.""",
)
main = entry_point(cli)


_MODEL = options.model_option(
    _KINDS, "lstm (recurrent), average (of the word vectors), or the file of a model that 'train' made."
)


def _plain(record: Record) -> str:
    emojis = [item["emoji"] for item in record.get("items", ())]
    line = " ".join(emojis) if emojis and record["emoji"] else record["emoji"] or ""
    return "\t".join([line, *(f"{word['word']} {word['weight']:+.2f}" for word in record.get("words", ()))])


def _human(record: Record, paint: Callable[..., str]) -> str:
    emoji = record["emoji"] or "?"
    found = paint(f"{record['score']:.2f}", fg="green" if record["emoji"] else "yellow")
    flags = f"  ({', '.join(record['flags'])})" if record["flags"] else ""
    rows = [f"{emoji}  {found}  {printable(record['label'] or 'undecided')}  {printable(record['text'])}{flags}"]
    for item in record.get("items", ()):
        rows.append(f"    {item['score']:.2f}  {item['emoji']}  {printable(item['label'])}")
    for word in record.get("words", ()):
        rows.append(f"    {word['weight']:+.2f}  {printable(word['word'])}{'' if word['known'] else '  (unknown)'}")
    return "\n".join(rows)


@cli.command("predict", short_help="A sentence's emoji.", epilog="Example: emojify 'I love you'")
@options.text_inputs("TEXT")
@_MODEL
@click.option("-n", "--top", type=click.IntRange(1), default=1, show_default=True, help="Show the best N classes.")
@click.option(
    "--min-score",
    type=options.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Below it, abstain: no label, and an empty line.",
)
@click.option("--explain", is_flag=True, help="Show what each word adds to the score.")
@options.text_format_options
@options.batch_options
@options.general_options
@text_batch(View(("text", "emoji", "label", "score", "probabilities", "oov", "flags"), _human, _plain))
def predict(context: Context, model: str, top: int, min_score: float, explain: bool) -> TextWork:
    """Print the emoji of each sentence, one line for one line of input."""
    one_blas_thread()
    from dltools.models.emoji.infer import Emojifier

    emojifier = Emojifier.load(model, threads=context.threads)

    def work(items: list[TextItem]) -> list[Record]:
        readings = emojifier.classify([item.text for item in items])
        return [
            item.record(**_fields(emojifier, reading, top, min_score, explain))
            for item, reading in zip(items, readings, strict=True)
        ]

    return work


def _fields(emojifier: Emojifier, reading: Reading, top: int, min_score: float, explain: bool) -> Record:
    """Return what a record says of a reading, to four decimals."""
    labels, shares = emojifier.labels, [round(share, 4) for share in reading.probabilities.tolist()]
    flags = []
    if not any(reading.known):
        flags.append("no_known_word" if reading.words else "empty")
    decided = bool(reading.words)
    if decided and shares[reading.class_id] < min_score:
        decided = False
        flags.append("below_min_score")
    label = labels[reading.class_id]
    fields: Record = {
        "emoji": label.emoji if decided else None,
        "label": label.name if decided else None,
        "score": shares[reading.class_id],
        "probabilities": {each.name: share for each, share in zip(labels, shares, strict=True)},
        "oov": round(reading.oov, 4),
        "flags": flags,
    }
    if top > 1:
        order = sorted(range(len(labels)), key=lambda number: -shares[number])[:top]
        fields["items"] = [
            {"label": labels[number].name, "emoji": labels[number].emoji, "score": shares[number]} for number in order
        ]
    if explain:
        weights = emojifier.explain(reading)
        fields["words"] = [
            {"word": word, "weight": round(weight, 4), "known": known}
            for word, weight, known in zip(reading.words, weights, reading.known, strict=True)
        ]
    return fields


def _measured(measures: Measures) -> Record:
    return {
        "texts": measures.texts,
        "accuracy": round(measures.accuracy, 4),
        "calibration_error": round(measures.calibration_error, 4),
        "log_loss": round(measures.log_loss, 4),
        "per_class": {
            name: None if recall is None else round(recall, 4) for name, recall in measures.per_class.items()
        },
        "confusion": measures.confusion,
    }


def _table(record: Record, paint: Callable[..., str]) -> str:
    names = list(record["confusion"])
    width = max(map(len, names))
    rows = [paint(f"{'true':{width}}  recall  " + "".join(f"{name[:11]:>12}" for name in names), bold=True)]
    for name, counts in record["confusion"].items():
        recall = record["per_class"][name]
        shown = f"{recall:6.3f}" if recall is not None else "     -"
        rows.append(f"{printable(name):{width}}  {shown}  " + "".join(f"{counts[other]:12}" for other in names))
    rows.append(
        f"accuracy {record['accuracy']:.4f} of {record['texts']}, calibration error {record['calibration_error']:.4f}, "
        f"log loss {record['log_loss']:.4f}"
    )
    if "output" in record:
        rows.append(f"on sentences held out from training; the model is {printable(record['output'])}")
    return "\n".join(rows)


_MEASURES = View(("output", "texts", "accuracy", "calibration_error", "log_loss", "per_class", "confusion"), _table)


@cli.command(
    "train",
    short_help="Train a model on labelled sentences.",
    epilog="Example: emojify train sentences.csv --out my.npz",
)
@click.argument("sentences", required=False, type=options.FILE, metavar="[CSV]")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option(
    "-m", "--model", type=click.Choice(_KINDS), default="lstm", show_default=True, help="The kind of model to train."
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Makes training repeatable; drawn if not given.")
@click.option("--epochs", type=click.IntRange(1, 1000), help="At most so many passes over the sentences (lstm).")
@click.option("--members", type=click.IntRange(1, 64), help="How many networks are averaged (lstm).")
@click.option("--units", type=click.IntRange(1, 1024), help="Size of a network's state in a direction (lstm).")
@click.option("--folds", type=click.IntRange(2, 100), help="Parts that are held out in turn, to measure and calibrate.")
@options.writing_options
@options.format_options
@options.general_options
@click.pass_context
def train(
    ctx: click.Context, /, sentences: str | None, out: str, model: Kind, seed: int | None, **chosen: int | None
) -> None:
    """Train a model on CSV ('-': standard input) with the columns text and label, and, if wanted, emoji and group.

    Sentences of a group (a theme, an author) are held out together. Without CSV: the sentences that the toolkit's
    own models are trained on. Prints how the model does on held-out sentences. The recurrent model takes minutes.
    """
    import secrets

    from dltools.io.outputs import atomic_write
    from dltools.models.emoji.data import own_examples, parse_examples
    from dltools.models.emoji.store import encode
    from dltools.models.emoji.training import Recipe
    from dltools.models.emoji.training import train as fit

    context = open_context(ctx)
    examples = own_examples() if sentences is None else parse_examples(read_bytes(sentences), sentences)
    recipe = Recipe(
        seed=secrets.randbelow(2**31) if seed is None else seed,
        **{name: value for name, value in chosen.items() if value is not None},
    )

    with atomic_write(Path(out), force=context.settings.force) as stream:
        with EpochProgress(context) as bar:
            trained = fit(examples, model, recipe, bar.count)
        stream.write(encode(trained.config, trained.weights))
    if trained.unusable:
        context.note(f"{trained.unusable} of {len(examples)} sentences have no known word and were left out")
    write_one(context, {"output": out, "seed": recipe.seed, **_measured(trained.held_out)}, _MEASURES)


@cli.command(
    "evaluate",
    short_help="Accuracy, confusion and calibration on labelled sentences.",
    epilog="Example: emojify evaluate sentences.csv",
)
@click.argument("sentences", type=options.FILE, metavar="CSV")
@_MODEL
@options.format_options
@options.general_options
@click.pass_context
def evaluate(ctx: click.Context, sentences: str, model: str) -> None:
    """Measure a model on CSV ('-': standard input) with the columns text and label.

    A label is a name, an emoji, or a class's number from 0.
    """
    from dltools.models.emoji.data import parse_examples
    from dltools.models.emoji.infer import Emojifier

    context = open_context(ctx)
    emojifier = Emojifier.load(model, threads=context.threads)
    write_one(context, _measured(emojifier.evaluate(parse_examples(read_bytes(sentences), sentences))), _MEASURES)
