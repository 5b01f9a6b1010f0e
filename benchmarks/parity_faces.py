"""Hold face-verify against dlib itself, number by number: ``python benchmarks/parity_faces.py [PHOTO...]``.

dlib (PyPI ``dlib-bin``) detects, aligns and embeds every face with its own models; then, stage by stage, what the
toolkit makes of the same input is compared: landmarks in the same rectangle, chips of the same landmarks, embeddings
of the same chip, and embeddings of the same photograph from beginning to end. ``--golden FILE`` writes dlib's numbers
for tests/test_faces.py.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltools.io.images import decode_image
from dltools.models.faces import store
from dltools.models.faces.dlib_file import read_shape_predictor
from dltools.models.faces.geometry import MEAN_POINTS, extract_chip, place_chip
from dltools.models.faces.infer import FaceReader, pick_face
from dltools.models.faces.landmarks import LandmarkModel, Square
from dltools.runtime.assets import Registry
from dltools.runtime.fetch import fetch

ROOT = Path(__file__).parent.parent
PHOTOS = [ROOT / "dltools" / "assets" / "astronaut.jpg", ROOT / "tests" / "golden" / "cameraman.jpg"]
SIZE, SMALL_SIZE, PADDING = 150, 32, 0.25


class Reference:
    """dlib's own pipeline."""

    def __init__(self) -> None:
        import dlib

        files = Registry.load().files
        self.predictor_file = fetch(files["shape_predictor_5_face_landmarks.dat"])
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(self.predictor_file))
        network = fetch(files["dlib_face_recognition_resnet_model_v1.dat"])
        self._network = dlib.face_recognition_model_v1(str(network))

    def faces(self, pixels: NDArray[np.uint8]) -> list[dict[str, NDArray[Any]]]:
        """Return rectangle, points, chip and embedding of each face that dlib finds."""
        found = []
        for rectangle in self._detector(pixels, 1):
            shape = self._predictor(pixels, rectangle)
            chip = self._dlib.get_face_chip(pixels, shape, SIZE, PADDING)
            sides = (rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom())
            found.append(
                {
                    "rectangle": np.array(sides, np.float64),
                    "points": np.array([(part.x, part.y) for part in shape.parts()], np.float64),
                    "chip": chip,
                    "embedding": np.array(self._network.compute_face_descriptor(chip), np.float32),
                }
            )
        return found

    def placed_chips(self, pixels: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
        """Return small chips of points laid over a picture anyhow: turned, tiny, huge, half outside."""
        random = np.random.default_rng(1)
        height, width = pixels.shape[:2]
        points, chips = [], []
        for side in (10, 24, 60, 100, 160, 250, 400, 700):
            angle = random.uniform(-np.pi, np.pi)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * side
            middle = random.uniform(0.2, 0.8, 2) * (width, height)
            placed = np.rint((MEAN_POINTS - 0.5) @ turn.T + middle).astype(int)
            parts = [self._dlib.point(int(x), int(y)) for x, y in placed]
            shape = self._dlib.full_object_detection(self._dlib.rectangle(0, 0, 1, 1), parts)
            points.append(placed)
            chips.append(self._dlib.get_face_chip(pixels, shape, SMALL_SIZE, PADDING))
        return {"placed-points": np.array(points, np.float64), "placed-chips": np.array(chips)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold face-verify against dlib.")
    parser.add_argument("photos", nargs="*", type=Path, default=PHOTOS)
    parser.add_argument("--golden", type=Path, metavar="FILE", help="write dlib's numbers for the tests")
    arguments = parser.parse_args()
    reference, reader = Reference(), FaceReader.load(threads=1)
    exact = LandmarkModel(read_shape_predictor(reference.predictor_file))
    packed = LandmarkModel.open(store.part_file(store.LANDMARKS))
    errors: dict[str, list[float]] = {}
    golden: dict[str, NDArray[Any]] = {}
    for photo in arguments.photos:
        pixels = decode_image(photo.read_bytes())
        own = reader.find(pixels)
        for number, face in enumerate(reference.faces(pixels)):
            golden |= {f"{photo.stem}-{number}-{key}": value for key, value in face.items()}
            for title, error in _compare(pixels, face, reader, own, exact, packed).items():
                errors.setdefault(title, []).append(error)
    for title, values in errors.items():
        print(f"{title:58} {len(values):3} faces   median {np.median(values):.6f}   largest {max(values):.6f}")
    if arguments.golden is not None:
        golden |= reference.placed_chips(decode_image(PHOTOS[0].read_bytes()))
        np.savez_compressed(arguments.golden, **golden)  # type: ignore[arg-type]
    return 0


def _compare(
    pixels: NDArray[np.uint8],
    face: dict[str, NDArray[Any]],
    reader: FaceReader,
    own: list[Any],
    exact: LandmarkModel,
    packed: LandmarkModel,
) -> dict[str, float]:
    left, top, right, bottom = face["rectangle"]
    square = Square((left + right) / 2, (top + bottom) / 2, right - left)
    side = right - left + 1
    points = [np.floor(model.find(pixels, square) + 0.5) for model in (exact, packed)]
    chip = extract_chip(pixels, place_chip(face["points"], SIZE), SIZE)
    embedding = reader.embed_chips([face["chip"]])[0]
    errors = {
        "points in the same rectangle, share of its side": _largest(points[0], face["points"]) / side,
        "the same, packed as int8": _largest(points[1], face["points"]) / side,
        "chip of the same points, mean grey levels": float(np.abs(chip.astype(int) - face["chip"]).mean()),
        "embedding of the same chip, largest of 128": _largest(embedding, face["embedding"]),
    }
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    same = [each for each in own if (np.array(each.bbox[:2]) < middle).all() and (middle < each.bbox[2:]).all()]
    if same:
        number = pick_face(same, pixels.shape[1], pixels.shape[0])
        whole = reader.embed(pixels, [same[number]])[0]
        errors["from the photograph on, distance of the embeddings"] = float(np.linalg.norm(whole - face["embedding"]))
    return errors


def _largest(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs(one - other).max())


if __name__ == "__main__":
    sys.exit(main())
