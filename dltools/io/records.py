"""Records: one JSON object a line (NDJSON), or one row of tab-separated values.

The keys that all commands share are listed in the command-line contract; ``bbox`` is always
``[x_min, y_min, x_max, y_max]`` in pixels of the upright original image.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dltools.errors import InputError
from dltools.io.jsontext import MAX_DEPTH, read_json

Record = dict[str, Any]

BBOX_COLUMNS = ("x_min", "y_min", "x_max", "y_max")


def path_fields(path: str) -> Record:
    """Return ``path``, and ``path_b64`` (its bytes in base 64) where its bytes are not UTF-8."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        try:
            raw = os.fsencode(path)
        except UnicodeEncodeError:  # a lone surrogate of a JSON text: no path of any file
            raw = path.encode("utf-8", "surrogatepass")
        return {"path": raw.decode("utf-8", "replace"), "path_b64": base64.b64encode(raw).decode("ascii")}
    return {"path": path}


def path_of(record: Mapping[str, Any]) -> str | None:
    """Return the path that a record names, in the form that ``open`` takes; raise :class:`InputError`."""
    encoded = record.get("path_b64")
    if encoded is not None:
        try:
            return os.fsdecode(base64.b64decode(encoded, validate=True))
        except (ValueError, TypeError) as error:
            raise InputError("path_b64 is not base 64", code="bad_record") from error
    path = record.get("path")
    if path is not None and not isinstance(path, str):
        raise InputError("path is not a text", code="bad_record")
    return path


def bbox_of(record: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    """Return the record's ``bbox`` as four numbers in pixels, or None without one; raise :class:`InputError`."""
    box = record.get("bbox")
    if box is None:
        return None
    usable = isinstance(box, list) and len(box) == 4
    if not usable or not all(isinstance(side, (int, float)) and not isinstance(side, bool) for side in box):
        raise InputError("bbox is not four numbers", code="bad_record")
    x_min, y_min, x_max, y_max = map(float, box)
    if not (x_min < x_max and y_min < y_max):
        raise InputError("bbox is empty", code="bad_record")
    return x_min, y_min, x_max, y_max


def parse_record(line: str) -> Record:
    """Read one NDJSON line; raise :class:`InputError` where it is not one JSON object."""
    try:
        record = read_json(line, max_depth=MAX_DEPTH)
    except ValueError as error:
        raise InputError("not a JSON record", code="bad_record") from error
    if not isinstance(record, dict):
        raise InputError("not a JSON record", code="bad_record")
    return record


def encode_ndjson(record: Record) -> bytes:
    """Return the record as one UTF-8 line; raise :class:`InputError` for NaN or infinity."""
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))
    except ValueError as error:
        raise InputError("a result is not a finite number: the model is damaged", code="not_finite") from error
    try:
        return text.encode("utf-8") + b"\n"
    except UnicodeEncodeError:  # a lone surrogate, which JSON can say only as an escape
        return json.dumps(record, allow_nan=False).encode("ascii") + b"\n"


def findings(record: Record) -> list[Record]:
    """Return one record a finding: the finding's keys at top level beside those of its input.

    A record without a list of ``items`` (an error, a record passed on) is its own only finding. ``output`` stays
    with the thing that it shows: the file of the whole input does not stand in for one finding.
    """
    items = record.get("items")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return [record]
    shared = {key: value for key, value in record.items() if key not in ("items", "output")}
    return [{**shared, **item} for item in items]


def encode_tsv(values: Iterable[Any]) -> bytes:
    """Return one row: tab, newline, carriage return and backslash escaped, nothing for None, lists as JSON."""
    return "\t".join(map(_cell, values)).encode("utf-8", "replace") + b"\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def tsv_header(columns: Sequence[str]) -> list[str]:
    """Return the header row for record keys ``columns``: ``bbox`` takes four columns, errors come last."""
    return [name for key in columns for name in (BBOX_COLUMNS if key == "bbox" else (key,))] + ["error"]


def tsv_row(record: Mapping[str, Any], columns: Sequence[str]) -> list[Any]:
    """Return the values of one finding in the order of :func:`tsv_header`."""
    row: list[Any] = []
    for key in columns:
        value = record.get(key)
        if key == "bbox":
            row.extend(value if isinstance(value, (list, tuple)) and len(value) == 4 else (None,) * 4)
        else:
            row.append(value)
    error = record.get("error")
    return [*row, error.get("message") if isinstance(error, dict) else error]
