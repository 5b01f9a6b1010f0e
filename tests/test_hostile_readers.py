"""Hostile bytes for every reader (:mod:`tests.hostile_readers`), and the bombs that have a bound of their own."""

from __future__ import annotations

import io
import json
import resource
import struct
import subprocess
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dltools.errors import DltoolsError, InputError, ModelFileError
from dltools.io import images
from dltools.io.images import decode_image
from dltools.runtime import modelfile
from tests import hostile
from tests.conftest import GOLDEN, ROOT
from tests.hostile_readers import FAULTY, READERS

TINY = GOLDEN / "tiny-detector.tflite"


@pytest.mark.parametrize("reader", READERS, ids=[reader.name for reader in READERS])
def test_hostile_bytes_end_in_success_or_one_line(reader: hostile.Reader) -> None:
    findings = hostile.run(reader)
    assert not findings, "\n".join(
        f"python -m tests.hostile {name} {number}: {what}" for name, number, what in findings
    )


@pytest.mark.parametrize("reader", FAULTY, ids=[reader.name for reader in FAULTY])
def test_a_faulty_reader_is_found(reader: hostile.Reader) -> None:
    """The harness itself: what no reader may do is told, with the example that did it."""
    findings = hostile.run(reader)
    assert findings and all(finding.reader == reader.name for finding in findings)
    assert any(reader.name.removeprefix("faulty-") in finding.what for finding in findings)


def test_mutations_are_the_same_each_time() -> None:
    reader = READERS[0]
    seeds = [b"seed" * 100, b'{"a": [1, 2, {"b": 3}]}']
    once, twice = ([hostile.example(reader, seeds, number) for number in range(100)] for _ in range(2))
    assert once == twice and len(set(once)) > 80


# --- bombs ----------------------------------------------------------------------------------------------------


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, colour: int, row: bytes) -> bytes:
    """Return a PNG of equal rows, packed fast."""
    packer = zlib.compressobj(1)
    data = b"".join(packer.compress(b"\0" + row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _icon(png: bytes) -> bytes:
    """Return an icon that says 16 x 16 and holds ``png``."""
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(png), 22) + png


def _measured(code: str, *arguments: object) -> tuple[str, int]:
    """Run Python code; return what it printed, and by how many MiB it grew beyond what it printed first."""
    script = f"import resource, sys\nfrom tests.hostile import peak_memory\n{code}\nprint(peak_memory() - before)"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    *lines, grown = done.stdout.splitlines()
    return "\n".join(lines), int(grown)


_DECODE = """
from pathlib import Path
from dltools.errors import DltoolsError
from dltools.io.images import decode_image
decode_image(Path("dltools/assets/coffee.jpg").read_bytes())
data = Path(sys.argv[1]).read_bytes()
before = peak_memory()
try:
    print(decode_image(data).shape)
except DltoolsError as error:
    print(error)
"""


def test_a_picture_inside_an_icon_has_the_same_bound(tmp_path: Path) -> None:
    """Pillow decodes it when it opens the icon, so that 3 MB became 3.4 GB."""
    path = tmp_path / "icon"
    path.write_bytes(_icon(_png(30_000, 9_000, 6, bytes(120_000))))
    told, grown = _measured(_DECODE, path)
    assert told == "image of 270000000 pixels is larger than 134217728" and grown < 64


def test_the_largest_picture_takes_a_gigabyte(tmp_path: Path) -> None:
    """README and page state this bound. Transparent ones took 2.8 GiB."""
    path = tmp_path / "large.png"
    path.write_bytes(_png(16_384, 8_192, 6, bytes(65_536)))
    told, grown = _measured(_DECODE, path)
    assert told == "(8192, 16384, 3)" and grown < 1200


def _progressive(scans: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4000, 4000), 128).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    return data[:-2] + data[data.rfind(b"\xff\xda") : -2] * scans + b"\xff\xd9"


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    """Each scan of some bytes is a pass over all pixels: 100 kB kept a processor busy for minutes."""
    data = _progressive(5000)
    started = time.process_time()
    with pytest.raises(InputError, match=r"JPEG of 50\d\d scans over 4000 x 4000 pixels"):
        decode_image(data)
    assert time.process_time() - started < hostile.SECONDS
    assert decode_image(_progressive(20)).shape == (4000, 4000, 3)


