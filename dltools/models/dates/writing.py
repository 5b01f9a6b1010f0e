"""Writing a day and a time of day down in a pattern, as a locale does.

In: a pattern in CLDR's notation and :mod:`dltools.models.dates.patterns`' additions, where ``TIME`` stands for the time
of day in any pattern. Out: text, and what of the time of day it tells.
"""

from __future__ import annotations

import datetime as dt
import string
from random import Random
from typing import NamedTuple

from dltools.models.dates import patterns, phrases
from dltools.models.dates.formats import Formats
from dltools.models.dates.locales import Names

NO_TIME = "_" * 14
NO_ZONE = "_" * 6
_CLOCK_LETTERS = "HKhkmsSa"


class Clock(NamedTuple):
    """A time of day to write down; ``zone`` is how it stands in a target, ``name`` how in a text."""

    hour: int
    minute: int
    second: int
    zone: str
    name: str


class Pen:
    """Writes one day and its time of day, if it has one, drawing on ``random`` where a locale has several ways."""

    def __init__(self, random: Random, formats: Formats, names: Names, day: dt.date, clock: Clock | None) -> None:
        self.names = names
        self.day = day
        self.clock = clock
        self._random = random
        self._formats = formats
        self._said: set[str] = set()  # of the time of day: letters of the fields that were written, "z" for the zone

    def render(self, pattern: str) -> str:
        """Return the day, and what else ``pattern`` asks for, in this pattern."""
        before, time, after = pattern.partition("TIME")
        if time:
            shown = self._time()
            return self.render(before) + shown + self.render(after)
        return "".join(part if isinstance(part, str) else self._field(part) for part in patterns.parse(pattern))

    def with_time(self, text: str, pattern: str, kind: str) -> str:
        """Return ``text``, which is the day in a pattern of ``kind``, with the time of day after or before it."""
        if kind == "packed":
            return self._with_packed_time(text, pattern)
        if kind == "number" and patterns.order(pattern)[:1] == "y" and self._random.random() < 0.4:
            self._said.clear()
            time = self.render(self._random.choice(phrases.ISO_TIMES))
            return text + self._random.choice("TTT ") + time + self._zone()
        return self._with_spoken_time(text)

    def log_time(self) -> str:
        """Return the time of day as logs have it, and forget what was told of it before."""
        self._said.clear()
        return self.render(self._random.choice(phrases.LOG_TIMES)) + self._zone()

    def told(self) -> str:
        """Return what who reads all that was written knows of the time of day, as it is to be a target."""
        if self.clock is None or "h" not in self._said:
            return NO_TIME
        minute = self.clock.minute if "m" in self._said else 0
        second = f"{self.clock.second:02}" if "s" in self._said else "__"
        return f"{self.clock.hour:02}:{minute:02}:{second}{self.clock.zone if 'z' in self._said else NO_ZONE}"

    # --- the day

    def _field(self, field: patterns.Field) -> str:
        letter, width = field
        if letter in "yuBN":
            return self._year(letter, width)
        if letter in "MLRX":
            return self._month(letter, width)
        if letter in "dACo":
            return self._day(letter, width)
        if letter in "Ec":
            return self._random.choice(self.names.days[4 if width == 4 else 3][self.day.weekday()])
        return self._clock_field(letter, width, self.clock) if self.clock and letter in _CLOCK_LETTERS else ""

    def _year(self, letter: str, width: int) -> str:
        year = self.day.year
        if letter == "B":
            return f"{self._random.choice(phrases.APOSTROPHES)}{year % 100:02}"
        if letter == "N":
            return "".join(phrases.CHINESE[int(digit)] for digit in str(year))
        return f"{year % 100:02}" if width == 2 else str(year)

    def _month(self, letter: str, width: int) -> str:
        month = self.day.month
        if letter == "R":
            return phrases.ROMAN[month - 1]
        if letter == "X":
            return _chinese(month)
        if width > 2:
            return self._random.choice(self.names.months[min(width, 4)][month - 1])
        return _digits(month, width)

    def _day(self, letter: str, width: int) -> str:
        day = self.day.day
        if letter == "A":
            spelled = phrases.SPELLED[day - 1]
            return spelled if self._random.random() < 0.6 else spelled.replace("-", " ")
        if letter == "C":
            return _chinese(day)
        return _ordinal_ending(day, self.names.language) if letter == "o" else _digits(day, width)

    # --- the time of day

    def _clock_field(self, letter: str, width: int, clock: Clock) -> str:
        if letter == "S":
            count = self._random.choice((1, 2, 3, 3, 6)) if width == 3 else width
            return "".join(self._random.choices(string.digits, k=count))
        if letter == "a":
            return self._half(clock.hour)
        self._said.add("h" if letter in "HkhK" else letter)
        hours = {"H": clock.hour, "k": clock.hour, "h": (clock.hour - 1) % 12 + 1, "K": clock.hour % 12}
        return _digits({**hours, "m": clock.minute, "s": clock.second}[letter], width)

    def _half(self, hour: int) -> str:
        if self.names.language == "en" or self._random.random() < 0.4:
            letter = "a" if hour < 12 else "p"
            return letter + self._random.choice(("m", "m", ".m.", " m", ".m"))
        return self._random.choice(self.names.halves[0 if hour < 12 else 1])

    def _time(self) -> str:
        """Return the time of day with its zone in any pattern, no text where there is none."""
        if self.clock is None:
            return ""
        choice, own = self._random.random(), self._formats.of("time-" + self.names.language)
        pattern = self._random.choice(
            own if own and choice < 0.4 else self._formats.of("time") if choice < 0.85 else self.names.times
        )
        text = self.render(pattern)
        if "in the" in pattern and "a" in patterns.letters(pattern):
            text = text.split(" in the")[0] + " in the " + ("morning" if self.clock.hour < 12 else "evening")
        return text + self._zone()

    def _zone(self, *, packed: bool = False) -> str:
        """Return the zone with a space before it or none; ``packed``: only one that needs no space."""
        name = self.clock.name if self.clock else ""
        offset = name.startswith(("+", "-", "Z"))
        if not name or (packed and not offset):
            return ""
        self._said.add("z")
        if offset:
            return name if packed else self._random.choice(("", "", " ")) + name
        if self._random.random() < 0.1:
            name = f"({name})"
        return self._random.choice((" ", " ", " ", "")) + name

    # --- both

    def _with_packed_time(self, text: str, pattern: str) -> str:
        compact = self._random.choice(("HHmmss", "HHmm", "HHmmss", "HH", "HHmmss.SSS"))
        time = self.render(compact)
        whole = pattern == "yMMdd" and len(compact) in (4, 6)  # enough digits to be told without a mark
        join = self._random.choice(("T", "T", " ", "_", "-", "" if whole else "T"))
        return text + join + time + self._zone(packed=True)

    def _with_spoken_time(self, text: str) -> str:
        random, names = self._random, self.names
        time = self._time()
        if names.at and random.random() < 0.3:
            time = f"{random.choice(names.at)} {time}"
        if names.clock and random.random() < 0.2:
            time = f"{time} {random.choice(names.clock)}"
        if random.random() < 0.15:
            return random.choice(names.joins).format(time, text)
        if not names.alphabetic and random.random() < 0.3:
            return text + time
        if random.random() < 0.7:
            return _joined(text, random.choice(phrases.JOINS), time)
        join = random.choice(phrases.JOINS_BACK)
        if names.on and random.random() < 0.3:
            join = f" {random.choice(names.on)} "
        return _joined(time, join, text)


def _joined(first: str, join: str, last: str) -> str:
    return f"{first}{join}{last}{')' if join == ' (' else ''}"


def _digits(number: int, width: int) -> str:
    return f"{number:02}" if width == 2 else str(number)


def _ordinal_ending(day: int, language: str) -> str:
    if language == "fr":
        return "er" if day == 1 else ""
    return "th" if 10 <= day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _chinese(number: int) -> str:
    """Return ``number`` (1 to 39) in Chinese numerals."""
    tens, units = divmod(number, 10)
    before = "" if tens < 2 else phrases.CHINESE[tens]
    return before + ("十" if tens else "") + (phrases.CHINESE[units] if units else "")
