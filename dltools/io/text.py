"""Text as a person sees it: names and messages that cannot disturb a terminal or a line-based reader."""

from __future__ import annotations

import unicodedata

# Cc: control characters, newline among them. Cf: invisible format characters, the bidirectional overrides among
# them. Cs: lone surrogates, which stand for bytes of a path that are not UTF-8. Zl, Zp: line and paragraph separators.
_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")  # needed inside Persian words and joined emojis; harmless


def printable(text: str) -> str:
    """Return ``text`` on one line, with characters that a terminal would act on written as escapes.

    A byte of a path that is not UTF-8 (held by Python as a lone surrogate) is shown as ``\\xNN``.
    """
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _ESCAPED_CATEGORIES:
        return character
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # PEP 383: surrogateescape
        code -= 0xDC00
    if code < 0x100:
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable_json(text: str) -> str:
    """Return a line of JSON with what a terminal would act on written as JSON's own escapes: the same value."""
    if text.isprintable():
        return text
    return "".join(character if _shown(character) == character else _escaped(character) for character in text)


def printable_line(line: str) -> str:
    """Return a line of output as :func:`printable` does, or :func:`printable_json` where it is a record; tabs stay."""
    return "\t".join(map(printable_json if line.startswith("{") else printable, line.split("\t")))


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD7C0 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
