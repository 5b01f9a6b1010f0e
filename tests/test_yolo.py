"""yolo-detect: decoding, suppression, mapping back, parity with OpenCV's dnn, and the command itself."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dltools.errors import InputError, ModelFileError, UsageError
from dltools.io.images import decode_image
from dltools.models.yolo.boxes import iou, non_maximum_suppression, place
from dltools.models.yolo.config import DetectorConfig, Head
from dltools.models.yolo.darknet import parse_cfg
from dltools.models.yolo.decode import MAX_CANDIDATES, decode_head
from dltools.models.yolo.evaluate import evaluate
from dltools.models.yolo.infer import Detector
from tests.conftest import GOLDEN, PHOTO, ROOT, Run
from tests.darknet_files import V3_TINY_ANCHORS, Cfg, write_random_weights

coordinate = st.floats(0, 100, width=32)
box = st.tuples(coordinate, coordinate, coordinate, coordinate).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)


# --- intersection over union, suppression ---------------------------------------------------------------------


def test_iou_of_known_boxes() -> None:
    one = np.array([0, 0, 2, 2], np.float32)
    others = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [2, 0, 4, 2], [0.5, 0.5, 1.5, 1.5], [5, 5, 5, 5]], np.float32)
    assert iou(one, others) == pytest.approx([1, 1 / 7, 0, 1 / 4, 0])


@given(box, box)
def test_iou_is_symmetric_and_a_fraction(one: tuple[float, ...], other: tuple[float, ...]) -> None:
    first, second = np.array(one, np.float32), np.array(other, np.float32)
    value = iou(first, second[None])[0]
    assert 0 <= value <= 1.0001
    assert value == pytest.approx(iou(second, first[None])[0], abs=1e-5)


def _plain_suppression(boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, threshold: float) -> list[int]:
    """Greedy suppression as it is told in words, without vectors."""
    kept: list[int] = []
    for candidate in sorted(range(len(scores)), key=lambda index: (-scores[index], index)):
        rivals = [index for index in kept if classes[index] == classes[candidate]]
        if all(iou(boxes[candidate], boxes[rival][None])[0] <= threshold for rival in rivals):
            kept.append(candidate)
    return kept


@settings(deadline=None)
@given(st.lists(st.tuples(box, st.integers(0, 5), st.integers(0, 2)), max_size=25), st.floats(0, 1))
def test_suppression_does_what_its_words_say(found: list[tuple[tuple[float, ...], int, int]], threshold: float) -> None:
    boxes = np.array([entry[0] for entry in found], np.float32).reshape(-1, 4)
    scores = np.array([entry[1] / 5 for entry in found], np.float32)  # few values, so that ties occur
    classes = np.array([entry[2] for entry in found], np.intp)
    kept = non_maximum_suppression(boxes, scores, classes, threshold)
    assert kept.tolist() == _plain_suppression(boxes, scores, classes, threshold)


# --- decoding --------------------------------------------------------------------------------------------------

REGION = Head(
    "region", ((0.57273, 0.677385), (1.87446, 2.06253), (3.33843, 5.47434), (7.88282, 3.52778), (9.77, 9.16)), 80
)
YOLO = Head("yolo", ((81.0, 82.0), (135.0, 169.0)), 3, scale_x_y=1.05)


def _logit(value: float) -> float:
    return float(np.log(value / (1 - value)))


def test_yolov2_at_608_is_a_19_19_5_85_volume() -> None:
    raw = np.full((19, 19, 5 * 85), -10, np.float32)
    cell = raw.reshape(19, 19, 5, 85)[7, 12, 3]  # row 7, column 12, fourth anchor
    cell[:5] = (_logit(0.25), _logit(0.75), np.log(2.0), np.log(0.5), _logit(0.9))
    cell[5 + 16] = 20  # softmax: all but one
    boxes, scores, classes = decode_head(raw, REGION, 608, 608, 0.5)
    centre = np.array([12.25, 7.75]) / 19
    half = np.array([7.88282 * 2, 3.52778 * 0.5]) / 19 / 2
    assert boxes[0] == pytest.approx([*(centre - half), *(centre + half)], abs=1e-5)
    assert (scores[0], classes.tolist()) == (pytest.approx(0.9, abs=1e-5), [16])


def test_yolo_heads_have_independent_classes_and_a_stretched_centre() -> None:
    raw = np.full((4, 6, 2 * 8), -20, np.float32)
    cell = raw.reshape(4, 6, 2, 8)[2, 5, 1]
    cell[:] = (_logit(0.9), 0, 0, np.log(3.0), _logit(0.8), _logit(0.9), _logit(0.1), _logit(0.7))
    boxes, scores, classes = decode_head(raw, YOLO, 192, 128, 0.5)
    assert classes.tolist() == [0, 2] and scores == pytest.approx([0.72, 0.56], abs=1e-5)
    x_centre = (5 + 0.9 * 1.05 - 0.025) / 6
    y_centre = (2 + 0.5) / 4
    expected = [
        x_centre - 135 / 192 / 2,
        y_centre - 3 * 169 / 128 / 2,
        x_centre + 135 / 192 / 2,
        y_centre + 3 * 169 / 128 / 2,
    ]
    assert boxes[0] == pytest.approx(expected, abs=1e-5)
    assert (boxes[0] == boxes[1]).all()


def test_extreme_numbers_stay_finite_and_bounded() -> None:
    raw = np.random.default_rng(0).choice(np.float32([-1e30, -500, 0, 500, 1e30]), (52, 52, 5 * 85))
    boxes, scores, _ = decode_head(raw, REGION, 608, 608, 0.0)
    assert len(scores) <= MAX_CANDIDATES
    assert np.isfinite(scores).all() and not np.isnan(boxes).any() and scores.max() <= 1


# --- the way to the network and back --------------------------------------------------------------------------


@given(
    columns=st.integers(1, 300),
    rows=st.integers(1, 300),
    size=st.tuples(st.integers(8, 64), st.integers(8, 64)),
    how=st.sampled_from(["letterbox", "stretch"]),
)
@settings(max_examples=60, deadline=None)
def test_mapping_back_undoes_the_placing(columns: int, rows: int, size: tuple[int, int], how: str) -> None:
    width, height = size
    values, placement = place(np.zeros((rows, columns, 3), np.uint8), width, height, how)  # type: ignore[arg-type]
    assert values.shape == (height, width, 3) and values.dtype == np.float32
    dark = np.argwhere(values[..., 0] == 0)  # where the black picture lies on grey
    assert dark.min(axis=0).tolist() == [placement.top, placement.left]
    assert dark.max(axis=0).tolist() == [placement.top + placement.height - 1, placement.left + placement.width - 1]
    corners = [
        placement.left / width,
        placement.top / height,
        (placement.left + placement.width) / width,
        (placement.top + placement.height) / height,
    ]
    whole = placement.to_picture(np.array([corners], np.float32), columns, rows, width, height)
    assert whole[0] == pytest.approx([0, 0, columns, rows], abs=1e-3 * max(columns, rows))


class Planted:
    """A network that answers with what it was given."""

    def __init__(self, *raw: np.ndarray) -> None:
        self.raw = raw

    def predict(self, *inputs: np.ndarray) -> list[np.ndarray]:
        return [values[None] for values in self.raw]


def _planted(cells: dict[tuple[int, int], tuple[float, ...]]) -> Detector:
    """Return a detector of 64 x 64, 8 x 8 cells, one anchor of 16 x 16, three classes, that sees what is planted."""
    raw = np.full((8, 8, 8), -20, np.float32)
    for (row, column), values in cells.items():
        raw[row, column] = values
    config = DetectorConfig("planted", 64, 64, (Head("yolo", ((16.0, 16.0),), 3),), ("cat", "dog", "Zebra"))
    return Detector(config, Planted(raw))


CAT, DOG = (0, 0, 0, 0, 5, 5, -20, -20), (0, 0, 0, 0, 3, -20, 3, -20)


def test_boxes_are_in_the_picture_s_pixels_and_clipped() -> None:
    detector = _planted({(4, 0): CAT})
    (found,) = detector.detect(np.zeros((32, 128, 3), np.uint8))  # twice as large as the input, 16 rows of 64
    assert found.label == "cat" and found.class_id == 0
    assert found.bbox == pytest.approx((0, 8, 24, 32))  # x: (4 -+ 8) * 2, cut at 0; y: (36 - 24 -+ 8) * 2, cut at 32


def test_what_lies_in_the_border_is_not_found() -> None:
    assert _planted({(0, 4): CAT}).detect(np.zeros((16, 128, 3), np.uint8)) == []


def test_overlap_suppresses_within_a_class_only() -> None:
    twins = {(4, 4): CAT, (4, 5): (0, 0, 0, 0, 4, 5, -20, -20), (5, 4): DOG}
    square = np.zeros((64, 64, 3), np.uint8)
    assert [one.label for one in _planted(twins).detect(square, iou=0.3)] == ["cat", "dog"]
    assert [one.label for one in _planted(twins).detect(square, iou=0.9)] == ["cat", "cat", "dog"]
    assert [one.label for one in _planted(twins).detect(square, iou=0.9, classes=[1])] == ["dog"]
    assert [one.label for one in _planted(twins).detect(square, iou=0.9, max_detections=2)] == ["cat", "cat"]
    assert [one.label for one in _planted(twins).detect(square, score=0.98)] == ["cat"]


def test_class_numbers_by_name() -> None:
    detector = _planted({})
    assert detector.class_ids(["zebra", "CAT"]) == [2, 0]
    with pytest.raises(UsageError, match=r"no class is called 'dogg'; near: dog"):
        detector.class_ids(["dogg"])


# --- parity ----------------------------------------------------------------------------------------------------

OPENCV_REGION_NMS = 0.4  # OpenCV's region layer suppresses by itself, with this threshold, and cannot be told not to

NETS = {
    "region, reorg": (
        Cfg(96, 64).conv(16, 3).pool(2, 2).conv(16, 3).pool(2, 2).conv(32, 3).pool(2, 2).conv(32, 3)
        .add("route", layers="-2").add("route", layers="-5").conv(8).add("reorg", stride=2).add("route", layers="-1,-5")
        .conv(32, 3).region("1,1, 2,3, 4,2", 4).text(),
        4,
    ),
    "yolo, two scales": (
        Cfg(96, 96).conv(16, 3).pool(2, 2).conv(32, 3, 2).conv(32, 3, 2).conv(64, 3).pool(2, 1)
        .yolo("3,4,5", V3_TINY_ANCHORS, 5).add("route", layers="-4").conv(16).add("upsample", stride=2)
        .add("route", layers="-1,2").conv(32, 3).yolo("1,2,3", V3_TINY_ANCHORS, 5, scale_x_y=1.05).text(),
        5,
    ),
}  # fmt: skip


def _opencv(
    net: object, pixels: np.ndarray, size: tuple[int, int], score: float, nms: float = 0.45
) -> list[tuple[int, float, np.ndarray]]:
    """Detect with OpenCV: its region and yolo layers decode, its NMSBoxes suppresses, class by class."""
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is the oracle")
    net.setInput(cv2.dnn.blobFromImage(pixels[..., ::-1], 1 / 255, size, swapRB=True))  # type: ignore[attr-defined]
    outputs = net.forward(net.getUnconnectedOutLayersNames())  # type: ignore[attr-defined]
    rows = np.concatenate([values for values in outputs if values.ndim == 2])  # without convolutions nobody reads
    scale = np.array([pixels.shape[1], pixels.shape[0]] * 2)
    found = []
    for class_id in range(rows.shape[1] - 5):
        mine = rows[rows[:, 5 + class_id] > score]
        corners = np.concatenate([mine[:, :2] - mine[:, 2:4] / 2, mine[:, 2:4]], axis=1) * scale
        for index in cv2.dnn.NMSBoxes(corners.tolist(), mine[:, 5 + class_id].tolist(), 0.0, nms):
            x, y, width, height = corners[index]
            box = np.clip([x, y, x + width, y + height], 0, scale)
            found.append((class_id, float(mine[index, 5 + class_id]), box.astype(np.float32)))
    return found


@pytest.mark.parametrize("name", NETS)
def test_the_whole_way_agrees_with_opencv(name: str, tmp_path: Path) -> None:
    """Same classes, boxes and scores as OpenCV's dnn on seeded random weights, over pictures of several shapes.

    Both compute in float32 in another order: 1e-4 in scores and 0.999 in IoU leave room for that alone.
    """
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is the oracle")
    text, classes = NETS[name]
    cfg, weights, names = (tmp_path / f"net.{suffix}" for suffix in ("cfg", "weights", "names"))
    cfg.write_text(text)
    names.write_text("\n".join(f"class {number}" for number in range(classes)))
    network = parse_cfg(text, "net.cfg")
    write_random_weights(weights, network, seed=4, objectness=0.0)
    detector = Detector.from_darknet(cfg, weights, names)
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    photo = decode_image(PHOTO.read_bytes())
    total = 0
    for pixels in (photo, photo[:, :150], photo[100:190], photo[:64, :96]):
        expected = _opencv(net, np.ascontiguousarray(pixels), (network.width, network.height), 0.3, OPENCV_REGION_NMS)
        found = detector.detect(pixels, score=0.3, iou=OPENCV_REGION_NMS, resize="stretch", max_detections=10_000)
        visible = [one for one in expected if (one[2][2:] > one[2][:2]).all()]
        assert len(found) == len(visible)
        for one in found:
            rivals = [(label, value, box) for label, value, box in visible if label == one.class_id]
            overlaps = iou(np.array(one.bbox, np.float32), np.array([box for _, _, box in rivals]))
            alike = overlaps - np.abs([value - one.score for _, value, _ in rivals])  # some differ by their score alone
            best = int(alike.argmax())
            assert overlaps[best] > 0.999 and rivals[best][1] == pytest.approx(one.score, abs=1e-4)
        total += len(found)
    assert total > 20  # random weights that see nothing would prove nothing


@pytest.mark.network
def test_the_released_weights_agree_with_opencv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the real YOLOv3-tiny, float32, as the benchmark parity_yolo does on more photographs."""
    import os

    if os.environ.get("DLTOOLS_TEST_NETWORK") != "1":
        pytest.skip("fetches 33 MB; DLTOOLS_TEST_NETWORK=1 runs it")
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is the oracle")
    from dltools.runtime.assets import Registry
    from dltools.runtime.fetch import fetch

    monkeypatch.delenv("DLTOOLS_OFFLINE")
    registry = Registry.load()
    cfg, weights = (fetch(registry.file(f"yolov3-tiny.{suffix}")) for suffix in ("cfg", "weights"))
    detector = Detector.from_darknet(cfg, weights)
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    pixels = decode_image(PHOTO.read_bytes())
    expected = _opencv(net, pixels, (416, 416), 0.2)
    found = detector.detect(pixels, score=0.2, resize="stretch")
    assert len(found) == len(expected) > 0
    for one, (class_id, score, box) in zip(found, sorted(expected, key=lambda row: -row[1]), strict=True):
        assert one.class_id == class_id and one.score == pytest.approx(score, abs=0.01)
        assert iou(np.array(one.bbox, np.float32), box[None])[0] > 0.99


