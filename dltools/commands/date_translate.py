"""date-translate: dates as people and machines write them, as ISO 8601."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _dates as dates
from dltools.commands import _dates_models
from dltools.commands import _options as options
from dltools.commands._batch import View
from dltools.commands._boundary import Context, entry_point
from dltools.commands._group import DefaultGroup
from dltools.commands._texts import TextWork, text_batch
from dltools.errors import InputError, UsageError
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.io.inputs import TextItem
    from dltools.models.dates.infer import DateTranslator, Options

NAME = "date-translate"
_COLUMNS = ("text", "date", "score", "ambiguous", "order", "removed")

cli = DefaultGroup(
    NAME,
    default="translate",
    help="""Bring dates in any wording to ISO 8601: "25th of June, 2009" is 2009-06-25.

    TEXT is a date, with or without a time of day and words around it. Without TEXT, texts are read from standard input,
    one a line, and each gives one line: its date, or nothing where it says none.""",
)
main = entry_point(cli)


@cli.command(
    "translate", short_help="The date that a text says.", epilog="Example: date-translate '25th of June, 2009'"
)
@options.text_inputs("TEXT")
@dates.reading_options
@click.option(
    "-n", "--top", type=click.IntRange(1, 100), default=1, show_default=True, help="Give the best N readings."
)
@click.option("--time", is_flag=True, help="Keep the time of day and the zone that the text says.")
@click.option("--partial", is_flag=True, help="Let dates through that lack a day, month or year: 2009-06, --06-25.")
@click.option(
    "--attention", type=options.FILE, metavar="PNG", help="Draw which characters of the one TEXT made which digits."
)
@options.writing_options
@options.text_format_options
@options.batch_options
@options.runtime_options
@options.general_options
@text_batch(View(_COLUMNS, dates.human, dates.plain))
def translate(context: Context, model: str, attention: str | None, order: str, **chosen: Any) -> TextWork:
    """Print the date of each text, one line for one line of input; an empty one where a text says none."""
    if attention is not None:
        dates.suffixed(attention, (".png",))
        if len(context.settings.operands) != 1:
            raise UsageError("--attention draws the map of one TEXT operand")
    translator = dates.load(context, model)

    def answer(items: list[TextItem], how: Options) -> list[Record | InputError]:
        found = [
            dates.record_of(item, each)
            for item, each in zip(items, translator.translate([item.text for item in items], how), strict=True)
        ]
        if attention is not None:
            _draw(translator, items[0].text, how, Path(attention), force=context.settings.force)
            if isinstance(found[0], dict):
                found[0]["output"] = attention
        return found

    return dates.OneOrder(context, dates.reading(order, **chosen), answer)


def _draw(translator: DateTranslator, text: str, how: Options, path: Path, *, force: bool) -> None:
    from dltools.io.heatmaps import heatmap
    from dltools.io.images import encode_image
    from dltools.io.outputs import atomic_write

    seen = translator.attention(text, how)
    pixels = heatmap(seen.weights, list(seen.symbols), list(seen.characters), rows="written", columns="read")
    with atomic_write(path, force=force) as stream:
        stream.write(encode_image(pixels, ".png"))


def _found_plain(record: Record) -> str:
    return " ".join(item["date"] for item in record["items"])


def _found_human(record: Record, paint: Callable[..., str]) -> str:
    rows = [printable(record["text"])]
    for item in record["items"]:
        start, end = item["span"]
        label = printable(record["text"][start:end])
        rows.append(f"    {paint(item['date'], bold=True)}  {item['score']:.2f}  {start}-{end}  {label}")
    return "\n".join(rows)


@cli.command(
    "find", short_help="The dates in running text.", epilog="Example: date-translate find 'We met on 5 May 2009.'"
)
@options.text_inputs("TEXT")
@dates.reading_options
@click.option("--time", is_flag=True, help="Keep the time of day and the zone that stand with a date.")
@options.finding_options
@options.text_format_options
@options.batch_options
@options.runtime_options
@options.general_options
@text_batch(View(("text", "date", "score", "span"), _found_human, _found_plain))
def find(context: Context, model: str, order: str, **chosen: Any) -> TextWork:
    """Print the dates that stand in each text, with spaces between; records say from which character to which."""
    from dltools.models.dates.find import find as search

    translator = dates.load(context, model)
    how = dates.reading(order, **chosen)

    def answer(items: list[TextItem], how: Options) -> list[Record | InputError]:
        found = search(translator, [item.text for item in items], how)
        return [
            item.record(items=[{**dates.fields(each.answer), "span": [each.start, each.end]} for each in places])
            for item, places in zip(items, found, strict=True)
        ]

    return dates.OneOrder(context, how, answer)


cli.add_command(_dates_models.train)
cli.add_command(_dates_models.evaluate)
