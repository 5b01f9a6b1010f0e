"""Patterns of dates and times in CLDR's notation (Unicode Technical Standard 35, part 4), rendered by us.

``d MMMM y`` and the like; text between apostrophes stands for itself. Beyond CLDR: ``o`` after a day is its ordinal
ending ("25th"), ``A`` a day in words, ``R`` a month in Roman numerals, ``B`` a year of two digits after an apostrophe,
``N``, ``X`` and ``C`` year, month and day in Chinese numerals.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_PARTS = dict(zip("yuNBMLRXdCA", "yyyymmmmddd", strict=True))  # letters of fields, and what in a day each writes


class Field(NamedTuple):
    """A letter of a pattern and how often it stands there: ``MMMM`` is ("M", 4)."""

    letter: str
    width: int


@functools.cache
def parse(pattern: str) -> tuple[Field | str, ...]:
    """Return the fields and the literal texts of ``pattern``, in order.

    >>> parse("d 'de' MMMM")
    (Field(letter='d', width=1), ' ', 'de', ' ', Field(letter='M', width=4))
    """
    parts: list[Field | str] = []
    for match in _TOKEN.finditer(pattern):
        text = match.group()
        if match.group(2):
            parts.append(Field(match.group(2), len(text)))
        else:
            parts.append("'" if text == "''" else text[1:-1].replace("''", "'") if text[0] == "'" else text)
    return tuple(parts)


def letters(pattern: str) -> str:
    """Return the letters of the fields of ``pattern``, each once, in order: what a date in it fixes."""
    return "".join(dict.fromkeys(part.letter for part in parse(pattern) if isinstance(part, Field)))


def order(pattern: str) -> str:
    """Return the order of year, month and day in ``pattern``: ``dmy``, ``mdy``, ``ymd`` and so on."""
    return "".join(dict.fromkeys(_PARTS[letter] for letter in letters(pattern) if letter in _PARTS))


def has_short_year(pattern: str) -> bool:
    """Say whether ``pattern`` writes the year with two digits."""
    fields = (part for part in parse(pattern) if isinstance(part, Field))
    return any(letter == "B" or (letter in "yu" and width == 2) for letter, width in fields)


def is_numeric(pattern: str) -> bool:
    """Say whether ``pattern`` writes day, month and year as plain numbers."""
    widths = {part.letter: part.width for part in parse(pattern) if isinstance(part, Field)}
    return all(widths.get(letter, 0) in (1, 2) for letter in "dM") and bool({"y", "B"} & set(widths))
