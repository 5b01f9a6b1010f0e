"""Lists of names: read, made alike, and split the same way for every order of the list."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from dltools.errors import InputError
from dltools.io.inputs import read_named
from dltools.models.names.config import MAX_LENGTH
from dltools.runtime.assets import Registry, embedded_path

OWN_NAMES = Path(__file__).with_name("genera.txt")
_OWN_WORDS = "genera"
#: A name's hash goes to one of so many parts: part 0 is for the test, part 1 for validation.
PARTS = 10
_UNUSABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line separators


class Split(NamedTuple):
    """Names to learn from, names that say when to stop, and names for nothing but the final measure."""

    train: list[str]
    validation: list[str]
    test: list[str]


def normalize(text: str) -> str:
    """Return a name as the models know it: composed characters (NFC), no white space around it."""
    return unicodedata.normalize("NFC", text).strip()


def read_names(path: Path) -> list[str]:
    """Read a file of names, one a line: distinct, in the order of the file; raise :class:`InputError`."""
    return parse_names(read_named(path), str(path))


def parse_names(content: bytes, source: str) -> list[str]:
    """Return the names in the content of a file called ``source``, as :func:`read_names` does."""
    try:
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: not UTF-8") from error
    return distinct(lines, source)


def own_words() -> list[str]:
    """Return the words that come with the toolkit as a background: genera of living things."""
    import lzma

    path = embedded_path(Registry.load().model(_OWN_WORDS))
    return [] if path is None else lzma.decompress(path.read_bytes()).decode("ascii").split()


def distinct(lines: Iterable[str], source: str) -> list[str]:
    """Return the names among ``lines``, each once; raise :class:`InputError` naming the line that can be none."""
    names: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        name = normalize(line)
        if any(unicodedata.category(character) in _UNUSABLE for character in name):
            raise InputError(f"{source}: line {number} has a control character: not a list of names")
        if len(name) > MAX_LENGTH:
            raise InputError(f"{source}: line {number} is longer than {MAX_LENGTH} characters")
        if name:
            names[name] = None
    if len(names) < 2:
        raise InputError(f"{source}: {'one name' if names else 'no names'} in it; at least two are needed")
    return list(names)


def split(names: Sequence[str]) -> Split:
    """Split distinct names by their hash, some eight tenths, one and one; at least one to learn and one to validate.

    A name's part depends on nothing but the name, unless the list is so short that a part would be empty.
    """
    ranked = sorted(names, key=lambda name: (_hash(name), name))
    parts: list[list[str]] = [[], [], []]
    for name in ranked:
        parts[min(_hash(name) % PARTS, 2)].append(name)
    test, validation, train = parts
    while not validation or not train:
        (train if validation else validation).append((test or train or validation).pop(0))
    return Split(train, validation, test)


def _hash(name: str) -> int:
    import hashlib

    return int.from_bytes(hashlib.sha256(name.encode("utf-8")).digest()[:4], "big")
