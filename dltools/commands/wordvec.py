"""wordvec: neighbours, similarity, analogies and bias in word vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from dltools.commands._batch import View
from dltools.commands._boundary import Context, entry_point
from dltools.commands._texts import TextWork, text_batch
from dltools.commands._wordvec import WORDS, answer, cli, human_lines, load, parts, query_options, scored, word_lines
from dltools.commands._wordvec_bias import bias, debias, weat
from dltools.commands._wordvec_files import evaluate, import_, plot
from dltools.errors import InputError
from dltools.io.inputs import TextItem
from dltools.io.records import Record

if TYPE_CHECKING:
    from dltools.models.words.infer import Analogy, Method

main = entry_point(cli)

_COUNT = click.IntRange(1, 10_000)


@cli.command(
    "nearest", short_help="The words nearest to a word, or to the mean of several.", epilog="Example: wordvec cat"
)
@click.option("-n", "--count", type=_COUNT, default=10, show_default=True, help="How many neighbours.")
@query_options("WORD")
@text_batch(WORDS, one_query=True)
def nearest(context: Context, vectors: str | None, count: int) -> TextWork:
    """List the words of highest cosine with a word, or with the mean of several, best first.

    The one query of the operands gives a neighbour a line, word and score; a line of input gives one line of words.
    """
    words = load(context, vectors)
    return lambda items: answer(
        items,
        lambda text: words.rows(parts(text)),
        lambda queries: words.nearest_rows(queries, count),
        lambda item, found: item.record(items=scored(found)),
    )


def _score(record: Record) -> str:
    return f"{record['score']:.4f}"


@cli.command(
    "similarity",
    short_help="The cosine of two words or two sentences.",
    epilog="Example: wordvec similarity 'the cat sat' 'a dog lay'",
)
@query_options("TEXT")
@text_batch(View(("text", "score"), lambda record, _paint: _score(record), _score), one_query=True)
def similarity(context: Context, vectors: str | None) -> TextWork:
    """Print the cosine of two words, or of two sentences as the means of their words' unit vectors.

    In a line of input a tab separates sentences. Unknown words of a sentence are left out.
    """
    words = load(context, vectors)

    def parse(text: str) -> tuple[list[int], list[int]]:
        both = parts(text)
        if len(both) != 2:
            raise InputError("not two words, nor two sentences with a tab between", code="bad_query")
        return words.sentence(both[0]), words.sentence(both[1])

    return lambda items: answer(
        items, parse, words.similarities, lambda item, score: item.record(score=round(score, 6))
    )


def _analogy_line(record: Record) -> str:
    line = " ".join(item["word"] for item in record["items"])
    return line + "\t" + " ".join(item["word"] for item in record["unrestricted"]) if "unrestricted" in record else line


def _analogy_lines(record: Record) -> str:
    if "unrestricted" not in record:
        return word_lines(record)
    if len(record["items"]) == 1:
        return _analogy_line(record)
    rows = zip(record["items"], record["unrestricted"], strict=False)
    return "\n".join("\t".join(f"{one['word']}\t{one['score']:.4f}" for one in row) for row in rows)


def _analogy_human(record: Record, paint: Callable[..., str]) -> str:
    lines = human_lines(record, paint)
    if "unrestricted" in record:
        lines += "\n" + human_lines({"text": "with the words of the question", "items": record["unrestricted"]}, paint)
    return lines


@cli.command(
    "analogy",
    short_help="What is to C as B is to A.",
    epilog="Example: wordvec analogy man king woman",
)
@click.option("-n", "--count", type=_COUNT, default=1, show_default=True, help="How many answers.")
@click.option(
    "--method",
    type=click.Choice(["add", "mul"]),
    default="add",
    show_default=True,
    help="Rank by the cosine with B - A + C (3CosAdd), or by the product of cosines (3CosMul).",
)
@click.option("--all", "unrestricted", is_flag=True, help="Show beside it the answer with A, B and C let in.")
@query_options("WORD")
@text_batch(View(("text", "word", "score"), _analogy_human, _analogy_line, _analogy_lines), one_query=True)
def analogy(context: Context, vectors: str | None, count: int, method: Method, unrestricted: bool) -> TextWork:
    """Answer 'A is to B as C is to what?', with A, B and C themselves left out of the answers."""
    words = load(context, vectors)

    def parse(text: str) -> list[int]:
        three = parts(text)
        if len(three) != 3:
            raise InputError(f"an analogy has three words, not {len(three)}", code="bad_query")
        return words.rows(three)

    def record(item: TextItem, found: Analogy) -> Record:
        beside = {"unrestricted": scored(found.unrestricted)} if unrestricted else {}
        return item.record(items=scored(found.answers), **beside)

    return lambda items: answer(items, parse, lambda triples: words.analogy_rows(triples, count, method), record)


def _label(record: Record) -> str:
    label: str = record["label"]
    return label


@cli.command(
    "odd-one",
    short_help="The word that does not belong.",
    epilog="Example: wordvec odd-one breakfast cereal dinner lunch",
)
@query_options("WORD")
@text_batch(View(("text", "label", "word", "score"), human_lines, _label), one_query=True)
def odd_one(context: Context, vectors: str | None) -> TextWork:
    """Name the word that is farthest from the mean of all; the record has every word's cosine with it."""
    words = load(context, vectors)
    return lambda items: answer(
        items,
        lambda text: words.odd_one(parts(text)),
        lambda found: found,
        lambda item, found: item.record(label=found[0].word, items=scored(found)),
    )


def _vector_line(record: Record) -> str:
    return f"{record['text']} " + " ".join(format(number, ".6g") for number in record["embedding"])


@cli.command("vector", short_help="The numbers of a word.", epilog="Example: wordvec vector king queen > some.txt")
@click.option("--unit", is_flag=True, help="At unit length, as all comparisons use it.")
@query_options("TEXT")
@text_batch(View(("text", "embedding"), lambda record, _paint: _vector_line(record), _vector_line))
def vector(context: Context, vectors: str | None, unit: bool) -> TextWork:
    """Print the vector of each word, in the text format of GloVe; of several words in a text their mean.

    A single word's vector has the length that its source gave it, unless --unit.
    """
    words = load(context, vectors)

    def one(rows: list[int]) -> list[float]:
        values = words.mean(rows) if unit or len(rows) > 1 else words.store.raw(rows)[0]
        return [round(number, 7) for number in values.tolist()]

    return lambda items: answer(
        items,
        lambda text: words.rows(text.split()),
        lambda queries: [one(rows) for rows in queries],
        lambda item, numbers: item.record(embedding=numbers),
    )


for command in (bias, debias, weat, evaluate, plot, import_):
    cli.add_command(command)