@pytest.mark.parametrize(
    ("mode", "settings"),
    [("RGB", {}), ("RGBA", {}), ("LA", {}), ("P", {"transparency": 3}), ("I;16", {}), ("L", {}), ("1", {})],
)
def test_bands_give_the_same_picture(mode: str, settings: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(1).integers(0, 256, (61, 43, 4), np.uint8)
    image = Image.fromarray(values[..., 0].astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(values)
    buffer = io.BytesIO()
    image.convert(mode).save(buffer, "PNG", **settings)
    whole = decode_image(buffer.getvalue())
    monkeypatch.setattr(images, "_BAND_PIXELS", 500)
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), whole)


def test_bands_of_floats_share_their_white(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.linspace(-10, 900, 2000, dtype=np.float32).reshape(50, 40)).save(buffer, "TIFF")
    whole = decode_image(buffer.getvalue())
    monkeypatch.setattr(images, "_BAND_PIXELS", 500)
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), whole)


def test_libtiff_keeps_off_standard_error(tmp_path: Path) -> None:
    """It wrote its own lines there, past Python, whatever Pillow made of the file."""
    buffer = io.BytesIO()
    Image.new("1", (64, 64)).save(buffer, "TIFF", compression="group4")
    data = bytearray(buffer.getvalue())
    start = struct.unpack_from("<I", data, 4)[0]
    for at in range(8, min(start, 40)):
        data[at] ^= 0x55
    path = tmp_path / "bad.tif"
    path.write_bytes(data)
    code = "import sys; from pathlib import Path; from dltools.io.images import decode_image\n"
    code += "try: decode_image(Path(sys.argv[1]).read_bytes())\nexcept Exception: pass"
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, timeout=60)
    assert done.stderr == b""


def _npy(shape: str, kind: str) -> bytes:
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def _npz(members: dict[str, bytes], deep: int = 0) -> bytes:
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data + bytes(deep))
    return packed.getvalue()


@pytest.mark.parametrize("shape", ["(2147483648,)", "(2147483648, 2147483648)", "(4611686018427387904, 4)", "(-1,)"])
def test_a_declared_size_is_not_reserved(shape: str, tmp_path: Path) -> None:
    """numpy.load reserves what a header declares; 2**31 numbers of 8 bytes are 16 GiB."""
    path = tmp_path / "model.npz"
    path.write_bytes(_npz({"config.npy": _npy("(2,)", "|u1") + b"{}", "x.npy": _npy(shape, "<f8")}))
    code = """
from pathlib import Path
from dltools.errors import DltoolsError
from dltools.models.nn.store import decode
from dltools.models.nn.pictures import read_archive
from dltools.models.words.importer import read_vectors
path = Path(sys.argv[1])
before = peak_memory()
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
for read in (decode, lambda path: read_archive(path.read_bytes(), "x"), lambda path: list(read_vectors(path))):
    try:
        read(path)
        print("read")
    except DltoolsError as error:
        print(type(error).__name__)
"""
    told, grown = _measured(code, path)
    assert told.split() == ["ModelFileError", "InputError", "InputError"] and grown < 64


def test_a_packed_bomb_is_refused_by_what_it_says(tmp_path: Path) -> None:
    size = (1 << 30) + 4096
    packer = zlib.compressobj(1, wbits=-15)
    block = packer.compress(_npy(f"({size - 128},)", "|u1"))
    zeros = bytes(1 << 22)
    block += b"".join(packer.compress(zeros) for _ in range(256)) + packer.compress(bytes(4096 - 128)) + packer.flush()
    name = b"x.npy"
    fields = struct.pack("<HHHHIIIHH", 20, 0, 8, 0, 0, 0, len(block), 0, 0)
    local = b"PK\x03\x04" + fields[:14] + struct.pack("<IIHH", len(block), size, len(name), 0) + name + block
    central = b"PK\x01\x02" + struct.pack("<H", 20) + fields[:14] + struct.pack("<II", len(block), size)
    central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(local), 0)
    path = tmp_path / "bomb.npz"
    path.write_bytes(local + central + end)
    assert path.stat().st_size < 8 << 20
    code = """
from pathlib import Path
from dltools.runtime.npz import read_npz
before = peak_memory()
try:
    read_npz(Path(sys.argv[1]))
except ValueError as error:
    print(error)
"""
    told, grown = _measured(code, path)
    assert told == "larger than 1073741824 bytes" and grown < 64


