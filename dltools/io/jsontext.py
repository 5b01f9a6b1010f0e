"""JSON from outside: text in, plain values out, whose numbers all fit a float."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

#: A record that is nested deeper is refused: it has to be written again, and a writer needs a frame a level.
MAX_DEPTH = 200
_MOST_DIGITS = 308  # of a whole number: more does not fit a float
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def read_json(text: str | bytes, *, max_depth: int | None = None) -> Any:
    """Return the value of a JSON text (UTF-8 where it is bytes).

    Raise ``ValueError`` where it is none, nested deeper than ``max_depth`` or than Python can follow, or has NaN,
    infinity, or a number that no float can hold.
    """
    if max_depth is not None and nesting(text) > max_depth:
        raise ValueError(f"nested deeper than {max_depth}")
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def nesting(text: str | bytes) -> int:
    """Return how deep the lists and objects of a JSON text are nested; the number of them where that is no more."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    openings = text.count("[") + text.count("{")
    if openings <= MAX_DEPTH:  # so nearly every text is counted and not read
        return openings
    depth = deepest = 0
    for token in _TOKENS.finditer(text):
        first = token[0][0]
        depth += (first in "[{") - (first in "]}")
        deepest = max(deepest, depth)
    return deepest


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number that no float can hold")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError("a number that no float can hold")
    return int(text)
