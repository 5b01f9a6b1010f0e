"""Labelled sentences: the toolkit's own, and those of a user's CSV file.

A CSV file has a header with the columns ``text`` and ``label`` and, if wanted, ``emoji`` (what a class is shown as) and
``group`` (sentences of one theme or author, which a split keeps together). Without a header the columns are text and
label.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from dltools.errors import InputError
from dltools.io.inputs import read_named
from dltools.models.emoji.config import STANDARD, Label
from dltools.models.emoji.tokens import normalize_label

OWN_SENTENCES = Path(__file__).with_name("sentences.csv")
#: Groups of sentences that a grammar made begin with this.
GRAMMAR = "grammar: "
#: Sentences for each word of a grammar, and how much each counts beside one that was written.
GRAMMAR_EACH = 4
GRAMMAR_WEIGHT = 0.6
_GRAMMAR_SEED = 7
_LABEL_LENGTH = 100


class Example(NamedTuple):
    """A labelled sentence; ``group`` and ``emoji`` are empty where the file has none."""

    text: str
    label: str
    group: str = ""
    emoji: str = ""


def read_examples(path: Path) -> list[Example]:
    """Read a CSV file of labelled sentences; raise :class:`InputError` naming the line that is wrong."""
    return parse_examples(read_named(path), str(path))


def parse_examples(content: bytes, source: str) -> list[Example]:
    """Return the labelled sentences in the content of a file called ``source``, as :func:`read_examples` does."""
    try:
        with io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="") as stream:
            return list(_examples(csv.reader(stream, strict=True), source))
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{source}: not CSV ({error})") from error


def _examples(rows: Iterable[Sequence[str]], name: str) -> Iterable[Example]:
    columns: dict[str, int] = {}
    found = False
    for number, row in enumerate(rows, 1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if not columns:
            names = [cell.lower() for cell in cells]
            columns = {"text": 0, "label": 1}
            if "text" in names:
                if "label" not in names:
                    raise InputError(f"{name}: no column is called label")
                columns = {cell: place for place, cell in enumerate(names)}
                continue
        if len(cells) <= max(columns["text"], columns["label"]):
            raise InputError(f"{name}: line {number} has no label")
        example = Example(
            *(cells[columns[key]] if columns.get(key, len(cells)) < len(cells) else "" for key in Example._fields)
        )
        if not example.text or not 0 < len(example.label) <= _LABEL_LENGTH:
            raise InputError(f"{name}: line {number} has no text or no usable label")
        found = True
        yield example
    if not found:
        raise InputError(f"{name}: no sentences in it")


def own_examples(*, grammar: bool = True) -> list[Example]:
    """Return the toolkit's own sentences: those written by hand, then those that the grammars make."""
    from dltools.models.emoji.grammar import sentences

    examples = read_examples(OWN_SENTENCES)
    if grammar:
        examples += [Example(row.text, row.label, row.group) for row in sentences(_GRAMMAR_SEED, each=GRAMMAR_EACH)]
    return examples


def classes_of(examples: Sequence[Example]) -> tuple[Label, ...]:
    """Return the classes of ``examples``: the toolkit's five, in their order, if there are no others, else by name.

    A class is shown as what its ``emoji`` column says, else as the toolkit's emoji of that name, else as its own label.
    """
    standard = {normalize_label(label.emoji): label.name for label in STANDARD}
    shown: dict[str, str] = {label.name: label.emoji for label in STANDARD}
    names: set[str] = set()
    for example in examples:
        name = normalize_label(example.label)
        name = standard.get(name, name)
        names.add(name)
        if example.emoji:
            shown[name] = example.emoji
    if names <= {label.name for label in STANDARD}:
        return tuple(Label(label.name, shown[label.name]) for label in STANDARD if label.name in names)
    return tuple(Label(name, shown.get(name, name)) for name in sorted(names))
