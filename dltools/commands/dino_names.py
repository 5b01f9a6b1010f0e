"""dino-names: names that no one has heard, after a list of names that are."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, read_bytes, write_one
from dltools.commands._boundary import Context, entry_point, one_blas_thread, open_context
from dltools.commands._group import DefaultGroup
from dltools.commands._render import EpochProgress
from dltools.commands._texts import TextWork, text_batch, text_encoder
from dltools.errors import InputError
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import TextItem
    from dltools.models.names.config import Kind
    from dltools.models.names.infer import Namer
    from dltools.models.names.training import Trained

NAME = "dino-names"
_KINDS = ("lstm", "rnn")
_OWN = "own"  # words that come with the toolkit
_LONGEST = 64  # as models.names.config.MAX_LENGTH, which --help must not load NumPy for

cli = DefaultGroup(
    NAME,
    default="sample",
    operands=False,
    help="""Invent names like those of a list: of dinosaurs, or of whatever 'train' has learned.

    The score of a name is in nats a character: the lower, the more it is like the list.""",
)
main = entry_point(cli)


_MODEL = options.model_option(
    _KINDS, "lstm, rnn (the plain recurrent network), or the file of a model that 'train' made."
)


def _load(model: str, context: Context) -> Namer:
    one_blas_thread()
    from dltools.models.names.infer import Namer

    return Namer.load(model, threads=context.threads)


def _scored(record: Record) -> str:
    return f"{record['score']:.4f}\t{record['text']}"


def _human(record: Record, paint: Callable[..., str]) -> str:
    known = "" if record.get("novel", True) else "  (in the list)"
    return f"{paint(format(record['score'], '.2f'), fg='green')}  {printable(record['text'])}{known}"


_COLUMNS = ("text", "score", "novel", "sample", "seed")


@cli.command("sample", short_help="Invent names.", epilog="Example: dino-names -n 5 --suffix raptor")
@click.option("-n", "--count", type=click.IntRange(1), default=10, show_default=True, help="How many names.")
@click.option(
    "-t",
    "--temperature",
    type=options.FloatRange(0.01, 100),
    default=0.8,
    show_default=True,
    help="Below 1: more usual names; above: stranger ones.",
)
@click.option("--top-k", type=click.IntRange(1), metavar="K", help="Draw from the K likeliest characters only.")
@click.option(
    "--top-p",
    type=options.FloatRange(0, 1, min_open=True),
    default=0.995,
    show_default=True,
    metavar="P",
    help="Draw from the likeliest characters only that together have the share P.",
)
@click.option("--prefix", metavar="TEXT", help="Names that begin so.")
@click.option("--suffix", metavar="TEXT", help="Names that end so.")
@click.option("--min-length", type=click.IntRange(1, _LONGEST), default=1, metavar="N", help="Characters at least.")
@click.option(
    "--max-length", type=click.IntRange(1, _LONGEST), default=_LONGEST, metavar="N", help="Characters at most."
)
@click.option(
    "--novel/--no-novel", default=True, show_default=True, help="Leave out the names that the model was trained on."
)
@click.option("--unique", is_flag=True, help="No name twice.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), metavar="N", help="Makes a run repeatable.")
@_MODEL
@options.threads_option("all cores")
@options.text_format_options
@options.general_options
@click.pass_context
def sample(
    ctx: click.Context,
    /,
    count: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    seed: int | None,
    model: str,
    **wishes: str | int | bool | None,
) -> None:
    """Print invented names, one a line. Of one seed, name i is the same however many are asked for."""
    context = open_context(ctx)
    namer = _load(model, context)
    from dltools.models.names.infer import Wish
    from dltools.models.names.sampler import Shape

    if seed is None:
        seed = int.from_bytes(os.urandom(4), "big")
        context.detail(f"seed {seed}")
    encode = text_encoder(context, View(_COLUMNS, _human, lambda record: str(record["text"])))
    number = 0
    given = {name: value for name, value in wishes.items() if value is not None}
    wish = Wish(Shape(temperature, top_k or 0, top_p), **given)  # type: ignore[arg-type]
    for names in namer.sample(count, seed, wish):
        records: list[Record] = [
            {"text": name.text, "score": round(name.score, 4), "novel": name.novel, "sample": at, "seed": seed}
            for at, name in enumerate(names, number)
        ]
        number += len(names)
        context.write(b"".join(map(encode, records)))


@cli.command("score", short_help="How much names are like the list.", epilog="Example: dino-names score Baryonyx")
@options.text_inputs("TEXT")
@_MODEL
@options.rank_option
@options.threads_option("all cores")
@options.text_format_options
@options.batch_options
@options.general_options
@text_batch(View(("text", "score", "novel"), _human, _scored, rank=lambda record: record.get("score", math.inf)))
def score(context: Context, model: str) -> TextWork:
    """Print the score of each name in nats a character, and the name; --sort ranks them."""
    namer = _load(model, context)

    def one(item: TextItem) -> Record | InputError:
        try:
            return record(item, namer.score(item.text))
        except InputError as error:
            return error

    def record(item: TextItem, score: float) -> Record:
        return item.record(score=round(score, 4), novel=namer.is_novel(item.text))

    def work(items: list[TextItem]) -> list[Record | InputError]:
        try:
            scores = namer.scores([item.text for item in items])
        except InputError:  # some of them cannot be scored
            return [one(item) for item in items]
        return [record(item, score) for item, score in zip(items, scores, strict=True)]

    return work


def _measured(trained: Trained) -> Record:
    losses = {
        "validation_loss": trained.validation,
        "test_loss": trained.test,
        "ngram_loss": trained.ngram,
        "ngram_background_loss": trained.ngram_words,
    }
    return {
        "names": sum(map(len, trained.parts)),
        **{name: len(part) for name, part in trained.parts._asdict().items()},
        "epochs": trained.best_epoch,
        **{name: None if loss is None else round(loss, 4) for name, loss in losses.items()},
    }


def _summary(record: Record, _paint: Callable[..., str]) -> str:
    rows = [f"{printable(record['output'])}: {record['names']} names, {record['epochs']} epochs, seed {record['seed']}"]
    rows.append(f"  {record['validation_loss']:.4f} nats a character on {record['validation']} names for validation")
    if record["test_loss"] is not None:
        both = record["ngram_background_loss"]
        also = "" if both is None else f"; with the background: {both:.4f}"
        rows.append(
            f"  {record['test_loss']:.4f} on {record['test']} test names (5-gram: {record['ngram_loss']:.4f}{also})"
        )
    return "\n".join(rows)


_MEASURES = View(
    (
        *("output", "seed", "names", "train", "validation", "test"),
        *("epochs", "validation_loss", "test_loss", "ngram_loss", "ngram_background_loss"),
    ),
    _summary,
)


@cli.command("train", short_help="Learn a list of names.", epilog="Example: dino-names train towns.txt -o towns.npz")
@click.argument("names", required=False, type=options.FILE, metavar="[NAMES]")
@click.option("-o", "--out", required=True, type=options.FILE, metavar="MODEL", help="The file to write.")
@click.option(
    "-m", "--model", type=click.Choice(_KINDS), default="lstm", show_default=True, help="The kind of model to train."
)
@click.option(
    "--resume", type=options.KindOrFile(_KINDS), metavar="MODEL", help="Go on from this model, of the same kind."
)
@click.option(
    "--background",
    type=options.KindOrFile((_OWN,)),
    metavar="own|FILE",
    help="Read these words first, one a line, which the list is akin to; own: genera of living things.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Makes training repeatable.")
@click.option("--epochs", type=click.IntRange(1, 100_000), help="At most so many passes over the names.")
@click.option("--members", type=click.IntRange(1, 64), help="How many networks are averaged.")
@click.option("--units", type=click.IntRange(1, 1024), help="Size of a network's state.")
@click.option(
    "--lessons", type=click.IntRange(0), help="Names that an n-gram model makes up, to learn from at last; 0: none."
)
@options.writing_options
@options.format_options
@options.general_options
@click.pass_context
def train(
    ctx: click.Context,
    /,
    names: str | None,
    out: str,
    model: Kind,
    resume: str | None,
    background: str | None,
    seed: int | None,
    **chosen: int | None,
) -> None:
    """Learn the file NAMES ('-': standard input), one name a line; without it, the toolkit's own list of dinosaurs.

    A tenth of the names, chosen by their hash, says when to stop, and another measures the result beside a 5-gram
    model; both losses are printed, in nats a character. 1,500 names take some minutes.
    """
    import secrets

    one_blas_thread()
    from dltools.io.outputs import atomic_write
    from dltools.models.names.data import OWN_NAMES, own_words, parse_names, read_names
    from dltools.models.names.infer import Namer
    from dltools.models.names.store import encode
    from dltools.models.names.training import Recipe
    from dltools.models.names.training import train as fit

    context = open_context(ctx)
    listed = read_names(OWN_NAMES) if names is None else parse_names(read_bytes(names), names)
    words = [] if background is None else own_words() if background == _OWN else read_names(Path(background))
    earlier = None if resume is None else Namer.load(resume)
    recipe = Recipe.of(
        model,
        secrets.randbelow(2**31) if seed is None else seed,
        background=bool(words),
        **{name: value for name, value in chosen.items() if value is not None},
    )

    with atomic_write(Path(out), force=context.settings.force) as stream:
        with EpochProgress(context) as bar:
            trained = fit(listed, model, recipe, bar.count, earlier, words)
        stream.write(encode(trained.config, trained.weights))
    write_one(context, {"output": out, "seed": recipe.seed, **_measured(trained)}, _MEASURES)
