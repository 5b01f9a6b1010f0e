"""Texts as the network reads them: folded to a small alphabet, one number for a character.

Folding follows Unicode's compatibility forms: full-width and other scripts' digits become 0-9, letters lose case and
(in the Latin, Greek and Cyrillic scripts) diacritics, every dash is "-", white space is one space. In: any text. Out:
folded text, and numbers (texts, characters).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

#: A text is read up to so many folded characters.
MAX_CHARS = 72
#: Texts are filled up to one of these lengths, so that those of like length can be read together.
STEPS = (8, 12, 16, 20, 24, 28, 32, 40, 48, 60, MAX_CHARS)
#: The first numbers of an alphabet: what fills a batch up, and every character that the alphabet does not have.
PADDING, UNKNOWN = 0, 1
_LAST = 0xFFFF  # characters from here on are unknown ones
_LETTERS = {"ß": "ss", "ı": "i", "ł": "l", "đ": "d", "ø": "o", "æ": "ae", "œ": "oe", "ς": "σ", "þ": "th", "ð": "d"}
_MARKS = range(0x300, 0x370)  # combining marks of the Latin, Greek and Cyrillic scripts
_QUOTES = "’‘‛ʼ`´′＇"


class _Folding(dict[int, str]):
    """The folded form of a code point, found once for each."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


def _fold(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character == "−":
        return "-"
    if character in _QUOTES:
        return "'"
    if category in ("Cf", "Cs", "Co", "Cn") or ord(character) in _MARKS:
        return ""
    if category[0] == "Z" or category == "Cc":
        return " "
    parts = unicodedata.normalize("NFKD", character)
    if ord(parts[0]) >= 0x530:  # beyond Latin, Greek and Cyrillic marks are letters of their own
        parts = unicodedata.normalize("NFKC", character)
    kept = (part for part in parts.lower() if ord(part) not in _MARKS)
    return "".join(_LETTERS.get(part, " " if part.isspace() else part) for part in kept)


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return ``text`` folded: lower case, digits 0-9, single spaces, none at its ends.

    >>> fold("２５  Août，2009")
    '25 aout,2009'
    """
    return " ".join(text.translate(_FOLDING).split())


def fold_aligned(text: str) -> tuple[str, list[int]]:
    """Return ``text`` folded, and for each folded character the place in ``text`` that it comes from."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for part in _FOLDING[ord(character)]:
            if part != " " or (characters and characters[-1] != " "):
                characters.append(part)
                places.append(place)
    if characters and characters[-1] == " ":
        del characters[-1], places[-1]
    return "".join(characters), places


def steps_for(length: int) -> int:
    """Return to how many characters a text of ``length`` is filled up."""
    return next(steps for steps in STEPS if steps >= length)


class Alphabet:
    """The characters that a network knows, numbered from 2 in their order in ``characters``."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        codes = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
        self._numbers = np.full(_LAST + 1, UNKNOWN, np.int32)
        self._numbers[0] = PADDING  # no folded text holds it: control characters are spaces
        self._numbers[codes[codes < _LAST]] = np.arange(2, 2 + len(codes))[codes < _LAST]

    def __len__(self) -> int:
        return 2 + len(self.characters)

    def numbers(self, texts: Sequence[str], steps: int) -> npt.NDArray[np.int32]:
        """Return the numbers (texts, steps) of folded ``texts`` of at most ``steps`` characters, filled up behind."""
        joined = "".join(text.ljust(steps, "\0") for text in texts).encode("utf-32-le", "replace")
        codes = np.minimum(np.frombuffer(joined, np.uint32), _LAST)
        return self._numbers[codes].reshape(len(texts), steps)
