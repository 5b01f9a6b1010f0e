"""The dates in running text, with where they stand.

Every stretch of a few words that has a digit in it (or, with a base date, any) is read by the network; of stretches
that overlap the one stays that scores best, and of those about as good the shortest. In: a text. Out: spans of
characters with their answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from dltools.models.dates.characters import MAX_CHARS
from dltools.models.dates.infer import Answer, DateTranslator, Options

_WORDS = 7  # a date with its weekday has no more, times of day left out
_EDGES = "()[]{}<>\"'“”«»„‚‘’`,;:!?.|*~=。，、；：！？（）【】「」《》"
_CHUNK = re.compile(r"\S+")
#: Where writing without spaces may be cut: around what can be part of a date.
_UNSPACED = re.compile(r"[\d年月日号號년월일/.\-:時时分秒点點]+|[^\d\s]+?(?=\d|$)")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_ABOUT = 0.05  # scores that differ by less are about as good


class Found(NamedTuple):
    """A date in a text: characters ``start`` to ``end`` (exclusive, of the text as given) and what they say."""

    start: int
    end: int
    answer: Answer


def find(translator: DateTranslator, texts: Sequence[str], options: Options) -> list[list[Found]]:
    """Return the dates in each of ``texts``, in the order in which they stand there."""
    spans = [_spans(text, digits=options.base is None) for text in texts]
    pieces = [text[start:end] for text, places in zip(texts, spans, strict=True) for start, end, _ in places]
    answers = iter(translator.translate(pieces, options))
    return [_best([(span, next(answers)) for span in places]) for places in spans]


def _spans(text: str, *, digits: bool) -> list[tuple[int, int, int]]:
    """Return the stretches to try: start, end, and how many chunks they span."""
    chunks = [chunk for match in _CHUNK.finditer(text) for chunk in _cut(text, *match.span())]
    found = set()
    for first, (start, _) in enumerate(chunks):
        for last in range(first, min(first + _WORDS, len(chunks))):
            end = chunks[last][1]
            left, right = _trimmed(text, start, end)
            piece = text[left:right]
            if piece and right - left <= MAX_CHARS and (not digits or any(map(str.isdigit, piece))):
                found.add((left, right, last - first + 1))
    return sorted(found)


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    if not _IDEOGRAPHS.search(text, start, end):
        return [(start, end)]
    return [match.span() for match in _UNSPACED.finditer(text, start, end)]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _EDGES:
        start += 1
    while start < end and text[end - 1] in _EDGES:
        end -= 1
    return start, end


def _best(candidates: list[tuple[tuple[int, int, int], Answer]]) -> list[Found]:
    dated = [(span, answer) for span, answer in candidates if answer.date is not None]
    kept: list[Found] = []
    while dated:
        top = max(answer.score for _, answer in dated)
        span, answer = min(
            (pair for pair in dated if pair[1].score > top - _ABOUT),
            key=lambda pair: (pair[0][2], pair[0][1] - pair[0][0], pair[0][0]),
        )
        kept.append(Found(span[0], span[1], answer))
        dated = [pair for pair in dated if pair[0][1] <= span[0] or pair[0][0] >= span[1]]
    return sorted(kept)
