"""What the subcommands of wordvec share: the group, its vectors, and queries that are lines of words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dltools.commands import _options as options
from dltools.commands._batch import View
from dltools.commands._boundary import Context, one_blas_thread
from dltools.commands._group import DefaultGroup
from dltools.commands._render import FetchProgress
from dltools.errors import InputError
from dltools.io.inputs import TextItem
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.words.infer import Neighbour, WordVectors

NAME = "wordvec"
Function = TypeVar("Function", bound=Callable[..., Any])
Parsed = TypeVar("Parsed")
Answer = TypeVar("Answer")

cli = DefaultGroup(
    NAME,
    default="nearest",
    help="""Query word vectors: neighbours, similarity, analogies, bias.

    The operands are the words of one query. Without operands queries are read from standard input, one a line,
    their words separated by spaces, or by tabs where a part holds spaces.""",
)


def query_options(metavar: str) -> Callable[[Function], Function]:
    """Add what every subcommand takes that answers queries of words."""

    def apply(function: Function) -> Function:
        for decorator in (
            options.general_options,
            options.offline_option,
            options.batch_options,
            options.text_format_options,
            vectors_option,
            options.text_inputs(metavar),
        ):
            function = decorator(function)
        return function

    return apply


def vectors_option(function: Function) -> Function:
    """Add the choice of the vectors."""
    return click.option(
        "--vectors",
        type=VectorsName(NAME),
        metavar="NAME|FILE",
        help="Registered vectors, or a file of any format that 'import' reads (default: glove-50k).",
    )(function)


class VectorsName(options.ModelName):
    """A registered name or a file."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete to registered names, else to files."""
        return super().shell_complete(ctx, param, incomplete) or options.FILE.shell_complete(ctx, param, incomplete)


def load(context: Context, vectors: str | None) -> WordVectors:
    """Return the vectors that ``--vectors`` names, fetched and converted with progress on standard error."""
    if context.settings.operands:
        one_blas_thread()  # one query is a matter of memory: starting threads would take longer than they save
    from dltools.models.words.infer import WordVectors

    chosen = {"vectors": vectors} if vectors else {}
    with FetchProgress(context) as fetching, FetchProgress(context, "converting") as importing:
        return WordVectors.load(
            **chosen, offline=context.offline, fetching=fetching, importing=importing, notify=context.announce
        )


def parts(text: str) -> list[str]:
    """Return the parts of a query: separated by tabs if it holds one, else by spaces."""
    return [part.strip() for part in text.split("\t")] if "\t" in text else text.split()


def answer(
    items: list[TextItem],
    parse: Callable[[str], Parsed],
    answer_all: Callable[[list[Parsed]], Sequence[Answer]],
    record: Callable[[TextItem, Answer], Record],
) -> list[Record | InputError]:
    """Parse the text of each item, answer all that can be parsed together, and make their records."""
    parsed: list[Parsed | InputError] = []
    for item in items:
        try:
            parsed.append(parse(item.text))
        except InputError as error:
            parsed.append(error)
    answers = iter(answer_all([each for each in parsed if not isinstance(each, InputError)]))
    return [
        each if isinstance(each, InputError) else record(item, next(answers))
        for item, each in zip(items, parsed, strict=True)
    ]


def scored(neighbours: Sequence[Neighbour]) -> list[Record]:
    """Return words and scores as findings."""
    return [{"word": word, "score": round(score, 6)} for word, score in neighbours]


def word_lines(record: Record) -> str:
    """Return a word and its score a line; a single word without its score."""
    items = record["items"]
    return items[0]["word"] if len(items) == 1 else "\n".join(f"{one['word']}\t{one['score']:.4f}" for one in items)


def _words(record: Record) -> str:
    return " ".join(item["word"] for item in record["items"])


def human_lines(record: Record, paint: Callable[..., str]) -> str:
    """Return the query and its findings for people."""
    rows = [paint(printable(record.get("text", "")), bold=True)]
    rows += [
        f"  {paint(format(item['score'], '7.4f'), fg='green')}  {printable(item['word'])}" for item in record["items"]
    ]
    return "\n".join(rows)


WORDS = View(("text", "word", "score"), human_lines, _words, word_lines)
