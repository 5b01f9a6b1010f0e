"""Invent names like those of a list, and say how much a name is like them.

In: what a name has to be. Out: names with their scores, in nats a character: minus the log-probability of the name and
its end under the model, divided by the number of its characters and one; the lower, the more like the list.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError, UsageError
from dltools.models.names import store
from dltools.models.names.config import MAX_LENGTH, NamesConfig, Weights
from dltools.models.names.data import normalize
from dltools.models.names.recurrent import BLOCK, Numbers, Recurrent, State
from dltools.models.names.sampler import Drawn, Shape, draw
from dltools.runtime.arrayfile import demand_finite
from dltools.runtime.assets import own_model_path

Nats = npt.NDArray[np.float64]

DEFAULT_MODEL = "lstm"
#: So many names are drawn for one sample until one is what it has to be.
MAX_TRIES = 1000
#: Samples that are drawn together.
CHUNK = 1024


class Invented(NamedTuple):
    """A name, its score in nats a character, and whether it is in no list that the model was made from."""

    text: str
    score: float
    novel: bool


_AS_IT_IS = Shape()


@dataclasses.dataclass(frozen=True)
class Wish:
    """What invented names have to be; lengths are in characters. ``unique``: no two of a run are the same."""

    shape: Shape = _AS_IT_IS
    prefix: str = ""
    suffix: str = ""
    min_length: int = 1
    max_length: int = MAX_LENGTH
    novel: bool = True
    unique: bool = False


class Namer:
    """A model of names."""

    def __init__(self, config: NamesConfig, weights: Weights, *, threads: int = 1) -> None:
        self.config = config
        self.weights = weights
        self.threads = threads
        self.network = Recurrent(config.kind, weights)
        self._known = frozenset(config.names)
        self._numbers = {character: number for number, character in enumerate(config.alphabet, 1)}
        self._characters = np.array(["", *config.alphabet], "<U1")

    @classmethod
    def load(cls, model: str = DEFAULT_MODEL, *, threads: int = 1) -> Namer:
        """Return the model ``lstm`` or ``rnn`` that comes with the toolkit, or the one in a file.

        Raise :class:`UsageError` where there is none, :class:`ModelFileError` where the file is damaged.
        """
        return cls.open(own_model_path("dino-names", model), threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> Namer:
        """Return the model in a file; raise :class:`ModelFileError`."""
        return cls(*store.decode(path), threads=threads)

    # --- scores

    def score(self, text: str) -> float:
        """Return the nats a character of a name; raise :class:`InputError` for an empty one or a strange character."""
        return self.scores([text])[0]

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Return the nats a character of each of ``texts``; raise :class:`InputError` as :meth:`score`."""
        numbered = [self._numbered(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(numbered[at]))
        result = [0.0] * len(texts)
        for start in range(0, len(order), CHUNK):
            chosen = order[start : start + CHUNK]
            for at, nats in zip(chosen, self._nats([numbered[at] for at in chosen]), strict=True):
                result[at] = float(nats.mean())
        return result

    def nats_by_place(self, texts: Sequence[str]) -> list[Nats]:
        """Return minus the log-probability of each character of each name, and of its end (length + 1)."""
        return self._nats([self._numbered(text) for text in texts])

    def loss(self, texts: Sequence[str]) -> float:
        """Return the nats a character over all characters and ends of ``texts``."""
        lengths = [len(normalize(text)) + 1 for text in texts]
        total = sum(score * length for score, length in zip(self.scores(texts), lengths, strict=True))
        return total / sum(lengths)

    def _numbered(self, text: str) -> list[int]:
        name = normalize(text)
        if not name:
            raise InputError("no name in it", code="empty")
        if len(name) > MAX_LENGTH:
            raise InputError(f"longer than {MAX_LENGTH} characters", code="bad_text")
        try:
            return [self._numbers[character] for character in name]
        except KeyError as error:
            raise InputError(f"the model does not know the character {error}", code="unknown_character") from error

    def _nats(self, names: Sequence[Sequence[int]]) -> list[Nats]:
        blocks, longest = -(-len(names) // BLOCK), max(map(len, names))
        padded = np.zeros((longest + 2, blocks * BLOCK), np.intp)  # the start, the characters, ends
        for row, name in enumerate(names):
            padded[1 : len(name) + 1, row] = name
        state, nats = State(self.network, blocks), np.empty((longest + 1, blocks * BLOCK))
        for step in range(longest + 1):
            logits = state.advance(padded[step].reshape(blocks, BLOCK)).reshape(blocks * BLOCK, -1)
            logits -= logits.max(axis=1, keepdims=True)
            sums = np.exp(logits).sum(axis=1)
            nats[step] = np.log(sums) - logits[np.arange(len(logits)), padded[step + 1]]
        demand_finite(nats)
        return [nats[: len(name) + 1, row] for row, name in enumerate(names)]

    # --- samples

    def sample(self, count: int, seed: int, wish: Wish | None = None) -> Iterator[list[Invented]]:
        """Yield ``count`` invented names, some at a time; name i depends on the seed and ``wish``, never on ``count``.

        With ``unique`` it also depends on the names before it. Raise :class:`UsageError` for a wish that no name can
        fulfil, :class:`InputError` where :data:`MAX_TRIES` tries for one sample found none that does.
        """
        return self._names(count, _Search(self, seed, self._checked(wish or Wish())))

    def _names(self, count: int, search: _Search) -> Iterator[list[Invented]]:
        starts = range(0, count, CHUNK)
        chunks = (list(range(start, min(start + CHUNK, count))) for start in starts)
        for found in self._in_threads(search.first, chunks) if len(starts) > 1 else map(search.first, chunks):
            settled = search.settled(found)
            yield [candidate.name for candidate in settled if candidate.name is not None]
            if settled[-1].name is None:
                wish = search.wish
                raise InputError(
                    f"sample {settled[-1].sample}: none of {MAX_TRIES} tries gave a name as it has to be "
                    f"({wish.min_length} to {wish.max_length} characters, prefix {wish.prefix!r}, "
                    f"suffix {wish.suffix!r}{', new' * wish.novel}{', unlike those before' * wish.unique})",
                    code="no_name",
                )

    def _in_threads(
        self, work: Callable[[list[int]], list[_Candidate]], chunks: Iterator[list[int]]
    ) -> Iterator[list[_Candidate]]:
        """Do ``work`` a little ahead in threads, in order; NumPy lets go of the interpreter's lock."""
        from concurrent.futures import Future, ThreadPoolExecutor

        with ThreadPoolExecutor(self.threads) as pool:
            waiting: collections.deque[Future[list[_Candidate]]] = collections.deque()
            for chunk in chunks:
                waiting.append(pool.submit(work, chunk))
                if len(waiting) > self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _checked(self, wish: Wish) -> Wish:
        """Return ``wish`` in the form and case that the model knows; raise :class:`UsageError`."""
        prefix, suffix = unicodedata.normalize("NFC", wish.prefix), unicodedata.normalize("NFC", wish.suffix)
        initials = {name[0] for name in self.config.names}
        if prefix and prefix[0] not in initials and prefix[0].swapcase() in initials:
            prefix = prefix[0].swapcase() + prefix[1:]  # "tyr" where all names begin with a capital
        for what, text in (("--prefix", prefix), ("--suffix", suffix)):
            unknown = [character for character in text if character not in self._numbers]
            if unknown:
                raise UsageError(f"{what} {text}: the model does not know the character {unknown[0]!r}")
        if wish.min_length > wish.max_length:
            raise UsageError(f"no name has at least {wish.min_length} and at most {wish.max_length} characters")
        if max(len(prefix), len(suffix)) > wish.max_length:
            raise UsageError(f"no name of {wish.max_length} characters has that prefix or suffix")
        return dataclasses.replace(wish, prefix=prefix, suffix=suffix)

    def draw(self, seed: int, samples: Sequence[int], tries: Sequence[int], wish: Wish) -> Drawn:
        """Draw one name for each pair of a sample and a try, whatever it ends with.

        See :func:`dltools.models.names.sampler.draw`.
        """
        prefix: Numbers = np.array([self._numbers[character] for character in wish.prefix], np.intp)
        counters = np.array(samples, np.uint64), np.array(tries, np.uint64)
        return draw(self.network, wish.shape, seed, *counters, prefix, wish.max_length)

    def texts(self, drawn: Drawn) -> list[str]:
        """Return the drawn names; those without an end are empty."""
        characters = self._characters[drawn.numbers]
        characters[drawn.lengths < 0] = ""
        joined: list[str] = characters.view(f"<U{characters.shape[1]}").reshape(-1).tolist()
        return joined

    def is_novel(self, text: str) -> bool:
        """Return whether a name is in no list that the model was made from."""
        return text not in self._known


class _Candidate(NamedTuple):
    """A name for a sample, and which try it was; None where no try gave one, and then no sample follows."""

    sample: int
    attempt: int
    name: Invented | None


class _Search:
    """Looks for the names of one run: for each sample the first try that fulfils the wish."""

    def __init__(self, namer: Namer, seed: int, wish: Wish) -> None:
        self._namer, self._seed, self.wish = namer, seed, wish
        self._seen: set[str] = set()

    def first(self, samples: Sequence[int], tries: Iterable[int] = itertools.repeat(0)) -> list[_Candidate]:
        """Return for each sample its first try, from ``tries`` on, that fulfils the wish; end with one without any."""
        found: dict[int, _Candidate] = {}
        waiting = dict(zip(samples, tries, strict=False))
        budget = BLOCK
        while waiting:
            each = max(1, budget // len(waiting))  # a block costs the same, full or not
            budget = min(2 * budget, CHUNK)
            pairs = [(at, number) for at, start in waiting.items() for number in range(start, start + each)]
            for (sample, attempt), name in zip(pairs, self._attempts(pairs), strict=True):
                if name is not None and sample not in found and attempt < MAX_TRIES:
                    found[sample] = _Candidate(sample, attempt, name)
            still = {sample: start + each for sample, start in waiting.items() if sample not in found}
            waiting = {}
            for sample, start in still.items():
                if start >= MAX_TRIES:
                    found[sample] = _Candidate(sample, start, None)
                    break
                waiting[sample] = start
        return _cut([found[sample] for sample in samples if sample in found])

    def settled(self, candidates: list[_Candidate]) -> list[_Candidate]:
        """Return ``candidates``; with ``unique``, later tries instead of those whose name was there before."""
        while self.wish.unique:
            taken, again = set(self._seen), []
            for candidate in candidates:
                if candidate.name is not None:
                    if candidate.name.text in taken:
                        again.append(candidate)
                    taken.add(candidate.name.text)
            if not again:
                self._seen = taken
                break
            others = self.first([old.sample for old in again], [old.attempt + 1 for old in again])
            replaced = {new.sample: new for new in others}
            candidates = _cut([replaced.get(old.sample, old) for old in candidates])
        return candidates

    def _attempts(self, pairs: Sequence[tuple[int, int]]) -> Iterator[Invented | None]:
        wish, namer = self.wish, self._namer
        samples, tries = zip(*pairs, strict=True)
        drawn = namer.draw(self._seed, samples, tries, wish)
        demand_finite(drawn.nats)
        scores = (drawn.nats / (np.maximum(drawn.lengths, 0) + 1)).tolist()
        for text, score in zip(namer.texts(drawn), scores, strict=True):
            novel = namer.is_novel(text)
            fits = len(text) >= wish.min_length and text.endswith(wish.suffix) and (novel or not wish.novel)
            usable = fits and text == text.strip() and unicodedata.is_normalized("NFC", text)
            yield Invented(text, score, novel) if usable else None


def _cut(candidates: list[_Candidate]) -> list[_Candidate]:
    """Return ``candidates`` up to the first without a name, that one included."""
    lost = next((at for at, candidate in enumerate(candidates) if candidate.name is None), len(candidates))
    return candidates[: lost + 1]
