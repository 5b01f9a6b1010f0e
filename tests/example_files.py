"""The files that the examples of README.md and of the man pages speak of, made anew in an empty folder."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from dltools.models.yolo import darknet
from tests.conftest import FACE, OTHER_FACE, PHOTO, ROOT, SOUND
from tests.darknet_files import V3_TINY_ANCHORS, Cfg, write_random_weights

_SENTENCES = ["I love you", "we won the match", "shall we get lunch", "I am not happy", "what a silly joke"]
_DATES = ["25th of June, 2009", "1 May 2001", "25 июня 2009 г.", "2009-06-25 10:49:41 GET /index.html"]


def lay_out(folder: Path, command: str) -> None:
    """Make the files that the examples of ``command`` read."""
    for name in ("photo", "coffee", "door", "street", "x"):
        shutil.copy(PHOTO, folder / f"{name}.jpg")
    assets = folder / "dltools" / "assets"
    assets.mkdir(parents=True)
    shutil.copy(PHOTO, assets)
    shutil.copy(SOUND, folder)
    _lines(folder / "paths.txt", ["photo.jpg", "street.jpg"])
    for name in ("lines.txt", "dates.txt", "server.log"):
        _lines(folder / name, _DATES)
    for name in ("sentences.txt", "chat.txt"):
        _lines(folder / name, _SENTENCES)
    _FILES.get(command, _photos)(folder)


def _lines(path: Path, lines: list[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _photos(folder: Path) -> None:
    """Two photographs in a folder, and what they show, in COCO's form."""
    (folder / "photos").mkdir()
    for name in ("one.jpg", "two.jpg"):
        shutil.copy(PHOTO, folder / "photos" / name)
    names = ["one.jpg", "two.jpg", "photo.jpg", "coffee.jpg", "door.jpg", "street.jpg", "x.jpg"]
    images = [{"id": at, "file_name": name, "width": 600, "height": 400} for at, name in enumerate(names, 1)]
    cup = {"category_id": 47, "bbox": [152, 25, 275, 282], "area": 77550, "iscrowd": 0}
    truth = {
        "images": images,
        "annotations": [{**cup, "id": image["id"], "image_id": image["id"]} for image in images],
        "categories": [{"id": 47, "name": "cup"}],
    }
    (folder / "instances.json").write_text(json.dumps(truth))


def _yolo(folder: Path) -> None:
    _photos(folder)
    cfg = Cfg(32, 32).conv(8, 3).yolo("0,1,2", V3_TINY_ANCHORS, 80).text()
    (folder / "net.cfg").write_text(cfg)
    write_random_weights(folder / "net.weights", darknet.parse_cfg(cfg, "net.cfg"), seed=4)
    if shutil.which("ffmpeg"):
        film = ["ffmpeg", "-v", "error", "-loop", "1", "-i", "photo.jpg", "-frames:v", "2", "film.mp4"]
        subprocess.run(film, cwd=folder, check=True, timeout=60)


def _faces(folder: Path) -> None:
    """Two photographs of Alice, two of Bob, and a folder of them both."""
    with Image.open(FACE) as alice, Image.open(OTHER_FACE) as bob:
        photos = {
            "alice1": alice.copy(),
            "alice2": alice.resize((400, 400)).rotate(8),
            "bob1": bob.convert("RGB"),
            "bob2": bob.convert("RGB").resize((330, 330)).crop((0, 0, 300, 280)),
            "party": Image.new("RGB", (600, 400), (90, 100, 110)),
        }
    photos["party"].paste(photos["alice1"], (20, 60))
    photos["party"].paste(photos["bob1"], (300, 40))
    (folder / "photos").mkdir()
    for name, photo in photos.items():
        photo.save(folder / f"{name}.jpg")
        photo.save(folder / "photos" / f"{name}.jpg")
        if name != "party":
            (folder / "people" / name[:-1].title()).mkdir(parents=True, exist_ok=True)
            photo.save(folder / "people" / name[:-1].title() / f"{name}.jpg")
    same, different = [("alice1", "alice2"), ("bob1", "bob2")], [("alice1", "bob1"), ("alice2", "bob2")]
    pairs = [*((a, b, 1) for a, b in same), *((a, b, 0) for a, b in different)]
    _lines(folder / "pairs.tsv", [f"{a}.jpg\t{b}.jpg\t{kind}" for a, b, kind in pairs])


def _dates(folder: Path) -> None:
    _lines(folder / "table.tsv", ["25th of June, 2009\t2009-06-25", "no date at all\t", "1 May 2001\t2001-05-01"])


