"""Word lists for measuring and removing bias, ours (``lexicon.json``) or the user's.

Pairs are written first:second, the direction pointing to the first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from dltools.errors import InputError, UsageError
from dltools.io.inputs import read_named
from dltools.io.jsontext import read_json

_OURS = Path(__file__).with_name("lexicon.json")


class Association(NamedTuple):
    """One association test: two named sets of targets, two of attributes."""

    name: str
    targets: dict[str, list[str]]
    attributes: dict[str, list[str]]


class Lexicon(NamedTuple):
    """Lists about gender: pairs that define it, words that have it, pairs to equalize, professions, which lack it."""

    definitional: list[tuple[str, str]]
    specific: list[str]
    equalize: list[tuple[str, str]]
    professions: list[str]


def gender() -> Lexicon:
    """Return our lists."""
    data = json.loads(_OURS.read_bytes())
    return Lexicon(
        [_pair(text) for text in data["definitional"]],
        data["specific"],
        [_pair(text) for text in data["equalize"]],
        data["professions"],
    )


def associations() -> dict[str, Association]:
    """Return our association tests by name."""
    tests = json.loads(_OURS.read_bytes())["associations"]
    return {name: Association(name, test["targets"], test["attributes"]) for name, test in tests.items()}


def read_association(path: Path) -> Association:
    """Read a test: JSON, ``targets`` and ``attributes``, two named lists of words each; raise :class:`UsageError`."""
    try:
        data: Any = read_json(read_named(path))
        sets = [{str(name): [str(word) for word in words] for name, words in data[key].items()} for key in _KEYS]
    except InputError as error:
        raise UsageError(str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f'{path}: not a test: {{"targets": {{name: [word, ...], name: ...}}, "attributes": ...}}'
        ) from error
    if [len(each) for each in sets] != [2, 2]:
        raise UsageError(f"{path}: a test has two target sets and two attribute sets")
    return Association(path.stem, *sets)


_KEYS = ("targets", "attributes")


def parse_pairs(text: str) -> list[tuple[str, str]]:
    """Read ``she:he,woman:man``; raise :class:`UsageError`."""
    return [_pair(part) for part in text.split(",") if part.strip()]


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Read a file with a pair a line, as ``she:he`` or separated by space; raise :class:`UsageError`."""
    return [_pair(":".join(line.replace(":", " ").split())) for line in read_words(path)]


def read_words(path: Path) -> list[str]:
    """Read a file with a word a line, empty lines and those that begin with # left out; raise :class:`UsageError`."""
    try:
        lines = read_named(path).decode("utf-8-sig").splitlines()
    except InputError as error:
        raise UsageError(str(error)) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: cannot be read (not UTF-8)") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def _pair(text: str) -> tuple[str, str]:
    words = [word.strip() for word in text.split(":")]
    if len(words) != 2 or not all(words):
        raise UsageError(f"{text!r} is not a pair (she:he)")
    return words[0], words[1]
