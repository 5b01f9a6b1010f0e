"""Published formats of word vectors: round trips, damage told by line or word, bounded memory."""

from __future__ import annotations

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dltools.errors import InputError, UsageError
from dltools.models.words import readers
from dltools.models.words.importer import Imported, import_vectors
from dltools.models.words.infer import WordVectors
from dltools.runtime.vectors import VectorStore

WORDS = ["the", "New York", "café", "3", "a b c", "日本", "-", ". . ."]
TABLE = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)


def glove(words: list[str] = WORDS, table: Any = TABLE) -> bytes:
    rows = [f"{word} " + " ".join(repr(float(x)) for x in row) for word, row in zip(words, table, strict=True)]
    return "".join(row + "\n" for row in rows).encode()


def header() -> bytes:
    return f"{len(WORDS)} {TABLE.shape[1]}\n".encode()


def binary(end: bytes = b"\n") -> bytes:
    # A word of word2vec's binary form cannot hold a space.
    rows = [
        word.replace(" ", "_").encode() + b" " + struct.pack("<5f", *row) + end
        for word, row in zip(WORDS, TABLE, strict=True)
    ]
    return header() + b"".join(rows)


def npz(words: Any = WORDS, table: Any = TABLE, **more: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, vocabulary=np.array(words), vectors=table, **more)
    return buffer.getvalue()


def archive(*members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for member in members:
            opened.writestr(member, glove())
    return buffer.getvalue()


def wink() -> bytes:
    rows = {
        word: [*map(float, row), float(np.linalg.norm(row)), at]
        for at, (word, row) in enumerate(zip(WORDS, TABLE, strict=True))
    }
    head = {"precision": 8, "size": len(WORDS), "dimensions": 5, "words": WORDS}
    return json.dumps({**head, "vectors": rows, "unkVector": [0] * 7}, separators=(",", ":")).encode()


FORMATS = {
    "glove": glove(),
    "glove without a last line end": glove()[:-1],
    "glove with line ends of DOS": glove().replace(b"\n", b"\r\n"),
    "glove with tabs": glove(["a", *"bcdefgh"]).replace(b" ", b"\t"),
    "glove with header": header() + glove(),
    "fastText": header() + glove().replace(b"\n", b" \n"),
    "empty lines at the end": glove() + b"\n\n",
    "byte order mark": b"\xef\xbb\xbf" + glove(),
    "word2vec": binary(),
    "word2vec without line ends": binary(b""),
    "npz": npz(),
    "npz of doubles": npz(table=TABLE.astype(np.float64)),
    "npz of bytes": npz([word.encode() for word in WORDS]),
    "zip": archive("glove.txt"),
    "wink": wink(),
}


def bring(path: Path, data: bytes, **more: Any) -> tuple[Imported, VectorStore]:
    """Write ``data`` as a file, import it and open the result."""
    source, target = path / "source", path / "target"
    source.write_bytes(data)
    with target.open("wb") as stream:
        done = import_vectors(source, stream, **more)
    return done, VectorStore.open(target)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMATS)
