"""Inputs: operands, lists of paths, records, lines and byte streams, all as a sequence of items.

An :class:`Item` (a file, an image) or :class:`TextItem` (a text) knows where it comes from, how to read itself, and the
record that its result continues.
What is wrong with one input is kept in its item and raised when the item is used, so that a list goes on.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dltools.errors import InputError, UsageError
from dltools.io.records import Record, bbox_of, parse_record, path_fields, path_of

if TYPE_CHECKING:
    from io import FileIO

    from dltools.io.images import Pixels

STDIN = "-"
#: A file of more bytes is refused: it bounds what one input can make us hold.
MAX_FILE_BYTES = 2**29
#: A line of text, or of a list of paths or records, that is longer is refused.
MAX_LINE_BYTES = 2**24
#: At most so many texts are handed on together: enough for a matrix product, little enough to hold.
MAX_BATCH = 4096
_READ_BYTES = 1 << 16
_NAME_LENGTH = 60  # characters of an operand that messages show

Read = Callable[[int], bytes]
Box = tuple[float, float, float, float]


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a command looks at: ``pixels`` (height, width, 3) uint8 RGB, a region of the upright original image.

    ``left`` and ``top`` are the region's corner in the original, ``width`` and ``height`` the original's
    size, all in pixels; without a region they are 0, 0 and the size of ``pixels``.
    """

    pixels: Pixels
    left: int
    top: int
    width: int
    height: int


class Item:
    """One input: a file, an image of a stream, or a record of another command.

    ``path``: what ``open`` takes, ``-`` for standard input. ``frame``: the number of the image in a stream,
    from 0. ``carried``: the record that the item came as, whose keys its own record keeps. ``bbox``: the
    region of the picture to look at.
    """

    def __init__(
        self,
        path: str | None,
        *,
        data: bytes | None = None,
        frame: int | None = None,
        carried: Record | None = None,
        bbox: Box | None = None,
        error: InputError | None = None,
    ) -> None:
        self.path = path
        self.frame = frame
        self.carried = carried or {}
        #: What files made from the item are called, without a suffix; a run may tell items of one name apart.
        self.stem = _stem(path, frame)
        self._bbox = bbox
        self._data = data
        self._error = error

    @property
    def name(self) -> str:
        """What messages call the item."""
        if self.frame is not None:
            return f"{self.path}: frame {self.frame}"
        return self.path if self.path is not None else "record"

    @property
    def picture_suffix(self) -> str:
        """What pictures made from the item end in: ``.png`` where it does, else ``.jpg``."""
        return ".png" if self.path is not None and self.path.lower().endswith(".png") else ".jpg"

    @property
    def is_error(self) -> bool:
        """Whether the item is a record of a failure further up the pipe, to be passed on untouched."""
        return "error" in self.carried

    def record(self, **own: Any) -> Record:
        """Return the item's record: what it carried, where it lies, and the keys given, which win."""
        place = path_fields(self.path) if self.path is not None and "path" not in self.carried else {}
        number = {"frame": self.frame} if self.frame is not None else {}
        return {**place, **number, **self.carried, **own}

    def read(self) -> bytes:
        """Return the encoded bytes of the input; raise :class:`InputError`."""
        if self._data is not None:
            return self._data
        return read_file(self.file())

    def file(self) -> str:
        """Return the path of the input; raise :class:`InputError` where it has none, or a list named it wrongly."""
        if self._error is not None:
            raise self._error
        if self.path is None:
            raise InputError("the record names no file (neither output nor path)", code="bad_record")
        return self.path

    def picture(self) -> Picture:
        """Decode the input as an image, cut to the record's ``bbox``; raise :class:`InputError`."""
        from dltools.io.images import decode_image

        return _region(decode_image(self.read()), self._bbox)


def _stem(path: str | None, frame: int | None) -> str:
    if frame is not None:
        return f"frame-{frame:06d}"
    return os.path.splitext(os.path.basename(path or ""))[0]


