"""Boxes: intersection over union, non-maximum suppression, and the way from a picture to the network and back.

Boxes are float arrays of shape (n, 4), ``x_min, y_min, x_max, y_max``. Non-maximum suppression is the greedy
one that Darknet does for each class (``do_nms_sort`` in src/box.c).
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels, resize_centres, resize_corners

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.intp]
Resize = Literal["letterbox", "stretch"]


def iou(box: Floats, boxes: Floats) -> Floats:
    """Return the intersection over union of one box (4,) with each of ``boxes`` (n, 4), as (n,), 0 to 1."""
    corner_min = np.maximum(box[:2], boxes[:, :2])
    corner_max = np.minimum(box[2:], boxes[:, 2:])
    intersection = np.prod(np.maximum(corner_max - corner_min, 0), axis=1)
    union = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - intersection
    result: Floats = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    return result


def non_maximum_suppression(boxes: Floats, scores: Floats, class_ids: Integers, threshold: float) -> Integers:
    """Return the indices of the boxes that stay, highest score first.

    Of two boxes (n, 4) of one class whose IoU is above ``threshold`` (0 to 1) the one with the lower score
    (n,) goes; boxes of different classes (n,) never touch each other. Equal scores keep their order.
    """
    kept: list[int] = []
    order = np.argsort(-scores, kind="stable")
    for class_id in sorted(set(class_ids.tolist())):  # np.unique would import numpy.ma, 12 ms at every start
        waiting = order[class_ids[order] == class_id]
        while waiting.size:
            best, waiting = waiting[0], waiting[1:]
            kept.append(int(best))
            if waiting.size:
                waiting = waiting[iou(boxes[best], boxes[waiting]) <= threshold]
    indices = np.asarray(kept, np.intp)
    return indices[np.lexsort((indices, -scores[indices]))]


@dataclasses.dataclass(frozen=True)
class Placement:
    """Where a picture lies in the network's input: ``left``, ``top``, ``width``, ``height``, in input pixels."""

    left: int
    top: int
    width: int
    height: int

    def to_picture(self, boxes: Floats, columns: int, rows: int, width: int, height: int) -> Floats:
        """Map boxes (n, 4) from fractions of the input (``width`` x ``height``) to pixels of the picture."""
        scale = np.array([width / self.width * columns, height / self.height * rows] * 2, np.float32)
        origin = np.array([self.left / width, self.top / height] * 2, np.float32)
        return (boxes - origin) * scale


def place(pixels: Pixels, width: int, height: int, how: Resize) -> tuple[Floats, Placement]:
    """Bring a picture (rows, columns, 3) to the input size; return (height, width, 3) in 0..1, and where it lies.

    ``letterbox`` keeps the aspect ratio, centred on grey, sampled as Darknet's ``letterbox_image`` does;
    ``stretch`` fills the input, sampled as OpenCV's ``blobFromImage`` does. The two sample at slightly
    different points (corner on corner against centre on centre), which moves scores by some hundredths.
    """
    rows, columns = pixels.shape[:2]
    if how == "stretch":
        resized = resize_centres(pixels, width, height)
        return resized / np.float32(255), Placement(0, 0, width, height)
    if width * rows < height * columns:  # the wider picture fills the width (src/image.c, letterbox_image)
        inner_width, inner_height = width, max(1, rows * width // columns)
    else:
        inner_width, inner_height = max(1, columns * height // rows), height
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    canvas = np.full((height, width, 3), 0.5, np.float32)
    inner = canvas[top : top + inner_height, left : left + inner_width]
    np.divide(resize_corners(pixels, inner_width, inner_height), np.float32(255), out=inner)
    return canvas, Placement(left, top, inner_width, inner_height)
