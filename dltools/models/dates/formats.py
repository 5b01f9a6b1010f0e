"""The formats that training draws from: hand-written ones in a file, and which of all formats are held out.

The file's notation is told in ``formats.txt`` itself, which is the toolkit's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from dltools.errors import InputError

Part = Literal["train", "validation", "test"]

#: The toolkit's own formats.
OWN = Path(__file__).with_name("formats.txt")
_KINDS = ("number", "packed", "name", "time", "log")  # what every example may draw from


class Formats(NamedTuple):
    """Patterns by their kind or language, each as often as its weight says."""

    patterns: dict[str, list[str]]

    def of(self, kind: str) -> Sequence[str]:
        """Return the patterns of ``kind``, none where there are none."""
        return self.patterns.get(kind, ())


def read_formats(path: Path = OWN) -> Formats:
    """Read a file of formats; the kinds that it leaves out are the toolkit's.

    Raise :class:`InputError` with the file and the line that does not fit.
    """
    found = _read(path)
    return Formats(
        found if path == OWN else {**{kind: own for kind, own in _read(OWN).items() if kind in _KINDS}, **found}
    )


def _read(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        kind, _, rest = line.partition("\t")
        weight, tab, pattern = rest.partition("\t")
        if not tab or not weight.isdigit() or not pattern.strip():
            raise InputError(f"{path}: line {number}: not KIND, WEIGHT and PATTERN with tabs between them")
        found.setdefault(kind, []).extend([pattern] * int(weight))
    return found


def part_of(pattern: str) -> Part:
    """Return the part of the data that the format ``pattern`` belongs to: a tenth each for validation and test.

    By a hash of the pattern, so that it is the same in every run and for every language.
    """
    import hashlib

    digest = hashlib.sha256(pattern.encode("utf-8")).digest()[0]
    return "test" if digest < 26 else "validation" if digest < 52 else "train"
