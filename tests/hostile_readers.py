"""Every reader of outside bytes with the valid files that its hostile examples are made from.

A new reader is one more row of :data:`READERS`.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import os
import signal
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import PHOTO, ROOT
from tests.hostile import Reader

ASSETS = ROOT / "dltools" / "assets"
_RANDOM = np.random.default_rng(0)


def _asset(name: str):  # type: ignore[no-untyped-def]
    return lambda _folder: [(ASSETS / name).read_bytes()]


# --- images ---------------------------------------------------------------------------------------------------


def _images(_folder: Path) -> list[bytes]:
    from PIL import Image

    with Image.open(PHOTO) as photo:
        small = photo.resize((37, 23))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a cup"
    frames = {"save_all": True, "append_images": [small.convert("P")]}
    ways: list[tuple[str, str, dict[str, Any]]] = [
        *(("JPEG", mode, {}) for mode in ("CMYK", "L")),
        *(("JPEG", "RGB", settings) for settings in ({"exif": exif}, {"progressive": True})),
        *(("PNG", mode, {}) for mode in ("I;16", "LA", "1")),
        *(("PNG", "RGB", {"exif": exif}), ("PNG", "P", {"transparency": 3}), ("GIF", "P", frames)),
        *((kind, "RGB", {}) for kind in ("BMP", "DIB", "PPM", "AVIF", "JPEG2000")),
        *((kind, "RGBA", {}) for kind in ("WEBP", "QOI", "ICO", "ICNS", "DDS")),
        *(("BMP", "P", {}), ("PPM", "1", {}), ("PPM", "I;16", {}), ("WEBP", "RGB", {"lossless": True})),
        *(("TIFF", mode, {}) for mode in ("F", "I;16")),
        *(("TIFF", "RGB", {"compression": packing}) for packing in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")),
        *(("TIFF", "1", {"compression": "group4"}), ("SGI", "RGB", {"rle": True}), ("XBM", "1", {})),
    ]
    seeds = []
    for kind, mode, settings in ways:
        buffer = io.BytesIO()
        image = small.resize((32, 32)) if kind in ("ICO", "ICNS") else small
        if mode == "I;16":
            image = Image.fromarray(np.asarray(small.convert("L"), np.uint16) * 257)
        with contextlib.suppress(KeyError):  # a Pillow without that library
            image.convert(mode).save(buffer, kind, **settings)
            seeds.append(buffer.getvalue())
    rows = "\n".join(f'"{"ab" * 8}",' for _ in range(4))
    seeds.append(
        f'/* XPM */\nstatic char *x[] = {{\n"16 4 2 1",\n"a c #ff0000",\n"b c #0000ff",\n{rows}\n}};\n'.encode()
    )
    plane = bytes(range(64)) * 3  # PSD: 8 x 8, three channels, 8 bits, RGB; no colour data, resources or layers; raw
    seeds.append(b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\0\x08\0\0\0\x08\0\x08\0\x03" + bytes(12) + b"\0\0" + plane)
    return [*seeds, b"P3 2 2 255\n" + b"1 2 3 " * 4, b"P1 4 2\n1 0 1 0 0 1 0 1\n", b"Pf\n2 2\n-1.0\n" + bytes(16)]


def _decode(path: Path) -> None:
    from dltools.io.images import decode_image
    from dltools.io.inputs import read_file

    pixels = decode_image(read_file(str(path)))
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise AssertionError(f"{pixels.dtype} {pixels.shape}")


def _streams(folder: Path) -> list[bytes]:
    pictures = _images(folder)
    magics = (b"\xff\xd8", b"\x89P", b"BM", b"P6", b"RIFF")
    jpeg, png, bmp, ppm, webp = (next(data for data in pictures if data.startswith(magic)) for magic in magics)
    return [jpeg + png + bmp, ppm + webp + jpeg, b"\0\0" + png + ppm]


def _split(path: Path) -> None:
    from dltools.io.inputs import image_items

    with path.open("rb") as stream:
        for item in image_items(["-"], (), lambda limit: stream.read(min(limit, 97))):
            item.record()


# --- Darknet --------------------------------------------------------------------------------------------------


def _cfg(_folder: Path) -> list[bytes]:
    from tests import darknet_files as darknet

    region = darknet.Cfg(64, 64).conv(8, 3).pool(2, 2).add("reorg", stride=2).region("1,2, 3,4", 2).text()
    return [darknet.yolov4_tiny(64).encode(), darknet.yolov4(64, divide=4).encode(), region.encode()]


def _small_cfg() -> str:
    from tests.darknet_files import V3_TINY_ANCHORS, Cfg

    return Cfg(32, 32).conv(4, 3).pool(2, 2).yolo("0,1,2", V3_TINY_ANCHORS, 2).text()


def _read_cfg(path: Path) -> None:
    from dltools.models.yolo.darknet import detector_config, network_parameters, read_cfg

    network = read_cfg(path)
    network_parameters(network)
    detector_config(network, ["x"] * network.heads[0].classes, "x").to_json()


def _weights(folder: Path) -> list[bytes]:
    from dltools.models.yolo.darknet import parse_cfg
    from tests.darknet_files import write_random_weights

    write_random_weights(folder / "w", parse_cfg(_small_cfg(), "x"), 0)
    return [(folder / "w").read_bytes()]


def _read_weights(path: Path) -> None:
    from dltools.models.yolo.darknet import parse_cfg
    from dltools.models.yolo.darknet_weights import read_weights

    read_weights(path, parse_cfg(_small_cfg(), "x"))


def _read_class_names(path: Path) -> None:
    from dltools.models.yolo.darknet import read_names

    if not all(name.isprintable() for name in read_names(path)):
        raise AssertionError("a name that would reach a terminal")


def _coco(_folder: Path) -> list[bytes]:
    truth = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}, {"id": 2, "file_name": "b.jpg"}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0},
            {"image_id": 2, "category_id": 7, "bbox": [0, 0, 3, 3]},
        ],
    }
    return [json.dumps(truth).encode()]


def _read_coco(path: Path) -> None:
    from dltools.models.yolo.evaluate import evaluate

    item = {"label": "cat", "score": 0.9, "bbox": [1, 1, 6, 6]}
    score = evaluate([{"path": "a.jpg", "items": [item]}, {"path": "b.jpg", **item, "label": "dog"}], path)
    json.dumps(score._asdict(), allow_nan=False)


# --- records and lines ----------------------------------------------------------------------------------------


def _records(_folder: Path) -> list[bytes]:
    item = {"label": "cat", "class_id": 1, "score": 0.5, "bbox": [1.5, 2, 30, 20]}
    rows = [
        {"path": str(PHOTO), "width": 600, "height": 400, "items": [item]},
        {"path": str(PHOTO), "frame": 3, **item},
        {"path": "x\ufffd", "path_b64": "eP8=", "error": {"code": "not_found", "message": "no such file"}},
        {"text": "25 June 2009", "date": "2009-06-25", "output": str(PHOTO)},
        {"error": 1, "items": [item], "bbox": [1, 2, 3, 4]},
    ]
    return ["".join(json.dumps(row) + "\n" for row in rows).encode(), f"{PHOTO}\nx\ny z\n".encode(), b"a\0b\nc\0"]


def _pass_on(path: Path) -> None:
    """Take a list as image commands and text commands do, and write what became of each in every format."""
    from dltools.errors import DltoolsError
    from dltools.io import inputs, records

    columns = ("path", "text", "label", "score", "bbox", "output")
    items: list[inputs.Item | inputs.TextItem] = []
    for null in (False, True):
        with path.open("rb") as stream:
            items += inputs.listed_items(stream.read, source="x", null=null)
    for lines in (inputs.text_records, inputs.text_lines):
        with path.open("rb") as stream:
            items += itertools.chain.from_iterable(lines(stream.read))
    for item in items:
        record = item.record(items=[{"label": "x"}]) if not item.is_error else item.record()
        try:
            if isinstance(item, inputs.Item) and not item.is_error:
                item.picture()
        except DltoolsError as error:
            record = item.record(error={"code": error.code, "message": str(error)})
        json.loads(records.encode_ndjson(record))
        for finding in records.findings(record):
            records.encode_ndjson(finding)
            row = records.tsv_row(finding, columns)
            if len(row) != len(records.tsv_header(columns)) or records.encode_tsv(row).count(b"\n") != 1:
                raise AssertionError(f"a row of {len(row)} cells")


# --- word vectors ---------------------------------------------------------------------------------------------


def _vectors(_folder: Path) -> list[bytes]:
    words = ["the", "of", "new_york", "été", "x" * 50, "the"]
    table = _RANDOM.normal(size=(len(words), 4)).astype("<f4")
    rows = list(zip(words, table, strict=True))
    numbers = [[f"{value:.4f}" for value in row] for row in table]
    glove = "".join(f"{word} {' '.join(row)}\n" for word, row in zip(words, numbers, strict=True)).encode()
    binary = b"6 4\n" + b"".join(word.encode() + b" " + row.tobytes() + b"\n" for word, row in rows)
    archive, packed = io.BytesIO(), io.BytesIO()
    np.savez(archive, words=np.array(words), vectors=table)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as one:
        one.writestr("glove.txt", glove)
    entries = ",".join(
        f'"{word}":[{",".join(row)},1,{at}]' for at, (word, row) in enumerate(zip(words, numbers, strict=True))
    )
    head = '{"precision":4,"size":6,"dimensions":4,"words":["the"],"vectors":{'
    wink = f'{head}{entries}}},"unkVector":[0]}}'.encode()
    return [glove, b"6 4\n" + glove, binary, archive.getvalue(), packed.getvalue(), gzip.compress(glove, mtime=0), wink]


def _import(path: Path) -> None:
    from dltools.models.words.importer import import_vectors

    target = path.with_suffix(".vectors")
    with target.open("w+b") as stream:
        import_vectors(path, stream)
    _search(target)


def _mapped(folder: Path) -> list[bytes]:
    from dltools.models.words.importer import import_vectors

    seeds = []
    (folder / "glove").write_bytes(_vectors(folder)[0])
    for dtype in ("float32", "float16", "int8"):
        with (folder / dtype).open("w+b") as stream:
            import_vectors(folder / "glove", stream, dtype=dtype)
        seeds.append((folder / dtype).read_bytes())
    return seeds


def _search(path: Path) -> None:
    from dltools.models.words.infer import WordVectors

    vectors = WordVectors.open(path)
    store = vectors.store
    words = store.words(0, 20)
    rows = [row for row in (store.resolve(word) for word in [*words, "The", "missing"]) if row is not None][:3]
    if rows:
        answers = [neighbour.score for neighbour in vectors.nearest_rows([rows], 5)[0]]
        json.dumps([answers, store.raw(rows).tolist(), [store.word(row) for row in rows]], allow_nan=False)
        vectors.analogy_rows([(rows * 3)[:3]], 3)
    if not 0 < len(store) <= path.stat().st_size:
        raise AssertionError(f"{len(store)} rows")


def _questions(_folder: Path) -> list[bytes]:
    analogies = b": capitals\nathens greece paris france\nking man queen woman\n: gram1\nbig bigger small smaller\n"
    return [
        analogies,
        b"Word1\tWord2\tHuman\ntiger\tcat\t7.35\nbook\tpaper\t7.46\n",
        b"tiger;cat;7.35\n# no\nking;queen;8\n",
    ]


def _evaluate_words(path: Path) -> None:
    from dltools.models.words import evaluate
    from dltools.models.words.infer import WordVectors
    from dltools.runtime.vectors import embedded_vectors

    vectors = WordVectors(embedded_vectors())
    measure = evaluate.evaluate_analogies if evaluate.is_analogy_file(path) else evaluate.evaluate_similarity
    json.dumps(measure(vectors, path)._asdict(), allow_nan=False)


def _lexicon(_folder: Path) -> list[bytes]:
    test = {
        "targets": {"flowers": ["rose", "tulip"], "insects": ["ant"]},
        "attributes": {"good": ["love"], "bad": ["hate"]},
    }
    return [json.dumps(test).encode(), b"she:he\nwoman man\n# not\n", b"rose\ntulip\n"]


def _read_lexicon(path: Path) -> None:
    from dltools.errors import DltoolsError
    from dltools.models.words import lexicon

    for read in (lexicon.read_association, lexicon.read_pairs, lexicon.read_words):
        with contextlib.suppress(DltoolsError):
            read(path)


# --- data to learn from ---------------------------------------------------------------------------------------


def _tables(_folder: Path) -> list[bytes]:
    return [
        b"x,y,label\n1,2,a\n3,4.5,b\n-1e3,0,a\n",
        b"1;2;3\n4;5;6\n7;8;9\n",
        b'\xef\xbb\xbf"a b"\tc\tprice\n1\t2\t3.5\n"4"\t5\t6\n',
    ]


def _read_table(path: Path) -> None:
    from dltools.io.inputs import read_file
    from dltools.models.nn.tables import labelled, numbers_of, read_table

    table = read_table(read_file(str(path)), path.name)
    examples = labelled(table, None)
    numbers_of(examples.labels)
    if not np.isfinite(examples.inputs).all():
        raise AssertionError("numbers that are not finite")
    labelled(table, "2")


def _arrays(_folder: Path) -> list[bytes]:
    plain, packed = io.BytesIO(), io.BytesIO()
    images = _RANDOM.integers(0, 255, (5, 4, 4, 3)).astype(np.uint8)
    np.savez(plain, images=images, labels=np.array(list("abcab")))
    np.savez_compressed(packed, x=images[..., 0] / 255, y=np.arange(5))
    return [plain.getvalue(), packed.getvalue()]


def _read_arrays(path: Path) -> None:
    from dltools.io.inputs import read_file
    from dltools.models.nn.pictures import read_archive

    read_archive(read_file(str(path)), path.name)


def _sentences(_folder: Path) -> list[bytes]:
    return [
        b"text,label,emoji,group\nI love it,heart,\xe2\x9d\xa4,a\nno,sad,,b\n",
        b"let us eat,fork\nplay ball,ball\n",
    ]


def _read_sentences(path: Path) -> None:
    from dltools.models.emoji.data import classes_of, read_examples

    classes_of(read_examples(path))


def _names(_folder: Path) -> list[bytes]:
    return [b"Tyrannosaurus\nTriceratops\nDiplodocus\n", "Ünlü\r\nÇelik\r\nÉlan\r\nx\r\n".encode()]


def _read_names(path: Path) -> None:
    from dltools.models.names.data import read_names, split

    split(read_names(path))


# --- sound ----------------------------------------------------------------------------------------------------


def _sounds(_folder: Path) -> list[bytes]:
    import soundfile

    samples = (0.3 * np.sin(np.arange(3000) * 0.07)).astype(np.float32)
    ways = [
        *(("WAV", coding) for coding in ("PCM_16", "PCM_24", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610")),
        *(("WAVEX", "PCM_U8"), ("RF64", "PCM_16"), ("W64", "PCM_16"), ("AIFF", "PCM_S8"), ("AU", "ALAW")),
        *(("CAF", "ALAC_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III")),
        *(("VOC", "PCM_16"), ("NIST", "PCM_16"), ("SVX", "PCM_16"), ("IRCAM", "PCM_16"), ("HTK", "PCM_16")),
    ]
    seeds = []
    for container, coding in ways:
        buffer = io.BytesIO()
        with contextlib.suppress(soundfile.LibsndfileError, ValueError):  # a libsndfile without that coding
            soundfile.write(buffer, samples, 8000, format=container, subtype=coding)
            seeds.append(buffer.getvalue())
    return seeds


def _hear(path: Path) -> None:
    from dltools.io.audio import open_sound_file

    sound = open_sound_file(str(path))
    for block in itertools.islice(sound.mono(16000), 100):
        if not np.isfinite(block).all():
            raise AssertionError("samples that are not finite")
    json.dumps(sound.seconds, allow_nan=False)


def _trigger_models(folder: Path) -> list[bytes]:
    from tests.sounds import tone_model

    return [tone_model(folder).read_bytes()]


def _trigger(path: Path) -> None:
    from dltools.models.trigger.infer import TriggerDetector

    events = TriggerDetector.open(path).detect(np.zeros(40000, np.float32))
    json.dumps([event._asdict() for event in events], allow_nan=False)


# --- model files ----------------------------------------------------------------------------------------------


def _networks(_folder: Path) -> list[bytes]:
    from dltools.models.nn import store
    from dltools.models.nn.config import ModelConfig
    from dltools.models.nn.infer import Model
    from dltools.models.nn.layer import Start
    from dltools.models.nn.model import Network
    from dltools.models.nn.spec import make, parse

    def model(layers: str, shape: tuple[int, ...], loss: str, classes: tuple[str, ...]) -> bytes:
        words = parse(layers)
        network = Network([make(word) for word in words], loss, shape, Start(np.random.default_rng(0)))
        task = "classification" if classes else "regression"
        config = ModelConfig(tuple(map(str, words)), loss, shape, task, classes, training={"seed": 1})
        width = shape[-1]
        return store.encode(Model(config, network, np.zeros(width), np.ones(width)))

    return [
        model("dense:5,relu,dense:3", (4,), "categorical-crossentropy", ("a", "b", "c")),
        model("dense:2,tanh,batchnorm,dense:1", (3,), "mean-squared-error", ()),
        model("conv:2x3,relu,pool:2,flatten,dense:1", (8, 8, 3), "binary-crossentropy", ("no", "yes")),
        model("embedding:9x3,lstm:4:all,gru:3,dropout:0.1,dense:2", (5,), "categorical-crossentropy", ("a", "b")),
    ]


def _predict(path: Path) -> None:
    from dltools.models.nn.infer import Model

    model = Model.load(path)
    if int(np.prod(model.config.shape, dtype=np.float64)) > 1 << 24:
        raise AssertionError(f"would take images of {model.config.shape}")
    examples = np.zeros((2, *model.config.shape))
    answers = model.probabilities(examples) if model.config.task == "classification" else model.values(examples)
    json.dumps(answers.tolist(), allow_nan=False)


def _paintings(_folder: Path) -> list[bytes]:
    from dltools.models.style import state

    values = np.random.default_rng(0).random((3, 6 * 8 * 3), np.float32)
    saved = state.Saved("0" * 64, 7, 0, 3, 3, (2.5, 2.25), values[0], (values[1], values[2]))
    return [state.encode(saved), state.encode(saved._replace(level=1, costs=(), memory=()))]


def _paint(path: Path) -> None:
    """Take a step of each optimizer from a saved state, towards grey."""
    from dltools.models.style import optimizers, state

    def cost(values: optimizers.Floats) -> tuple[float, optimizers.Floats]:
        off = values - np.float32(0.5)
        return float(np.dot(off, off)) / 2, off

    saved = state.decode(path)
    for kind in (optimizers.Adam(), optimizers.Lbfgs()):
        if kind.fits(saved.memory):
            after = kind.step(optimizers.start(np.clip(saved.values, 0, 1), cost, saved.memory, saved.steps), cost)
            if after is not None and not np.isfinite(after.values).all():
                raise AssertionError(f"{kind} leads to numbers that are not finite")


def _emojify(path: Path) -> None:
    from dltools.models.emoji.infer import Emojifier

    model = Emojifier.open(path)
    for reading in model.classify(["I love you", "", "let us eat"]):
        json.dumps([reading.probabilities.tolist(), model.labels[reading.class_id]], allow_nan=False)


def _invent(path: Path) -> None:
    from dltools.models.names.infer import Namer

    namer = Namer.open(path)
    for names in namer.sample(3, 1):
        json.dumps([[name.text, name.score] for name in names], allow_nan=False)


def _translate(path: Path) -> None:
    from dltools.models.dates.infer import DateTranslator, Options

    model = DateTranslator.open(path)
    for answer in model.translate(["25 June 2009", "x", "03/04/05"], Options(top=2, time=True)):
        json.dumps(answer._asdict(), allow_nan=False)


_TINY = ROOT / "tests" / "golden" / "tiny-detector.tflite"


def _classifier_configs(_folder: Path) -> list[bytes]:
    from dltools.runtime.modelfile import read_config

    return [read_config(ASSETS / "squeezenet.tflite").encode()]


def _classifier_configured(path: Path) -> None:
    _sealed(ASSETS / "squeezenet.tflite", path)
    _classify(path.with_suffix(".tflite"))


def _classifiers(_folder: Path) -> list[bytes]:
    from dltools.models.classify.arrays import described, encode
    from dltools.models.classify.config import Arch, ClassifierConfig, Preparation
    from dltools.models.nn.layer import Start
    from dltools.models.nn.model import Network
    from dltools.models.nn.spec import make, parse

    def model(arch: Arch, layers: str, shape: tuple[int, ...], classes: tuple[str, ...], **parts: Any) -> bytes:
        loss = "binary-crossentropy" if len(classes) == 2 else "categorical-crossentropy"
        starts = [Start(np.random.default_rng(seed)) for seed in range(2)]
        members = [Network([make(word) for word in parse(layers)], loss, shape, start) for start in starts]
        network = described(layers, loss, shape, len(members))
        return encode(ClassifierConfig("own", arch, Preparation(**parts), classes, network=network), members)

    return [
        model("logistic", "flatten,dense:1", (8, 8, 3), ("no", "yes"), size=8, scale=(255.0,) * 3),
        model("mlp", "flatten,dense:4,relu,dense:3", (8, 8, 3), ("a", "b", "c"), size=8, resize="crop", mirror=True),
        model("logistic", "dense:1", (512,), ("no", "yes"), size=227, resize="stretch", channels="bgr"),
    ]


def _tiny_pictures() -> Any:
    from dltools.models.classify.data import Pictures

    random = np.random.default_rng(0)
    squares = random.integers(0, 256, (6, 8, 8, 3), np.uint8)
    hashes = random.integers(0, 2**63, 6).astype(np.uint64)
    return Pictures(squares, np.array([0, 1] * 3), hashes, (Path(),) * 6, None)


def _tiny_recipe() -> Any:
    from dltools.models.classify.recipe import Recipe

    return Recipe.of("mlp", 1, weights="none", size=8, epochs=2, members=2, layers="3")


def _classifier_states(_folder: Path) -> list[bytes]:
    from dltools.models.classify.fit import train

    states: list[bytes] = []
    train(_tiny_pictures(), ("a", "b"), _tiny_recipe(), name="x", save=states.append)
    return states[:3]


def _resume_classifier(path: Path) -> None:
    from dltools.models.classify.fit import train

    train(_tiny_pictures(), ("a", "b"), _tiny_recipe(), name="x", resume=path)


def _classify(path: Path) -> None:
    from dltools.models.classify.infer import Classifier

    json.dumps(Classifier.open(path).classify(np.full((20, 30, 3), 90, np.uint8)), allow_nan=False)


def _detectors(_folder: Path) -> list[bytes]:
    return [_TINY.read_bytes()]


def _configs(_folder: Path) -> list[bytes]:
    from dltools.runtime.modelfile import read_config

    return [read_config(_TINY).encode()]


def _configured(path: Path) -> None:
    _sealed(_TINY, path)
    _detect(path.with_suffix(".tflite"))


def _sealed(model: Path, path: Path) -> None:
    """Put the configuration at ``path`` behind a good network, sealed as if it belonged there."""
    from dltools.errors import InputError
    from dltools.runtime.modelfile import append_config

    whole = model.read_bytes()
    try:
        sealed = append_config(whole[: whole.rfind(b"PK\x03\x04")], path.read_bytes().decode("utf-8", "surrogatepass"))
    except UnicodeError as error:
        raise InputError("no text at all") from error
    path.with_suffix(".tflite").write_bytes(sealed)


def _detect(path: Path) -> None:
    from dltools.models.yolo.infer import Detector

    detector = Detector.open(path)
    found = detector.detect(np.full((20, 30, 3), 90, np.uint8), score=0.1)
    json.dumps(found, allow_nan=False)


# --- faces ----------------------------------------------------------------------------------------------------


def _dlib_networks(_folder: Path) -> list[bytes]:
    from tests.face_files import dlib_embedding

    return [dlib_embedding()]


def _read_dlib_network(path: Path) -> None:
    from dltools.models.faces import dlib_file
    from tests.face_files import TINY_BLOCKS

    dlib_file.BLOCKS = TINY_BLOCKS  # the real network has 22 MB
    network = dlib_file.read_embedding(path)
    if not all(np.isfinite(convolution.kernel).all() for convolution in network.convolutions):
        raise AssertionError("weights that are not finite")


def _dlib_predictors(_folder: Path) -> list[bytes]:
    from tests.face_files import dlib_predictor

    return [dlib_predictor(), dlib_predictor(forests=1, trees=1, depth=1, pixels=2)]


def _read_dlib_predictor(path: Path) -> None:
    from dltools.models.faces.dlib_file import read_shape_predictor
    from dltools.models.faces.landmarks import LandmarkModel, Square

    LandmarkModel(read_shape_predictor(path)).find(np.full((20, 30, 3), 90, np.uint8), Square(10, 10, 12))


def _open_landmarks(path: Path) -> None:
    from dltools.models.faces.landmarks import LandmarkModel, Square

    LandmarkModel.open(path).find(np.full((20, 30, 3), 90, np.uint8), Square(10, 10, 12))


def _graphs(_folder: Path) -> list[bytes]:
    from tests.face_files import facenet_graph

    return [facenet_graph()]


def _read_graph(path: Path) -> None:
    from dltools.models.faces.frozen_graph import read_facenet

    read_facenet(path)


def _databases(_folder: Path) -> list[bytes]:
    from dltools.models.faces.database import FaceDatabase, Known

    known = [Known("Ada", "/a.jpg", "f" * 64, (0.0, 1.0, 2.0, 3.0)), Known("É", "b", "", (0.0, 0.0, 1.0, 1.0))]
    table = _RANDOM.normal(size=(2, 128)).astype(np.float32)
    return [FaceDatabase.empty("dlib-resnet", "dlib-resnet", 128).with_faces(known, table).encode()]


def _identify(path: Path) -> None:
    from dltools.models.faces.database import FaceDatabase

    database = FaceDatabase.open(path)
    dimensions = database.embeddings.shape[1]
    match = database.identify(np.zeros(dimensions, np.float32), 0.6)
    json.dumps([match._asdict(), database.names, len(database.encode())], allow_nan=False)


def _embedder_configs(_folder: Path) -> list[bytes]:
    from dltools.runtime.modelfile import read_config

    return [read_config(ASSETS / "dlib-resnet.tflite").encode()]


def _embedder_configured(path: Path) -> None:
    from dltools.models.faces.infer import FaceReader

    _sealed(ASSETS / "dlib-resnet.tflite", path)
    reader = FaceReader.load(str(path.with_suffix(".tflite")), threads=1)
    reader.embed_chips([np.full((reader.config.size,) * 2 + (3,), 90, np.uint8)])


# --- cache and journal ----------------------------------------------------------------------------------------


def _zips(folder: Path) -> list[bytes]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/model.bin", bytes(range(256)) * 4)
        archive.writestr("package/other", b"x")
    return [packed.getvalue()]


def _tars(folder: Path) -> list[bytes]:
    seeds = []
    for way in ("w:gz", "w:xz", "w:bz2", "w"):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode=way) as archive:  # type: ignore[call-overload]
            for name, content in (("package/other", b"x" * 700), ("package/model.bin", bytes(range(256)) * 4)):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        seeds.append(packed.getvalue())
    return seeds


def _member(path: Path) -> None:
    from dltools.errors import InputError
    from dltools.runtime.sources import SourceError, _member_chunks

    try:
        content = b"".join(_member_chunks(path, "package/model.bin", 1024))
    except SourceError as error:  # a few words that the caller puts into its one line
        raise InputError(str(error)) from error
    if len(content) > 1024:
        raise AssertionError(f"{len(content)} bytes")


_ARGV = ["emojify", "predict", "--quiet"]


def _journals(folder: Path) -> list[bytes]:
    from dltools.runtime.chunk import Outcome
    from dltools.runtime.journal import open_journal

    with open_journal(folder / "journal", _ARGV) as journal:
        for number in range(3):
            journal.add(number, b"line\n", Outcome(0, f"out {number}\n", ""))
    return [(folder / "journal").read_bytes()]


def _resume(path: Path) -> None:
    from dltools.runtime.chunk import Outcome
    from dltools.runtime.journal import open_journal

    with open_journal(path, _ARGV) as journal:
        for number in range(4):
            found = journal.find(number, b"line\n")
            if found is not None:
                found.output.encode("utf-8", "surrogateescape")
                (found.status in (0, 1, 3), found.errors.splitlines())
        journal.add(3, b"line\n", Outcome(0, "more\n", ""))
    with open_journal(path, _ARGV) as journal:
        if journal.find(3, b"line\n") is None:
            raise AssertionError("what was added is lost")


READERS: Sequence[Reader] = (
    Reader("images", _images, _decode, examples=400, memory=1600),
    Reader("image-streams", _streams, _split),
    Reader("cfg", _cfg, _read_cfg, examples=150),
    Reader("weights", _weights, _read_weights),
    Reader("class-names", _cfg, _read_class_names),
    Reader("coco", _coco, _read_coco, examples=80),
    Reader("records", _records, _pass_on, examples=100, memory=1100),
    Reader("vectors", _vectors, _import, examples=200),
    Reader("mapped-vectors", _mapped, _search, examples=150),
    Reader("questions", _questions, _evaluate_words),
    Reader("lexicon", _lexicon, _read_lexicon),
    Reader("tables", _tables, _read_table, examples=100),
    Reader("arrays", _arrays, _read_arrays, examples=100),
    Reader("sentences", _sentences, _read_sentences),
    Reader("names", _names, _read_names),
    Reader("sounds", _sounds, _hear, examples=300),
    Reader("trigger-model", _trigger_models, _trigger, examples=80),
    Reader("networks", _networks, _predict, examples=150),
    Reader("paintings", _paintings, _paint, examples=100),
    Reader("emoji-average", _asset("emoji-average.npz"), _emojify),
    Reader("emoji-lstm", _asset("emoji-lstm.npz"), _emojify),
    Reader("names-rnn", _asset("names-rnn.npz"), _invent, examples=40),
    Reader("date-attention", _asset("date-attention.npz"), _translate, examples=40),
    Reader("detector", _detectors, _detect, suffix=".tflite"),
    Reader("detector-config", _configs, _configured, examples=150),
    Reader("classifier-config", _classifier_configs, _classifier_configured),
    Reader("classifier-arrays", _classifiers, _classify, examples=100),
    Reader("classifier-state", _classifier_states, _resume_classifier, examples=100),
    Reader("dlib-network", _dlib_networks, _read_dlib_network, examples=100),
    Reader("dlib-predictor", _dlib_predictors, _read_dlib_predictor, examples=150),
    Reader("frozen-graph", _graphs, _read_graph, examples=150),
    Reader("face-landmarks", _asset("face-landmarks.npz"), _open_landmarks, suffix=".npz", examples=40),
    Reader("face-database", _databases, _identify, examples=150),
    Reader("embedder-config", _embedder_configs, _embedder_configured),
    Reader("zip", _zips, _member, suffix=".whl"),
    Reader("tar", _tars, _member, suffix=".tgz"),
    Reader("journal", _journals, _resume),
)


def _raise(path: Path) -> None:
    if len(path.read_bytes()) % 3 == 0:
        raise KeyError("faulty-KeyError")


def _die(path: Path) -> None:
    if len(path.read_bytes()) % 3 == 0:
        os.kill(os.getpid(), signal.SIGSEGV)


def _hoard(_path: Path) -> None:
    bytearray(300 << 20)[:: 1 << 12] = b"x" * (300 << 8)


def _ramble(_path: Path) -> None:
    from dltools.errors import InputError

    raise InputError("two\nlines")


#: Readers that do what none may: the harness has to find each, by the word behind the hyphen.
FAULTY: Sequence[Reader] = (
    Reader("faulty-KeyError", _names, _raise, examples=30),
    Reader("faulty-ended the process", _names, _die, examples=12),
    Reader(
        "faulty-MiB more",
        _names,
        lambda path: _hoard(path) if path.read_bytes() not in _names(path) else None,
        examples=8,
    ),
    Reader("faulty-several lines", _names, _ramble, examples=3),
)
