"""Texts that say a day by its distance from another ("3 weeks ago"), and what the network shall write for them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from random import Random

from dltools.models.dates.locales import Names

_COUNTS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_UNITS = {"d": "day", "w": "week", "m": "month", "y": "year"}
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

#: Yesterday, today and tomorrow.
_NEAR = {
    "en": "yesterday|today|tomorrow", "de": "gestern|heute|morgen", "fr": "hier|aujourd'hui|demain", "es": "ayer|hoy|mañana",
    "it": "ieri|oggi|domani", "pt": "ontem|hoje|amanhã", "nl": "gisteren|vandaag|morgen", "sv": "igår|idag|imorgon", "nb": "i går|i dag|i morgen",
    "da": "i går|i dag|i morgen", "pl": "wczoraj|dzisiaj|jutro", "cs": "včera|dnes|zítra", "ru": "вчера|сегодня|завтра", "uk": "вчора|сьогодні|завтра",
    "tr": "dün|bugün|yarın", "el": "χθες|σήμερα|αύριο", "zh": "昨天|今天|明天", "ja": "昨日|今日|明日", "ko": "어제|오늘|내일", "fi": "eilen|tänään|huomenna",
    "hu": "tegnap|ma|holnap", "ro": "ieri|astăzi|mâine", "bg": "вчера|днес|утре", "hr": "jučer|danas|sutra", "vi": "hôm qua|hôm nay|ngày mai", "id": "kemarin|hari ini|besok",
    "hi": "बीता कल|आज|आने वाला कल", "ar": "أمس|اليوم|غدا", "he": "אתמול|היום|מחר", "ca": "ahir|avui|demà",
}  # fmt: skip


def relative(names: Names, random: Random) -> tuple[str, str]:
    """Return a text in the language of ``names`` and its expression."""
    language = names.code.split("_")[0]
    choice = random.random()
    if language in _NEAR and choice < 0.25:
        place = random.randrange(3)
        return _NEAR[language].split("|")[place], distance(place - 1, "d")
    if language == "en":
        return random.choice(_ENGLISH)(random)
    if choice < 0.4:
        day = random.randrange(7)
        return random.choice(names.days[4][day]), f"={day + 1}........"
    unit = random.choice("dwmy")
    count = random.randint(1, random.choice((6, 30, 99))) * random.choice((1, -1))
    return _by_cldr(names.code, count, unit), distance(count, unit)


def distance(count: int, unit: str, anchor: str = ".") -> str:
    """Return the expression of ``count`` days, weeks, months or years from the base; no distance is ``+0000d``."""
    return f"{count:+05}{unit}{anchor}..."


@functools.lru_cache(4096)
def _by_cldr(code: str, count: int, unit: str) -> str:
    import datetime

    from babel.dates import format_timedelta

    delta = datetime.timedelta(days={"d": 1, "w": 7, "m": 30, "y": 365}[unit] * count)
    return format_timedelta(delta, granularity=_UNITS[unit], threshold=1e9, add_direction=True, locale=code)


def _english_distance(random: Random) -> tuple[str, str]:
    unit = random.choice("ddwwmmy")
    count = random.randint(1, random.choice((3, 10, 31, 99, 999 if unit == "d" else 99)))
    number = _COUNTS[count] if count < len(_COUNTS) and random.random() < 0.3 else str(count)
    if count == 1 and random.random() < 0.5:
        number = "a"
    elif count == 2 and random.random() < 0.2:
        number = random.choice(("a couple of", "couple"))
    name = _UNITS[unit] + ("s" if count > 1 else "")
    if unit == "w" and count == 2 and random.random() < 0.2:
        number, name = "a", "fortnight"
    if random.random() < 0.5:
        text = random.choice(
            ("{} {} ago", "{} {} ago", "{} {} before", "{} {} earlier", "{} {} back", "about {} {} ago", "-{} {}")
        )
        return text.format(number, name), distance(-count, unit)
    text = random.choice(
        (
            "in {} {}",
            "in {} {}",
            "{} {} from now",
            "{} {} later",
            "{} {} from today",
            "{} {} hence",
            "+{} {}",
            "after {} {}",
            "in {} {}' time",
        )
    )
    return text.format(number, name), distance(count, unit)


def _english_near(random: Random) -> tuple[str, str]:
    return random.choice(
        (
            ("day after tomorrow", distance(2, "d")),
            ("the day after tomorrow", distance(2, "d")),
            ("day before yesterday", distance(-2, "d")),
            ("the day before yesterday", distance(-2, "d")),
            ("now", distance(0, "d")),
            ("right now", distance(0, "d")),
            ("this day", distance(0, "d")),
            ("today", distance(0, "d")),
            ("tonight", distance(0, "d")),
            ("this morning", distance(0, "d")),
            ("tomorrow", distance(1, "d")),
            ("tomorrow morning", distance(1, "d")),
            ("yesterday", distance(-1, "d")),
            ("yesterday evening", distance(-1, "d")),
            ("the next day", distance(1, "d")),
            ("the previous day", distance(-1, "d")),
        )
    )


def _english_next(random: Random) -> tuple[str, str]:
    word, count = random.choice(
        (
            ("next", 1),
            ("last", -1),
            ("previous", -1),
            ("the coming", 1),
            ("the following", 1),
            ("the past", -1),
            ("this", 0),
        )
    )
    unit = random.choice("wmy")
    return f"{word} {_UNITS[unit]}", distance(count, unit)


def _english_weekday(random: Random) -> tuple[str, str]:
    number = random.randrange(7)
    day = _DAYS[number][: random.choice((3, 9, 9, 9))]
    text, sign = random.choice(
        (
            ("next {}", ">"), ("next {}", ">"), ("last {}", "<"), ("last {}", "<"), ("this {}", "="), ("{}", "="), ("on {}", "="), ("this coming {}", "="),
            ("coming {}", "="), ("past {}", "<"), ("previous {}", "<"), ("the following {}", ">"), ("by {}", "="), ("upcoming {}", "="),
        )
    )  # fmt: skip
    return text.format(day), f"{sign}{number + 1}........"


def _english_edge(random: Random) -> tuple[str, str]:
    first = random.random() < 0.5
    edge = random.choice(
        ("first day of", "start of", "beginning of", "the first day of", "the beginning of", "the 1st of")
        if first
        else ("last day of", "end of", "the last day of", "the end of", "last day in")
    )
    if random.random() < 0.5:
        month = random.randrange(12)
        name = _MONTHS[month][: random.choice((3, 9, 9))]
        return f"{edge} {name}", f"____-{month + 1:02}-" + ("01" if first else "$$")
    word, count = random.choice(
        (
            ("next month", 1),
            ("last month", -1),
            ("this month", 0),
            ("the month", 0),
            ("the current month", 0),
            ("the previous month", -1),
            ("the next month", 1),
        )
    )
    return f"{edge} {word}", distance(count, "m", "^" if first else "$")


_ENGLISH: tuple[Callable[[Random], tuple[str, str]], ...] = (
    _english_distance,
    _english_distance,
    _english_near,
    _english_next,
    _english_weekday,
    _english_weekday,
    _english_edge,
)