# --- single findings ------------------------------------------------------------------------------------------


def test_blank_lines_behind_vectors_take_no_time(tmp_path: Path) -> None:
    """Each was put before all others again: three million of them took minutes."""
    from dltools.models.words.importer import read_vectors

    path = tmp_path / "vectors.txt"
    path.write_bytes(b"a 1 2 3\nb 2 3 4\n" + b"\n" * 3_000_000)
    started = time.process_time()
    assert [words for words, _ in read_vectors(path)] == [["a", "b"]]
    assert time.process_time() - started < hostile.SECONDS
    path.write_bytes(b"a 1 2 3\n" + b"\n" * 5_000_000 + b"b 2 3 4\n")
    with pytest.raises(InputError, match="line 2: not a word and 3 numbers"):
        list(read_vectors(path))


def test_a_file_packed_into_itself_is_left(tmp_path: Path) -> None:
    import gzip

    from dltools.models.words.importer import import_vectors

    data = b"a 1 2\nb 3 4\n"
    for depth in range(8):
        data = gzip.compress(data, mtime=0)
        path = tmp_path / str(depth)
        path.write_bytes(data)
    with (tmp_path / "out").open("w+b") as stream:
        assert import_vectors(tmp_path / "1", stream).rows == 2
    with (tmp_path / "no").open("w+b") as stream, pytest.raises(InputError, match="packed again and again"):
        import_vectors(tmp_path / "7", stream)