# --- model files -----------------------------------------------------------------------------------------------


def test_a_configuration_survives_its_file() -> None:
    config = _planted({}).config
    assert DetectorConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("data", [b"", b"not a model", b"PK\x05\x06" + b"\0" * 18])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(data)
    with pytest.raises(ModelFileError, match=r"x\.tflite"):
        Detector.open(path)


def test_a_damaged_network_is_refused(tmp_path: Path) -> None:
    from dltools.runtime.modelfile import append_config

    path = tmp_path / "x.tflite"
    path.write_bytes(append_config(b"\x1c\0\0\0TFL3" + b"\xff" * 400, _planted({}).config.to_json()))
    with pytest.raises(ModelFileError, match="LiteRT cannot open it"):
        Detector.open(path)


def test_the_embedded_detector_sees_the_cup() -> None:
    """The cup's box was read off the photograph by eye: rim and handle span 170..410 by 18..307."""
    found = Detector.load(threads=2).detect(decode_image(PHOTO.read_bytes()))
    assert [one.label for one in found] == ["cup"]
    assert iou(np.array([170, 18, 410, 307], np.float32), np.array([found[0].bbox], np.float32))[0] > 0.8


# --- evaluation ------------------------------------------------------------------------------------------------


def _truth(path: Path, *boxes: tuple[int, str, list[float]]) -> Path:
    names = sorted({name for _, name, _ in boxes})
    truth = {
        "images": [{"id": number, "file_name": f"{number}.jpg"} for number in sorted({image for image, _, _ in boxes})],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": [
            {"image_id": image, "category_id": names.index(name) + 1, "bbox": box} for image, name, box in boxes
        ],
    }
    path.write_text(json.dumps(truth))
    return path


