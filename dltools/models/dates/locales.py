"""How a language writes dates: names, patterns and connecting words, from CLDR by way of babel, for training only."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltools.errors import MissingError, UsageError
from dltools.models.dates import patterns
from dltools.models.dates.characters import fold
from dltools.models.dates.order import ORDERS, Order

if TYPE_CHECKING:
    import babel

#: The locales that the toolkit's own model is trained on; English and the languages of the issue first.
LOCALES = (
    "en en_GB de fr es it pt nl sv nb da pl cs ru uk tr el zh zh_Hant ja ko fi hu ro bg hr sr sr_Latn sk sl et lv lt "
    "ca gl eu be mk ka hy az kk uz is sq af vi th id ms fil hi bn mr ne ta te kn gu pa ur fa ar ar_SY ar_MA he sw "
    "de_AT es_MX fr_CA pt_PT"
).split()

#: What CLDR does not have, by language: the words that :class:`Names` calls ``on``, ``at``, ``clock`` and ``near``.
_OWN = Path(__file__).with_name("languages.json")


@dataclasses.dataclass(frozen=True)
class Names:
    """What a locale calls months, days and halves of the day; every inner sequence holds the ways to say one thing.

    ``months``: by width 3 (abbreviated) and 4 (wide), then January first. ``days``: the same, Monday first. ``halves``:
    before and after noon. ``patterns``: of dates, and ``times``: of times of day, in CLDR's notation. ``joins``: with
    {1} for the date and {0} for the time. ``on``, ``at``, ``clock``: words before a date, before and after a time.
    ``near``: yesterday, today and tomorrow. ``alphabetic``: whether months have names, not numbers.
    """

    code: str
    months: Mapping[int, Sequence[Sequence[str]]]
    days: Mapping[int, Sequence[Sequence[str]]]
    halves: Sequence[Sequence[str]]
    patterns: Sequence[str]
    times: Sequence[str]
    joins: Sequence[str]
    on: Sequence[str]
    at: Sequence[str]
    clock: Sequence[str]
    near: Sequence[str]
    alphabetic: bool

    @property
    def language(self) -> str:
        """The code without a script or a country."""
        return self.code.split("_")[0]


def names_of(code: str) -> Names:
    """Return what babel knows of the locale ``code``; raise :class:`UsageError` for one that it does not have.

    :class:`MissingError` if babel is not installed.
    """
    locale = _locale(code)
    months = {3: _all(locale.months, "abbreviated", range(1, 13)), 4: _all(locale.months, "wide", range(1, 13))}
    days = {3: _all(locale.days, "abbreviated", range(7)), 4: _all(locale.days, "wide", range(7))}
    alphabetic = not any(name[:1].isdigit() for name in months[4][4])
    if alphabetic:
        months[3] = _with_short(months[3], months[4])
        days[3] = _with_short(days[3], days[4])
    if code.startswith("en"):
        months[3][8] += ["Sept", "Sept."]
        days[3][3] += ["Thurs", "Thurs."]
    joins = sorted({str(locale.datetime_formats[width]) for width in ("short", "medium", "long", "full")})
    own = _own_words().get(code) or _own_words().get(code.split("_")[0], {})
    return Names(
        code,
        months,
        days,
        _halves(locale),
        _date_patterns(locale),
        _time_patterns(locale),
        [join.replace("'", "") for join in joins],
        own.get("on", ()),
        own.get("at", ()),
        own.get("clock", ()),
        own.get("near", ()),
        alphabetic,
    )


def words_of(code: str) -> list[str]:
    """Return words of the locale ``code``: its names of countries and of languages, those of dates not among them."""
    locale = _locale(code)
    names = {name for table in (locale.territories, locale.languages) for name in table.values() if name}
    return sorted(name for name in names if not any(character.isdigit() for character in name)) or ["x"]


def number_order(code: str) -> Order:
    """Return the order in which the locale ``code`` writes a date in numbers."""
    found = patterns.order(_locale(code).date_formats["short"].pattern)
    return next((each for each in ORDERS if each == found), "dmy")


def _locale(code: str) -> babel.Locale:
    try:
        import babel
        import babel.localedata
    except ImportError as error:
        raise MissingError("training on dates needs babel; install it with: pip install 'dltools[train]'") from error
    # babel 2.18 merges what one locale says of stand-alone names into the root that all others inherit from.
    babel.localedata._cache.clear()
    try:
        return babel.Locale.parse(code)
    except (ValueError, babel.UnknownLocaleError) as error:
        raise UsageError(f"{code}: no such locale in CLDR") from error


@functools.cache
def _own_words() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = json.loads(_OWN.read_bytes())
    return words


def _all(contexts: Mapping[str, Any], width: str, numbers: range) -> list[list[str]]:
    """Return the names of each number in running text and alone, once each."""
    found = []
    for number in numbers:
        ways = [contexts[context][width][number] for context in ("format", "stand-alone")]
        found.append(sorted({way for way in ways if way}))
    return found


def _with_short(short: list[list[str]], wide: list[list[str]]) -> list[list[str]]:
    """Add what people also write: the first three or four letters where they are no other's, with and without a dot."""
    extended = []
    for number, ways in enumerate(short):
        others = {fold(way) for place, each in enumerate(wide) if place != number for way in each}
        forms = {form for way in ways for form in (way, way.rstrip("."), way.rstrip(".") + ".")}
        for way, length in itertools.product(wide[number], (3, 4)):
            start = way[:length]
            if len(way) > length and not any(other.startswith(fold(start)) for other in others):
                forms |= {start, start + "."}
        extended.append(sorted(forms))
    return extended


def _halves(locale: babel.Locale) -> list[list[str]]:
    found: list[set[str]] = [set(), set()]
    for widths in locale.day_periods.values():
        for periods in widths.values():
            for half, key in enumerate(("am", "pm")):
                if key in periods:
                    found[half].add(str(periods[key]))
    return [sorted(names) or [fallback] for names, fallback in zip(found, ("AM", "PM"), strict=True)]


def _plain(pattern: str) -> str:
    """Return ``pattern`` without marks of direction and with plain spaces."""
    return pattern.replace("\u202f", " ").replace("\u200f", "").replace("\u200e", "").replace("\u061c", "")


def _date_patterns(locale: babel.Locale) -> list[str]:
    """Return the patterns that fix a day: of the four standard widths and of the skeletons, eras left out."""
    found = [value.pattern for value in locale.date_formats.values()]
    found += [value.pattern for value in locale.datetime_skeletons.values()]
    fixing = [pattern for pattern in map(_plain, found) if set("Md") <= _canonical(pattern)]
    return sorted({pattern for pattern in fixing if "G" not in patterns.letters(pattern)})


def _time_patterns(locale: babel.Locale) -> list[str]:
    found = {_plain(locale.time_formats[width].pattern) for width in ("short", "medium")}
    return sorted(pattern for pattern in found if set(patterns.letters(pattern)) <= set("HhKkmsa")) or ["HH:mm"]


def _canonical(pattern: str) -> set[str]:
    """Return the letters of the fields, each kind by one letter; none without a year or with more than a day."""
    used = set(patterns.letters(pattern).replace("L", "M").replace("u", "y"))
    return used if "y" in used and not used & set("hHKkmsQwWY") else set()