class TextItem:
    """One input of a text command: an operand, a line, or the ``text`` of another command's record.

    ``text``: the text without its line end, empty where ``error`` says what is wrong with the input. ``source``:
    the file of the line as messages name it, empty for standard input; ``line``: its number from 1, 0 for an operand.
    ``carried``: the record that the text came in, whose keys its own record keeps.
    """

    __slots__ = ("carried", "error", "line", "source", "text")

    def __init__(
        self,
        text: str,
        line: int = 0,
        source: str = "",
        carried: Record | None = None,
        error: InputError | None = None,
    ) -> None:
        self.text = text
        self.line = line
        self.source = source
        self.carried = carried
        self.error = error

    @property
    def name(self) -> str:
        """What messages call the item."""
        if not self.line:
            return self.text if len(self.text) <= _NAME_LENGTH else self.text[: _NAME_LENGTH - 3] + "..."
        return f"{self.source}: line {self.line}" if self.source else f"line {self.line}"

    @property
    def is_error(self) -> bool:
        """Whether the item is a record of a failure further up the pipe, to be passed on untouched."""
        return self.carried is not None and "error" in self.carried

    def record(self, **own: Any) -> Record:
        """Return the item's record: what it carried, its text, and the keys given, which win."""
        if self.carried is not None:
            return {**self.carried, **own}
        return {"text": self.text, **own}