def _record(image: int, *items: tuple[str, float, list[float]]) -> dict[str, object]:
    found = [{"label": label, "score": score, "bbox": box} for label, score, box in items]
    return {"path": f"some/folder/{image}.jpg", "items": found}


def test_perfect_records_score_one(tmp_path: Path) -> None:
    truth = _truth(tmp_path / "t.json", (1, "dog", [10, 10, 20, 30]), (2, "motorcycle", [0, 0, 50, 50]))
    records = [_record(1, ("dog", 0.9, [10, 10, 30, 40])), _record(2, ("motorbike", 0.8, [0, 0, 50, 50]))]
    score = evaluate(records, truth)
    assert (score.ap50, score.ap) == (pytest.approx(1), pytest.approx(1))
    assert (score.missing, score.unknown) == ([], [])


def test_average_precision_of_a_case_worked_by_hand(tmp_path: Path) -> None:
    """Of two dogs one is found, at rank two behind a false one, with IoU 0.8: precision 1/2 up to recall 1/2.

    COCO reads precision at 101 recall steps; 51 of them lie within recall 0.5. IoU 0.8 counts at 7 of 10 thresholds.
    """
    truth = _truth(tmp_path / "t.json", (1, "dog", [0, 0, 10, 10]), (1, "dog", [50, 50, 10, 10]))
    records = [_record(1, ("dog", 0.9, [80, 80, 90, 90]), ("dog", 0.5, [0, 0, 10, 8]), ("cat", 0.9, [0, 0, 5, 5]))]
    score = evaluate(records, truth)
    assert score.ap50 == pytest.approx(0.5 * 51 / 101)
    assert score.ap == pytest.approx(0.5 * 51 / 101 * 0.7)
    assert set(score.per_class) == {"dog"}


