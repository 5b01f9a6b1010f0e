"""Faces found, cut out and embedded: against dlib's own numbers, and against geometry done another way."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dltools.errors import ModelFileError, UsageError
from dltools.io.images import Pixels, decode_image
from dltools.models.faces import store
from dltools.models.faces.boxes import distinct, moved, sane, squared
from dltools.models.faces.chips import box_chip, jittered
from dltools.models.faces.config import EmbedderConfig
from dltools.models.faces.detect import FaceDetector
from dltools.models.faces.geometry import MEAN_POINTS, extract_chip, find_similarity, halve, place_chip
from dltools.models.faces.infer import Face, FaceReader, distance, face_square, pick_face
from dltools.models.faces.landmarks import LandmarkModel, Square
from tests.conftest import FACE, GOLDEN, OTHER_FACE, PHOTO

PHOTOS = {"astronaut": FACE, "cameraman": OTHER_FACE}
coordinates = st.floats(-100, 100)


def read(path: Path) -> Pixels:
    return decode_image(path.read_bytes())


@pytest.fixture(scope="module")
def reader() -> FaceReader:
    return FaceReader.load(threads=1)


@pytest.fixture(scope="module")
def dlib() -> dict[str, np.ndarray]:
    """What dlib makes of the two photographs (benchmarks/parity_faces.py --golden)."""
    with np.load(GOLDEN / "faces-dlib.npz") as arrays:
        return dict(arrays)


# --- against dlib ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PHOTOS)
def test_a_chip_is_dlibs_to_the_bit(dlib: dict[str, np.ndarray], name: str) -> None:
    chip = extract_chip(read(PHOTOS[name]), place_chip(dlib[f"{name}-0-points"], 150), 150)
    assert np.array_equal(chip, dlib[f"{name}-0-chip"])


def test_a_chip_is_dlibs_wherever_it_lies(dlib: dict[str, np.ndarray]) -> None:
    """Faces of 10 to 700 pixels, turned any way, partly outside of the picture."""
    pixels = read(FACE)
    for points, chip in zip(dlib["placed-points"], dlib["placed-chips"], strict=True):
        assert np.array_equal(extract_chip(pixels, place_chip(points, 32), 32), chip)


@pytest.mark.parametrize("name", PHOTOS)
def test_an_embedding_of_a_chip_is_dlibs(dlib: dict[str, np.ndarray], reader: FaceReader, name: str) -> None:
    """Its weights are float16 here: 2e-4 was seen."""
    (embedding,) = reader.embed_chips([dlib[f"{name}-0-chip"]])
    assert np.abs(embedding - dlib[f"{name}-0-embedding"]).max() < 1e-3


@pytest.mark.parametrize("name", PHOTOS)
def test_points_in_dlibs_rectangle_are_dlibs(dlib: dict[str, np.ndarray], name: str) -> None:
    """What leaves add is kept in 255 steps here, and dlib rounds to pixels: two pixels of 63."""
    left, top, right, bottom = dlib[f"{name}-0-rectangle"]
    square = Square((left + right) / 2, (top + bottom) / 2, right - left)
    points = LandmarkModel.open(store.part_file(store.LANDMARKS)).find(read(PHOTOS[name]), square)
    assert np.abs(points - dlib[f"{name}-0-points"]).max() < 0.04 * (right - left)


def test_a_whole_photograph_gives_nearly_dlibs_embedding(dlib: dict[str, np.ndarray], reader: FaceReader) -> None:
    """The box is MTCNN's, and so all that follows a little other; two people are 0.6 apart and more."""
    pixels = read(FACE)
    (face,) = reader.find(pixels)
    (embedding,) = reader.embed(pixels, [face])
    assert distance(embedding, dlib["astronaut-0-embedding"]) < 0.1
    left, top, right, bottom = dlib["astronaut-0-rectangle"]
    square = face_square(face.points)
    assert abs(square.x - (left + right) / 2) < 8 and abs(square.y - (top + bottom) / 2) < 8
    assert square.side == pytest.approx(right - left, rel=0.15)


# --- geometry -------------------------------------------------------------------------------------------------


