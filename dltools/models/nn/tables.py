"""Tables of numbers with a label: CSV with commas or semicolons, or TSV, with a header or without.

What is missing or no number is refused with its line and column. In: the bytes of a file. Out: rows of cells, then
arrays (rows, features) float64.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from dltools.errors import InputError
from dltools.io.text import printable
from dltools.models.nn.config import ModelConfig
from dltools.models.nn.examples import Examples
from dltools.models.nn.layer import Array

#: What stands for a missing label, and for a missing number.
_NO_LABEL = frozenset({"", "?", "na", "n/a", "nan", "null"})
_MISSING = _NO_LABEL | {"none", "-"}
_SHOWN = 40  # characters of a cell that a message shows


class Row(NamedTuple):
    """A row of cells, and the line of the file that it begins on, from 1."""

    line: int
    cells: list[str]


class Table(NamedTuple):
    """``columns``: their names, none without a header; ``rows``; ``name``: what messages call the file."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]

    @property
    def width(self) -> int:
        """How many columns the table has."""
        return len(self.columns or self.rows[0].cells)

    def column(self, place: int) -> str:
        """Return what messages call a column: its number from 1, and its name if it has one."""
        name = self.columns[place] if self.columns else ""
        return f"column {place + 1} ({printable(name)})" if name else f"column {place + 1}"


def read_table(data: bytes, name: str, *, header: bool | None = None, known: Iterable[str] = ()) -> Table:
    """Return the table in ``data``; raise :class:`InputError` where it is none.

    ``header``: whether the first row names the columns; None finds out: it does if no cell of it is a number, if its
    numbers only count the columns, or if ``known`` names are in it.
    """
    try:
        text = data.decode("utf-8-sig")
        rows = list(_rows(text))
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 text") from error
    except csv.Error as error:
        raise InputError(f"{name}: not CSV ({error})") from error
    if not rows:
        raise InputError(f"{name}: no rows in it")
    if header is None:
        header = _is_header(rows, frozenset(known))
    columns: tuple[str, ...] = ()
    if header:
        columns, rows = tuple(rows[0].cells), rows[1:]
        twice = sorted({each for each in columns if each and columns.count(each) > 1})
        if twice:
            raise InputError(f"{name}: two columns are called {twice[0]!r}")
        if not rows:
            raise InputError(f"{name}: no rows below the header")
    return Table(name, columns, rows)


def _rows(text: str) -> Iterator[Row]:
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in "\t,;" if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    for cells in reader:
        stripped = [cell.strip() for cell in cells]
        if any(stripped):
            yield Row(line, stripped)
        line = reader.line_num + 1


def _is_header(rows: Sequence[Row], known: frozenset[str]) -> bool:
    first = rows[0].cells
    if known and known <= set(first):
        return True
    numbers = [cell for cell in first if _number(cell) is not None]
    if not numbers:
        return True
    if len(rows) == 1 or len(numbers) == len(first):
        return False
    start = 1 if numbers[0] == "1" else 0
    counting = numbers == [str(number) for number in range(start, start + len(numbers))]
    below = zip(first, rows[1].cells, strict=False)
    return counting and any(
        cell.lower() not in _MISSING and _number(cell) is None and _number(under) is not None for cell, under in below
    )


def _number(cell: str) -> float | None:
    """Return the finite number that a cell holds, or None."""
    if "_" in cell:  # Python's own mark between digits
        return None
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def features(table: Table, row: Row, places: Sequence[int]) -> list[float]:
    """Return a row's numbers at ``places``; raise :class:`InputError` with its line and column."""
    if len(row.cells) != table.width:
        raise InputError(f"line {row.line}: {len(row.cells)} columns, not {table.width}", code="bad_row")
    found = []
    for place in places:
        cell = row.cells[place]
        value = _number(cell)
        if value is None:
            wrong = "missing value" if cell.lower() in _MISSING else f"not a number: {_shown(cell)}"
            raise InputError(f"line {row.line}, {table.column(place)}: {wrong}", code="bad_row")
        found.append(value)
    return found


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= _SHOWN else cell[: _SHOWN - 3] + "...")


def labelled(table: Table, label: str | None) -> Examples:
    """Return a table's examples for training; the label's column is the last one, or ``label`` says which.

    ``label`` is a column's name or, where no column has that name, its number from 1. Raise :class:`InputError`.
    """
    at = table.width - 1 if label is None else _place(table, label)
    places = [place for place in range(table.width) if place != at]
    if not places:
        raise InputError(f"{table.name}: only one column (columns are separated by commas, semicolons or tabs)")
    numbers, labels = [], []
    for row in table.rows:
        try:
            numbers.append(features(table, row, places))
        except InputError as error:
            raise InputError(f"{table.name}: {error}", code=error.code) from error
        cell = row.cells[at]
        if cell.lower() in _NO_LABEL:
            raise InputError(f"{table.name}: line {row.line}, {table.column(at)}: missing label", code="bad_row")
        labels.append(cell)
    columns = tuple(table.columns[place] for place in places) if table.columns else ()
    return Examples(
        np.array(numbers, np.float64), tuple(labels), columns, table.columns[at] if table.columns else "", at
    )


def _place(table: Table, label: str) -> int:
    if label in table.columns:
        return table.columns.index(label)
    if label.isdecimal() and 1 <= int(label) <= table.width:
        return int(label) - 1
    there = f"its columns are {', '.join(map(printable, table.columns))}" if table.columns else "it has no header"
    raise InputError(f"{table.name}: no column is called {_shown(label)}; {there}")


def places_for(table: Table, config: ModelConfig) -> list[int]:
    """Return where a model's features stand in a table: by their names, or else in the order of its training.

    Columns that the model does not know are passed over if there is a header; without one a single further column is
    taken for the label, where it stood in training. Raise :class:`InputError` where the table does not fit.
    """
    wanted = config.shape[0]
    if table.columns and config.columns:
        missing = [name for name in config.columns if name not in table.columns]
        if missing:
            raise InputError(f"{table.name}: no column is called {_shown(missing[0])}")
        return [table.columns.index(name) for name in config.columns]
    if table.width == wanted:
        return list(range(wanted))
    if table.width == wanted + 1:
        return [place for place in range(wanted + 1) if place != config.label_at]
    raise InputError(f"{table.name}: {table.width} columns, but the model takes {wanted}")


def numbers_of(cells: Sequence[str]) -> Array | None:
    """Return labels as numbers (rows,), or None if one is no number."""
    values = [_number(cell) for cell in cells]
    return None if None in values else np.array(values, np.float64)
