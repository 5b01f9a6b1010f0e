"""From a head's raw numbers to boxes: grid decoding.

YOLOv2 ("YOLO9000", 2016, figure 3): bx = (column + sigmoid(tx)) / columns, bw = anchor * exp(tw) / columns, class
scores by softmax. YOLOv3 (2018, section 2): the same centre, anchors in input pixels, classes by sigmoid. YOLOv4
(2020) stretches the centre by ``scale_x_y`` so that it reaches the cell's edge. Raw: (rows, columns,
anchors * (5 + classes)), anchor by anchor x, y, width, height, objectness, classes. Boxes: (n, 4) corners
in fractions of the network's input.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dltools.models.yolo.boxes import Floats, Integers
from dltools.models.yolo.config import Head

#: More candidates than this are cut to the best before suppression, which takes time with their square.
MAX_CANDIDATES = 20_000


def sigmoid(values: Floats) -> Floats:
    """Return 1 / (1 + exp(-values)), elementwise, without overflow."""
    result: Floats = np.float32(0.5) * (np.tanh(values * np.float32(0.5)) + np.float32(1))
    return result


def softmax(values: Floats) -> Floats:
    """Return exp(values) over its sum along the last axis."""
    powers = np.exp(values - values.max(axis=-1, keepdims=True))
    result: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return result


def decode_head(raw: Floats, head: Head, width: int, height: int, threshold: float) -> tuple[Floats, Floats, Integers]:
    """Return the boxes (n, 4), scores (n,) and class numbers (n,) of one head above ``threshold``.

    ``width``, ``height``: the network's input in pixels. A score is objectness times class probability, as in
    Darknet; a box counts once for each of its classes above the threshold. Only cells whose objectness alone
    reaches it are decoded, since a score is never higher.
    """
    rows, columns, _ = raw.shape
    cells = raw.reshape(rows, columns, len(head.anchors), 5 + head.classes)  # (rows, columns, anchors, 5 + classes)
    objectness = sigmoid(cells[..., 4])
    row, column, anchor = np.nonzero(objectness > threshold)
    found = cells[row, column, anchor]  # (candidates, 5 + classes)
    classes = softmax(found[:, 5:]) if head.kind == "region" else sigmoid(found[:, 5:])
    scores = objectness[row, column, anchor, None] * classes
    candidate, class_id = np.nonzero(scores > threshold)
    values = scores[candidate, class_id]
    if values.size > MAX_CANDIDATES:
        best = np.argpartition(-values, MAX_CANDIDATES)[:MAX_CANDIDATES]
        candidate, class_id, values = candidate[best], class_id[best], values[best]
    boxes = _corners(found[:, :4], np.stack([column, row], axis=1), (columns, rows), anchor, head, (width, height))
    return boxes[candidate], values, class_id


def _corners(
    found: Floats,
    cell: npt.NDArray[np.intp],
    grid: tuple[int, int],
    anchor: Integers,
    head: Head,
    size: tuple[int, int],
) -> Floats:
    """Return corners (n, 4) from raw x, y, width, height (n, 4) in cells ``cell`` (n, 2: column, row)."""
    scale = np.float32(head.scale_x_y)
    centre = sigmoid(found[:, :2]) * scale - (scale - 1) / 2
    centre = (centre + cell.astype(np.float32)) / np.array(grid, np.float32)
    unit = np.array(grid if head.kind == "region" else size, np.float32)
    anchors = np.array(head.anchors, np.float32)[anchor] / unit  # (n, 2), fractions of the input
    half = np.exp(np.minimum(found[:, 2:4], 80)) * anchors / 2  # 80: exp stays a finite float32
    return np.concatenate([centre - half, centre + half], axis=1)