@given(st.floats(-math.pi, math.pi), st.floats(0.1, 10), coordinates, coordinates)
def test_a_similarity_is_found_again(angle: float, scale: float, x: float, y: float) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    targets = scale * MEAN_POINTS @ turn.T + (x, y)
    found = find_similarity(MEAN_POINTS, targets)
    assert np.allclose(found.matrix, scale * turn, atol=1e-8)
    assert np.allclose(found(MEAN_POINTS), targets, atol=1e-7)


@given(st.lists(st.tuples(coordinates, coordinates), min_size=5, max_size=5))
def test_a_similarity_is_the_best_in_least_squares(targets: list[tuple[float, float]]) -> None:
    """Without a reflection it is linear in four numbers, which least squares finds directly."""
    wanted = np.array(targets)
    ones, zeros = np.ones(5), np.zeros(5)
    x, y = MEAN_POINTS.T
    rows = np.concatenate([np.stack([x, -y, ones, zeros], 1), np.stack([y, x, zeros, ones], 1)])
    (a, b, *_), *_ = np.linalg.lstsq(rows, np.concatenate([wanted[:, 0], wanted[:, 1]]), rcond=None)
    found = find_similarity(MEAN_POINTS, wanted)
    assert np.allclose(found.matrix, [[a, -b], [b, a]], atol=1e-6 * (1 + np.abs(wanted).max()))


def test_halving_is_the_smoothing_that_opencv_has() -> None:
    """Its own starts two pixels further left, and rounds where dlib cuts."""
    pixels = np.random.default_rng(0).integers(0, 256, (41, 60, 3)).astype(np.uint8)
    ours = halve(pixels)
    theirs = cv2.pyrDown(pixels)[1 : 1 + ours.shape[0], 1 : 1 + ours.shape[1]]
    difference = theirs.astype(int) - ours
    assert difference.min() >= 0 and difference.max() <= 1
    assert halve(pixels[:8]).size == 0


def test_a_chip_of_nowhere_is_black() -> None:
    pixels = np.full((20, 30, 3), 200, np.uint8)
    for points in (MEAN_POINTS * 10 + 1e6, np.full((5, 2), 3.0), MEAN_POINTS * 1e300):
        chip = extract_chip(pixels, place_chip(points, 16), 16)
        assert chip.shape == (16, 16, 3)
    assert not extract_chip(pixels, place_chip(MEAN_POINTS * 10 + 1e6, 16), 16).any()


def test_a_box_chip_is_a_cut_and_a_resize() -> None:
    """160 pixels of which 32 are margin: a quarter of the face's size on both sides together."""
    pixels = read(FACE)
    chip = box_chip(pixels, (80, 64, 160, 176), 160, 32)
    expected = Image.fromarray(pixels).crop((70, 50, 170, 190)).resize((160, 160), Image.Resampling.BILINEAR)
    assert np.array_equal(chip, np.array(expected))
    assert box_chip(pixels, (-20, -20, 300, 300), 160, 32).shape == (160, 160, 3)


def test_variations_are_near_the_face_and_the_same_each_time() -> None:
    chip = np.asarray(Image.fromarray(read(FACE)).resize((150, 150)))
    varied = jittered(chip, 6)
    assert all(np.array_equal(*pair) for pair in zip(varied, jittered(chip, 6), strict=True))
    for number, each in enumerate(varied):
        upright = each[:, ::-1] if number % 2 else each
        own, mirrored = (np.abs(view.astype(int) - chip).mean() for view in (upright, upright[:, ::-1]))
        assert 0 < own < 30 and own < mirrored


# --- boxes ----------------------------------------------------------------------------------------------------

box = st.tuples(*(st.integers(0, 20),) * 2, *(st.integers(1, 15),) * 2).map(
    lambda sides: (sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3])
)


@given(st.lists(st.tuples(box, st.integers(0, 5)), max_size=12), st.sampled_from(["union", "smaller"]))
def test_of_boxes_that_overlap_the_best_stays(found: list[tuple[tuple[int, ...], int]], of: str) -> None:
    def overlap(one: tuple[int, ...], other: tuple[int, ...]) -> float:
        pixels = [{(x, y) for x in range(each[0], each[2]) for y in range(each[1], each[3])} for each in (one, other)]
        common = len(pixels[0] & pixels[1])
        return common / (len(pixels[0] | pixels[1]) if of == "union" else min(map(len, pixels)))

    expected: list[int] = []
    for index in sorted(range(len(found)), key=lambda index: -found[index][1]):
        if all(overlap(found[index][0], found[kept][0]) <= 0.5 for kept in expected):
            expected.append(index)
    boxes = np.array([each for each, _ in found], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score in found], np.float32)
    assert distinct(boxes, scores, 0.5, of) == expected  # type: ignore[arg-type]


