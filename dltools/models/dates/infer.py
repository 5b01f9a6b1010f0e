"""Written dates brought to ISO 8601, without TensorFlow.

In: texts. Out: for each the date that it says with a score, or a reason why there is none; its other readings; its
time of day; and which characters made which digits.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import UsageError
from dltools.models.dates import grammar, store
from dltools.models.dates.characters import MAX_CHARS, Alphabet, fold, fold_aligned, steps_for
from dltools.models.dates.config import HINT_ORDERS, DatesConfig, Floats, Weights
from dltools.models.dates.decode import Written, beam, greedy
from dltools.models.dates.order import ORDERS, PIVOT, Order, full_year, is_real, readings
from dltools.models.dates.recurrent import Network, Reading
from dltools.runtime.arrayfile import demand_finite
from dltools.runtime.assets import own_model_path

DEFAULT_MODEL = "attention"
#: What is likelier wrong than right is no answer.
MIN_SCORE = 0.5
_CHUNK = 256  # texts that are read together: their state should stay in the processor's cache
_BEAM = 4
_SURE = 0.9  # a text whose best reading scores less is searched for others
_LEAP_SCORE = 0.5  # of a leap day that was refused, from which it is taken for one
_UNREAL = 0.5  # where the calendar takes away more, the text says a day that does not exist
_WORTH = 0.02  # another reading that scores less is not one
_RIVAL = 0.1  # a text with another reading that scores more is ambiguous
_SHOWN = 3  # readings that are given where --top asks for one
_TIME = len("__:__:__")


@dataclasses.dataclass(frozen=True)
class Options:
    """How texts are to be read.

    ``order``: of numbers, None to let the text decide. ``locale``: a hint such as "de" or "en_GB". ``pivot``: years of
    two digits from here on are of the 20th century. ``top``: how many readings to give. ``base``: the date that
    relative ones start from. ``partial``: let dates without a day or a month through. ``time``: read the time of day.
    ``min_score``: a text is refused if its best reading scores less; of plain numbers, if all their orders together do.
    """

    order: Order | None = None
    locale: str | None = None
    pivot: int = PIVOT
    top: int = 1
    base: dt.date | None = None
    partial: bool = False
    time: bool = False
    min_score: float = MIN_SCORE


class Answer(NamedTuple):
    """What a text says. ``date`` is None where it is refused, and ``reason`` says why.

    ``date``: ISO 8601, ``2009-06`` or ``--06-25`` for partial ones, with ``T10:49:41-03:00`` if asked. ``score``: the
    probability of the reading. ``removed``: the probability that the calendar took away. ``order``: in which numbers
    were read, None where they are no numbers. ``alternatives``: all readings with their scores, the best first.
    ``kind``: what the network took the text for; ``expression``: what it wrote.
    """

    date: str | None
    score: float
    removed: float
    ambiguous: bool
    order: Order | None
    alternatives: list[tuple[str, float]]
    kind: grammar.Kind
    expression: str
    reason: str


class AttentionMap(NamedTuple):
    """Which characters were looked at for which symbol.

    ``weights`` (symbols, characters), each row of which sums to at most 1: the rest looked at the hint.
    """

    characters: str
    symbols: str
    weights: Floats


class DateTranslator:
    """Reads dates as people and machines write them.

    >>> DateTranslator.load().translate(["25th of June, 2009"])[0].date
    '2009-06-25'
    """

    def __init__(self, config: DatesConfig, weights: Weights, *, threads: int = 1) -> None:
        self.config = config
        self.weights = weights
        self._alphabet = Alphabet(config.alphabet)
        self._network = Network(weights)
        self._threads = threads

    @classmethod
    def load(cls, model: str = DEFAULT_MODEL, *, threads: int = 1) -> DateTranslator:
        """Return the model that comes with the toolkit, or the one in a file.

        Raise :class:`UsageError` where there is none, :class:`ModelFileError` where the file is damaged.
        """
        return cls.open(own_model_path("date-translate", model), threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> DateTranslator:
        """Return the model in a file; raise :class:`ModelFileError`."""
        return cls(*store.decode(path), threads=threads)

    def translate(self, texts: Sequence[str], options: Options = Options()) -> list[Answer]:
        """Return what each of ``texts`` says. Of a text :data:`MAX_CHARS` folded characters are read.

        Raise :class:`UsageError` for a locale that the model does not know.
        """
        options, hints = self._settled(options)
        folded = [fold(text)[:MAX_CHARS] for text in texts]
        unique = list(dict.fromkeys(folded))
        answers = dict(zip(unique, self._answers(unique, hints, options), strict=True))
        return [answers[text] for text in folded]

    def attention(self, text: str, options: Options = Options()) -> AttentionMap:
        """Return which characters of ``text`` made which symbols of its expression."""
        folded, _ = fold_aligned(text)
        folded = folded[:MAX_CHARS]
        reading = self._read([folded], self._settled(options)[1])
        written = self._write(reading, attend=True)
        weights: Floats = (
            written.attention[0, :, 1 : 1 + len(folded)]
            if written.attention is not None
            else np.zeros((0, 0), np.float32)
        )
        return AttentionMap(folded, written.texts[0], weights)

    # --- batches

    def _settled(self, options: Options) -> tuple[Options, tuple[int, int]]:
        """Return ``options`` with the order that a locale stands for, and the numbers of the hints that they give."""
        if options.locale is None:
            return options, (HINT_ORDERS.index(options.order or ""), 0)
        code = options.locale.replace("-", "_")
        language = code.split("_")[0]
        if language not in self.config.languages:
            raise UsageError(
                f"{options.locale}: the model knows no such locale; it knows {', '.join(self.config.languages)}"
            )
        usual = self.config.locales.get(code, self.config.locales.get(language))
        options = dataclasses.replace(options, order=options.order or usual)
        return options, (HINT_ORDERS.index(options.order or ""), 1 + self.config.languages.index(language))

    def _answers(self, texts: list[str], hints: tuple[int, int], options: Options) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(texts)

        def work(chosen: list[int]) -> None:
            for number, answer in zip(
                chosen, self._chunk([texts[each] for each in chosen], hints, options), strict=True
            ):
                answers[number] = answer

        _in_parallel(work, list(_chunks(texts)), self._threads)
        empty = Answer(None, 0.0, 0.0, False, None, [], "refused", grammar.REFUSED, "an empty text")
        return [answer if answer is not None else empty for answer in answers]

    def _chunk(self, texts: list[str], hints: tuple[int, int], options: Options) -> list[Answer]:
        """Return the answers for texts of like length."""
        reading = self._read(texts, hints)
        written = self._write(reading)
        demand_finite(written.scores)
        demand_finite(written.kept)
        cases = [
            _Case(*case)
            for case in zip(
                texts, written.texts, written.scores.tolist(), written.kept.tolist(), map(readings, texts), strict=True
            )
        ]
        self._leap_days(cases, reading)
        unsure = [number for number, case in enumerate(cases) if options.top > 1 or case.unsure(options.order)]
        others: dict[int, list[tuple[str, float]]] = {}
        if unsure:
            found = self._beam(reading.rows(np.array(unsure)), max(_BEAM, options.top))
            others = dict(zip(unsure, found, strict=True))
        times = self._times(reading) if options.time else [""] * len(texts)
        return [self._answer(case, others.get(number, []), times[number], options) for number, case in enumerate(cases)]

    def _leap_days(self, cases: list[_Case], reading: Reading) -> None:
        """Put right, in ``cases``, what the network refused although it is the 29th of February of a leap year.

        It learned to refuse days that do not exist, but which years have a leap day is not what a network counts well.
        """
        doubtful = [at for at, case in enumerate(cases) if case.expression[0] == "x" and "29" in case.text]
        if not doubtful:
            return
        written = self._write(reading.rows(np.array(doubtful)), grammar.date_automaton().without("x"))
        for at, text, score in zip(doubtful, written.texts, written.scores.tolist(), strict=True):
            if text.endswith("-02-29") and score > _LEAP_SCORE:
                cases[at] = cases[at]._replace(expression=text, score=score)

    def _read(self, texts: list[str], hints: tuple[int, int]) -> Reading:
        steps = steps_for(max(map(len, texts)))
        return self._network.read(
            self._alphabet.numbers(texts, steps), np.tile(np.array(hints, np.int32), (len(texts), 1))
        )

    def _write(self, reading: Reading, automaton: grammar.Automaton | None = None, *, attend: bool = False) -> Written:
        automaton, temperature = automaton or grammar.date_automaton(), self.config.temperature
        return greedy(
            self._network, reading, automaton, grammar.START_DATE, grammar.DATE_STEPS, temperature, attend=attend
        )

    def _beam(self, reading: Reading, width: int) -> list[list[tuple[str, float]]]:
        automaton, temperature = grammar.date_automaton(), self.config.temperature
        return beam(self._network, reading, automaton, grammar.START_DATE, grammar.DATE_STEPS, temperature, width)

    def _times(self, reading: Reading) -> list[str]:
        automaton, temperature = grammar.time_automaton(), self.config.temperature
        written = greedy(self._network, reading, automaton, grammar.START_TIME, grammar.TIME_STEPS, temperature)
        return [_shown_time(text) for text in written.texts]

    def _answer(self, case: _Case, others: list[tuple[str, float]], time: str, options: Options) -> Answer:
        expression, score = case.expression, case.score
        if others and others[0][1] > score:  # the beam found a better one than the greedy way
            expression, score = others[0]
        kind = grammar.kind_of(expression)
        date, reason = _date(case, expression, kind, options)
        if date is not None and _removed(case) > _UNREAL:
            date, reason = None, "no such day in the calendar"
        elif date is not None and _confidence(case, expression, score, others) < options.min_score:
            date, reason = None, f"not sure of any reading (the best, {date}, scores {score:.2f})"
        if date is None:
            return Answer(None, score, _removed(case), False, None, [], kind, expression, reason)
        alternatives = _alternatives(case, date, score, others, options)
        numbers = {order: _moved(each, case.text, options.pivot) for order, each in case.numbers.items()}
        several = date in numbers.values() and len(set(numbers.values())) > 1
        rival = len(alternatives) > 1 and alternatives[1][1] > _RIVAL
        return Answer(
            date + (time if kind == "date" else ""),
            score,
            _removed(case),
            options.order is None and (several or rival),
            next((order for order in ORDERS if numbers.get(order) == date), None),
            alternatives,
            kind,
            expression,
            "",
        )


class _Case(NamedTuple):
    """A folded text, what the greedy way wrote for it, and the dates that its numbers may mean by their order."""

    text: str
    expression: str
    score: float
    kept: float
    numbers: dict[Order, str]

    def unsure(self, order: Order | None) -> bool:
        """Whether other readings are worth searching for; ``order``: the one that is settled, if any is."""
        return self.score < _SURE or (order is None and len(set(self.numbers.values())) > 1)


def _confidence(case: _Case, expression: str, score: float, others: list[tuple[str, float]]) -> float:
    """Return how likely it is that the text says a date: of plain numbers, in whichever order they are read."""
    possible = set(case.numbers.values())
    if expression not in possible:
        return score
    return sum(share for each, share in {expression: score, **dict(others)}.items() if each in possible)


def _removed(case: _Case) -> float:
    return round(1 - min(case.kept, 1.0), 6)


def _date(case: _Case, expression: str, kind: grammar.Kind, options: Options) -> tuple[str | None, str]:
    """Return the date that ``expression`` stands for, or None and the reason."""
    if kind == "refused":
        return None, "no date in it"
    if kind == "partial" and (options.base is None or expression[:4] != "____"):
        if options.partial:
            return _shown_partial(expression), ""
        missing = "year" if expression[0] == "_" else "day" if expression[5] != "_" else "month and no day"
        return None, f"no {missing} in it (--partial lets {_shown_partial(expression)} through)"
    if kind == "relative" and options.base is None:
        return None, "a relative date (--base says from when)"
    found = grammar.evaluate(expression, options.base)
    if found is None:
        return None, "no such day"
    date = found.isoformat()
    if kind != "date":
        return date, ""
    if options.order is not None and date in case.numbers.values():
        date = case.numbers.get(options.order, date)
    return _moved(date, case.text, options.pivot), ""


def _alternatives(
    case: _Case, best: str, score: float, others: list[tuple[str, float]], options: Options
) -> list[tuple[str, float]]:
    """Return the readings with their scores, ``best`` first, each date once."""
    found = {best: score}
    possible = set(case.numbers.values())
    for expression, share in others:
        if grammar.kind_of(expression) != "date" or (options.order is not None and options.top == 1):
            continue
        date = grammar.evaluate(expression)
        if date is None:
            continue
        worth = share >= _WORTH or str(date) in possible or len(found) < options.top
        shown = _moved(str(date), case.text, options.pivot)
        if worth and shown not in found:
            found[shown] = share
    first, *rest = found.items()
    return [first, *sorted(rest, key=lambda pair: -pair[1])][: max(options.top, _SHOWN)]


def _moved(date: str, text: str, pivot: int) -> str:
    """Return ``date`` with its century as ``pivot`` has it, where ``text`` has but two digits of the year."""
    if date[:4] in text or date[2:4] not in text or date[:2] not in ("19", "20"):
        return date
    year, month, day = full_year(int(date[2:4]), pivot), int(date[5:7]), int(date[8:10])
    return f"{year:04}{date[4:]}" if is_real(year, month, day) else date


def _shown_partial(expression: str) -> str:
    """Return a partial date as ISO 8601 has it: ``2009-06``, ``2009``, ``--06-25``."""
    return "-" + expression[4:] if expression[0] == "_" else expression.rstrip("_-")


def _shown_time(time: str) -> str:
    """Return a time of day as it follows a date: ``T10:49:41-03:00``, without what the text does not say."""
    if time[0] == "_":
        return ""
    return "T" + time[:_TIME].rstrip("_").rstrip(":") + time[_TIME:].rstrip("_")


def _chunks(texts: list[str]) -> Iterator[list[int]]:
    """Yield the numbers of the texts that are not empty, those of like length together."""
    groups: dict[int, list[int]] = {}
    for number, text in enumerate(texts):
        if text:
            groups.setdefault(steps_for(len(text)), []).append(number)
    for _, group in sorted(groups.items(), reverse=True):
        yield from (group[start : start + _CHUNK] for start in range(0, len(group), _CHUNK))


def _in_parallel(work: Callable[[list[int]], None], chunks: list[list[int]], threads: int) -> None:
    if threads == 1 or len(chunks) == 1:
        for chunk in chunks:
            work(chunk)
        return
    with ThreadPoolExecutor(threads) as pool:  # NumPy lets go of the interpreter's lock
        list(pool.map(work, chunks))
