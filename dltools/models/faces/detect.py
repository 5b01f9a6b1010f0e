"""Find faces in pictures with MTCNN: three networks, each of which looks closer at what the one before left.

Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks" (2016).
In: RGB pictures, uint8 (rows, columns, 3), of any size. Out: boxes, scores, and five points of each face: left eye,
right eye (as the viewer sees them), nose, left and right corner of the mouth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from dltools.io.images import Pixels
from dltools.models.faces.boxes import Floats, distinct, moved, sane, squared
from dltools.runtime.predictor import Predictor

if TYPE_CHECKING:
    from PIL.Image import Image

#: Scores that a candidate needs to pass the first two networks, and to be a face (the authors' values).
PROPOSAL_SCORE, REFINE_SCORE, FACE_SCORE = 0.6, 0.7, 0.7
#: Beside a face of at least this score, one of less is left out: it is seldom one (CARD.md has the counts).
SURE_SCORE = 0.85
#: Sides in pixels of the smallest face that is looked for, unless the picture is so large that its share is larger.
MIN_FACE, MIN_FACE_SHARE = 20, 1 / 100

_CELL, _STRIDE = 12, 2  # pixels that a decision of the first network looks at, and from one to the next
_SHRINK = 0.709  # from one size of the picture to the next: half the area
_REFINE_SIZE, _OUTPUT_SIZE = 24, 48
_TILE = 640  # pixels: larger sizes of the picture go through the first network in tiles, so that memory is bounded
_STRIP_ROWS = 64
_MOST_CANDIDATES = 2000
_BATCH = 128


class FoundFace(NamedTuple):
    """A face: its box (x_min, y_min, x_max, y_max) and five points (5, 2) in pixels, and its score (0 to 1)."""

    bbox: tuple[float, float, float, float]
    score: float
    points: npt.NDArray[np.float64]


class FaceDetector:
    """MTCNN's three networks, to be used by one thread at a time."""

    def __init__(self, proposal: Predictor, refine: Predictor, output: Predictor) -> None:
        self._proposal = proposal
        self._refine = refine
        self._output = output

    def find(self, pixels: Pixels, *, min_face: float | None = None, min_score: float | None = None) -> list[FoundFace]:
        """Return the faces in ``pixels``, best first.

        ``min_face``: the side in pixels of the smallest face to find; by default 20, or a hundredth of the picture's
        longer side if that is more. ``min_score``: only faces of a higher score; by default those above 0.85 or,
        where there is none, those above 0.7.
        """
        rows, columns = pixels.shape[:2]
        side = max(_CELL, min_face or max(MIN_FACE, MIN_FACE_SHARE * max(rows, columns)))
        sizes = _Sizes(pixels, _CELL / side)
        boxes = self._propose(sizes)
        boxes = boxes[sane(boxes, columns, rows)]
        boxes, scores, _ = self._look_closer(self._refine, sizes, boxes, _REFINE_SIZE, REFINE_SCORE)
        kept = distinct(boxes, scores, 0.7)
        boxes = boxes[kept]
        boxes = boxes[sane(boxes, columns, rows)]
        boxes, scores, points = self._look_closer(
            self._output, sizes, boxes, _OUTPUT_SIZE, FACE_SCORE if min_score is None else min_score
        )
        kept = distinct(boxes, scores, 0.7, of="smaller")
        boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, columns)
        boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, rows)
        kept = [index for index in kept if (boxes[index, 2:] > boxes[index, :2]).all()]
        if min_face is not None:  # a smaller one may have been found in passing
            kept = [index for index in kept if (boxes[index, 2:] - boxes[index, :2]).max() >= min_face]
        if min_score is None and kept and scores[kept[0]] > SURE_SCORE:
            kept = [index for index in kept if scores[index] > SURE_SCORE]
        return [_face(boxes[index], float(scores[index]), points[index]) for index in kept]

    def _propose(self, sizes: _Sizes) -> Floats:
        """Return squares (n, 4) that may hold a face, in pixels of the picture."""
        boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
        for scale, image in sizes:
            found, values = self._propose_at(image)
            if len(found):
                kept = distinct(found, values, 0.5)[:_MOST_CANDIDATES]
                boxes.append(found[kept] / scale)
                scores.append(values[kept])
        all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
        best = np.argsort(-all_scores, kind="stable")[: 2 * _MOST_CANDIDATES]
        all_boxes, all_scores = all_boxes[best], all_scores[best]
        return all_boxes[distinct(all_boxes, all_scores, 0.7)[:_MOST_CANDIDATES]]

    def _propose_at(self, image: Image) -> tuple[Floats, Floats]:
        """Return boxes (n, 4) and scores (n,) at one size of the picture, in pixels of that size."""
        values = np.asarray(image)
        found: list[tuple[Floats, Floats]] = []
        for left, top in _tiles(*image.size):
            tile = _normalized(values[top : top + _TILE, left : left + _TILE])
            (answer,) = self._proposal.predict(tile[None])  # (1, rows, columns, 5)
            scores = _sigmoid(answer[0, ..., 4])
            y, x = np.nonzero(scores > PROPOSAL_SCORE)
            # The first network pads the last odd row and column of its pool: no whole cell lies there.
            whole = (y * _STRIDE + _CELL <= tile.shape[0]) & (x * _STRIDE + _CELL <= tile.shape[1])
            y, x = y[whole], x[whole]
            corner = np.stack([x * _STRIDE + left, y * _STRIDE + top], axis=1).astype(np.float32)
            cells = np.concatenate([corner, corner + _CELL], axis=1)
            found.append((moved(cells, answer[0, y, x, :4]), scores[y, x]))
        boxes, scores = (np.concatenate(part) for part in zip(*found, strict=True))
        best = np.argsort(-scores, kind="stable")[: 4 * _MOST_CANDIDATES]
        return boxes[best], scores[best]

    def _look_closer(
        self, network: Predictor, sizes: _Sizes, boxes: Floats, size: int, least: float
    ) -> tuple[Floats, Floats, Floats]:
        """Return what a network makes of candidates: boxes (n, 4), scores (n,), and five points (n, 5, 2), if any."""
        boxes = squared(boxes)
        answers = []
        for start in range(0, len(boxes), _BATCH):
            crops = np.stack([sizes.crop(box, size) for box in boxes[start : start + _BATCH]])
            answers.append(network.predict(_normalized(crops))[0])
        if not answers:
            return boxes, np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
        answer = np.concatenate(answers)  # (n, 5) or (n, 15)
        scores = _sigmoid(answer[:, -1])
        good = scores > least
        boxes, answer, scores = boxes[good], answer[good], scores[good]
        shares = (
            answer[:, 4:-1].reshape(len(boxes), 2, (answer.shape[1] - 5) // 2).transpose(0, 2, 1)
        )  # (n, 5, 2), or (n, 0, 2)
        points = boxes[:, None, :2] + shares * (boxes[:, None, 2:] - boxes[:, None, :2])
        return moved(boxes, answer[:, :4]), scores, points


class _Sizes:
    """A picture in several sizes, the largest first; each is made when it is asked for, and kept for the cuts."""

    def __init__(self, pixels: Pixels, scale: float) -> None:
        self._height, self._width = pixels.shape[:2]
        # So far that the smallest face still fills the last network's input: a huge picture takes no second copy.
        self._image = _reduced(pixels, max(1, int(_CELL / (_OUTPUT_SIZE * scale))))
        self._made: list[tuple[float, Image]] = []
        count = 0
        while min(self._width, self._height) * scale * _SHRINK**count >= _CELL:
            count += 1
        self._scales = [scale * _SHRINK**number for number in range(count)]

    def __iter__(self) -> Iterator[tuple[float, Image]]:
        from PIL import Image

        for scale in self._scales:
            width, height = (max(_CELL, math.ceil(side * scale)) for side in (self._width, self._height))
            small = self._image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
            self._made.append((scale, small))
            yield scale, small

    def crop(self, box: Sequence[float] | Floats, size: int) -> Pixels:
        """Return what lies in a square, (size, size, 3), cut from a picture no larger than need be; black outside."""
        from PIL import Image

        left, top, right, bottom = map(float, box)
        source, scale = self._image, self._image.width / self._width
        for smaller, image in self._made:
            if smaller < scale and (right - left) * smaller >= 2 * size:
                source, scale = image, smaller
        across, down = source.width / self._width, source.height / self._height
        x, y = left * across, top * down
        width, height = (right - left) * across, (bottom - top) * down
        if x < 0 or y < 0 or x + width > source.width or y + height > source.height:
            column, row = math.floor(x), math.floor(y)
            source = source.crop((column, row, math.ceil(x + width) + 1, math.ceil(y + height) + 1))
            x, y = x - column, y - row
        cut = source.resize((size, size), Image.Resampling.BILINEAR, box=(x, y, x + width, y + height))
        return np.asarray(cut)


def _reduced(pixels: Pixels, factor: int) -> Image:
    """Return a picture whose pixels are the means of ``factor`` x ``factor``, made strip by strip."""
    from PIL import Image

    if factor == 1:
        return Image.fromarray(pixels)
    step = factor * _STRIP_ROWS
    strips = (pixels[top : top + step] for top in range(0, len(pixels), step))
    return Image.fromarray(np.concatenate([np.asarray(Image.fromarray(strip).reduce(factor)) for strip in strips]))


def _tiles(width: int, height: int) -> Iterator[tuple[int, int]]:
    """Yield the corners of tiles that hold every cell of a picture whole."""
    step = _TILE - _CELL + _STRIDE
    for top in range(0, max(1, height - _CELL + _STRIDE), step):
        for left in range(0, max(1, width - _CELL + _STRIDE), step):
            if height - top >= _CELL and width - left >= _CELL:
                yield left, top


def _normalized(pixels: Pixels) -> Floats:
    values = pixels.astype(np.float32)
    values -= np.float32(127.5)
    values *= np.float32(1 / 128)
    return values


def _sigmoid(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), np.float32)


def _face(box: Floats, score: float, points: Floats) -> FoundFace:
    x_min, y_min, x_max, y_max = box.tolist()
    return FoundFace((x_min, y_min, x_max, y_max), score, points.astype(np.float64))
