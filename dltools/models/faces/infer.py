"""Find faces, bring them upright, and turn each into numbers that are near each other for one person.

Schroff, Kalenichenko and Philbin, "FaceNet" (2015), is the idea; King's dlib (2017) the embedding that comes with the
toolkit. In: RGB pictures, uint8 (rows, columns, 3), of any size. Out: faces, and embeddings (faces, dimensions).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError, ModelFileError
from dltools.io.images import Pixels
from dltools.models.faces import store
from dltools.models.faces.boxes import Floats
from dltools.models.faces.chips import box_chip, jittered, points_chip
from dltools.models.faces.config import EmbedderConfig
from dltools.models.faces.detect import FaceDetector, FoundFace
from dltools.models.faces.geometry import Doubles, find_similarity
from dltools.models.faces.landmarks import LandmarkModel, Square
from dltools.runtime.assets import Notify, Progress
from dltools.runtime.modelfile import load_predictor
from dltools.runtime.predictor import Predictor

#: Where the detector's five points lie in the square that dlib's own detector puts around a face; see CARD.md.
SQUARE_POINTS: Doubles = np.array(
    [(0.2972, 0.2855), (0.7028, 0.2855), (0.5, 0.5362), (0.2924, 0.7349), (0.7076, 0.7349)]
)

#: How far from the middle of a picture, in shares of its width and height, a face is still in the middle.
MIDDLE = (0.1, 0.15)
MIDDLE_SHARE = 0.4

_BATCH = 16  # chips that go through the embedding together


class NoFaceError(InputError):
    """A picture without a face, where one was needed."""

    code = "no_face"


class Face(NamedTuple):
    """One face: its box (x_min, y_min, x_max, y_max) in pixels, its score (0 to 1), and points (5, 2) in pixels.

    ``points``: the left eye, the right eye (as the viewer sees them), the nose, the corners of the mouth. ``anchors``
    (5, 2): the points that the chip is cut by: the corners of the eyes, and the base of the nose.
    """

    bbox: tuple[float, float, float, float]
    score: float
    points: Doubles
    anchors: Doubles


class FaceReader:
    """Finds faces and embeds them. For one thread at a time."""

    def __init__(
        self, config: EmbedderConfig, detector: FaceDetector, landmarks: LandmarkModel, embedder: Predictor
    ) -> None:
        self.config = config
        self._detector = detector
        self._landmarks = landmarks
        self._embedder = embedder

    @classmethod
    def load(
        cls,
        model: str = store.DEFAULT_MODEL,
        *,
        threads: int = 1,
        offline: bool = False,
        progress: Progress | None = None,
        notify: Notify | None = None,
    ) -> FaceReader:
        """Return a reader with the embedding ``model``: a registered name, or the file of one that was trained.

        ``progress`` is told of downloads (name, bytes so far, bytes in all), ``notify`` of a conversion.
        Raise :class:`UsageError` for an unknown name, :class:`ModelFileError` for a file that is no model,
        :class:`MissingError` where it cannot be had.
        """
        path = store.embedder_file(model, offline=offline, progress=progress, notify=notify)
        config = store.read_embedder_config(path)
        proposal, refine, output = (
            load_predictor(store.part_file(part), threads=threads) for part in store.DETECTOR_PARTS
        )
        landmarks = LandmarkModel.open(store.part_file(store.LANDMARKS))
        return cls(config, FaceDetector(proposal, refine, output), landmarks, load_predictor(path, threads=threads))

    def find(self, image: Pixels, *, min_face: float | None = None, min_score: float | None = None) -> list[Face]:
        """Return the faces in ``image``, the largest first; the arguments are those of :meth:`FaceDetector.find`."""
        found = self._detector.find(image, min_face=min_face, min_score=min_score)
        return sorted((self._face(image, each) for each in found), key=_area, reverse=True)

    def _face(self, image: Pixels, found: FoundFace) -> Face:
        anchors = self._landmarks.find(image, face_square(found.points))
        return Face(found.bbox, found.score, found.points, anchors)

    def chip(self, image: Pixels, face: Face) -> Pixels:
        """Return the face as the network sees it, (size, size, 3)."""
        config = self.config
        if config.alignment == "points":
            return points_chip(image, face.anchors, config.size, config.margin)
        return box_chip(image, face.bbox, config.size, config.margin)

    def embed(self, image: Pixels, faces: Sequence[Face], *, jitter: int = 0) -> Floats:
        """Return the embeddings (faces, dimensions) of ``faces`` of ``image``.

        ``jitter``: how many variations of each face, a little moved, turned, scaled and mirrored, are embedded and
        averaged in place of the face; the same at each run.
        """
        chips = [self.chip(image, face) for face in faces]
        if jitter:
            return np.array([self.embed_chips(jittered(chip, jitter)).mean(axis=0) for chip in chips], np.float32)
        return self.embed_chips(chips)

    def embed_chips(self, chips: Sequence[Pixels]) -> Floats:
        """Return the embeddings (n, dimensions) of chips (size, size, 3); raise :class:`ModelFileError`."""
        size, dimensions = self.config.size, self.config.dimensions
        answers = [np.zeros((0, dimensions), np.float32)]
        for start in range(0, len(chips), _BATCH):
            values = self._scaled(np.stack(chips[start : start + _BATCH]))
            (answer,) = self._embedder.predict(values)
            if answer.shape != (len(values), dimensions) or not np.isfinite(answer).all():
                raise ModelFileError(
                    f"{self.config.name}: gives no embeddings of {dimensions} numbers for {size} pixels"
                )
            answers.append(answer)
        embeddings = np.concatenate(answers)
        if self.config.normalize:
            embeddings = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
        return embeddings

    def _scaled(self, chips: npt.NDArray[np.uint8]) -> Floats:
        values = chips.astype(np.float32)
        middle, reach = (self.config.mean, 256) if self.config.scaling == "dlib" else (127.5, 128)
        values -= np.array(middle, np.float32)
        values /= np.float32(reach)
        return values


def face_square(points: Doubles) -> Square:
    """Return the square that dlib's detector would put around a face whose five points (5, 2) are given."""
    transform = find_similarity(SQUARE_POINTS, points)
    middle = transform(np.array([[0.5, 0.5]]))[0]
    across = transform.matrix[:, 0]
    return Square(float(middle[0]), float(middle[1]), float(np.hypot(*across)), float(np.arctan2(across[1], across[0])))


def pick_face(faces: Sequence[Face], width: int, height: int) -> int:
    """Return the number of the face that a picture of the size given is about: the largest.

    Only a face in the very middle goes before it, if it has at least :data:`MIDDLE_SHARE` of its area: a portrait may
    have somebody nearer the camera at its edge.
    """
    largest = max(range(len(faces)), key=lambda index: _area(faces[index]))
    middle = [
        index
        for index, face in enumerate(faces)
        if abs((face.bbox[0] + face.bbox[2]) / (2 * width) - 0.5) < MIDDLE[0]
        and abs((face.bbox[1] + face.bbox[3]) / (2 * height) - 0.5) < MIDDLE[1]
        and _area(face) >= MIDDLE_SHARE * _area(faces[largest])
    ]
    return max(middle, key=lambda index: _area(faces[index]), default=largest)


def distance(one: Floats, other: Floats) -> float:
    """Return the Euclidean distance of two embeddings (dimensions,)."""
    return float(np.linalg.norm(np.asarray(one, np.float64) - np.asarray(other, np.float64)))


def _area(face: Face) -> float:
    left, top, right, bottom = face.bbox
    return (right - left) * (bottom - top)
