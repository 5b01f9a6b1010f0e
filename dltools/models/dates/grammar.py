"""What the network writes: a date, or a small expression that plain code turns into one; and which of these exist.

Ten characters: ``2009-06-25``; ``2009-W26-4`` and ``2009-D176.`` (week and ordinal dates of ISO 8601); ``2009-06-__``,
``2009-__-__`` and ``____-06-25`` for what a text leaves open; ``+0003w....`` and ``-0002d....`` for a distance from a
base date, ``+0001m$...`` and ``+0001m^...`` for the last and the first day of the month there; ``>5........``,
``<5........`` and ``=5........`` for the next, the last and the coming Friday; ``____-02-$$`` for the last day of
February; ``x.........`` for text that is no date. A time of day is fourteen characters: ``10:49:41-03:00``, with ``_``
for what is not said and ``Z_____`` for UTC.

An automaton over these characters knows the calendar (Gregorian, years 1 to 9999): whatever it lets through exists.
"""

from __future__ import annotations

import calendar
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

SYMBOLS = "0123456789-_+<>=x$^.WDdwmy:Z"
DATE_STEPS, TIME_STEPS = 10, 14
START_DATE, START_TIME = len(SYMBOLS), len(SYMBOLS) + 1  # what stands before the first character of either
REFUSED = "x........."

Kind = Literal["date", "partial", "relative", "refused"]
_State = tuple[str, ...]
_DIGITS = "0123456789"


class Automaton(NamedTuple):
    """Which symbols may follow in each state, and where they lead: ``allowed`` and ``following`` (states, symbols).

    State 0 is the beginning. A symbol that is not allowed leads to state 0.
    """

    allowed: npt.NDArray[np.bool_]
    following: npt.NDArray[np.int16]

    def without(self, symbol: str) -> Automaton:
        """Return the automaton that does not begin with ``symbol``."""
        allowed = self.allowed.copy()
        allowed[0, SYMBOLS.index(symbol)] = False
        return Automaton(allowed, self.following)

    def accepts(self, text: str) -> bool:
        """Say whether each character of ``text`` may stand where it stands."""
        state = 0
        for character in text:
            symbol = SYMBOLS.find(character)
            if symbol < 0 or not self.allowed[state, symbol]:
                return False
            state = int(self.following[state, symbol])
        return True


@functools.cache
def date_automaton() -> Automaton:
    """Return the automaton of the expressions of ten characters."""
    return _build(_date_successors)


@functools.cache
def time_automaton() -> Automaton:
    """Return the automaton of times of day."""
    return _build(_time_successors)


def _build(successors: Callable[[_State], Iterator[tuple[str, _State]]]) -> Automaton:
    states: dict[_State, int] = {("",): 0}
    queue: list[_State] = [("",)]
    edges: list[tuple[int, int, int]] = []
    for state in queue:  # grows while it is read
        for symbol, following in successors(state):
            if following not in states:
                states[following] = len(states)
                queue.append(following)
            edges.append((states[state], SYMBOLS.index(symbol), states[following]))
    allowed = np.zeros((len(states), len(SYMBOLS)), np.bool_)
    target = np.zeros((len(states), len(SYMBOLS)), np.int16)
    for origin, number, reached in edges:
        allowed[origin, number] = True
        target[origin, number] = reached
    return Automaton(allowed, target)