def test_images_without_a_record_count_against(tmp_path: Path) -> None:
    truth = _truth(tmp_path / "t.json", (1, "dog", [0, 0, 10, 10]), (2, "dog", [0, 0, 10, 10]))
    score = evaluate([_record(1, ("dog", 0.9, [0, 0, 10, 10])), _record(7)], truth)
    assert score.ap50 == pytest.approx(51 / 101) and score.missing == ["2.jpg"] and score.unknown == ["7.jpg"]
    assert evaluate([], truth).ap == 0


@pytest.mark.parametrize("text", ["", "[]", '{"images": []}', '{"images": [1], "categories": [], "annotations": []}'])
def test_what_is_no_truth_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"t\.json: not"):
        evaluate([], path)


def test_the_embedded_detector_on_labelled_photos(run: Run, shared: Path) -> None:
    """Ten photos are few: the float model has AP 29.0 on them; far below that something would be broken."""
    photos = sorted((shared / "coco").glob("*.jpg"))
    records = run("yolo-detect", "-s", "0.005", *photos).stdout
    done = run("yolo-detect", "evaluate", "--truth", shared / "coco" / "instances.json", input=records)
    score = json.loads(done.stdout)
    assert done.returncode == 0 and score["ap"] > 0.28 and score["ap50"] > 0.52
    table = run(
        "yolo-detect", "evaluate", "--truth", shared / "coco" / "instances.json", "--format", "human", input=records
    )
    assert table.stdout.decode().splitlines()[-1].split()[0] == "all"


