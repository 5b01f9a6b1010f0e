"""Examples to learn from: a date, written in a pattern of some locale, with what stands around dates in real texts.

In: locales and formats. Out: folded texts, what the network shall write for each, and the hints it gets.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from dltools.models.dates import patterns, phrases
from dltools.models.dates.characters import MAX_CHARS, fold
from dltools.models.dates.formats import Formats, Part, part_of
from dltools.models.dates.grammar import REFUSED
from dltools.models.dates.locales import Names, names_of, words_of
from dltools.models.dates.negatives import negative
from dltools.models.dates.order import ORDERS, full_year, readings
from dltools.models.dates.relative import relative
from dltools.models.dates.writing import NO_TIME, NO_ZONE, Clock, Pen

_TRIES = 50  # formats drawn for one example before it is given up
_COUNTED = ("week", "ordinal")  # kinds of dates that ISO 8601 alone writes
#: Patterns of dates that leave the day or the year open.
_OPEN = (
    "MMMM y|MMM y|MMMM, y|MMM-y|y-MM|MM/y|MM.y|y MMMM|y/MM|MMMM d|d MMMM|d MMM|MMM d|EEEE, MMMM d|E d MMM|d. MMMM|"
    "y|'in' y"
).split("|")
_OPEN_ENGLISH = "MMMM do|do 'of' MMMM|'the' do 'of' MMMM|E do MMMM|'in' MMMM y|'in' MMMM 'of' y".split("|")
_OPEN_KOREAN = "y년 M월|M월 d일|y년".split("|")
_OPEN_CHINESE = "y年M月|y. M.|M月d日|y年".split("|")


class Example(NamedTuple):
    """A folded text, what shall be written for it, and the hints: an order and a language, empty for none."""

    text: str
    date: str
    time: str
    order: str
    language: str
    kind: str
    format: str


class Writer:
    """Draws examples of one part of the formats; equal seeds draw equal examples."""

    def __init__(
        self, locales: Sequence[str], formats: Formats, words: Sequence[str], part: Part | None = "train"
    ) -> None:
        """``words``: English words for the noise. ``part``: None for all formats."""
        self._locales = [names_of(code) for code in locales]
        self._english = [names for names in self._locales if names.language == "en"] or self._locales
        self._common = self._locales[: max(1, 3 * len(self._locales) // 10)]
        self._formats = formats
        self._words = words
        self._natives = {code: words_of(code) for code in locales}
        self._part = part
        self._random = Random(0)

    def example(self, seed: int) -> Example:
        """Return the example of ``seed``."""
        self._random = Random(seed)
        for _ in range(_TRIES):
            found = self._any()
            if found is not None and 0 < len(found.text) <= MAX_CHARS:
                return found
        raise RuntimeError("no format gives a text that is short enough")

    # --- the kinds of examples

    def _any(self) -> Example | None:
        choice = self._random.random()
        if choice < 0.13:
            return self._negative()
        if choice < 0.18:
            return self._relative()
        return self._partial() if choice < 0.215 else self._date()

    def _negative(self) -> Example:
        random, names = self._random, self._names()
        text = negative(random, self._words, self._natives[names.code])
        order = random.choice(ORDERS) if random.random() < 0.25 else ""
        return self._example(names, "none", text, REFUSED, order=order)

    def _relative(self) -> Example:
        random, names = self._random, self._names()
        text, expression = relative(names, random)
        if random.random() < 0.15:
            text = phrases.framed(text, random)
        return self._example(names, "relative", text, expression)

    def _partial(self) -> Example | None:
        """Return a month, a year, or a day without a year; None for one that reads as a whole date."""
        random, names = self._random, self._names()
        day = _draw_day(random)
        pattern = random.choice(_open_patterns(names))
        text = Pen(random, self._formats, names, day, None).render(pattern)
        if "d" in pattern and readings(fold(text)):
            return None
        if "d" in pattern and random.random() < 0.3:
            time = random.choice(self._formats.of("time"))
            text += " " + Pen(random, self._formats, names, day, _draw_clock(random)).render(time)
        return self._example(names, "partial", phrases.wrapped(text, names.on, random, 0.2), _open_target(pattern, day))

    def _date(self) -> Example | None:
        """Return a whole date, perhaps with a time of day; None where the format drawn is none to learn from."""
        random, names = self._random, self._names()
        pattern, kind = self._pattern(names)
        if self._part is not None and part_of(pattern) != self._part:
            return None
        short = patterns.has_short_year(pattern)
        day = _draw_day(random, short)
        timed = random.random() < (0.5 if kind == "packed" else 0.4) or "TIME" in pattern
        pen = Pen(random, self._formats, names, day, _draw_clock(random) if timed else None)
        date = _target(day, kind)
        bare = text = _counted(date, random) if kind in _COUNTED else pen.render(pattern)
        if kind == "ordinal" and len(text) == 7 and random.random() < 0.8:  # it looks like any number
            return None
        if timed and "TIME" not in pattern and kind not in _COUNTED:
            text = pen.with_time(text, pattern, kind)
        if kind == "name" and random.random() < 0.012:
            text = _slip(text, random)
        surrounded = self._surrounded(text, bare, pen, wordy=not short and kind != "packed")
        if surrounded is None:
            return None
        order, date = self._hinted(bare, date, short and kind == "name")
        return self._example(names, kind, surrounded, date, pen.told(), order, pattern)

    def _surrounded(self, text: str, bare: str, pen: Pen, *, wordy: bool) -> str | None:
        """Return ``text`` with something around it, if ``wordy`` also many words, or ``bare`` in a line of a log.

        None for a line that is too long.
        """
        random, names = self._random, pen.names
        if wordy and pen.clock is not None and random.random() < 0.1:
            form = random.choice(self._formats.of("log"))
            return phrases.log_line(form, bare, pen.log_time(), self._words, random)
        text = phrases.wrapped(text, names.on, random, 0.3)
        if wordy and random.random() < 0.07:
            english = names.language == "en" or random.random() < 0.3
            text = phrases.among(self._words if english else self._natives[names.code], text, random)
        return text

    def _hinted(self, bare: str, date: str, short_name: bool) -> tuple[str, str]:
        """Return an order as hint, or none, and the date that the text ``bare`` means then.

        ``short_name``: the month has a name and the year two digits; with the year first it could mean another day.
        """
        if self._random.random() >= 0.25:
            return "", date
        order = self._random.choice(ORDERS)
        possible = readings(fold(bare))
        if order not in possible and order == "ymd" and short_name:
            return "", date
        return order, possible.get(order, date)

    def _example(
        self, names: Names, kind: str, text: str, date: str, time: str = NO_TIME, order: str = "", pattern: str = ""
    ) -> Example:
        """Return the example, sometimes with its language as hint."""
        language = names.language if self._random.random() < 0.12 else ""
        return Example(fold(text), date, time, order, language, kind, pattern)

    # --- locales and patterns

    def _names(self) -> Names:
        choice = self._random.random()
        return self._random.choice(self._english if choice < 0.37 else self._common if choice < 0.6 else self._locales)

    def _pattern(self, names: Names) -> tuple[str, str]:
        """Return a pattern and its kind."""
        random, formats = self._random, self._formats
        choice = random.random()
        if choice < 0.2:
            return _varied(random.choice(formats.of("number")), random), "number"
        if choice < 0.26:
            return random.choice(formats.of("packed")), "packed"
        if choice < 0.275:
            return "y", random.choice(_COUNTED)
        if choice < 0.36 and names.alphabetic:
            return _shuffled(random), "name"
        own = formats.of(names.code) or formats.of(names.language)
        if choice >= 0.58 or not own:
            own = names.patterns if choice < 0.72 or not names.alphabetic else formats.of("name")
        return _varied(random.choice(own), random), "name"


def _varied(pattern: str, random: Random) -> str:
    """Return ``pattern``, sometimes with other marks between its fields or names of another length."""
    choice = random.random()
    if choice < 0.72 or ("'" in pattern and choice < 0.9):
        return pattern
    if choice < 0.80:
        return pattern.replace(",", "")
    if choice < 0.84:
        return pattern.replace(".", "")
    if choice < 0.87:
        return pattern.replace(", ", ",").replace(". ", ".")
    if choice < 0.90:
        return pattern.replace("MMMM", "MMM") if "MMMM" in pattern else pattern.replace("MMM", "MMMM")
    if choice < 0.92:
        return pattern.replace("EEEE", "E") if "EEEE" in pattern else pattern.replace("E", "EEEE")
    if patterns.is_numeric(pattern):
        return pattern
    if choice < 0.96:
        return pattern.replace(" ", random.choice(("-", "/", ".", "_", ", ", " , ", "", "-", ". ")))
    return pattern.replace("MMMM", "MMMM,").replace(",,", ",")


def _shuffled(random: Random) -> str:
    """Return the fields of a date with a named month and a full year in any order."""
    fields = [random.choice(("d", "d", "dd")), random.choice(("MMM", "MMM", "MMMM")), "y"]
    if random.random() < 0.4:
        fields.append(random.choice(("E", "EEEE")))
    if random.random() < 0.5:
        fields.append("TIME")
    random.shuffle(fields)
    marks = (" ", " ", ", ") if "TIME" in fields else (" ", " ", " ", " ", ", ", "-", "/", ".")
    return random.choice(marks).join(fields)


def _open_patterns(names: Names) -> list[str]:
    """Return patterns of partial dates for a locale."""
    if not names.alphabetic:
        return _OPEN_KOREAN if names.code == "ko" else _OPEN_CHINESE
    return _OPEN + _OPEN_ENGLISH if names.language == "en" else _OPEN


def _open_target(pattern: str, day: dt.date) -> str:
    """Return what the network shall write for ``day`` in a pattern that leaves a part of it open."""
    if "d" in pattern:
        return f"____-{day.month:02}-{day.day:02}"
    return f"{day.year:04}-{day.month:02}-__" if "M" in pattern else f"{day.year:04}-__-__"


def _target(day: dt.date, kind: str) -> str:
    """Return what the network shall write for ``day`` in a pattern of ``kind``."""
    if kind == "week":
        return "{:04}-W{:02}-{}".format(*day.isocalendar())
    return f"{day.year:04}-D{day:%j}." if kind == "ordinal" else str(day)


def _counted(target: str, random: Random) -> str:
    """Return how people write the week date or the ordinal date that ``target`` stands for."""
    text = target.rstrip(".").replace("D", "")
    return text if random.random() < 0.7 else text.replace("-", "")


def _draw_day(random: Random, short: bool = False) -> dt.date:
    """Return any day, if ``short`` one of the hundred years that two digits can mean."""
    if short:
        year = full_year(random.randrange(100))
    else:
        choice = random.random()
        low, high = (1970, 2035) if choice < 0.5 else (1900, 2100) if choice < 0.75 else (1583, 2999)
        year = random.randint(low, high)
    month = random.randint(1, 12)
    return dt.date(year, month, random.randint(1, calendar.monthrange(year, month)[1]))


def _draw_clock(random: Random) -> Clock:
    """Return any time of day, midnight more often than others, with a zone or without."""
    name, zone = _draw_zone(random) if random.random() < 0.4 else ("", NO_ZONE)
    if random.random() < 0.07:
        return Clock(0, 0, 0, zone, name)
    return Clock(random.randint(0, 23), random.randint(0, 59), random.randint(0, 59), zone, name)


def _draw_zone(random: Random) -> tuple[str, str]:
    """Return a zone as texts name it and as it stands in a target."""
    choice = random.random()
    if choice < 0.2:
        return "Z", phrases.ZONES["UTC"]
    if choice < 0.5:
        return random.choice(list(phrases.ZONES.items()))
    if choice < 0.55:
        return random.choice(phrases.AREAS), NO_ZONE
    sign, hours, minutes = random.choice("+-"), random.randint(0, 12), random.choice((0, 0, 0, 0, 30, 45, 15))
    zone, packed = f"{sign}{hours:02}:{minutes:02}", f"{sign}{hours:02}{minutes:02}"
    names = [zone, zone, zone, packed, packed, f"GMT{zone}", f"UTC{zone}"]
    if not minutes:
        names += [f"{sign}{hours:02}", *(f"{utc}{sign}{hours}" for utc in ("GMT", "UTC", "GMT ", "UTC "))]
    return random.choice(names), zone


def _slip(text: str, random: Random) -> str:
    """Leave out, double or swap a letter of a long word, as fingers do."""
    places = [
        place
        for place in range(1, len(text) - 1)
        if text[place - 1 : place + 2].isalpha() and text[max(0, place - 3) : place + 3].isalpha()
    ]
    if not places:
        return text
    place = random.choice(places)
    before, letter, after = text[:place], text[place], text[place + 1 :]
    return random.choice((before + after, before + letter + letter + after, before + after[0] + letter + after[1:]))
