"""Hold yolo-detect's float32 models against the reference implementations: ``python benchmarks/parity_yolo.py``.

Darknet (Debian's binary, ``detector valid``) is the reference of ``--resize letterbox``, OpenCV's dnn that of
``--resize stretch``. YOLOv3-tiny runs on its released weights; for the other networks, whose weights lie only with
their authors, a seeded random ``.weights`` file of the right size stands in: the arithmetic is the same.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from dltools.io.images import decode_image
from dltools.models.yolo.boxes import iou
from dltools.models.yolo.darknet import read_cfg
from dltools.models.yolo.infer import Detector
from dltools.runtime.assets import Registry
from dltools.runtime.fetch import fetch
from tests.darknet_files import write_random_weights, yolov4_tiny

DARKNET = Path("/usr/share/darknet")
COCO_CLASSES = 80
DARKNET_SUPPRESSION = 0.45  # examples/detector.c
WANTED = range(4, 30)  # candidates a picture: enough to compare, few enough that suppression does not cascade


class Found(NamedTuple):
    """Detections of one picture: boxes (n, 4) in pixels, scores (n,), classes (n,)."""

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


def ours(detector: Detector, photo: Path, score: float, suppression: float, resize: str) -> Found:
    """Detect with dltools.

    For the comparison with Darknet, boxes are mapped back as Darknet does it: letterbox_image puts the picture
    border // 2 pixels in, correct_yolo_boxes takes border / 2 off, so that where the border is odd its boxes lie half
    an input pixel off. The toolkit itself maps them back to where the picture really was.
    """
    pixels = decode_image(photo.read_bytes())
    prepared = detector.prepare(pixels, resize)
    if resize == "letterbox":
        lying = prepared.placement
        left, top = (detector.config.width - lying.width) / 2, (detector.config.height - lying.height) / 2
        prepared = prepared._replace(placement=dataclasses.replace(lying, left=left, top=top))
    found = detector.run(prepared, score=score, iou=suppression, max_detections=100_000)
    boxes = np.array([one.bbox for one in found], np.float32).reshape(-1, 4)
    return Found(boxes, np.array([one.score for one in found]), np.array([one.class_id for one in found], int))


def opencv(net, photo: Path, size: tuple[int, int], score: float, suppression: float) -> Found:
    """Detect with OpenCV's dnn, the picture stretched to the network's input."""
    import cv2

    image = cv2.imread(str(photo))
    net.setInput(cv2.dnn.blobFromImage(image, 1 / 255, size, swapRB=True, crop=False))
    rows = np.concatenate(net.forward(net.getUnconnectedOutLayersNames()))
    index, class_id = np.nonzero(rows[:, 5:] > score)
    values = rows[index, 5 + class_id]
    height, width = image.shape[:2]
    centre, half = rows[index, :2], rows[index, 2:4] / 2
    scale = np.array([width, height] * 2)
    boxes = np.concatenate([centre - half, centre + half], axis=1) * scale
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1).tolist()
    kept: list[int] = []
    for one in np.unique(class_id):
        members = np.nonzero(class_id == one)[0]
        chosen = cv2.dnn.NMSBoxes([corners[m] for m in members], values[members].tolist(), 0.0, suppression)
        kept.extend(members[chosen])
    boxes = np.clip(boxes[kept], 0, np.array([width, height] * 2))
    return Found(boxes.astype(np.float32), values[kept], class_id[kept])


def calibrate(cfg: Path, weights: Path, photos: list[Path], score: float) -> None:
    """Write random weights whose heads see some objects in each picture, neither none nor one in every cell."""
    import cv2

    network = read_cfg(cfg)
    low, high = -40.0, 10.0
    for _ in range(8):
        middle = (low + high) / 2
        write_random_weights(weights, network, seed=1, objectness=middle)
        net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
        size = (network.width, network.height)
        count = sum(len(opencv(net, photo, size, score, 1.0).scores) for photo in photos) / len(photos)
        if WANTED.start <= count < WANTED.stop:
            return
        low, high = (middle, high) if count < WANTED.start else (low, middle)


def darknet(cfg: Path, weights: Path, photos: list[Path], score: float, folder: Path) -> list[Found]:
    """Detect with the Darknet binary, whose ``detector valid`` writes all boxes above 0.005 as COCO results.

    It takes at least four pictures, one a thread. Boxes that lie wholly in the border come out empty and are left out.
    """
    (folder / "results").mkdir(exist_ok=True)
    links = [folder / f"{number + 1:06d}{photo.suffix}" for number, photo in enumerate(photos)]
    for link, photo in zip(links, photos, strict=True):
        link.unlink(missing_ok=True)
        link.symlink_to(photo)
    (folder / "list").write_text("".join(f"{link}\n" for link in links))
    names = DARKNET / "data" / "coco.names"
    (folder / "coco.data").write_text(
        f"classes=80\nvalid={folder / 'list'}\nnames={names}\neval=coco\nbackup={folder}\n"
    )
    call = ["darknet", "detector", "valid", str(folder / "coco.data"), str(cfg), str(weights)]
    subprocess.run(call, cwd=folder, check=True, capture_output=True)
    rows = json.loads((folder / "results" / "coco_results.json").read_text())
    # COCO's official ids leave gaps; Darknet writes them, in the order of its 80 classes.
    gaps = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
    class_of = {number: index for index, number in enumerate(n for n in range(1, 91) if n not in gaps)}
    result = []
    for number in range(1, len(photos) + 1):
        mine = [row for row in rows if row["image_id"] == number and row["score"] > score and min(row["bbox"][2:]) > 0]
        boxes = np.array([row["bbox"] for row in mine], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        classes = np.array([class_of[row["category_id"]] for row in mine], int)
        result.append(Found(boxes, np.array([row["score"] for row in mine]), classes))
    return result


class Agreement(NamedTuple):
    """How two lists of detections agree.

    ``matched``: the reference's detections with a counterpart in ours. ``tied``: whose counterpart lost its suppression
    here against a box that overlaps it: of two boxes with scores alike to five digits, either may survive. ``missing``:
    without any counterpart. The worst difference of scores and the smallest IoU are over matched and tied.
    """

    matched: int
    tied: int
    missing: int
    score_difference: float
    smallest_iou: float


def counterpart(box: np.ndarray, value: float, class_id: int, among: Found) -> tuple[float, float]:
    """Return IoU and score difference of the detection of the same class that is most alike, (0, 1) without one."""
    same = among.classes == class_id
    if not same.any():
        return 0.0, 1.0
    overlaps = iou(box, among.boxes[same])
    differences = np.abs(among.scores[same] - value)
    best = int((overlaps - differences).argmax())
    return float(overlaps[best]), float(differences[best])


def compare(kept: list[Found], candidates: list[Found], theirs: list[Found], score: float) -> Agreement:
    """Look each of the reference's detections up in ours, after suppression and before it.

    Scores within 0.01 of the threshold may be on either side of it.
    """
    matched = tied = missing = 0
    worst, smallest = 0.0, 1.0
    for mine, before, other in zip(kept, candidates, theirs, strict=True):
        for box, value, class_id in zip(*other, strict=True):
            overlap, difference = counterpart(box, value, class_id, mine)
            if overlap >= 0.99 and difference <= 0.01:
                matched += 1
            else:
                overlap, difference = counterpart(box, value, class_id, before)
                if overlap < 0.9 or difference > 0.1:
                    missing += value > score + 0.01
                    continue
                tied += 1
            worst, smallest = max(worst, difference), min(smallest, overlap)
    return Agreement(matched, tied, missing, worst, smallest)


def main() -> None:
    """Print one row a network and reference."""
    import cv2

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="*", type=Path, help="photographs (default: Darknet's)")
    parser.add_argument("--score", type=float, default=0.3, help="compare detections above it")
    parser.add_argument("--only", help="only the network of this name")
    arguments = parser.parse_args()
    photos = arguments.photos or sorted((DARKNET / "data").glob("*.jpg"))
    registry = Registry.load()
    released = fetch(registry.file("yolov3-tiny.weights"))
    names = DARKNET / "data" / "coco.names"
    print(f"{len(photos)} photographs, detections above {arguments.score} (region heads: 0.61)")
    print(f"{'network':22} {'reference':9} {'matched':>7} {'tied':>5} {'missing':>7} {'score diff':>10} {'IoU min':>8}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cfgs: dict[str, Path] = {
            key: DARKNET / "cfg" / f"{key}.cfg"
            for key in ("yolov3-tiny", "yolov2", "yolov2-tiny", "yolov3", "yolov3-spp")
        }
        cfgs["yolov4-tiny"] = folder / "yolov4-tiny.cfg"
        cfgs["yolov4-tiny"].write_text(yolov4_tiny(416, COCO_CLASSES, 1))
        for network_name, cfg in cfgs.items():
            if arguments.only not in (None, network_name):
                continue
            # OpenCV takes the thresh of a region section, 0.6 in YOLOv2's, for its score threshold.
            score = max(arguments.score, 0.61 if read_cfg(cfg).heads[0].kind == "region" else 0)
            weights = released
            if network_name != "yolov3-tiny":
                weights = folder / f"{network_name}.weights"
                calibrate(cfg, weights, photos[:2], score)
            detector = Detector.from_darknet(cfg, weights, names, threads=2)
            size = (detector.config.width, detector.config.height)
            net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
            # OpenCV's region layer suppresses by itself, at 0.4, and cannot be told not to.
            suppression = 0.4 if detector.config.heads[0].kind == "region" else DARKNET_SUPPRESSION
            kept, before = (
                [ours(detector, photo, score, threshold, "stretch") for photo in photos]
                for threshold in (suppression, 1.0)
            )
            theirs = [opencv(net, photo, size, score, suppression) for photo in photos]
            print(row(network_name, "OpenCV", compare(kept, before, theirs, score)), flush=True)
            if not network_name.startswith("yolov4"):  # Debian's Darknet is older than version 4
                kept, before = (
                    [ours(detector, photo, score, threshold, "letterbox") for photo in photos]
                    for threshold in (DARKNET_SUPPRESSION, 1.0)
                )
                theirs = darknet(cfg, weights, photos, score, folder)
                print(row(network_name, "Darknet", compare(kept, before, theirs, score)), flush=True)


def row(name: str, reference: str, agreement: Agreement) -> str:
    """Return one row of the table."""
    return (
        f"{name:22} {reference:9} {agreement.matched:7} {agreement.tied:5} {agreement.missing:7} "
        f"{agreement.score_difference:10.5f} {agreement.smallest_iou:8.4f}"
    )


if __name__ == "__main__":
    main()