# --- the command -----------------------------------------------------------------------------------------------


def _one(output: bytes) -> dict[str, object]:
    (line,) = output.splitlines()
    return json.loads(line)  # type: ignore[no-any-return]


def test_a_record_has_what_the_contract_says(run: Run) -> None:
    record = _one(run("yolo-detect", PHOTO).stdout)
    assert list(record) == ["path", "width", "height", "items"]
    assert (record["width"], record["height"]) == (600, 400)
    (item,) = record["items"]  # type: ignore[misc]
    assert list(item) == ["label", "class_id", "score", "bbox"] and item["class_id"] == 41


def test_the_readme_shows_what_comes_out(run: Run) -> None:
    """Other processors round the 8-bit network another way: a hundredth of the score, two pixels of the box."""
    lines = [line.strip() for line in (ROOT / "README.md").read_text("utf-8").splitlines()]
    shown = [json.loads(line) for line in lines if line.startswith('{"path"') and '"items"' in line]
    (found,) = _one(run("yolo-detect", PHOTO).stdout)["items"]  # type: ignore[misc]
    assert len(shown) == 2
    for record in shown:
        (item,) = record["items"]
        assert item["label"] == found["label"] and item["score"] == pytest.approx(found["score"], abs=0.01)
        assert item["bbox"] == pytest.approx(found["bbox"], abs=2)