def test_every_format_comes_in_whole(tmp_path: Path, form: str, packed: bool) -> None:
    data = gzip.compress(FORMATS[form]) if packed else FORMATS[form]
    done, store = bring(tmp_path, data)
    assert done == (len(WORDS), 5, 0)
    expected = {
        "word2vec": [word.replace(" ", "_") for word in WORDS],
        "glove with tabs": ["a", *"bcdefgh"],
    }.get(form.removesuffix(" without line ends"), WORDS)
    assert store.words() == expected
    assert np.allclose(store.raw(np.arange(len(WORDS))), TABLE, atol=1e-6)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (glove() + b"word 1 2 3\n" + glove(), "line 9: not a word and 5 numbers"),
        (glove() + b"word 1 2 3 four 5\n", "line 9: not a word and 5 numbers"),
        (glove() + b"word 1 2 3 nan 5\n", "line 9: not a word"),
        (glove() + b"word 1 2 3 1e99 5\n", "line 9: not a word"),
        (glove() + b" 1 2 3 4 5\n", "line 9: not a word"),
        (glove()[:-70], "line 8: not a word"),
        (b"1 2\n" + b"only words here\n", "line 2: not a word"),
        (header() + glove() + glove(), "line 17: too long"),
        (header() + glove(WORDS[:5], TABLE[:5]), "line 6: cut short: 5 words where the header says 8"),
        (binary()[:-3], "word 8: cut short"),
        (binary()[:20], "word 1: cut short"),
        (header() + b"\xff" * 200_000, "word 1: longer than"),
        (binary().replace(struct.pack("<f", TABLE[2, 0]), struct.pack("<f", np.inf)), "word 3: a number"),
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"hello\nworld\n", "line 1: neither"),
        (gzip.compress(glove(), mtime=0)[:-20], "cut short"),
        (gzip.compress(glove(), mtime=0)[:20] + b"\0" * 80, "cut short or damaged"),
        (npz()[:-10], "damaged"),
        (npz(WORDS[:3]), "3 words do not fit"),
        (npz(more=np.zeros((2, 2))), "not one array"),
        (npz(table=np.full((8, 5), np.nan)), "row 0"),
        (wink()[:-300], "wink|cut short|damaged"),
        (b'{"words":["a"]', "wink"),
    ],
)
def test_damage_is_told_where_it_is(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        bring(tmp_path, data)
    assert str(caught.value).startswith(str(tmp_path / "source"))


def test_object_arrays_are_never_unpickled(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="object arrays are not read"):
        bring(tmp_path, npz(np.array(WORDS, dtype=object)))


def test_an_archive_of_several_wants_a_name(tmp_path: Path) -> None:
    data = archive("a.txt", "b.txt")
    with pytest.raises(UsageError, match=r"2 files; say which: a\.txt, b\.txt"):
        bring(tmp_path, data)
    assert bring(tmp_path, data, member="b.txt")[0].rows == len(WORDS)
    with pytest.raises(UsageError, match=r"no c\.txt"):
        bring(tmp_path, data, member="c.txt")


def test_the_first_of_repeated_words_counts(tmp_path: Path) -> None:
    data = b"a 1 0\nb 0 1\na 0 2\nc 3 4\nb 5 5\n"
    done, store = bring(tmp_path, data)
    assert done == (3, 2, 2) and store.words() == ["a", "b", "c"]
    assert store.raw([0, 1, 2]).tolist() == [[1, 0], [0, 1], [3, 4]]


def test_only_the_first_words(tmp_path: Path) -> None:
    assert bring(tmp_path, glove(), limit=3)[1].words() == WORDS[:3]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r\t\ufffd"), min_size=1), min_size=1),
    chunk=st.integers(1, 200),
)
def test_text_survives_any_word_and_any_chunking(tmp_path: Path, words: list[str], chunk: int) -> None:
    words = [f"x{word}x" for word in words]  # a space at the end of a word cannot be told from the one behind it
    table = np.arange(len(words) * 3, dtype=np.float32).reshape(-1, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readers, "_CHUNK", chunk)
        blocks = list(readers.read_text(io.BytesIO(glove(words, table)), 3, first_line=1, rows=len(words)))
    assert [word for block, _ in blocks for word in block] == words
    assert np.array_equal(np.concatenate([values for _, values in blocks]), table)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=400), start=st.sampled_from([b"", b"2 2\n", b"a 1 2\n", b"\x1f\x8b", b"PK", b'{"words":['])
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes, start: bytes) -> None:
    try:
        done, store = bring(tmp_path, start + data)
    except (InputError, UsageError):
        return
    assert done.rows == store.rows > 0


def test_progress_tells_of_bytes(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    bring(tmp_path, glove(), progress=lambda *told: seen.append(told))
    assert seen[-1] == ("source", len(glove()), len(glove()))


def test_import_is_bounded_in_memory(tmp_path: Path) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    rows = 30_000
    source = tmp_path / "big.txt"
    line = " ".join(["0.123456"] * 100)
    source.write_text("".join(f"word{row} {line}\n" for row in range(rows)))  # 28 MB
    tracemalloc.start()
    with (tmp_path / "out").open("wb") as stream:
        import_vectors(source, stream)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20


def test_gensim_reads_and_writes_the_same(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models", reason="the oracle is gensim: pip install 'dltools[test]'")
    vectors = models.KeyedVectors(5)
    vectors.add_vectors([word.replace(" ", "_") for word in WORDS], TABLE)
    for is_binary in (False, True):
        source = tmp_path / "theirs"
        vectors.save_word2vec_format(str(source), binary=is_binary)
        with (tmp_path / "ours").open("wb") as stream:
            import_vectors(source, stream)
        store = VectorStore.open(tmp_path / "ours")
        assert store.words() == vectors.index_to_key
        assert np.allclose(store.raw(np.arange(len(WORDS))), vectors.vectors, atol=1e-6)


def test_a_published_file_is_converted_once(tmp_path: Path) -> None:
    source = tmp_path / "mine.txt"
    source.write_bytes(glove())
    told: list[str] = []
    first = WordVectors.load(str(source), notify=told.append)
    again = WordVectors.load(str(source), notify=told.append)
    assert len(told) == 1 and first.store.path == again.store.path
    source.write_bytes(glove()[:-1] + b"0\n")
    assert WordVectors.load(str(source), notify=told.append).store.path != first.store.path
    assert WordVectors.load(str(first.store.path)).store.words() == WORDS
