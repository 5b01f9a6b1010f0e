"""Known faces: who they are, what they were made of, and whose face a new one is.

A database is one ``.npz`` file: embeddings, and as JSON a name, a source file with its SHA-256 and a box for each of
them. In: embeddings (dimensions,). Out: the nearest person, how far away, and how much nearer than the second.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dltools.errors import InputError, ModelFileError
from dltools.models.faces.boxes import Floats
from dltools.runtime.arrayfile import encode_arrays, read_arrays

_FORMAT = 1
UNKNOWN = "unknown"


class Known(NamedTuple):
    """One enrolled face: the person's name, the source file with the SHA-256 of its content, and its box in pixels."""

    name: str
    path: str
    sha256: str
    bbox: tuple[float, float, float, float]


class Match(NamedTuple):
    """Whose face it is: a name or "unknown"; the nearest person, and the distance to them; the margin to the second.

    ``margin``: how much further the second person is; None where only one is known.
    """

    label: str
    nearest: str
    distance: float
    margin: float | None


@dataclasses.dataclass(frozen=True, eq=False)
class FaceDatabase:
    """Enrolled faces: ``embeddings`` (n, dimensions) that the model called ``model`` made, and what is known of each.

    ``source``: what a user gives to --model to have that model again.
    """

    model: str
    source: str
    known: tuple[Known, ...]
    embeddings: Floats

    @classmethod
    def empty(cls, model: str, source: str, dimensions: int) -> FaceDatabase:
        """Return a database of nobody."""
        return cls(model, source, (), np.zeros((0, dimensions), np.float32))

    @classmethod
    def open(cls, path: Path) -> FaceDatabase:
        """Read the file at ``path``; raise :class:`InputError` where it cannot be read, or is none."""
        what = "a database of faces"
        try:
            config, arrays = read_arrays(path, what)
            fields: dict[str, Any] = json.loads(config)
            if fields["format"] != _FORMAT or fields["kind"] != "faces":
                raise KeyError
            known = tuple(_known(entry) for entry in fields["known"])
            embeddings = arrays["embeddings"]
            if embeddings.dtype != np.float32 or embeddings.ndim != 2 or len(embeddings) != len(known):
                raise ValueError
            return cls(str(fields["model"]), str(fields["source"]), known, embeddings)
        except ModelFileError as error:
            raise InputError(str(error), code="bad_database") from error
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not {what}", code="bad_database") from error

    def encode(self) -> bytes:
        """Return the bytes of a file of the database, the same for the same content."""
        entries = [{**entry._asdict(), "bbox": list(entry.bbox)} for entry in self.known]
        fields = {"format": _FORMAT, "kind": "faces", "model": self.model, "source": self.source, "known": entries}
        return encode_arrays(json.dumps(fields), {"embeddings": self.embeddings})

    @property
    def names(self) -> list[str]:
        """The people's names, in order of their first face."""
        return list(dict.fromkeys(entry.name for entry in self.known))

    def holds(self, name: str, path: str, sha256: str) -> bool:
        """Return whether the face of ``name`` in the file ``path`` is enrolled, from the content of that checksum."""
        return any(entry[:3] == (name, path, sha256) for entry in self.known)

    def with_faces(self, known: Sequence[Known], embeddings: Iterable[Floats]) -> FaceDatabase:
        """Return a database with further faces; one of a name and a file takes the place of what they had before."""
        replaced = {(entry.name, entry.path) for entry in known}
        kept = self._only(entry[:2] not in replaced for entry in self.known)
        added = np.array(list(embeddings), np.float32).reshape(len(known), self.embeddings.shape[1])
        return dataclasses.replace(
            kept, known=(*kept.known, *known), embeddings=np.concatenate([kept.embeddings, added])
        )

    def without(self, names: Collection[str] = (), paths: Collection[str] = ()) -> FaceDatabase:
        """Return a database without the people ``names`` and without what was made of the files ``paths``."""
        return self._only(entry.name not in names and entry.path not in paths for entry in self.known)

    def _only(self, wanted: Iterable[bool]) -> FaceDatabase:
        chosen = [index for index, keep in enumerate(wanted) if keep]
        return dataclasses.replace(
            self, known=tuple(self.known[index] for index in chosen), embeddings=self.embeddings[chosen]
        )

    def identify(self, embedding: Floats, threshold: float) -> Match:
        """Return whose face an embedding (dimensions,) is; a person is as far away as their nearest face.

        Raise :class:`InputError` if nobody is enrolled.
        """
        if not self.known:
            raise InputError("nobody is enrolled in the database", code="bad_database")
        away = np.linalg.norm(self.embeddings - embedding, axis=1)
        people: dict[str, float] = {}
        for entry, value in zip(self.known, away.tolist(), strict=True):
            people[entry.name] = min(value, people.get(entry.name, value))
        (nearest, distance), *others = sorted(people.items(), key=lambda person: person[1])
        margin = others[0][1] - distance if others else None
        return Match(nearest if distance < threshold else UNKNOWN, nearest, distance, margin)


def _known(entry: dict[str, Any]) -> Known:
    left, top, right, bottom = map(float, entry["bbox"])
    if not all(isinstance(entry[key], str) for key in ("name", "path", "sha256")):
        raise TypeError
    return Known(entry["name"], entry["path"], entry["sha256"], (left, top, right, bottom))