def test_a_rotated_photo_is_told_upright(run: Run, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(PHOTO) as photo:
        photo.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.jpg", exif=exif, quality=95)
    record = _one(run("yolo-detect", tmp_path / "phone.jpg").stdout)
    (item,) = record["items"]  # type: ignore[misc]
    straight = _one(run("yolo-detect", PHOTO).stdout)["items"][0]  # type: ignore[index]
    assert (record["width"], record["height"], item["label"]) == (600, 400, "cup")
    assert iou(np.array(item["bbox"], np.float32), np.array([straight["bbox"]], np.float32))[0] > 0.95


def test_each_gives_one_record_a_finding(run: Run, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (50, 50)).save(blank)
    done = run("yolo-detect", "--each", blank, PHOTO)
    record = _one(done.stdout)
    assert record["path"] == str(PHOTO) and record["label"] == "cup" and "items" not in record


def test_exit_status_says_whether_something_was_found(run: Run) -> None:
    assert run("yolo-detect", "-e", PHOTO).returncode == 0
    assert run("yolo-detect", "-e", "-c", "zebra", PHOTO).returncode == 1
    assert run("yolo-detect", "-c", "zebra", PHOTO).returncode == 0


def test_crops_and_annotated_pictures(run: Run, tmp_path: Path) -> None:
    done = run("yolo-detect", "--crops", tmp_path / "crops", "-a", tmp_path / "seen", PHOTO)
    record = _one(done.stdout)
    (item,) = record["items"]  # type: ignore[misc]
    assert (record["output"], item["output"]) == (
        str(tmp_path / "seen/coffee.jpg"),
        str(tmp_path / "crops/coffee-0-cup.jpg"),
    )
    x_min, y_min, x_max, y_max = item["bbox"]
    crop = decode_image(Path(item["output"]).read_bytes())
    assert abs(crop.shape[1] - (x_max - x_min)) <= 2 and abs(crop.shape[0] - (y_max - y_min)) <= 2
    original = decode_image(PHOTO.read_bytes()).astype(int)
    drawn = np.abs(decode_image(Path(str(record["output"])).read_bytes()) - original).max(axis=2) > 60
    rows, columns = np.nonzero(drawn)
    assert rows.min() >= y_min - 40 and columns.min() >= x_min - 40  # drawn at the box and its label, nowhere else
    assert abs(rows.max() - y_max) < 4 and abs(columns.max() - x_max) < 4
    again = run("yolo-detect", "-a", tmp_path / "seen", PHOTO)
    assert again.returncode == 3 and _one(again.stdout)["error"]["code"] == "exists"  # type: ignore[index]
    assert run("yolo-detect", "-a", tmp_path / "seen", "--force", PHOTO).returncode == 0


def test_the_picture_in_the_readme_is_what_the_tool_draws(run: Run, tmp_path: Path) -> None:
    """tests/golden/coffee.jpg; Pillow's versions differ in a few pixels of the letters and in JPEG's rounding."""
    run("yolo-detect", "-a", tmp_path, PHOTO)
    drawn, golden = (decode_image((folder / "coffee.jpg").read_bytes()).astype(int) for folder in (tmp_path, GOLDEN))
    assert drawn.shape == golden.shape and np.abs(drawn - golden).mean() < 1.0


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (2500, 20)])
def test_any_size_can_be_drawn_on(run: Run, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "white").save(tmp_path / "odd.png")
    done = run("yolo-detect", "-s", "0", "-a", tmp_path / "seen", tmp_path / "odd.png")
    assert done.returncode == 0
    assert decode_image((tmp_path / "seen" / "odd.png").read_bytes()).shape[:2] == size[::-1]


