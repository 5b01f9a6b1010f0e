"""Where a detector's model file comes from: embedded, cached, or converted from Darknet's files."""

from __future__ import annotations

from pathlib import Path

from dltools.errors import ModelFileError
from dltools.models.yolo.config import FORMAT_VERSION, DetectorConfig
from dltools.runtime.assets import Notify, Progress, Registry, embedded_path, sha256_of
from dltools.runtime.converted import converted_path, write_converted
from dltools.runtime.modelfile import read_config

COMMAND = "yolo-detect"
DEFAULT_MODEL = "yolov3-tiny"

#: Part of every converted file's key: a change of the conversion must not find the old files.
_CONVERTER_VERSION = 2


def model_file(
    name: str, *, offline: bool = False, progress: Progress | None = None, notify: Notify | None = None
) -> Path:
    """Return the model file of the registered model ``name``, fetched and converted if need be.

    Raise :class:`UsageError` for an unknown name, :class:`MissingError` where it cannot be had.
    """
    entry = Registry.load().model(name, COMMAND)
    embedded = embedded_path(entry)
    if embedded is not None:
        return embedded
    from dltools.runtime.fetch import fetch_model

    files = fetch_model(entry, offline=offline, progress=progress)
    return converted_file(files["cfg"], files["weights"], files["names"], name=name, notify=notify)


def converted_file(
    cfg: Path, weights: Path, names: Path | None, *, name: str | None = None, notify: Notify | None = None
) -> Path:
    """Return the LiteRT form of Darknet's files, converted unless files of this content have been before.

    Without ``names`` a network of 80 classes has COCO's, any other its class numbers.
    Raise :class:`ModelFileError` naming the file, and its layer, where one is wrong.
    """
    sources = [cfg, weights, *([names] if names else [])]
    title = name or cfg.stem
    key = _key([*map(_content_hash, sources), title])
    target = converted_path(f"{key}.tflite")
    if target.is_file():
        return target
    from dltools.models.yolo.convert import convert
    from dltools.models.yolo.darknet import read_cfg, read_names

    network = read_cfg(cfg)
    labels = read_names(names) if names else _default_names(network.heads[0].classes)
    with write_converted(target, f"{title} for LiteRT", notify) as stream:
        stream.write(convert(network, weights, labels, name=title))
    return target


def _default_names(classes: int) -> tuple[str, ...]:
    names = coco_names()
    return names if classes == len(names) else tuple(map(str, range(classes)))


def coco_names() -> tuple[str, ...]:
    """Return the names of COCO's 80 classes, which the embedded model carries."""
    embedded = embedded_path(Registry.load().model(DEFAULT_MODEL, COMMAND))
    if embedded is None:
        raise ModelFileError(f"{DEFAULT_MODEL} is not embedded")
    return DetectorConfig.from_json(read_config(embedded)).names


def _content_hash(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():  # a folder, or a device that never ends
            raise ModelFileError(f"{path}: not a regular file")
        return sha256_of(path)
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error


def _key(parts: list[str]) -> str:
    import hashlib

    text = "\0".join([f"yolo {FORMAT_VERSION}.{_CONVERTER_VERSION}", *parts])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
