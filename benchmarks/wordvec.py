"""wordvec beside gensim with its own memory map, on the whole of GloVe 6B 100d."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from _harness import BARE, BARE_NAME, Absent, Case, Program, answer_of

MANY = 1000
MOST_MEMORY = 250  # MiB

_VECTORS = "glove-6b-100d"
_NO_VECTORS = Absent(f"no vectors: dltools fetch {_VECTORS}")
_NO_GENSIM = Absent("not installed: pip install gensim")
_PEER = Path(__file__).with_name("peers") / "gensim_words.py"

#: Writes the vectors in word2vec's text format for gensim to read, from the fetched file itself.
_TEXT = """
import sys
from dltools.models.words.infer import WordVectors
store = WordVectors.load(sys.argv[1]).store
with open(sys.argv[2], "w", encoding="utf-8") as text:
    print(store.rows, store.dimensions, file=text)
    for start in range(0, store.rows, 4096):
        rows = range(start, min(start + 4096, store.rows))
        for word, vector in zip(store.words(start, rows.stop), store.raw(rows).tolist()):
            print(word, *(format(number, ".7g") for number in vector), file=text)
print("done")
"""

#: Questions with known answers; the first of each pair is to its second as the third is to what is asked for.
_PAIRS = (
    ("man", "king", "woman", "queen"),
    ("france", "paris", "italy", "rome"),
    ("go", "went", "say", "said"),
    ("big", "bigger", "small", "smaller"),
    ("car", "cars", "dog", "dogs"),
    ("germany", "berlin", "japan", "tokyo"),
    ("brother", "sister", "grandson", "granddaughter"),
    ("england", "english", "spain", "spanish"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gensim",
        metavar="FILE",
        type=Path,
        default=None,
        help="vectors saved by gensim, kept there for the next run (default: made anew, which takes minutes)",
    )


def versions() -> dict[str, str | None]:
    """Return the version of the peer; None where it is not there."""
    return {"gensim": answer_of([sys.executable, "-c", "import gensim; print(gensim.__version__)"])}


def cases(arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    own = str(Path(sys.executable).with_name("wordvec"))
    questions = folder / "questions.txt"
    lines = [" ".join(_PAIRS[number % len(_PAIRS)][:3]) for number in range(MANY)]
    questions.write_text("\n".join(lines) + "\n", "utf-8")
    gensim = _gensim(arguments.gensim or folder / "gensim.vectors", folder)

    def whole(*words: str, check: Callable[[bytes], str | None]) -> Program | Absent:
        if answer_of([own, "nearest", "--vectors", _VECTORS, "the"]) is None:
            return _NO_VECTORS
        return Program([own, *words, "--vectors", _VECTORS], check)

    queen, many, cat = _says("queen"), _answers(MANY), _says("dog")
    return [
        Case(
            "one word, 341,479 words",
            whole("nearest", "cat", check=cat),
            "gensim",
            gensim("nearest", "cat", check=cat),
            0.3,
            MOST_MEMORY,
            1,
        ),
        Case(
            "one analogy, 341,479 words",
            whole("analogy", "man", "king", "woman", check=queen),
            "gensim",
            gensim("analogy", "man", "king", "woman", check=queen),
            0.3,
            MOST_MEMORY,
        ),
        Case(
            f"{MANY:,} analogies, 341,479 words",
            whole("analogy", "-f", str(questions), check=many),
            "gensim",
            gensim("analogies", str(questions), check=many),
            0.2,
            MOST_MEMORY,
            MANY,
        ),
        Case(
            "one word, embedded set",
            Program([own, "cat"], cat),
            BARE_NAME,
            BARE,
            None,
            100,
        ),
    ]


def _gensim(vectors: Path, folder: Path) -> Callable[..., Program | Absent]:
    """Return what makes gensim's program of a task; its vectors are made first, and not counted."""
    absent: Absent | None = None
    if versions()["gensim"] is None:
        absent = _NO_GENSIM
    elif not vectors.is_file():
        text = folder / "vectors.txt"
        if answer_of([sys.executable, "-c", _TEXT, _VECTORS, str(text)]) is None:
            absent = _NO_VECTORS
        elif answer_of([sys.executable, str(_PEER), "--make", str(text), str(vectors)]) is None:
            absent = Absent("gensim does not read the vectors")

    def program(*task: str, check: Callable[[bytes], str | None]) -> Program | Absent:
        return absent or Program([sys.executable, str(_PEER), str(vectors), *task], check)

    return program


def _says(word: str) -> Callable[[bytes], str | None]:
    """Return a check that the first word of the output is ``word``."""
    return lambda output: None if output.split()[:1] == [word.encode()] else f"does not say {word}"


def _answers(count: int) -> Callable[[bytes], str | None]:
    """Return a check that so many lines come out, of which seven in ten are right."""

    def check(output: bytes) -> str | None:
        lines = output.decode().splitlines()
        right = sum(line == _PAIRS[number % len(_PAIRS)][3] for number, line in enumerate(lines))
        return None if len(lines) == count and right >= 0.7 * count else f"{right} right of {len(lines)} lines"

    return check