def test_a_record_s_path_cannot_lead_out_of_the_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "..photo").write_bytes(PHOTO.read_bytes())
    line = json.dumps({"path": str(tmp_path / "work" / ".." / "..photo")})
    done = run(
        "yolo-detect", "-a", tmp_path / "work" / "seen", "--crops", tmp_path / "work" / "cut", input=line.encode()
    )
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["..photo", "work"]
    assert all(path.parent.name in ("seen", "cut") for path in (tmp_path / "work").rglob("*.jpg"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-m", "yolov9"], "no model is named 'yolov9'"),
        (["-c", "cra"], "no class is called 'cra'; near: cat, car"),
        (["-c", ","], "--classes names no class"),
        (["--cfg", "x.cfg"], "--cfg and --weights go together"),
        (["--cfg", "x.cfg", "--weights", "x.weights", "-m", "yolov3"], "exclude each other"),
        (["--cfg", "no.cfg", "--weights", "no.weights"], "no.cfg: cannot be read"),
        (["--score", "2"], "'-s' / '--score'"),
        (["-"], None),
    ],
)
def test_wrong_usage_is_one_clear_line(run: Run, arguments: list[str], message: str | None) -> None:
    done = run("yolo-detect", *arguments, PHOTO, input=b"")
    if message is None:  # standard input as a stream beside a file: fine
        assert done.returncode == 3
        return
    assert done.returncode == 2 and done.stdout == b""
    first = done.stderr.decode().splitlines()[0]
    assert first.startswith("yolo-detect: ") and message in first


def test_a_truncated_weights_file_names_its_layer(run: Run, tmp_path: Path) -> None:
    text = Cfg(32, 32).conv(8, 3).yolo("0,1,2", V3_TINY_ANCHORS, 80).text()
    (tmp_path / "n.cfg").write_text(text)
    write_random_weights(tmp_path / "n.weights", parse_cfg(text, "n.cfg"), seed=1)
    whole = (tmp_path / "n.weights").read_bytes()
    (tmp_path / "n.weights").write_bytes(whole[:-100])
    done = run("yolo-detect", "--cfg", tmp_path / "n.cfg", "--weights", tmp_path / "n.weights", PHOTO)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1
    assert b"n.weights: ends inside layer 1 [convolutional]" in done.stderr


