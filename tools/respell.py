"""Write English for the voices of other languages: their letters for what they say most alike, an accent of each.

In: phonemes as Kokoro writes them (``tools/synthesize_trigger.py``). Out: letters.
"""

from __future__ import annotations

import random

_SIGNS = "æ ə ɪ i A v k t d n ŋ s z ʃ ʒ ʤ ʧ θ ð p b f ɡ h l m ɹ w j u ʊ O Q ɔ ɑ a ɒ ʌ ɜ ɛ e I W Y ᵻ ɐ ɾ o"
#: Letters for each of the signs above; where voices of a language differ in an accent, it is drawn from several.
_LETTERS = {
    "Russian": "а а и/ы и эй в к т д н нг с з ш ж дж ч т д п б ф г х л м р "
    "в й у у оу оу о а а о а э э э ай ау ой и а д о",
    "Kyrgyz": "а э и и ей в к т д н нг с з ш ж дж ч т д п б ф г х л м р в й у у оу оу о а а о а э э э ай ау ой и а д о",
    "Ukrainian": "е/а е і/и і ей в к т д н нг с з ш ж дж ч т д п б ф ґ х л м р "
    "в й у у оу оу о а а о а е е е ай ау ой і а д о",
    "Macedonian": "е/а а и и еј в к т д н нг с з ш ж џ ч т д п б ф г х л м р "
    "в ј у у оу оу о а а о а е е е ај ау ој и а д о",
    "Polish": "e/a e i/y i ej w k t d n ng s z sz ż dż cz t d p b f g h l m r "
    "ł j u u ou ou o a a o a e e e aj au oj i a d o",
    "Czech": "e/a e y i ej v k t d n ng s z š ž dž č t d p b f g h l m r "
    "v j u u ou ou o a a o a e e e aj au oj y a d o",
    "Esperanto": "e/a e i i ej v k t d n ng s z ŝ ĵ ĝ ĉ t d p b f g h l m r "
    "ŭ j u u oŭ oŭ o a a o a e e e aj aŭ oj i a d o",
    "Portuguese": "é/á a i i ei v k t d n n ss z ch j dj tch t d p b f g rr l m r "
    "u i u u ou ou ó a a ó â é é ê ai au ói i a d ô",
}


def respelled(phonemes: str, language: str, draw: random.Random) -> str:
    """Return phonemes in the letters of a language; stress and length are left to its voices."""
    letters = dict(zip(_SIGNS.split(), _LETTERS[language].split(), strict=True))
    chosen = {sign: draw.choice(letter.split("/")) for sign, letter in letters.items()}
    return "".join(chosen.get(sign, sign if sign == " " else "") for sign in phonemes.replace("g", "ɡ"))
