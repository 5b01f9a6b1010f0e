"""Texts that say a day by its distance from another ("3 weeks ago"), and what the network shall write for them."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from random import Random
from typing import Literal

from dltools.models.dates.locales import Names
from dltools.models.dates.phrases import MONTHS

_COUNTS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_UNITS: dict[str, Literal["day", "week", "month", "year"]] = {"d": "day", "w": "week", "m": "month", "y": "year"}
_LENGTHS = {"d": 1, "w": 7, "m": 30, "y": 365}  # days, near enough for babel to round to the unit
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_AGO = "{} {} ago|{} {} ago|{} {} before|{} {} earlier|{} {} back|about {} {} ago|-{} {}".split("|")
_AHEAD = (
    "in {} {}|in {} {}|{} {} from now|{} {} later|{} {} from today|{} {} hence|+{} {}|after {} {}|in {} {}' time"
).split("|")
#: What English says of days near the base, with how many days they are from it.
_NEAR = (
    "day after tomorrow=2|the day after tomorrow=2|day before yesterday=-2|the day before yesterday=-2|now=0|"
    "right now=0|this day=0|today=0|tonight=0|this morning=0|tomorrow=1|tomorrow morning=1|yesterday=-1|"
    "yesterday evening=-1|the next day=1|the previous day=-1"
).split("|")
_NEXT = "next=1|last=-1|previous=-1|the coming=1|the following=1|the past=-1|this=0".split("|")
#: What English says of days of the week, with the sign of the expression.
_WEEKDAYS = (
    "> next {}|> next {}|< last {}|< last {}|= this {}|= {}|= on {}|= this coming {}|= coming {}|< past {}|"
    "< previous {}|> the following {}|= by {}|= upcoming {}"
).split("|")
_FIRST = "first day of|start of|beginning of|the first day of|the beginning of|the 1st of".split("|")
_LAST = "last day of|end of|the last day of|the end of|last day in".split("|")
_THE_MONTH = (
    "next month=1|last month=-1|this month=0|the month=0|the current month=0|the previous month=-1|the next month=1"
).split("|")


def relative(names: Names, random: Random) -> tuple[str, str]:
    """Return a text in the language of ``names`` and its expression."""
    choice = random.random()
    if names.near and choice < 0.25:
        place = random.randrange(3)
        return names.near[place], _distance(place - 1, "d")
    if names.language == "en":
        return random.choice(_ENGLISH)(random)
    if choice < 0.4:
        day = random.randrange(7)
        return random.choice(names.days[4][day]), _weekday("=", day)
    unit = random.choice("dwmy")
    count = random.randint(1, random.choice((6, 30, 99))) * random.choice((1, -1))
    return _by_cldr(names.code, count, unit), _distance(count, unit)


def _distance(count: int, unit: str, anchor: str = ".") -> str:
    """Return the expression of ``count`` days, weeks, months or years from the base; no distance is ``+0000d``."""
    return f"{count:+05}{unit}{anchor}..."


def _weekday(sign: str, day: int) -> str:
    """Return the expression of the next (>), the last (<) or the coming (=) ``day`` of the week, Monday 0."""
    return f"{sign}{day + 1}........"


@functools.lru_cache(4096)
def _by_cldr(code: str, count: int, unit: str) -> str:
    from babel.dates import format_timedelta

    delta = dt.timedelta(days=_LENGTHS[unit] * count)
    return format_timedelta(delta, granularity=_UNITS[unit], threshold=1e9, add_direction=True, locale=code)


def _english_distance(random: Random) -> tuple[str, str]:
    unit = random.choice("ddwwmmy")
    count = random.randint(1, random.choice((3, 10, 31, 99, 999 if unit == "d" else 99)))
    counted = _english_count(count, unit, random)
    if random.random() < 0.5:
        return random.choice(_AGO).format(*counted), _distance(-count, unit)
    return random.choice(_AHEAD).format(*counted), _distance(count, unit)


def _english_count(count: int, unit: str, random: Random) -> tuple[str, str]:
    """Return ``count`` in words or digits, and the unit's name."""
    number = _COUNTS[count] if count < len(_COUNTS) and random.random() < 0.3 else str(count)
    if count == 1 and random.random() < 0.5:
        number = "a"
    elif count == 2 and random.random() < 0.2:
        number = random.choice(("a couple of", "couple"))
    if unit == "w" and count == 2 and random.random() < 0.2:
        return "a", "fortnight"
    return number, _UNITS[unit] + ("s" if count > 1 else "")


def _english_near(random: Random) -> tuple[str, str]:
    text, count = random.choice(_NEAR).split("=")
    return text, _distance(int(count), "d")


def _english_next(random: Random) -> tuple[str, str]:
    text, count = random.choice(_NEXT).split("=")
    unit = random.choice("wmy")
    return f"{text} {_UNITS[unit]}", _distance(int(count), unit)


def _english_weekday(random: Random) -> tuple[str, str]:
    day = random.randrange(7)
    name = _DAYS[day][: random.choice((3, 9, 9, 9))]
    sign, text = random.choice(_WEEKDAYS).split(" ", 1)
    return text.format(name), _weekday(sign, day)


def _english_edge(random: Random) -> tuple[str, str]:
    """Return the first or the last day of a month."""
    first = random.random() < 0.5
    edge = random.choice(_FIRST if first else _LAST)
    if random.random() < 0.5:
        month = random.randrange(12)
        name = MONTHS[month][: random.choice((3, 9, 9))]
        return f"{edge} {name}", f"____-{month + 1:02}-{'01' if first else '$$'}"
    text, count = random.choice(_THE_MONTH).split("=")
    return f"{edge} {text}", _distance(int(count), "m", "^" if first else "$")


_ENGLISH: tuple[Callable[[Random], tuple[str, str]], ...] = (
    *(_english_distance, _english_distance, _english_near, _english_next),
    *(_english_weekday, _english_weekday, _english_edge),
)
