"""Day, month and year written as plain numbers: their possible orders, and years of two digits.

In: folded texts. Out: what each order would read in them.
"""

from __future__ import annotations

import calendar
import re
from typing import Literal, get_args

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = get_args(Order)
#: Years of two digits from here on are of the 20th century, those below of the 21st, as POSIX has it.
PIVOT = 69

_TRIPLE = re.compile(
    r"(?<![\d:.,])(?:(\d{4})|(\d{1,2}))\s?([-/.,_ ])\s?(\d{1,2})\s?\3\s?'?(?:(\d{4})|(\d{1,2}))(?![\d:])"
)


def full_year(two_digits: int, pivot: int = PIVOT) -> int:
    """Return the year that ``two_digits`` (0 to 99) mean: from ``pivot`` on 19.., below 20...

    >>> full_year(69), full_year(68)
    (1969, 2068)
    """
    return two_digits + (1900 if two_digits >= pivot else 2000)


def readings(text: str, pivot: int = PIVOT) -> dict[Order, str]:
    """Return the real dates that the first three numbers of a date in folded ``text`` may mean, by their order.

    >>> readings("01/02/2003")
    {'dmy': '2003-02-01', 'mdy': '2003-01-02'}
    >>> readings("no numbers")
    {}
    """
    match = _TRIPLE.search(text)
    if match is None:
        return {}
    long_first, first, _, second, long_last, last = match.groups()
    if long_first:
        if long_last:
            return {}
        found: dict[Order, tuple[int, int, int]] = {"ymd": (int(long_first), int(second), int(last))}
    else:
        year = int(long_last) if long_last else full_year(int(last), pivot)
        found = {"dmy": (year, int(second), int(first)), "mdy": (year, int(first), int(second))}
        if last and len(first) == 2:
            found["ymd"] = (full_year(int(first), pivot), int(second), int(last))
    return {
        order: "{:04}-{:02}-{:02}".format(*found[order])
        for order in ORDERS
        if order in found and is_real(*found[order])
    }


def is_real(year: int, month: int, day: int) -> bool:
    """Say whether there is such a day in the Gregorian calendar, years 1 to 9999."""
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]


class Evidence:
    """What texts of one input say about the order of their numbers, the one that all of them shall be read in."""

    def __init__(self) -> None:
        self._possible: set[Order] = set(ORDERS)
        self._demanded = False
        self.ambiguous = False  # whether some text has more than one reading

    @property
    def order(self) -> Order | None:
        """The one order that all texts so far allow and some of them demand, or None."""
        return next(iter(self._possible)) if self._demanded and len(self._possible) == 1 else None

    @property
    def contradictory(self) -> bool:
        """Whether no order fits all texts."""
        return not self._possible

    def add(self, text: str) -> None:
        """Take folded ``text`` into account."""
        found = readings(text)
        if not found or list(found) == ["ymd"]:  # a year that comes first says nothing of dates where it comes last
            return
        if len(set(found.values())) > 1:
            self.ambiguous = True
        elif len(found) == 1:
            self._demanded = True
        self._possible &= set(found)