def _region(pixels: Pixels, box: Box | None) -> Picture:
    height, width = pixels.shape[:2]
    if box is None:
        return Picture(pixels, 0, 0, width, height)
    left, top = max(0, int(box[0])), max(0, int(box[1]))
    right, bottom = min(width, int(-(-box[2] // 1))), min(height, int(-(-box[3] // 1)))  # the whole pixels it touches
    if left >= right or top >= bottom:
        raise InputError(f"bbox lies outside the image of {width} x {height} pixels", code="bad_record")
    return Picture(pixels[top:bottom, left:right], left, top, width, height)


def read_file(path: str) -> bytes:
    """Return the bytes of the file ``path``; raise :class:`InputError` in words."""
    with open_file(path) as file:
        try:
            if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
                raise InputError(f"larger than {MAX_FILE_BYTES} bytes", code="too_large")
            return read_all(file.read)
        except OSError as error:
            raise _unreadable(error) from error


def open_file(path: str) -> FileIO:
    """Return the file ``path``, opened for reading and unbuffered; raise :class:`InputError` in words."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        file = open(descriptor, "rb", buffering=0)  # noqa: SIM115 - closed by the caller
    except FileNotFoundError as error:
        raise InputError("no such file", code="not_found") from error
    except IsADirectoryError as error:
        raise InputError("is a folder, not a file", code="is_a_folder") from error
    except PermissionError as error:
        raise InputError("permission denied", code="permission_denied") from error
    except ValueError as error:  # a NUL byte inside a path
        raise InputError("not a usable path", code="not_found") from error
    except OSError as error:
        raise _unreadable(error) from error
    return file


def _unreadable(error: OSError) -> InputError:
    return InputError(f"cannot be read ({(error.strerror or str(error)).lower()})", code="unreadable")


def read_named(path: Path) -> bytes:
    """Return the bytes of the file ``path``, at most :data:`MAX_FILE_BYTES`; raise :class:`InputError` naming it."""
    try:
        return read_file(str(path))
    except InputError as error:
        raise InputError(f"{path}: cannot be read ({error})", code=error.code) from error


def read_all(read: Callable[[int], bytes | None]) -> bytes:
    """Read to the end, also from pipes and devices that have no size, up to the bound."""
    blocks: list[bytes] = []
    total = 0
    while block := read(1 << 20):
        blocks.append(block)
        total += len(block)
        if total > MAX_FILE_BYTES:
            raise InputError(f"larger than {MAX_FILE_BYTES} bytes", code="too_large")
    return b"".join(blocks)


#: What the names of pictures end in, where a folder is given and not a file.
PICTURE_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jp2", ".ppm", ".pgm", ".qoi"
)  # fmt: skip


def pictures_in(folder: str, *, deep: bool = False) -> list[str]:
    """Return the paths of the pictures in a folder, by their names and in their order; ``deep``: below it too.

    Hidden ones are left out. Raise :class:`InputError` where the folder cannot be read.
    """
    found: list[str] = []

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({(error.strerror or str(error)).lower()})") from error

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if deep and not name.startswith("."))
        pictures = (name for name in sorted(names) if name.lower().endswith(PICTURE_SUFFIXES))
        found += [os.path.join(place, name) for name in pictures if not name.startswith(".")]
    return found


def image_items(operands: Iterable[str], listed: Iterable[Item], stdin: Read) -> Iterator[Item]:
    """Yield an item for each operand (``-``: every image on standard input), then those that a list named."""
    for operand in operands:
        if operand == STDIN:
            yield from _stream_items(stdin)
        else:
            yield Item(operand)
    yield from listed


def audio_items(operands: Iterable[str], listed: Iterable[Item], _stdin: Read) -> Iterator[Item]:
    """Yield an item for each operand (``-``: all of standard input, unread), then those that a list named."""
    yield from map(Item, operands)
    yield from listed


def _stream_items(stdin: Read) -> Iterator[Item]:
    from dltools.io.frames import split_images

    frame = 0
    try:
        for data in split_images(stdin):
            yield Item(STDIN, data=data, frame=frame)
            frame += 1
    except InputError as error:
        yield Item(STDIN, frame=frame, error=error)
        return
    if frame == 0:
        yield Item(STDIN, data=b"")


def listed_items(read: Read, *, source: str = STDIN, null: bool = False) -> Iterator[Item]:
    """Yield an item for each line of a list: a path, or an NDJSON record (a line that begins with ``{``).

    ``source``: what messages call the list. ``null``: it is NUL-separated paths, which may hold any other byte.
    Raise :class:`UsageError` where the list is evidently an image, which wants to be an operand.
    """
    first = True
    for line in split_parts(read, b"\0" if null else b"\n"):
        if first:
            _refuse_image(line, source)
            first = False
        if len(line) > MAX_LINE_BYTES:
            yield Item(None, error=InputError(f"line longer than {MAX_LINE_BYTES} bytes", code="bad_record"))
        elif null:
            yield Item(os.fsdecode(line))
        elif line.strip():
            yield _listed_item(line.rstrip(b"\r"))


def _listed_item(line: bytes) -> Item:
    if not line.lstrip().startswith(b"{"):
        return Item(os.fsdecode(line))
    try:
        return record_item(parse_record(line.decode("utf-8")))
    except UnicodeDecodeError:
        return Item(None, error=InputError("record is not UTF-8", code="bad_record"))
    except InputError as error:
        return Item(None, error=error)


def record_item(record: Record) -> Item:
    """Return the item that a record stands for: its ``output`` if present, else its ``path``, cut to ``bbox``."""
    if "error" in record:
        return Item(None, carried=record)
    try:
        output = record.get("output")
        if isinstance(output, str):
            return Item(output, carried=record)
        path = path_of(record)
        if path == STDIN:
            raise InputError("the record's image came through standard input and is gone", code="bad_record")
        return Item(path, carried=record, bbox=bbox_of(record))
    except InputError as error:
        return Item(None, carried=record, error=error)


def text_items(texts: Iterable[str], lines: Iterable[list[TextItem]] = ()) -> Iterator[list[TextItem]]:
    """Yield the operands ``texts`` as one batch of items, then the batches of :func:`text_lines` or such."""
    operands = [TextItem(text) for text in texts]
    if operands:
        yield operands
    yield from lines


def text_lines(read: Read, source: str = "") -> Iterator[list[TextItem]]:
    """Yield an item for every line, empty ones too, in batches of what a single read gave.

    So a live pipe is answered line by line, and a file in batches of up to :data:`MAX_BATCH`. A line that is not
    UTF-8 or too long fails alone. ``read(n)`` returns at most ``n`` bytes, none only at the end.
    """
    number = 1
    for lines in _split_blocks(read, b"\n"):
        if number == 1 and lines:
            lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")  # the byte order mark that some editors write
        for start in range(0, len(lines), MAX_BATCH):
            batch = lines[start : start + MAX_BATCH]
            yield [
                TextItem(text, line, source, None, error) for line, (text, error) in enumerate(_texts(batch), number)
            ]
            number += len(batch)


def text_records(read: Read, source: str = "") -> Iterator[list[TextItem]]:
    """Yield an item for every NDJSON record of a list, which stands for its ``text``; in batches as they arrive."""
    number = 0
    for lines in _split_blocks(read, b"\n"):
        numbered = list(enumerate(lines, number + 1))
        number += len(lines)
        items = [_text_record(line, at, source) for at, line in numbered if line.strip()]
        for start in range(0, len(items), MAX_BATCH):
            yield items[start : start + MAX_BATCH]


def _texts(lines: list[bytes]) -> Iterator[tuple[str, InputError | None]]:
    """Yield each line's text and what is wrong with it; one decoding for all of them where nothing is."""
    if max(map(len, lines)) <= MAX_LINE_BYTES:
        try:
            joined = b"\n".join(lines).decode("utf-8")
        except UnicodeDecodeError:
            pass
        else:
            texts = joined.split("\n")
            yield from ((text.removesuffix("\r"), None) for text in texts)
            return
    for line in lines:
        yield _text(line)


def _text(line: bytes) -> tuple[str, InputError | None]:
    if len(line) > MAX_LINE_BYTES:
        return "", InputError(f"line longer than {MAX_LINE_BYTES} bytes", code="bad_text")
    try:
        return line.removesuffix(b"\r").decode("utf-8"), None
    except UnicodeDecodeError:
        return "", InputError("not UTF-8", code="bad_text")


def _text_record(line: bytes, number: int, source: str) -> TextItem:
    try:
        if len(line) > MAX_LINE_BYTES:
            raise InputError(f"line longer than {MAX_LINE_BYTES} bytes", code="bad_record")
        record = parse_record(line.decode("utf-8"))
    except UnicodeDecodeError:
        return TextItem("", number, source, {}, InputError("record is not UTF-8", code="bad_record"))
    except InputError as error:
        return TextItem("", number, source, {}, error)
    text = record.get("text")
    if "error" in record or isinstance(text, str):
        return TextItem(text if isinstance(text, str) else "", number, source, record)
    return TextItem("", number, source, record, InputError("the record has no text", code="bad_record"))


def split_parts(read: Read, separator: bytes) -> Iterator[bytes]:
    """Yield separated parts as they arrive; a part over the bound comes out cut, just over the bound."""
    for parts in _split_blocks(read, separator):
        yield from parts


def _split_blocks(read: Read, separator: bytes) -> Iterator[list[bytes]]:
    """Yield the parts that each read completes, together; a part over the bound comes out cut, just over it."""
    rest = b""
    while block := read(_READ_BYTES):
        *parts, rest = (rest + block).split(separator)
        if parts:
            yield parts
        rest = rest[: MAX_LINE_BYTES + 1]
    if rest:
        yield [rest]


def _refuse_image(line: bytes, source: str) -> None:
    from dltools.io.images import image_kind

    kind = image_kind(line)
    if kind is not None and source == STDIN:
        raise UsageError(f"standard input is a {kind} image, not a list of paths: give '-' to read images from it")
    if kind is not None:
        raise UsageError(f"{source}: is a {kind} image, not a list of paths or records")