def _date_successors(state: _State) -> Iterator[tuple[str, _State]]:
    """Yield each symbol that may follow ``state``, and the state after it. A state says what still matters."""
    what, *facts = state
    if what == "":
        yield from ((digit, ("year", digit)) for digit in _DIGITS)
        yield "_", ("open year", "_")
        yield "x", ("fill", "9")
        yield from ((sign, ("distance", "4")) for sign in "+-")
        yield from ((sign, ("weekday",)) for sign in "<>=")
    elif what == "year":
        yield from _year_digits(facts[0])
    elif what == "year end":
        yield "-", ("month", facts[0])
    elif what == "open year":
        yield ("_", ("open year", facts[0] + "_")) if len(facts[0]) < 4 else ("-", ("month", "open"))
    elif what == "month":
        yield from (("0", ("month 0", facts[0])), ("1", ("month 1", facts[0])))
        if facts[0] != "open":
            yield from (("_", ("open month", "1")), ("W", ("week",)), ("D", ("ordinal", facts[0])))
    elif what in ("month 0", "month 1"):
        months = range(1, 10) if what == "month 0" else range(10, 13)
        yield from ((str(month % 10), ("dash", _month_length(month, facts[0]), facts[0])) for month in months)
    elif what == "dash":
        yield "-", ("day", *facts)
    elif what == "day":
        length = int(facts[0])
        yield from ((tens, ("day 2", tens, facts[0])) for tens in "0123" if int(tens) * 10 <= length)
        if facts[1] != "open":
            yield "_", ("open day",)
        else:
            yield "$", ("last day",)
    elif what == "day 2":
        days = range(max(1, int(facts[0]) * 10), min(int(facts[1]), int(facts[0]) * 10 + 9) + 1)
        yield from ((str(day % 10), ("end",)) for day in days)
    elif what == "open month":
        yield {"1": ("_", ("open month", "2")), "2": ("-", ("open month", "3")), "3": ("_", ("open day",))}[facts[0]]
    elif what == "open day":
        yield "_", ("end",)
    elif what == "last day":
        yield "$", ("end",)
    else:
        yield from _expression_successors(what, facts)


def _expression_successors(what: str, facts: list[str]) -> Iterator[tuple[str, _State]]:
    if what == "week":  # week 53 only exists in some years: evaluate() sees to that
        yield from ((tens, ("week 2", tens)) for tens in "012345")
    elif what == "week 2":
        weeks = {"0": "123456789", "5": "0123"}.get(facts[0], _DIGITS)
        yield from ((unit, ("week dash",)) for unit in weeks)
    elif what == "week dash":
        yield "-", ("week day",)
    elif what == "week day":
        yield from ((day, ("end",)) for day in "1234567")
    elif what == "ordinal":
        yield from ((digit, ("ordinal 2", digit, facts[0])) for digit in "0123")
    elif what == "ordinal 2":
        yield from ((digit, ("ordinal 3", facts[0] + digit, facts[1])) for digit in _DIGITS if facts[0] + digit <= "36")
    elif what == "ordinal 3":
        days = 366 if facts[1] == "leap" else 365
        yield from ((digit, ("fill", "1")) for digit in _DIGITS if 1 <= int(facts[0] + digit) <= days)
    elif what == "distance":
        left = int(facts[0])
        if left:
            yield from ((digit, ("distance", str(left - 1))) for digit in _DIGITS)
        else:
            yield from ((unit, ("fill", "4")) for unit in "dwy")
            yield "m", ("anchor",)
    elif what == "anchor":
        yield from ((mark, ("fill", "3")) for mark in ".$^")
    elif what == "weekday":
        yield from ((day, ("fill", "8")) for day in "1234567")
    elif what == "fill":
        left = int(facts[0])
        yield ".", ("fill", str(left - 1)) if left > 1 else ("end",)


def _year_digits(so_far: str) -> Iterator[tuple[str, _State]]:
    for digit in _DIGITS:
        year = so_far + digit
        if len(year) < 4:
            # Of the first two digits only the remainder by four, and whether they are zeros, matters later.
            short = year if len(year) != 2 or year == "00" else f"{int(year) % 4 + 4:02}"
            yield digit, ("year", short)
        elif year != "0000":
            yield digit, ("year end", "leap" if calendar.isleap(int(year)) else "common")


def _month_length(month: int, year: str) -> str:
    return str(calendar.monthrange(2023 if year == "common" else 2024, month)[1])


