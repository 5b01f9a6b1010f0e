"""Find objects in pictures with a YOLO network.

Redmon et al., "You Only Look Once" (2015), "YOLO9000" (2016), "YOLOv3" (2018); Bochkovskiy et al., "YOLOv4" (2020).
In: RGB pictures, uint8 (rows, columns, 3), of any size. Out: labels, scores and boxes in the picture's pixels.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dltools.errors import ModelFileError, UsageError
from dltools.io.images import Pixels
from dltools.models.yolo import store
from dltools.models.yolo.boxes import Floats, Placement, Resize, non_maximum_suppression, place
from dltools.models.yolo.config import DetectorConfig
from dltools.models.yolo.decode import decode_head
from dltools.runtime.assets import Notify, Progress
from dltools.runtime.modelfile import load_predictor, read_config
from dltools.runtime.predictor import Predictor


class Detection(NamedTuple):
    """One object: its class, its score (0 to 1) and its box (x_min, y_min, x_max, y_max) in pixels."""

    label: str
    class_id: int
    score: float
    bbox: tuple[float, float, float, float]


class Prepared(NamedTuple):
    """A picture made ready for the network: its input (1, height, width, 3), and the way back."""

    values: Floats
    placement: Placement
    columns: int
    rows: int


class Detector:
    """An object detector: a network, and what its file says about it."""

    def __init__(self, config: DetectorConfig, predictor: Predictor) -> None:
        self.config = config
        self._predictor = predictor

    @classmethod
    def load(
        cls,
        model: str = store.DEFAULT_MODEL,
        *,
        threads: int = 1,
        offline: bool = False,
        progress: Progress | None = None,
        notify: Notify | None = None,
    ) -> Detector:
        """Return the detector called ``model``: embedded, from the cache, or fetched and converted.

        ``progress`` is told of downloads (name, bytes so far, bytes in all), ``notify`` of a conversion.
        Raise :class:`UsageError` for an unknown name, :class:`MissingError` where it cannot be had.
        """
        return cls.open(store.model_file(model, offline=offline, progress=progress, notify=notify), threads=threads)

    @classmethod
    def from_darknet(
        cls,
        cfg: Path,
        weights: Path,
        names: Path | None = None,
        *,
        threads: int = 1,
        notify: Notify | None = None,
    ) -> Detector:
        """Return the detector of Darknet's files, converted at the first use and cached by their contents.

        Raise :class:`ModelFileError` naming the layer at which a file goes wrong.
        """
        return cls.open(store.converted_file(cfg, weights, names, notify=notify), threads=threads)

    @classmethod
    def open(cls, path: Path, *, threads: int = 1) -> Detector:
        """Return the detector in a model file; raise :class:`ModelFileError`."""
        try:
            config = DetectorConfig.from_json(read_config(path))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelFileError(f"{path}: not a detector's model file") from error
        return cls(config, load_predictor(path, threads=threads))

    def class_ids(self, labels: Collection[str]) -> list[int]:
        """Return the class numbers of ``labels``, in any case; raise :class:`UsageError` for one unknown."""
        numbers = {name.casefold(): number for number, name in enumerate(self.config.names)}
        for label in labels:
            if label.casefold() not in numbers:
                import difflib

                near = difflib.get_close_matches(label.casefold(), numbers, n=3)
                hint = f"; near: {', '.join(near)}" if near else f"; {self.config.name} knows {', '.join(numbers)}"
                raise UsageError(f"no class is called {label!r}{hint}")
        return [numbers[label.casefold()] for label in labels]

    def detect(
        self,
        image: Pixels,
        *,
        score: float = 0.5,
        iou: float = 0.45,
        classes: Collection[int] | None = None,
        max_detections: int = 100,
        resize: Resize = "letterbox",
    ) -> list[Detection]:
        """Return the objects in ``image``, uint8 RGB (rows, columns, 3), best first.

        ``score``: only detections above it. ``iou``: of two boxes of one class that overlap by more, the
        better stays. ``classes``: only these class numbers. ``resize``: see :func:`boxes.place`.
        """
        prepared = self.prepare(image, resize)
        return self.run(prepared, score=score, iou=iou, classes=classes, max_detections=max_detections)

    def prepare(self, image: Pixels, resize: Resize = "letterbox") -> Prepared:
        """Bring a picture to the network's size, for :meth:`run`."""
        values, placement = place(image, self.config.width, self.config.height, resize)
        return Prepared(values[None], placement, image.shape[1], image.shape[0])

    def run(
        self,
        prepared: Prepared,
        *,
        score: float = 0.5,
        iou: float = 0.45,
        classes: Collection[int] | None = None,
        max_detections: int = 100,
    ) -> list[Detection]:
        """Return the objects in a prepared picture; the arguments are those of :meth:`detect`."""
        width, height = self.config.width, self.config.height
        raw = self._predictor.predict(prepared.values)
        if [values.shape[-1] for values in raw] != [head.channels for head in self.config.heads]:
            raise ModelFileError(f"{self.config.name}: its network does not give what its configuration says")
        found = [
            decode_head(values[0], head, width, height, score)
            for values, head in zip(raw, self.config.heads, strict=True)
        ]
        boxes = np.concatenate([part[0] for part in found])  # (n, 4)
        scores = np.concatenate([part[1] for part in found])  # (n,)
        class_ids = np.concatenate([part[2] for part in found])  # (n,)
        if classes is not None:
            wanted = np.isin(class_ids, list(classes))
            boxes, scores, class_ids = boxes[wanted], scores[wanted], class_ids[wanted]
        boxes = prepared.placement.to_picture(boxes, prepared.columns, prepared.rows, width, height)
        kept = non_maximum_suppression(boxes, scores, class_ids, iou)
        boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, prepared.columns)
        boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, prepared.rows)
        visible = (boxes[kept, 2:] > boxes[kept, :2]).all(axis=1)  # some lie wholly in the letterbox's border
        kept = kept[visible][:max_detections]
        return [self._detection(boxes[index], float(scores[index]), int(class_ids[index])) for index in kept]

    def _detection(self, box: Floats, score: float, class_id: int) -> Detection:
        x_min, y_min, x_max, y_max = box.tolist()
        return Detection(self.config.names[class_id], class_id, score, (x_min, y_min, x_max, y_max))
