"""wordvec evaluate, plot and import: files of questions, pictures and vectors."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dltools.commands import _options as options
from dltools.commands._batch import View, demand_pipe, open_source, record_writer, write_one
from dltools.commands._boundary import open_context, raw_stdin
from dltools.commands._render import FetchProgress
from dltools.commands._wordvec import load, parts, vectors_option
from dltools.errors import InputError, UsageError
from dltools.io.inputs import STDIN
from dltools.io.records import Record
from dltools.io.report import Report
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.words.evaluate import Count
    from dltools.models.words.infer import Method, WordVectors
    from dltools.runtime.vectors import DType


def _measures(record: Record, paint: Callable[..., str]) -> str:
    title = paint(printable(record["path"]), bold=True)
    if "spearman" in record:
        pairs = f"{record['covered']:,} of {record['pairs']:,} pairs"
        return (
            f"{title}: Spearman {record['spearman_covered']:.4f} over {pairs}"
            f" ({record['spearman']:.4f} with unknown words as 0)"
        )
    rows = [title, paint(f"  {'accuracy':>8} {'if known':>8} {'covered':>15}", bold=True)]
    groups = {**record["sections"], **{key: record[key] for key in ("semantic", "syntactic", "total")}}
    for name, count in groups.items():
        covered = f"{count['covered']:,}/{count['questions']:,}"
        rows.append(f"  {count['accuracy']:8.2%} {count['accuracy_covered']:8.2%} {covered:>15}  {printable(name)}")
    return "\n".join(rows)


@click.command(
    "evaluate",
    short_help="Accuracy on analogy files, rank correlation on similarity files.",
    epilog="Example: wordvec evaluate --vectors glove-6b-100d questions-words.txt wordsim353.tsv",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=options.FILE)
@click.option("--method", type=click.Choice(["add", "mul"]), default="add", show_default=True, help="As in 'analogy'.")
@vectors_option
@options.format_options
@options.offline_option
@options.general_options
@click.pass_context
def evaluate(ctx: click.Context, files: tuple[str, ...], method: Method, vectors: str | None) -> int:
    """Measure vectors by files of questions, with unknown words counted wrong and left out.

    A file holds analogies as Google's does (': section', four words a line), or two words and a score a line.
    """
    context = open_context(ctx)
    words, report = load(context, vectors), Report()
    columns = ("path", "total", "semantic", "syntactic", "pairs", "covered", "spearman", "spearman_covered")
    write = record_writer(context, View(columns, _measures))
    for file in files:
        try:
            with FetchProgress(context, "evaluating") as progress:
                write(_measured(words, file, method, functools.partial(progress, file)))
            report.done += 1
        except InputError as error:
            report.failed += 1
            context.say(str(error))
            write({"path": file, "error": {"code": error.code, "message": str(error)}})
    return report.exit_status()


def _measured(words: WordVectors, file: str, method: Method, progress: Callable[[int, int], None]) -> Record:
    from dltools.models.words import evaluate as measures

    path = Path(file)
    if not measures.is_analogy_file(path):
        found = measures.evaluate_similarity(words, path)
        scores = {"spearman": round(found.spearman, 4), "spearman_covered": round(found.spearman_covered, 4)}
        return {"path": file, "pairs": found.pairs, "covered": found.covered, **scores}
    counts = measures.evaluate_analogies(words, path, method=method, progress=progress)
    groups = {"semantic": counts.semantic, "syntactic": counts.syntactic, "total": counts.total}
    return {
        "path": file,
        "method": method,
        **{name: _count(count) for name, count in groups.items()},
        "sections": {name: _count(count) for name, count in counts.sections.items()},
    }


def _count(count: Count) -> Record:
    shares = {"accuracy": round(count.accuracy, 4), "accuracy_covered": round(count.accuracy_covered, 4)}
    return {**count._asdict(), **shares}


def _points(record: Record, paint: Callable[..., str]) -> str:
    rows = [paint(printable(record["output"]), bold=True)]
    rows += [f"  {item['x']:8.4f} {item['y']:8.4f}  {printable(item['word'])}" for item in record["items"]]
    return "\n".join(rows)


@click.command(
    "plot",
    short_help="A picture of words, two dimensions of their vectors.",
    epilog="Example: wordvec plot -o kin.png king queen man woman",
)
@click.argument("operands", metavar="[WORD]...", nargs=-1)
@click.option("-f", "--file", type=options.FILE, metavar="FILE", help="Read words from FILE ('-': standard input).")
@click.option(
    "-o", "--out", required=True, type=options.FILE, metavar="FILE", help="PNG or JPEG; '-' writes a PNG out."
)
@click.option(
    "--size",
    type=(click.IntRange(100, 10_000), click.IntRange(100, 10_000)),
    default=(1000, 800),
    metavar="WIDTH HEIGHT",
    help="In pixels (default: 1000 800).",
)
@vectors_option
@options.writing_options
@options.format_options
@options.offline_option
@options.general_options
@click.pass_context
def plot(
    ctx: click.Context,
    operands: tuple[str, ...],
    file: str | None,
    out: str,
    size: tuple[int, int],
    vectors: str | None,
) -> int:
    """Draw words by the first two principal components of their vectors; unknown words are told and left out."""
    from dltools.io.images import encode_image
    from dltools.io.outputs import atomic_write
    from dltools.models.words.plot import plot as draw

    context = open_context(ctx)
    suffix = ".png" if out == STDIN else Path(out).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(f"{out}: a picture's name ends in .png or .jpg")
    names = [*operands, *(_file_words(ctx, file) if file is not None or not operands else [])]
    words, known, report = load(context, vectors), [], Report()
    for name in names:
        try:
            words.row(name)
            known.append(name)
        except InputError as error:
            report.failed += 1
            context.say(str(error))
    pixels, points = draw(words, known, width=size[0], height=size[1])
    data = encode_image(pixels, suffix)
    if out == STDIN:
        context.write(data)
        return report.exit_status()
    with atomic_write(Path(out), force=context.settings.force) as stream:
        stream.write(data)
    items = [
        {"word": name, "x": round(x, 4), "y": round(y, 4)} for name, (x, y) in zip(known, points.tolist(), strict=True)
    ]
    write_one(context, {"output": out, "items": items}, View(("output", "word", "x", "y"), _points))
    return report.exit_status()


_SUFFIXES = (".png", ".jpg", ".jpeg")


def _file_words(ctx: click.Context, file: str | None) -> list[str]:
    from dltools.io.inputs import text_lines

    if file is None:
        demand_pipe(ctx)
    with open_source(file or STDIN, raw_stdin()) as read:
        items = [item for batch in text_lines(read) for item in batch]
    return [word for item in items for word in parts(item.text)]


def _imported(record: Record, paint: Callable[..., str]) -> str:
    size = f"{record['words']:,} words of {record['dimensions']} dimensions"
    repeated = f", {record['repeated']:,} repeated words left out" if record["repeated"] else ""
    return f"{paint(printable(record['output']), bold=True)}: {size}{repeated}"


@click.command(
    "import",
    short_help="Convert published vectors for opening at once.",
    epilog="Example: wordvec import GoogleNews-vectors-negative300.bin.gz -o news.vectors",
)
@click.argument("source", metavar="FILE", type=options.FILE)
@click.option("-o", "--out", required=True, type=options.FILE, metavar="FILE", help="Where the mapped vectors go.")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16", "int8"]),
    default="float32",
    show_default=True,
    help="float16 halves the file and moves cosines by up to 0.00013, int8 quarters it, by up to 0.005.",
)
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N words, the most frequent.")
@click.option("--member", metavar="NAME", help="The file inside a ZIP archive.")
@options.writing_options
@options.format_options
@options.general_options
@click.pass_context
def import_(ctx: click.Context, source: str, out: str, dtype: DType, limit: int | None, member: str | None) -> None:
    """Convert GloVe text (with or without header), word2vec text or binary, fastText .vec, .npz, or gzip of these.

    Other subcommands take the result, or any such file itself, with --vectors; then the conversion is cached.
    """
    from dltools.io.outputs import atomic_write
    from dltools.models.words.importer import import_vectors

    context, target = open_context(ctx), Path(out)
    with FetchProgress(context, "importing") as progress, atomic_write(target, force=context.settings.force) as stream:
        done = import_vectors(
            Path(source), stream, name=target.stem, dtype=dtype, limit=limit, member=member, progress=progress
        )
    record = {
        "path": source,
        "output": out,
        "words": done.rows,
        "dimensions": done.dimensions,
        "repeated": done.repeated,
    }
    write_one(context, record, View(("path", "output", "words", "dimensions", "repeated"), _imported))