def test_boxes_are_moved_squared_and_sorted_out() -> None:
    boxes = np.array([[0, 0, 10, 20], [5, 5, 6, 6]], np.float32)
    offsets = np.array([[0.1, 0, -0.1, 0.5], [0, 0, 0, 0]], np.float32)
    assert moved(boxes, offsets).tolist() == [[1, 0, 9, 30], [5, 5, 6, 6]]
    assert squared(boxes).tolist() == [[-5, 0, 15, 20], [5, 5, 6, 6]]
    odd = np.array([[0, 0, 5, 5], [0, 0, 0.5, 5], [90, 90, 99, 99], [np.nan, 0, 5, 5], [0, 0, np.inf, 5]], np.float32)
    assert sane(odd, 50, 40).tolist() == [True, False, False, False, False]


# --- detection ------------------------------------------------------------------------------------------------


def nearest(faces: list[Face], x: float, y: float) -> Face:
    return min(faces, key=lambda face: math.hypot(*(face.points.mean(axis=0) - (x, y))))


def test_a_face_is_where_the_astronauts_is(reader: FaceReader) -> None:
    """Eyes, nose and mouth as they were read off the picture by hand, to four pixels."""
    (face,) = reader.find(read(FACE))
    eyes_nose_mouth = [(104, 101), (146, 103), (124, 127), (103, 140), (145, 141)]
    assert np.abs(face.points - eyes_nose_mouth).max() < 4
    x_min, y_min, x_max, y_max = face.bbox
    assert x_min < 90 and x_max > 155 and y_min < 85 and 155 < y_max < 190 and face.score > 0.99


@pytest.mark.parametrize("angle", [-40, -20, 20, 40])
def test_a_tilted_head_is_found_and_is_the_same_person(reader: FaceReader, angle: int) -> None:
    pixels = read(FACE)
    tilted = np.array(Image.fromarray(pixels).rotate(angle, Image.Resampling.BICUBIC, fillcolor=(90, 90, 90)))
    upright, turned = (reader.embed(each, reader.find(each))[0] for each in (pixels, tilted))
    assert distance(upright, turned) < 0.35


