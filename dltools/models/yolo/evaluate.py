"""Measure a detector: COCO's average precision, by COCO's own pycocotools.

Lin et al., "Microsoft COCO" (2014): AP is the mean over IoU 0.50 to 0.95 in steps of 0.05, AP50 that at 0.50.
In: records as ``yolo-detect`` writes them, and a truth file in COCO's format.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dltools.errors import InputError, MissingError
from dltools.io.inputs import read_named
from dltools.io.jsontext import read_json
from dltools.io.records import Record, bbox_of

#: Darknet's own names for classes that COCO's truth files call otherwise.
_COCO_NAMES = {
    "aeroplane": "airplane",
    "diningtable": "dining table",
    "motorbike": "motorcycle",
    "pottedplant": "potted plant",
    "sofa": "couch",
    "tvmonitor": "tv",
}


class Score(NamedTuple):
    """How well records fit the truth: fractions 0 to 1, and what could not be compared."""

    ap50: float
    ap: float
    per_class: dict[str, dict[str, float]]
    images: int
    missing: list[str]  # images of the truth without a record
    unknown: list[str]  # records whose image the truth does not have


def evaluate(records: Iterable[Mapping[str, Any]], truth_path: Path) -> Score:
    """Return the average precision of ``records`` against the COCO file ``truth_path``.

    Records find their image by its file name, without folders, and their classes by name; Darknet's six names that
    differ from COCO's are known. An image with no record counts as one in which nothing was found.
    Raise :class:`InputError` for what is no COCO file, :class:`MissingError` without pycocotools.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError as error:
        raise MissingError("evaluation needs pycocotools: pip install 'dltools[evaluate]'") from error

    truth = _read_truth(truth_path)
    images = {Path(image["file_name"]).name: image["id"] for image in truth["images"]}
    seen, unknown, found = _collect(records, images, _categories(truth))
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints as it goes
        reference = COCO()
        reference.dataset = truth
        reference.createIndex()
        evaluation = COCOeval(reference, _results(reference, found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, -1]  # (IoU thresholds, recall steps, classes)
    names = {category["id"]: category["name"] for category in truth["categories"]}
    per_class = {
        names[category]: {"ap50": _mean(precision[0, :, index]), "ap": _mean(precision[:, :, index])}
        for index, category in enumerate(evaluation.params.catIds)
        if (precision[:, :, index] > -1).any()
    }
    missing = sorted(name for name in images if name not in seen)
    return Score(_mean(precision[0]), _mean(precision), per_class, len(images), missing, unknown)


def _mean(precision: np.ndarray[Any, Any]) -> float:
    """Average what is defined: pycocotools marks classes without truth by -1."""
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else 0.0


def _read_truth(path: Path) -> dict[str, Any]:
    try:
        truth = read_json(read_named(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON") from error
    for part, keys in _TRUTH.items():
        rows = truth.get(part) if isinstance(truth, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise InputError(f"{path}: not a COCO truth file (no proper list of {part})")
        for number, row in enumerate(rows):
            for key, usable in keys.items():
                if key not in row or not usable(row[key]):
                    raise InputError(f"{path}: not a COCO truth file ({part}[{number}] has no usable {key})")
    for number, annotation in enumerate(truth["annotations"], start=1):
        annotation["id"] = number  # whatever it was: only evaluation uses it
        annotation["iscrowd"] = int(annotation.get("iscrowd") in (1, True))
        if not _is_number(annotation.get("area")):
            annotation["area"] = annotation["bbox"][2] * annotation["bbox"][3]
    return dict(truth)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _MOST


def _is_id(value: object) -> bool:
    return isinstance(value, int) and abs(value) < _MOST


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(_is_number, value))


#: What each part of a truth file needs, and what is usable as that.
_TRUTH: dict[str, dict[str, Callable[[object], bool]]] = {
    "images": {"id": _is_id, "file_name": _is_text},
    "categories": {"id": _is_id, "name": _is_text},
    "annotations": {"image_id": _is_id, "category_id": _is_id, "bbox": _is_box},
}
_MOST = 2**53  # of ids, which pycocotools keeps as floats, and of pixels


def _categories(truth: Mapping[str, Any]) -> dict[str, int]:
    return {category["name"]: category["id"] for category in truth["categories"]}


def _collect(
    records: Iterable[Mapping[str, Any]], images: Mapping[str, int], categories: Mapping[str, int]
) -> tuple[set[str], list[str], list[dict[str, Any]]]:
    """Return the names of the images that have a record, those of unknown images, and COCO's result rows."""
    seen: set[str] = set()
    unknown: list[str] = []
    rows: list[dict[str, Any]] = []
    for record in records:
        name = Path(str(record.get("path", ""))).name
        if name not in images:
            unknown.append(name)
            continue
        seen.add(name)
        for item in _items(record):
            label = str(item.get("label"))
            category = categories.get(label, categories.get(_COCO_NAMES.get(label, "")))
            box = bbox_of(item)
            if category is None or box is None or not isinstance(item.get("score"), (int, float)):
                continue  # a class that the truth does not have cannot be right or wrong
            x_min, y_min, x_max, y_max = box
            bbox = [x_min, y_min, x_max - x_min, y_max - y_min]
            rows.append(
                {"image_id": images[name], "category_id": category, "bbox": bbox, "score": float(item["score"])}
            )
    return seen, unknown, rows


def _items(record: Mapping[str, Any]) -> list[Record]:
    """Return a record's findings, or the record itself where it is one (``--each``)."""
    items = record.get("items", [dict(record)] if "label" in record else [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise InputError("items is not a list of findings", code="bad_record")
    return items


def _results(reference: Any, rows: list[dict[str, Any]]) -> Any:
    if rows:
        return reference.loadRes(rows)
    empty = type(reference)()  # pycocotools cannot load an empty list
    empty.dataset = {**reference.dataset, "annotations": []}
    empty.createIndex()
    return empty
