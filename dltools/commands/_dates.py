"""What the subcommands of date-translate share: options, how a run finds one order, records and lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dltools.commands import _options as options
from dltools.commands._batch import open_source
from dltools.commands._boundary import Context, one_blas_thread, raw_stdin
from dltools.errors import InputError
from dltools.io.inputs import STDIN, TextItem, text_lines
from dltools.io.records import Record
from dltools.io.text import printable

if TYPE_CHECKING:
    from dltools.models.dates.infer import Answer, DateTranslator, Options

_ORDERS = ("auto", "dmy", "mdy", "ymd")
#: How many lines of a pipe may be held back to find the order of their numbers.
LOOK_AHEAD = 1000


class _Base(click.ParamType[dt.date]):
    """A date as ISO 8601, or ``today``."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        if isinstance(value, dt.date):
            return value
        if value == "today":
            return dt.date.today()
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a date such as 2009-06-25 nor today", param, ctx)


MODEL = options.model_option(("attention",), "attention, or the file of a model that 'train' made.")


def reading_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add how dates are read."""
    for decorate in reversed(
        (
            click.option(
                "--order",
                type=click.Choice(_ORDERS),
                default="auto",
                show_default=True,
                help="Order of numbers; auto finds one for the whole input where some line fixes it.",
            ),
            click.option(
                "--locale", metavar="CODE", help="Language that the texts are in, such as de or en_GB: a hint."
            ),
            click.option(
                "--pivot",
                type=click.IntRange(0, 100),
                default=69,
                show_default=True,
                metavar="YY",
                help="Years of two digits from YY on are 19.., those below 20...",
            ),
            click.option(
                "--base", type=_Base(), metavar="DATE", help="Read relative dates (tomorrow) too, from DATE or today."
            ),
            click.option(
                "--min-score",
                type=options.FloatRange(0, 1),
                default=0.5,
                show_default=True,
                help="Refuse texts whose reading scores less; of numbers, all their orders together.",
            ),
            MODEL,
        )
    ):
        function = decorate(function)
    return function


def load(context: Context, model: str) -> DateTranslator:
    """Return the translator that ``--model`` names."""
    one_blas_thread()
    from dltools.models.dates.infer import DateTranslator

    return DateTranslator.load(model, threads=context.threads)


def reading(order: str, **chosen: Any) -> Options:
    """Return the options of the Python API that the command's options mean."""
    from dltools.models.dates.infer import Options
    from dltools.models.dates.order import ORDERS

    return Options(order=next((each for each in ORDERS if each == order), None), **chosen)


class OneOrder:
    """Work on texts that finds the one order of their numbers first, where ``--order`` leaves it open.

    A file is read twice. Of a pipe up to :data:`LOOK_AHEAD` lines are held back, and only while one with two readings
    waits among them.
    """

    def __init__(
        self, context: Context, options: Options, answer: Callable[[list[TextItem], Options], list[Any]]
    ) -> None:
        self._context = context
        self._options = options
        self._answer = answer
        self._free = options.order is None and options.locale is None

    def __call__(self, items: list[TextItem]) -> list[Any]:
        return self._answer(items, self._options)

    def ahead(self, batches: Iterator[list[TextItem]]) -> Iterator[list[TextItem]]:
        """Yield ``batches`` as soon as the order of their numbers is known, or cannot be."""
        from dltools.models.dates.order import Evidence

        evidence, file = Evidence(), self._context.settings.file
        if not self._free:
            yield from batches
            return
        if file is not None and file != STDIN:
            with open_source(file, raw_stdin()) as read:
                for batch in text_lines(read):
                    self._consider(evidence, batch)
            self._settle(evidence)
            yield from batches
            return
        held: list[list[TextItem]] = []
        waiting = True
        for batch in batches:
            held.append(batch)
            if waiting:
                self._consider(evidence, batch)
                known = evidence.order is not None or evidence.contradictory
                if evidence.ambiguous and not known and sum(map(len, held)) < LOOK_AHEAD:
                    continue
                if evidence.ambiguous:
                    waiting = False
                    self._settle(evidence)
            yield from held
            held.clear()
        if waiting:
            self._settle(evidence)
        yield from held

    def _consider(self, evidence: Any, batch: list[TextItem]) -> None:
        from dltools.models.dates.characters import fold

        for item in batch:
            evidence.add(fold(item.text))

    def _settle(self, evidence: Any) -> None:
        """Fix the order if the texts do, and say so if that makes a difference."""
        import dataclasses

        if evidence.order is None or not evidence.ambiguous:
            return
        self._options = dataclasses.replace(self._options, order=evidence.order)
        words = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}[evidence.order]
        self._context.note(f"numbers are read as {words} ({evidence.order}): other lines fix it, --order overrides it")


def record_of(item: TextItem, answer: Answer) -> Record | InputError:
    """Return the record of an answer, or why there is none."""
    if answer.date is None:
        return InputError(answer.reason, code="no_date")
    return item.record(**fields(answer))


def fields(answer: Answer) -> Record:
    """Return what a record says of an answer that is a date."""
    return {
        "date": answer.date,
        "score": round(answer.score, 4),
        "ambiguous": answer.ambiguous,
        "order": answer.order,
        "alternatives": [{"date": date, "score": round(score, 4)} for date, score in answer.alternatives],
        "removed": answer.removed,
    }


def human(record: Record, paint: Callable[..., str]) -> str:
    """Return lines for people about a record."""
    flag = "  (ambiguous)" if record["ambiguous"] else ""
    rows = [f"{paint(record['date'], bold=True)}  {record['score']:.2f}  {printable(record['text'])}{flag}"]
    rows += [f"    {other['score']:.2f}  {other['date']}" for other in record["alternatives"][1:]]
    return "\n".join(rows)


def plain(record: Record) -> str:
    """Return the one line of a record: its date."""
    return str(record["date"])


def suffixed(path: str, wanted: Sequence[str]) -> Path:
    """Return ``path`` if its suffix is one of ``wanted``; raise a usage error otherwise."""
    if Path(path).suffix.lower() not in wanted:
        raise click.UsageError(f"{path}: give a file that ends in {' or '.join(wanted)}")
    return Path(path)
