"""wordvec bias, debias and weat: measure associations in word vectors, and take a direction out of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, record_writer, write_one
from dltools.commands._boundary import Context, open_context
from dltools.commands._render import FetchProgress
from dltools.commands._texts import TextWork, text_batch
from dltools.commands._wordvec import answer, human_lines, load, parts, query_options, scored, vectors_option
from dltools.errors import InputError, UsageError
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.words.infer import WordVectors
    from dltools.models.words.lexicon import Association

_PAIRS = click.option(
    "--pairs",
    metavar="A:B,C:D",
    help="Word pairs that define the direction (default: ten of gender, she:he among them).",
)


def _pairs(text: str | None) -> list[tuple[str, str]]:
    from dltools.models.words import lexicon

    return lexicon.parse_pairs(text) if text is not None else lexicon.gender().definitional


def _scores(record: Record) -> str:
    return "\t".join(f"{item['score']:.4f}" for item in record["items"])


def _word_scores(record: Record) -> str:
    return "\n".join(f"{item['word']}\t{item['score']:.4f}" for item in record["items"])


@click.command(
    "bias",
    short_help="How far words lie along a direction given by word pairs.",
    epilog="Example: wordvec bias --pairs she:he nurse engineer",
)
@_PAIRS
@query_options("WORD")
@text_batch(View(("text", "word", "score"), human_lines, _scores, _word_scores), one_query=True)
def bias(context: Context, vectors: str | None, pairs: str | None) -> TextWork:
    """Print the cosine of words with the direction of word pairs: positive towards the first words of the pairs.

    The direction is the first principal component of the pairs, each centred on its mean.
    """
    from dltools.models.words.infer import Neighbour

    words = load(context, vectors)
    direction = words.direction(_pairs(pairs))

    def project(queries: list[list[int]]) -> list[list[Neighbour]]:
        return [
            [Neighbour(words.store.word(row), score) for row, score in zip(rows, scores, strict=True)]
            for rows in queries
            for scores in [words.projections(rows, direction)]
        ]

    return lambda items: answer(
        items,
        lambda text: words.rows(parts(text)),
        project,
        lambda item, found: item.record(items=scored(found)),
    )


_MEASURES = {
    "direct_bias": "mean |cosine| of professions with the direction",
    "cluster_accuracy": "two clusters match the most biased words (0.5: not)",
    "neighbour_correlation": "neighbours of professions still tell their old bias",
}


def _debias_lines(record: Record, paint: Callable[..., str]) -> str:
    rows = [
        paint(f"{printable(record['output'])}: {record['neutralized']:,} words neutralized, ", bold=True)
        + f"{record['exempt']:,} exempt, {record['equalized']} pairs equalized",
        paint(f"  {'before':>8} {'after':>8}", bold=True),
    ]
    rows += [f"  {record['before'][key]:8.4f} {record['after'][key]:8.4f}  {text}" for key, text in _MEASURES.items()]
    return "\n".join(rows)


@click.command(
    "debias",
    short_help="Take a direction out of the vectors, and audit what is left of it.",
    epilog="Example: wordvec debias -o neutral.vectors && wordvec bias --vectors neutral.vectors --pairs she:he nurse",
)
@click.option("-o", "--out", required=True, type=options.FILE, metavar="FILE", help="Where the new vectors go.")
@_PAIRS
@click.option("--specific", type=options.FILE, metavar="FILE", help="Words to leave alone, one a line (default: ours).")
@click.option("--equalize", type=options.FILE, metavar="FILE", help="Pairs to equalize, A:B a line (default: ours).")
@vectors_option
@options.writing_options
@options.format_options
@options.offline_option
@options.general_options
@click.pass_context
def debias(
    ctx: click.Context, out: str, pairs: str | None, specific: str | None, equalize: str | None, vectors: str | None
) -> None:
    """Write vectors without a gender direction, after Bolukbasi et al. (2016), and report before and after.

    The direction is taken out of all words but the gender-specific ones; pairs such as grandmother and grandfather
    are made to differ in it alone. The audit of Gonen and Goldberg (2019) shows that most of the bias stays readable.
    """
    from dltools.io.outputs import atomic_write
    from dltools.models.words import debias as method
    from dltools.models.words import lexicon
    from dltools.models.words.audit import Auditor
    from dltools.models.words.infer import WordVectors

    context = open_context(ctx)
    ours = lexicon.gender()
    definitional = _pairs(pairs)
    exempt = lexicon.read_words(Path(specific)) if specific else ours.specific
    equal = lexicon.read_pairs(Path(equalize)) if equalize else ours.equalize
    words, target = load(context, vectors), Path(out)
    with FetchProgress(context, "debiasing") as progress, atomic_write(target, force=context.settings.force) as stream:
        done = method.debias(
            words.store,
            stream,
            name=target.stem,
            definitional=definitional,
            specific=exempt,
            equalized=equal,
            progress=lambda rows, total: progress(words.store.name, rows, total),
        )
    left_out = {*exempt, *(word for pair in (*definitional, *equal) for word in pair)}
    auditor = Auditor(words.store, done.direction, ours.professions, left_out)
    before, after = auditor.measure(words.store), auditor.measure(WordVectors.open(target).store)
    record = {
        "output": str(target),
        "neutralized": done.neutralized,
        "exempt": done.exempt,
        "equalized": len(done.equalized),
        "before": {key: round(value, 4) for key, value in before._asdict().items()},
        "after": {key: round(value, 4) for key, value in after._asdict().items()},
    }
    columns = ("output", "neutralized", "exempt", "equalized", "before", "after")
    write_one(context, record, View(columns, _debias_lines))


def _weat_line(record: Record, paint: Callable[..., str]) -> str:
    kind = "exact" if record["exact"] else f"{record['permutations']:,} samples"
    size = paint(f"d {record['effect_size']:+.2f}", bold=True)
    return f"{printable(record['name']):22} {size}  p {record['p']:.2g} ({kind})"


@click.command(
    "weat",
    short_help="Word-embedding association tests: effect size and p.",
    epilog="Example: wordvec weat flowers-insects science-arts",
)
@click.argument("tests", metavar="[TEST|FILE.json]...", nargs=-1, type=options.FILE)
@click.option("--samples", type=click.IntRange(1), default=100_000, show_default=True, help="Permutations, if sampled.")
@click.option("--seed", type=click.IntRange(0), help="Seed of the sampled permutations (default: drawn).")
@vectors_option
@options.format_options
@options.offline_option
@options.general_options
@click.pass_context
def weat(ctx: click.Context, tests: tuple[str, ...], samples: int, seed: int | None, vectors: str | None) -> int:
    """Test associations after Caliskan et al. (2017): flowers-insects, instruments-weapons, names-career-family,
    math-arts, science-arts (default: all), or JSON files with two named sets of targets and of attributes.
    """
    import secrets

    from dltools.models.words import lexicon

    context = open_context(ctx)
    ours = lexicon.associations()
    for test in tests:
        if test not in ours and not Path(test).is_file():
            raise UsageError(f"no test and no file is called {test!r}; the tests are {', '.join(ours)}")
    chosen = [ours[test] if test in ours else lexicon.read_association(Path(test)) for test in tests or ours]
    words, report = load(context, vectors), Report()
    seed = secrets.randbits(32) if seed is None else seed
    columns = ("name", "effect_size", "p", "permutations", "exact", "seed", "missing")
    write = record_writer(context, View(columns, _weat_line))
    for association in chosen:
        try:
            write(_tested(words, association, samples, seed))
            report.done += 1
        except InputError as error:
            report.failed += 1
            context.say(f"{association.name}: {error}")
            write({"name": association.name, "error": {"code": error.code, "message": str(error)}})
    return report.exit_status()


def _tested(words: WordVectors, test: Association, samples: int, seed: int) -> Record:
    """Return the record of one test over the words that are known."""
    from dltools.models.words.weat import weat as measure

    sets = [*test.targets.values(), *test.attributes.values()]
    rows = [[row for word in each if (row := words.store.resolve(word)) is not None] for each in sets]
    missing = [word for each in sets for word in each if word not in words]
    first, second, attribute_a, attribute_b = (words.store.unit(each).astype("float64") for each in rows)
    result = measure(first, second, attribute_a, attribute_b, samples=samples, seed=seed)
    return {
        "name": test.name,
        "targets": list(test.targets),
        "attributes": list(test.attributes),
        "effect_size": round(result.effect_size, 4),
        "p": round(result.p, 6),
        "permutations": result.permutations,
        "exact": result.exact,
        **({} if result.exact else {"seed": seed}),
        "missing": missing,
    }