def _names(folder: Path) -> None:
    genera = (ROOT / "dltools" / "models" / "names" / "genera.txt").read_text("utf-8").split()
    _lines(folder / "words.txt", genera[::6])


def _emojify(folder: Path) -> None:
    own = (ROOT / "dltools" / "models" / "emoji" / "sentences.csv").read_text("utf-8").splitlines()
    _lines(folder / "sentences.csv", [own[0], *own[1::20]])


def _trigger(folder: Path) -> None:
    """Recordings in which the word is said, and the word, another one and the rest apart, as training wants them."""
    samples, rate = soundfile.read(SOUND, dtype="float32")
    (folder / "recordings").mkdir()
    for path in (folder / "recording.wav", folder / "recordings" / "one.wav", folder / "recordings" / "two.wav"):
        soundfile.write(path, samples, rate)
    for kind, piece in (("yes", samples[60000:90000]), ("no", samples[:50000]), ("hours", np.tile(samples[:50000], 5))):
        for voice in ("a", "b"):
            (folder / kind / voice).mkdir(parents=True)
            soundfile.write(folder / kind / voice / "0.wav", piece, rate)


def _wordvec(folder: Path) -> None:
    _lines(folder / "words.txt", ["cat", "dog", "queen"])


def _classify(folder: Path) -> None:
    """The photographs, and pets: cuts of the photograph, and of its negative."""
    _photos(folder)
    photo, random = np.asarray(Image.open(PHOTO).convert("RGB")), np.random.default_rng(2)
    for label, pixels in (("cats", photo), ("dogs", 255 - photo)):
        (folder / "pets" / label).mkdir(parents=True)
        for at in range(8):
            top, left = random.integers(0, 200), random.integers(0, 400)
            Image.fromarray(pixels[top : top + 200, left : left + 200]).save(folder / "pets" / label / f"{at}.jpg")


def _nn_train(folder: Path) -> None:
    """Tables and pictures: scikit-learn's irises and digits, two rings of points, and bright and dark squares."""
    from sklearn.datasets import load_digits, load_iris

    iris, digits, random = load_iris(), load_digits(), np.random.default_rng(1)
    species = [str(iris.target_names[kind]) for kind in iris.target]
    rows = [",".join([*map(str, row), name]) for row, name in zip(iris.data, species, strict=True)]
    _lines(folder / "flowers.csv", ["sepal_length,sepal_width,petal_length,petal_width,species", *rows])
    rows = [",".join(map(str, [*map(int, row), kind])) for row, kind in zip(digits.data, digits.target, strict=True)]
    _lines(folder / "digits.csv", [",".join([*(f"p{at}" for at in range(64)), "digit"]), *rows[:400]])
    rows = []
    for at in range(120):
        angle, radius = random.uniform(0, 2 * np.pi), (1.0 if at % 2 else 2.0) + random.normal(0, 0.1)
        rows.append(f"{radius * np.cos(angle):.3f},{radius * np.sin(angle):.3f},{'inner' if at % 2 else 'outer'}")
    _lines(folder / "points.csv", ["x,y,ring", *rows])
    for label, brightness in (("dark", 60), ("bright", 190)):
        (folder / "photos" / label).mkdir(parents=True)
        for at in range(10):
            pixels = random.normal(brightness, 30, (64, 64, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / label / f"{at}.png")


def _style(folder: Path) -> None:
    """A small photograph, two pictures of waves for paintings, and a mask of the photograph's upper half."""
    with Image.open(PHOTO) as photo:
        photo.resize((96, 64)).save(folder / "photo.jpg")
    down, across = np.mgrid[0:90, 0:120]
    for name, slant in (("starry_night.jpg", (1, 2, 3)), ("wave.jpg", (3, -1, 1))):
        waves = np.sin((down[..., None] * slant + across[..., None]) / 5.0)
        Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(folder / name)
    Image.fromarray(np.repeat(np.uint8([255, 0]), 32)[:, None].repeat(96, axis=1)).save(folder / "sky_mask.png")


def _pipelines(folder: Path) -> None:
    _faces(folder)
    _lines(folder / "chat.txt", ["I love you", "shall we get lunch", "I am not happy"])
    _lines(folder / "orders.csv", ["7,Ada,25th of June 2009,12.50", "8,Grace,den 3. Oktober 1990,8.00"])


_FILES: dict[str, Callable[[Path], None]] = {
    "yolo-detect": _yolo,
    "face-verify": _faces,
    "date-translate": _dates,
    "dino-names": _names,
    "emojify": _emojify,
    "image-classify": _classify,
    "wordvec": _wordvec,
    "trigger-detect": _trigger,
    "nn-train": _nn_train,
    "style-transfer": _style,
    "Pipelines": _pipelines,
}
