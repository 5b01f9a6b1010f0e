"""Cut a sentence into the words that GloVe 6B knows.

Pennington, Socher and Manning, "GloVe" (2014): their corpus was lower-cased and cut by the Stanford tokenizer ("do
n't"); of what that leaves of a contraction, the embedded set has only whole words, so "don't" becomes "do not".
In: a text. Out: words; punctuation carries no class and goes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

#: More words than this of one text are not read: it bounds the work that one line can make.
MAX_WORDS = 64
_MAX_CHARACTERS = 4096

#: What people type in chats, and names of dishes and the like beyond the 50,000 words, as words that are among them.
ALIASES = dict(
    line.split(": ")
    for line in """\
2day: today
2moro: tomorrow
2nite: tonight
abt: about
aced: passed
adores: loves
aint: is not
appetit: appetite
arent: are not
awsome: awesome
b4: before
babe: honey
bae: sweetheart
barbeque: barbecue
bc: because
bday: birthday
besties: friends
bestie: best friend
bff: best friend
bffs: best friends
blushed: smiled
bro: brother
btw: by the way
burrito: sandwich
burritos: sandwiches
cannot: can not
cant: can not
cheesecake: cheese cake
congrats: congratulations
congratz: congratulations
couldnt: could not
crap: awful
croissant: pastry
croissants: pastries
cuddle: hug
cuddles: hugs
cuddling: hugging
cupcake: cake
cupcakes: cakes
cutest: loveliest
cuz: because
cutie: sweetheart
didnt: did not
doesnt: does not
dont: do not
donut: doughnut
donuts: doughnuts
dunno: do not know
eww: disgusting
ew: disgusting
falafel: sandwich
fam: family
fav: favorite
ffs: damn
frisbee: ball
gf: girlfriend
giggle: laugh
giggled: laughed
giggles: laughs
giggling: laughing
gimme: give me
gonna: going to
gotta: got to
gr8: great
h8: hate
hadnt: had not
haha: laughing
hahaha: laughing
hasnt: has not
havent: have not
hehe: laughing
hooray: wow
hubby: husband
hummus: sauce
hurray: wow
idk: do not know
ily: me love you
im: me am
isnt: is not
ive: me have
kebab: sandwich
kebabs: sandwiches
l8r: later
lemme: let me
lmao: laughing
lmfao: laughing
lol: laughing
luv: love
luvs: loves
luvly: lovely
meh: boring
msg: message
mum: mom
mummy: mom
mums: moms
munchies: snacks
mwah: kiss
nachos: snacks
nite: night
no1: nobody
noo: no
nope: no
omg: oh my god
pepperoni: sausage
pls: please
plz: please
ppl: people
r: are
ramen: noodles
rofl: laughing
romcom: romantic comedy
shouldnt: should not
smh: shame
smoothie: juice
smoothies: juices
sobs: cries
soulmate: soul mate
soulmates: soul mates
sry: sorry
sth: something
smth: something
stepdad: stepfather
stepmom: stepmother
superbowl: super bowl
takeaway: takeout
thanx: thanks
thats: that is
thru: through
thx: thanks
tmrw: tomorrow
tonite: tonight
tummy: stomach
u: you
ugh: damn
unfriended: rejected
unloved: not loved
ur: your
waffles: pancakes
wanna: want to
wasnt: was not
wat: what
wats: what is
whats: what is
werent: were not
wifey: wife
wont: will not
woohoo: wow
wouldnt: would not
wtf: what hell
xoxo: hugs kisses
y: why
ya: you
yay: wow
yoghurt: yogurt
youre: you are
yuck: disgusting
yucky: disgusting
yum: delicious
yummy: delicious
yikes: awful
yippee: wow""".splitlines()
)

#: Contractions in full: GloVe's "n't" is not among the words that the embedded set has.
_TAILS = {"n't": "not", "'m": "am", "'re": "are", "'ve": "have", "'ll": "will", "'d": "would", "'s": "is"}
_STEMS = {"ca": "can", "wo": "will", "sha": "shall", "ai": "is"}

#: Signs that stand for a word. The variation selectors of an emoji are taken off first.
_SIGNS = {
    **dict.fromkeys("❤♥💕💖💗💘💙💚💛💜💝💞💟😍😘🥰😻💋🫶", "love"),
    **dict.fromkeys("😀😁😂😃😄😅😆😊🙂🤣😎🎉🥳😺👍", "happy"),
    **dict.fromkeys("☹😒😔😕😖😞😟😠😡😢😣😥😩😫😭🙁💔👎", "sad"),
    **dict.fromkeys("⚾🏀🏈⚽🎾🏐🏉🏓🏒🏏🏸", "ball"),
    **dict.fromkeys("🍴🍽🍕🍔🍟🌭🍝🍜🍲🍣🥗🍰🎂🍎🍪", "food"),
}
_EMOTICONS = re.compile(
    r"(?P<heartbroken></3+)|(?P<love><3+|:-?\*)"
    r"|(?P<happy>(?<![\w:])(?:[:;=8]'?[-o^]?[)\]dD]+|\(-?[:;=]|[xX]D+|\^[_.]?\^))(?!\w)"
    r"|(?P<sad>(?<![\w:])(?:[:;=]['’]?[-o^]?[(\[|/\\]+|\)-?[:;=]|[dD]:|[tT]_+[tT]|-_+-))(?!\w)"
)
_SIGN = re.compile("[" + "".join(_SIGNS) + "]")
_SELECTORS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*'?|'(?:em|til|tis|twas)\b")
_CONTRACTION = re.compile(r"(?P<stem>\w+?)(?P<tail>n't|'(?:s|m|re|ve|ll|d))$")
_RUN = re.compile(r"(\w)\1{2,}")
_LAUGHTER = re.compile(r"(?:[ab]?(?:h+[aeiu]+){2,}h*|(?:l+o+)+l+)")
_ENDINGS = (
    *(("s", ""), ("es", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"), ("in", "ing"), ("ies", "y")),
    *(("ly", ""), ("er", ""), ("est", ""), ("iest", "y"), ("y", ""), ("ness", ""), ("less", "")),
)

Known = Callable[[str], bool]


def normalize_label(text: str) -> str:
    """Return an emoji without the variation selectors that make equal ones differ (U+FE0E, U+FE0F)."""
    return text.strip().replace("\ufe0e", "").replace("\ufe0f", "")


def words(text: str) -> list[str]:
    """Return the words of ``text`` in lower case, at most :data:`MAX_WORDS`, as the corpus of GloVe writes them."""
    if len(text) > _MAX_CHARACTERS:
        text = text[:_MAX_CHARACTERS]
    if not text.isascii():
        text = _SELECTORS.sub("", text).replace("’", "'").replace("‘", "'").replace("`", "'")
        text = _SIGN.sub(lambda match: f" {_SIGNS[match[0]]} ", text)
    if not text.replace(" ", "").isalnum():
        text = _EMOTICONS.sub(lambda match: f" {match.lastgroup} ", text)
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        found += _parts(word)
        if len(found) >= MAX_WORDS:
            return found[:MAX_WORDS]
    return found


@lru_cache(maxsize=1 << 14)
def _parts(word: str) -> tuple[str, ...]:
    """Return the tokens of one word: aliases and contractions in full."""
    alias = ALIASES.get(word)
    if alias is not None:
        return tuple(alias.split())
    match = _CONTRACTION.match(word)
    if match:
        return _STEMS.get(match["stem"], match["stem"]), _TAILS[match["tail"]]
    return tuple(part for part in word.split("'") if part)


def spellings(word: str) -> Iterator[str]:
    """Yield what to look up for ``word``, the word itself first: "soooo" may be "so", "disappoints" "disappoint"."""
    yield word
    if word == "i":  # a single letter is no word of the embedded set
        yield "me"
        return
    if _LAUGHTER.fullmatch(word):
        yield "laughing"
    if _RUN.search(word):
        yield _RUN.sub(r"\1\1", word)
        once = _RUN.sub(r"\1", word)
        yield once
        alias = ALIASES.get(once, "")
        if alias and " " not in alias:
            yield alias
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            yield word[: -len(ending)] + instead
