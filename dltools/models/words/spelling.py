"""The words of a vocabulary that are spelled most like an unknown one, in bounded time.

Words one edit away (Damerau 1964: a letter left out, added, changed, or two swapped) are looked up one by one; only
where there are none are the most frequent words of the same first letter compared by difflib.
"""

from __future__ import annotations

import difflib
import string
from collections.abc import Iterator

from dltools.runtime.vectors import VectorStore

#: Longer words are not searched for: their edits are many, and none of them is a word.
_LONGEST = 40
_FREQUENT = 20_000
_LETTERS = string.ascii_lowercase + "'-"


def suggestions(store: VectorStore, word: str, count: int = 3) -> list[str]:
    """Return at most ``count`` words of ``store`` that are spelled like ``word``, the most frequent first."""
    if not 0 < len(word) <= _LONGEST:
        return []
    wanted = word.lower()
    rows = sorted({row for edit in set(_edits(wanted)) if (row := store.row(edit)) is not None})
    if rows:
        return [store.word(row) for row in rows[:count]]
    frequent = [
        other for other in store.words(0, _FREQUENT) if other[:1] == wanted[0] and abs(len(other) - len(wanted)) <= 2
    ]
    return difflib.get_close_matches(wanted, frequent, n=count, cutoff=0.7)


def _edits(word: str) -> Iterator[str]:
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in _LETTERS:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]