@pytest.mark.parametrize("endless", ["emoji", "names", "questions", "words", "truth", "cfg"])
def test_a_device_that_never_ends_is_no_file(endless: str) -> None:
    from dltools.models.emoji.data import read_examples
    from dltools.models.names.data import read_names
    from dltools.models.words.evaluate import is_analogy_file
    from dltools.models.words.lexicon import read_words
    from dltools.models.yolo.evaluate import evaluate
    from dltools.models.yolo.store import converted_file

    readers: dict[str, Callable[[Path], object]] = {
        "emoji": read_examples,
        "names": read_names,
        "questions": is_analogy_file,
        "words": read_words,
        "truth": lambda path: evaluate([], path),
        "cfg": lambda path: converted_file(path, path, None),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dltools.io.inputs.MAX_FILE_BYTES", 1 << 22)
        with pytest.raises(DltoolsError, match="/dev/zero: "):
            readers[endless](Path("/dev/zero"))


def test_a_journal_s_strange_lines_are_done_again(tmp_path: Path) -> None:
    from dltools.runtime.chunk import Outcome
    from dltools.runtime.journal import open_journal

    path = tmp_path / "journal"
    with open_journal(path, ["emojify"]) as journal:
        journal.add(0, b"a", Outcome(0, "x", ""))
    whole = path.read_bytes()
    for strange in (
        b'{"chunk": [1]}\n',
        b'{"chunk": 1, "input": 2}\n',
        b"[" * 3000 + b"\n",
        b"null\n",
        b'"x"\n',
        b"\0\0",
    ):
        path.write_bytes(whole + strange)
        with open_journal(path, ["emojify"]) as journal:
            assert journal.find(0, b"a") == Outcome(0, "x", "")
            journal.add(1, b"b", Outcome(3, "y", ""))
        with open_journal(path, ["emojify"]) as journal:
            assert journal.find(1, b"b") == Outcome(3, "y", "")


# --- model files ----------------------------------------------------------------------------------------------


def test_a_model_file_is_opened_only_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some damage ends the process inside LiteRT, so LiteRT must not see any: an input that is a constant, say."""

    def never(*_arguments: object, **_options: object) -> None:
        raise AssertionError("LiteRT was given a damaged file")

    monkeypatch.setattr("dltools.runtime.litert.LiteRtPredictor", never)
    whole = TINY.read_bytes()
    path = tmp_path / "model.tflite"
    constant_input = whole[:8100] + b"\1" + whole[8101:]
    damaged = [constant_input, whole[:-1], whole[:-70], whole + b"\0", modelfile.without_seal(whole)]
    generator = np.random.default_rng(2)
    for at in generator.integers(0, len(whole), 200 * hostile.MULTIPLE).tolist():
        damaged.append(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
    for data in damaged:
        path.write_bytes(data)
        with pytest.raises(ModelFileError, match=r"model\.tflite: "):
            modelfile.read_config(path)
            modelfile.load_predictor(path, threads=1)


def test_a_seal_is_all_that_is_added() -> None:
    whole = TINY.read_bytes()
    bare = modelfile.without_seal(whole)
    assert modelfile.without_seal(bare) == bare and len(whole) - len(bare) == 64
    flatbuffer = bare[: bare.rfind(b"PK\x03\x04")]
    assert modelfile.append_config(flatbuffer, modelfile.read_config(TINY)) == whole
    assert modelfile.load_predictor(TINY, threads=1)


@pytest.mark.parametrize("name", ["emoji-average", "emoji-lstm", "names-rnn", "names-lstm", "date-attention"])
def test_weights_too_large_for_a_float_are_told(name: str, tmp_path: Path) -> None:
    """They were finite, and what came out was not: records cannot hold it, and the run ended as our own mistake."""
    from dltools.models.dates.infer import DateTranslator
    from dltools.models.emoji.infer import Emojifier
    from dltools.models.names.infer import Namer
    from dltools.runtime.arrayfile import encode_arrays, read_arrays

    config, arrays = read_arrays(ROOT / "dltools" / "assets" / f"{name}.npz", "a model")
    path = tmp_path / "model.npz"
    path.write_bytes(encode_arrays(config, {key: np.where(value < 0, -3e38, 3e38) for key, value in arrays.items()}))
    with warnings.catch_warnings(), pytest.raises(ModelFileError, match=r"not finite"):
        warnings.simplefilter("ignore")
        if name.startswith("emoji"):
            Emojifier.open(path).classify(["I love you"])
        elif name.startswith("names"):
            list(Namer.open(path).sample(2, 1))
        else:
            DateTranslator.open(path).translate(["25 June 2009"])


@pytest.mark.parametrize(
    "layer", ["dense:1000000,dense:1000000", "lstm:1000000", "embedding:1000000x1000000", "conv:1000000x1000"]
)
def test_a_network_s_layers_take_no_more_than_its_file(layer: str, tmp_path: Path) -> None:
    from dltools.models.nn.store import decode
    from dltools.runtime.arrayfile import encode_arrays

    shape = {"l": [4, 4], "c": [8, 8, 3]}.get(layer[0], [4])
    config = {
        "format": 1,
        "model": "network",
        "layers": layer.split(","),
        "loss": "mean-squared-error",
        "shape": shape,
        "task": "regression",
        "classes": [],
        "columns": [],
        "training": {},
    }
    path = tmp_path / "model.npz"
    path.write_bytes(encode_arrays(json.dumps(config), {"mean": np.zeros(1), "scale": np.ones(1)}))
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as status:
        pages = int(status.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (1 << 30), hard))
    try:
        with pytest.raises(ModelFileError, match="not a network's file"):
            decode(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.mark.parametrize("shape", [(1, 200_000), (200_000, 1), (3, 20_000)])
def test_a_line_of_pixels_is_not_made_a_wall(shape: tuple[int, int]) -> None:
    """Its shorter side became 256 and its longer one 51 million: 40 GB for the square in its middle."""
    from dltools.models.classify.config import Preparation
    from dltools.models.classify.prepare import square

    pixels = np.zeros((*shape, 3), np.uint8)
    middle = tuple(slice(side // 2 - 1, side // 2 + 1) for side in shape)
    pixels[middle] = 200
    seen = square(pixels, Preparation(224, "crop", 256))
    assert seen.shape == (224, 224, 3) and seen[112, 112, 0] > 100


def test_a_description_of_many_large_layers_is_refused() -> None:
    """Each alone was within the bound of a layer, and a thousand of them took two gigabytes each."""
    from dltools.models.yolo.darknet import parse_cfg
    from tests.darknet_files import V3_TINY_ANCHORS, Cfg

    cfg = Cfg(4096, 4096).conv(16, 1)
    for _ in range(20):
        cfg.route(-1, 0, groups=2, group_id=0)
    with pytest.raises(ModelFileError, match="what all layers give"):
        parse_cfg(cfg.yolo("0,1,2", V3_TINY_ANCHORS, 2).text(), "x")
