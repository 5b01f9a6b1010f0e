"""How well dates are read: exact matches by kind, and whether scores are what they say.

In: labelled texts. Out: measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.models.dates.infer import Answer
from dltools.models.nn.calibration import calibration_error


class Labelled(NamedTuple):
    """A text, the date that it says (empty: none) and what kind of text it is."""

    text: str
    date: str
    kind: str


class Wrong(NamedTuple):
    """A text that was not read as it should be."""

    text: str
    expected: str
    date: str
    score: float


class Measures(NamedTuple):
    """``accuracy``: share of exact matches, refusals of texts without a date among them. ``refused``: share of those.

    ``per_kind``: how many texts of a kind there are and the share that matches. ``wrong``: all errors, the surest
    ones first.
    """

    texts: int
    accuracy: float
    refused: float | None
    calibration_error: float
    per_kind: dict[str, tuple[int, float]]
    wrong: list[Wrong]


def read_labelled(path: Path) -> list[Labelled]:
    """Read lines of TEXT, DATE and, if wanted, KIND with tabs between; raise :class:`InputError` with the line."""
    import datetime as dt

    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and line.lower().startswith("text\tdate")):
            continue
        text, tab, rest = line.rstrip("\r").partition("\t")
        date, _, kind = rest.partition("\t")
        try:
            if not tab or (date and len(date) != len("2009-06-25")):
                raise ValueError
            if date:
                dt.date.fromisoformat(date)
        except ValueError as error:
            raise InputError(f"{path}: line {number}: not TEXT, DATE (2009-06-25 or empty) and KIND") from error
        found.append(Labelled(text, date, kind or ("date" if date else "not a date")))
    if not found:
        raise InputError(f"{path}: no labelled texts in it")
    return found


def measure(labelled: Sequence[Labelled], answers: Sequence[Answer]) -> Measures:
    """Compare ``answers`` with what they should be; both in the same order."""
    right = np.array([(answer.date or "") == each.date for each, answer in zip(labelled, answers, strict=True)])
    scores = np.array([answer.score for answer in answers])
    said = np.array([answer.date is not None for answer in answers])
    negative = np.array([not each.date for each in labelled])
    kinds = list(dict.fromkeys(each.kind for each in labelled))
    chosen = {kind: np.array([each.kind == kind for each in labelled]) for kind in kinds}
    wrong = [
        Wrong(each.text, each.date, answer.date or "", answer.score)
        for each, answer, good in zip(labelled, answers, right, strict=True)
        if not good
    ]
    return Measures(
        len(labelled),
        float(right.mean()),
        float(right[negative].mean()) if negative.any() else None,
        calibration_error(scores[said], right[said]),
        {kind: (int(rows.sum()), float(right[rows].mean())) for kind, rows in chosen.items()},
        sorted(wrong, key=lambda each: -each.score),
    )