def test_a_model_that_is_not_here_says_how_to_get_it(run: Run) -> None:
    done = run("yolo-detect", "--offline", "-m", "yolov3", PHOTO)
    assert done.returncode == 4 and b"dltools fetch yolov3" in done.stderr and len(done.stderr.splitlines()) == 1


def test_a_converted_model_is_converted_once(run: Run, tmp_path: Path) -> None:
    text = Cfg(32, 32).conv(8, 3).yolo("0,1,2", V3_TINY_ANCHORS, 2).text()
    (tmp_path / "n.cfg").write_text(text)
    (tmp_path / "n.names").write_text("one\ntwo\n")
    write_random_weights(tmp_path / "n.weights", parse_cfg(text, "n.cfg"), seed=1, objectness=3.0)
    files = ["--cfg", tmp_path / "n.cfg", "--weights", tmp_path / "n.weights", "--names", tmp_path / "n.names"]
    import os

    environment = {**os.environ, "DLTOOLS_CACHE": str(tmp_path / "cache")}
    first = run("yolo-detect", *files, PHOTO, env=environment)
    (converted,) = (tmp_path / "cache" / "converted").iterdir()
    stamp = converted.stat().st_mtime_ns
    second = run("yolo-detect", *files, PHOTO, env=environment)
    assert (first.returncode, first.stderr) == (0, b"") and first.stdout == second.stdout
    assert converted.stat().st_mtime_ns == stamp
    assert {item["label"] for item in _one(first.stdout)["items"]} <= {"one", "two"}  # type: ignore[attr-defined]


def test_evaluate_reads_bad_records_by_number(run: Run, tmp_path: Path) -> None:
    truth = _truth(tmp_path / "t.json", (1, "dog", [0, 0, 10, 10]))
    done = run("yolo-detect", "evaluate", "--truth", truth, input=b'{"path": "1.jpg", "items": []}\nnot json\n')
    assert done.returncode == 3 and b"record 2" in done.stderr


def test_an_image_of_every_mode_is_detected(run: Run, tmp_path: Path) -> None:
    with Image.open(PHOTO) as photo:
        for mode in ("L", "P", "CMYK", "RGBA", "1"):
            photo.convert(mode).save(tmp_path / f"{mode}.{'tif' if mode == 'CMYK' else 'png'}")
        deep = np.asarray(photo.convert("L"), np.uint16) * 257
        Image.fromarray(deep).save(tmp_path / "deep.png")
        buffer = io.BytesIO()
        photo.save(buffer, "GIF")
        (tmp_path / "a.gif").write_bytes(buffer.getvalue())
    paths = sorted(tmp_path.iterdir())
    done = run("yolo-detect", "-s", "0.3", *paths)
    records = {Path(record["path"]).name: record for record in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0 and len(records) == 7
    for name in ("P.png", "CMYK.tif", "RGBA.png", "a.gif"):  # without colours it is not sure of the cup
        assert "cup" in [item["label"] for item in records[name]["items"]], name


def test_files_are_named_in_the_order_of_the_inputs_whatever_the_jobs(run: Run, tmp_path: Path) -> None:
    photos = []
    for number in range(6):
        folder = tmp_path / f"day{number}"
        folder.mkdir()
        with Image.open(PHOTO) as image:
            image.resize((600 - 80 * number, 400)).save(folder / "photo.jpg", quality=95)
        photos.append(folder / "photo.jpg")
    outputs = []
    for jobs in (1, 3):
        folder = tmp_path / f"jobs{jobs}"
        done = run(
            "yolo-detect", "-s", "0.2", "--jobs", jobs, "-a", "boxes", "--crops", "cuts", *photos, cwd=_made(folder)
        )
        assert done.returncode == 0
        files = sorted(folder.rglob("*.jpg"))
        outputs.append(
            (done.stdout, [path.relative_to(folder) for path in files], [path.read_bytes() for path in files])
        )
    assert outputs[0] == outputs[1]
    assert b"photo-6.jpg" in outputs[0][0]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