def _time_successors(state: _State) -> Iterator[tuple[str, _State]]:
    what = state[0]
    if what == "":
        yield from ((tens, ("hour", tens)) for tens in "012")
        yield "_", ("none", "13")
    elif what == "none":
        left = int(state[1])  # a time that is not said leaves everything open
        yield "_", ("none", str(left - 1)) if left > 1 else ("end",)
    elif what == "hour":
        yield from ((unit, ("colon", "minute")) for unit in ("0123" if state[1] == "2" else _DIGITS))
    elif what == "colon":
        yield ":", (state[1],)
    elif what in ("minute", "second"):
        yield from ((tens, (what + " 2",)) for tens in "012345")
        if what == "second":
            yield "_", ("open second",)
    elif what == "open second":
        yield "_", ("zone",)
    elif what == "minute 2":
        yield from ((unit, ("colon", "second")) for unit in _DIGITS)
    elif what == "second 2":
        yield from ((unit, ("zone",)) for unit in _DIGITS)
    elif what == "zone":
        yield from (("Z", ("no zone", "5")), ("_", ("no zone", "5")))
        yield from ((sign, ("zone hour",)) for sign in "+-")
    elif what == "no zone":
        left = int(state[1])
        yield "_", ("no zone", str(left - 1)) if left > 1 else ("end",)
    elif what == "zone hour":
        yield from ((tens, ("zone hour 2", tens)) for tens in "01")
    elif what == "zone hour 2":
        yield from ((unit, ("zone colon",)) for unit in ("01234" if state[1] == "1" else _DIGITS))
    elif what == "zone colon":
        yield ":", ("zone minute",)
    elif what == "zone minute":
        yield from ((tens, ("zone minute 2",)) for tens in "0134")
    elif what == "zone minute 2":
        yield from ((unit, ("end",)) for unit in "05")


def kind_of(expression: str) -> Kind:
    """Return what ``expression`` (ten characters that the automaton accepts) stands for."""
    if expression[0] == "x":
        return "refused"
    if expression[0] in "+-<>=" or expression.endswith("$$"):
        return "relative"
    return "partial" if "_" in expression else "date"


def evaluate(expression: str, base: dt.date | None = None) -> dt.date | None:
    """Return the date of ``expression``, relative ones and days without a year from ``base``.

    None where there is none: a refusal, a partial date, a week 53 that its year does not have, a day outside of the
    years 1 to 9999, or no base where one is needed.
    """
    try:
        kind = kind_of(expression)
        if kind == "date":
            return _absolute(expression)
        if base is None or kind == "refused":
            return None
        if expression[:4] == "____":
            month = int(expression[5:7])
            last = calendar.monthrange(base.year, month)[1]
            return dt.date(base.year, month, last if expression.endswith("$$") else int(expression[8:]))
        return _relative(expression, base) if kind == "relative" else None
    except (ValueError, OverflowError):
        return None


def _absolute(expression: str) -> dt.date:
    year = int(expression[:4])
    if expression[5] == "W":
        return dt.date.fromisocalendar(year, int(expression[6:8]), int(expression[9]))
    if expression[5] == "D":
        return dt.date(year, 1, 1) + dt.timedelta(days=int(expression[6:9]) - 1)
    return dt.date(year, int(expression[5:7]), int(expression[8:]))


def _relative(expression: str, base: dt.date) -> dt.date:
    sign = expression[0]
    if sign in "<>=":
        ahead = (int(expression[1]) - base.isoweekday()) % 7
        days = {"=": ahead, ">": ahead or 7, "<": ahead - 7}[sign]
        return base + dt.timedelta(days=days)
    count, unit = int(expression[:5]), expression[5]
    if unit in "dw":
        return base + dt.timedelta(days=count * (7 if unit == "w" else 1))
    months = base.year * 12 + base.month - 1 + count * (12 if unit == "y" else 1)
    year, month = months // 12, months % 12 + 1
    last = calendar.monthrange(year, month)[1]
    day = {"$": last, "^": 1}.get(expression[6], min(base.day, last))
    return dt.date(year, month, day)
