"""Where word vectors come from: embedded, a file of ours, or a published file, converted once into the cache."""

from __future__ import annotations

from pathlib import Path

from dltools.errors import ModelFileError
from dltools.runtime.assets import ModelEntry, Notify, Progress, Registry, embedded_path
from dltools.runtime.converted import converted_path, write_converted
from dltools.runtime.vectors import MAGIC

COMMAND = "wordvec"
DEFAULT_VECTORS = "glove-50k"

#: Part of every converted file's name: a change of the conversion must not find the old files.
_CONVERTER_VERSION = 1

#: What a ZIP archive with several files holds for a model.
_MEMBERS = {f"stanford-glove-6b-{size}d": f"glove.6B.{size}d.txt" for size in (50, 100, 200, 300)}


def vector_file(
    vectors: str,
    *,
    offline: bool = False,
    fetching: Progress | None = None,
    importing: Progress | None = None,
    notify: Notify | None = None,
) -> Path:
    """Return the mapped file of ``vectors``: a path if such a file exists or it looks like one, else a registered name.

    A published file (GloVe text and so on) and what is fetched are converted at the first use, found by where the file
    lies, its size and its time of change. Raise :class:`UsageError` for an unknown name, :class:`InputError` for a
    damaged file, :class:`MissingError` for what cannot be fetched.
    """
    path = Path(vectors)
    registry = Registry.load()
    if vectors not in registry.names(COMMAND) and ("/" in vectors or "\\" in vectors or path.is_file()):
        return _own_file(path, notify, importing)
    entry = registry.model(vectors, COMMAND)
    embedded = embedded_path(entry)
    if embedded is not None:
        return embedded
    target = _converted_model(entry)
    if target.is_file():
        return target
    from dltools.runtime.fetch import fetch_model

    source = fetch_model(entry, offline=offline, progress=fetching)["vectors"]
    return _convert(source, target, entry.name, _MEMBERS.get(entry.name), notify, importing)


def _own_file(path: Path, notify: Notify | None, importing: Progress | None) -> Path:
    try:
        with path.open("rb") as stream:
            if stream.read(len(MAGIC)) == MAGIC:
                return path
        facts = path.stat()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    key = _hash(f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}")
    target = converted_path(f"{key}.vectors")
    return target if target.is_file() else _convert(path, target, path.name, None, notify, importing)


def _converted_model(entry: ModelEntry) -> Path:
    checksum = entry.files["vectors"].sha256 or ""
    return converted_path(f"{entry.name}-{checksum[:16]}-{_CONVERTER_VERSION}.vectors")


def _convert(
    source: Path, target: Path, name: str, member: str | None, notify: Notify | None, importing: Progress | None
) -> Path:
    from dltools.models.words.importer import import_vectors

    with write_converted(target, f"{name} for memory mapping", notify) as stream:
        import_vectors(source, stream, name=name, member=member, progress=importing)
    return target


def _hash(text: str) -> str:
    import hashlib

    return hashlib.sha256(f"words {_CONVERTER_VERSION} {text}".encode("utf-8", "surrogateescape")).hexdigest()
