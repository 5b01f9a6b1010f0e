"""Texts as the network reads them: folded to a small alphabet, one number for a character.

Folding follows Unicode's compatibility forms: full-width and other scripts' digits become 0-9, letters lose case and
(in the Latin, Greek and Cyrillic scripts) diacritics, every dash is "-", white space is one space. In: any text. Out:
folded text, and numbers (texts, characters).
"""

from __future__ import annotations

import unicodedata

import numpy as np
import numpy.typing as npt

#: A text is read up to so many folded characters.
MAX_CHARS = 72
#: The first numbers of an alphabet: what fills a batch up, and every character that the alphabet does not have.
PADDING, UNKNOWN = 0, 1
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


class Alphabet:
    """The characters that a network knows, numbered from 2 in their order in ``characters``."""

    def __init__(self, characters: str) -> None:
        self.characters = characters
        codes = np.frombuffer(characters.encode("utf-32-le"), np.uint32)
        self._numbers = np.full(0x110000 if codes.size and codes.max() > 0xFFFF else 0x10000, UNKNOWN, np.int16)
        self._numbers[codes] = np.arange(2, 2 + len(codes))

    def __len__(self) -> int:
        return 2 + len(self.characters)

    def numbers(self, text: str) -> npt.NDArray[np.int16]:
        """Return the numbers (characters) of folded ``text``, of its first :data:`MAX_CHARS` at most."""
        codes = np.frombuffer(text[:MAX_CHARS].encode("utf-32-le", "replace"), np.uint32)
        return self._numbers[np.where(codes < len(self._numbers), codes, 0xFFFF)]