@pytest.mark.parametrize("side", [22, 30, 60, 600])
def test_faces_of_all_sizes_are_found(reader: FaceReader, side: int) -> None:
    """The astronaut's face is 109 pixels high; among others it is here scaled to ``side``."""
    scaled = Image.fromarray(read(FACE))
    scaled = scaled.resize((round(256 * side / 109),) * 2, Image.Resampling.LANCZOS)
    canvas = Image.fromarray(read(PHOTO)).resize((scaled.width * 2, scaled.height * 2))
    canvas.paste(scaled, (scaled.width // 2, scaled.height // 3))
    faces = reader.find(np.array(canvas))
    centre = (scaled.width * (0.5 + 124 / 256), scaled.height * (1 / 3 + 122 / 256))
    assert math.hypot(*(nearest(faces, *centre).points.mean(axis=0) - centre)) < 0.1 * side


def test_min_face_and_min_score_leave_out(reader: FaceReader) -> None:
    pixels = read(FACE)
    (face,) = reader.find(pixels)
    side = face.bbox[3] - face.bbox[1]
    assert reader.find(pixels, min_face=side + 15) == [] and len(reader.find(pixels, min_face=side - 15)) == 1
    assert reader.find(pixels, min_score=face.score) == []


def test_where_nobody_is_there_is_no_face(reader: FaceReader) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    for pixels in (read(PHOTO), noise, np.zeros((90, 80, 3), np.uint8), np.full((5, 900, 3), 255, np.uint8)):
        assert reader.find(pixels) == []
    assert reader.find(np.zeros((1, 1, 3), np.uint8)) == []


def test_a_large_picture_goes_through_in_tiles(reader: FaceReader, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same faces come of it as in one piece, but for what the network's own edges do."""
    from dltools.models.faces import detect

    pixels = np.tile(read(FACE), (2, 3, 1))
    whole = reader.find(pixels)
    monkeypatch.setattr(detect, "_TILE", 100)
    tiled = reader.find(pixels)
    assert len(whole) == len(tiled) == 6
    for face in whole:
        assert np.abs(nearest(tiled, *face.points.mean(axis=0)).points - face.points).max() < 6


def test_twelve_megapixels_take_no_copy_of_their_own(reader: FaceReader) -> None:
    """By default no face smaller than a hundredth of the longer side is looked for, so the picture is first reduced."""
    import tracemalloc

    pixels = np.array(Image.fromarray(read(FACE)).resize((3400, 3400)))
    tracemalloc.start()
    try:
        (face,) = reader.find(pixels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2 * pixels.nbytes
    assert np.abs(face.points.mean(axis=0) - np.array([124, 122]) * 3400 / 256).max() < 60


def test_development_photographs_have_their_people(shared: Path, reader: FaceReader) -> None:
    """Each has the faces that its label names, or more where others stand behind."""
    for line in (shared / "faces" / "labels.tsv").read_text().splitlines():
        name, label = line.split("\t")
        assert len(reader.find(read(shared / "faces" / name))) >= 1 + label.count("+"), name


# --- which face, and what is made of it -----------------------------------------------------------------------


def face_at(x: float, y: float, side: float) -> Face:
    return Face((x - side / 2, y - side / 2, x + side / 2, y + side / 2), 1.0, np.zeros((5, 2)), np.zeros((5, 2)))


def test_a_picture_is_about_its_largest_face_or_one_in_the_middle() -> None:
    middle, edge, small = face_at(51, 49, 40), face_at(15, 50, 50), face_at(50, 50, 20)
    assert pick_face([edge, middle], 100, 100) == 1
    assert pick_face([edge, small], 100, 100) == 0
    assert pick_face([middle, face_at(15, 50, 30)], 100, 100) == 0


@given(st.floats(-math.pi, math.pi), st.floats(10, 500), st.floats(0, 1000), st.floats(0, 1000))
def test_a_faces_square_follows_its_points(angle: float, side: float, x: float, y: float) -> None:
    from dltools.models.faces.infer import SQUARE_POINTS

    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    square = face_square((SQUARE_POINTS - 0.5) @ turn.T * side + (x, y))
    assert (square.x, square.y, square.side) == pytest.approx((x, y, side), abs=1e-6)
    assert math.cos(square.angle - angle) == pytest.approx(1, abs=1e-9)


def test_jitter_is_a_mean_and_repeatable(reader: FaceReader) -> None:
    pixels = read(FACE)
    faces = reader.find(pixels)
    plain, one, again = (reader.embed(pixels, faces, jitter=count)[0] for count in (0, 4, 4))
    assert np.array_equal(one, again) and 0 < distance(plain, one) < 0.3
    mean = reader.embed_chips(jittered(reader.chip(pixels, faces[0]), 4)).mean(axis=0)
    assert np.allclose(one, mean, atol=1e-6)


@settings(max_examples=30)
@given(
    size=st.integers(16, 1024), dimensions=st.integers(1, 4096), threshold=st.floats(0.01, 5), margin=st.floats(0, 8)
)
def test_a_configuration_survives_its_file(size: int, dimensions: int, threshold: float, margin: float) -> None:
    config = EmbedderConfig("näme", size, dimensions, threshold, "box", "symmetric", margin=margin, normalize=True)
    assert EmbedderConfig.from_json(config.to_json()) == config


def test_a_name_that_is_no_model_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="dlib-resnet or facenet"):
        FaceReader.load("nosuch")
    with pytest.raises(ModelFileError, match="not an embedding model"):
        FaceReader.load(str(GOLDEN / "tiny-detector.tflite"))


def test_a_detector_needs_no_more_than_three_networks() -> None:
    """Whoever finds nothing in the first is not asked twice: the others never run."""

    class Nothing:
        def predict(self, *inputs: np.ndarray) -> list[np.ndarray]:
            rows, columns = ((side - 12 + 1) // 2 + 1 for side in inputs[0].shape[1:3])
            return [np.full((1, rows, columns, 5), -9, np.float32)]

    class Never:
        def predict(self, *_inputs: np.ndarray) -> list[np.ndarray]:
            raise AssertionError

    assert FaceDetector(Nothing(), Never(), Never()).find(read(FACE)) == []
