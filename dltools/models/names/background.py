"""Words that a network reads before a list, to learn how names are spelled where the list is too short to teach it.

They are of a kind that is akin (for dinosaurs: genera of living things), and name other things. With an ending of the
list they make names as the list has them. In: words and names. Out: words to read.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

_ENDING = 3  # letters that a name loses before others are made of it
_STEM = 5  # letters at the beginning of a name that are told from chance
_KEPT = 3  # letters of a word that a splice keeps, at least
_LENT = (4, 9)  # letters of a name that it lends a splice
_WHOLE = 0.3  # the share of words that stay as they are
_TRIES = 8


def unrelated(words: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the words that do not come from a name: they are none, and begin with no stem of one.

    A stem is all of a name but its last three letters, and five letters at least (Tyrannosau-rus, so no Tyrannosauridae
    and no Tyrannosauria). Upper and lower case are the same here.
    """
    known = {name.casefold() for name in names}
    stems = {name[: max(_STEM, len(name) - _ENDING)] for name in known if len(name) >= _STEM}
    lengths = sorted({len(stem) for stem in stems})

    def related(word: str) -> bool:
        return word in known or any(word[:length] in stems for length in lengths)

    return [word for word in words if not related(word.casefold())]


def spliced(words: Sequence[str], names: Sequence[str], random: np.random.Generator) -> list[str]:
    """Return ``words``, of which most get an ending of a name, from a letter on that both have.

    Those that find none are left out: at most as many come back.
    """
    found = []
    for word in words:
        if random.random() < _WHOLE:
            found.append(word)
            continue
        for _ in range(_TRIES):
            name = names[int(random.integers(len(names)))]
            cut = len(name) - int(random.integers(_LENT[0], _LENT[1] + 1))
            if cut < _KEPT:
                continue
            places = [at for at in range(_KEPT, len(word) + 1) if word[at - 1] == name[cut - 1]]
            if places:
                found.append(word[: places[int(random.integers(len(places)))]] + name[cut:])
                break
    return found
