"""Cut a byte stream of images that follow one another into single images, as they arrive.

This is what a video tool's image pipe writes. Lengths come from the formats' own structure: JPEG markers
(ITU-T T.81, annex B), PNG chunks (ISO/IEC 15948), BMP and RIFF headers, PNM headers; an image of any other
format has no length to be read off and takes the rest of the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dltools.errors import InputError

#: One image of more encoded bytes than this is refused: it bounds what a stream can make us hold.
MAX_IMAGE_BYTES = 2**29
_CHUNK = 1 << 16

Read = Callable[[int], bytes]


class _EndOfStreamError(Exception):
    """The stream ended inside an image."""


class _Window:
    """The bytes read so far of the image at the head of the stream."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.data = bytearray()

    def need(self, length: int) -> None:
        """Hold at least ``length`` bytes, or raise."""
        if length > MAX_IMAGE_BYTES:
            raise InputError(f"image of more than {MAX_IMAGE_BYTES} bytes in the stream", code="too_large")
        while len(self.data) < length:
            if not self.more():
                raise _EndOfStreamError

    def more(self) -> bool:
        """Read some more; return False at the end of the stream."""
        block = self._read(_CHUNK)
        self.data += block
        return bool(block)

    def find(self, wanted: bytes, start: int) -> int:
        """Return where ``wanted`` next stands, reading on until it does, or raise."""
        while (at := self.data.find(wanted, start)) < 0:
            start = max(start, len(self.data) - len(wanted) + 1)
            self.need(len(self.data) + 1)
        return at

    def take(self, length: int) -> bytes:
        """Cut the first ``length`` bytes off and return them."""
        image = bytes(self.data[:length])
        del self.data[:length]
        return image


def split_images(read: Read) -> Iterator[bytes]:
    """Yield the encoded bytes of one image after another, each as soon as its last byte is there.

    ``read(n)`` returns at most ``n`` bytes, none only at the end. A last image that is cut short is
    yielded as far as it goes, for its decoder to refuse. Raise :class:`InputError` for an image that
    is larger than :data:`MAX_IMAGE_BYTES`: where the next one begins is not known then.
    """
    window = _Window(read)
    while True:
        window.data = window.data.lstrip(b"\0")  # padding between images
        if not window.data:
            if not window.more():
                return
            continue
        try:
            length = _image_length(window)
        except _EndOfStreamError:
            length = len(window.data)
        yield window.take(length)


def _image_length(window: _Window) -> int:
    window.need(3)
    head = bytes(window.data[:3])
    measure = next((measure for magic, measure in _MEASURES if head.startswith(magic)), _rest_length)
    return measure(window)


def _jpeg_length(window: _Window) -> int:
    at = 2  # behind the start-of-image marker
    while True:
        window.need(at + 2)
        if window.data[at] != 0xFF:
            at = window.find(b"\xff", at)  # entropy-coded data, or damage: on to the next marker
            continue
        marker = window.data[at + 1]
        if marker == 0xD9:  # end of image
            return at + 2
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8:  # stuffing, TEM, restarts: no length follows
            at += 2
        else:
            window.need(at + 4)
            at += 2 + max(2, int.from_bytes(window.data[at + 2 : at + 4], "big"))


def _png_length(window: _Window) -> int:
    at = 8
    while True:
        window.need(at + 8)
        kind = bytes(window.data[at + 4 : at + 8])
        at += 12 + int.from_bytes(window.data[at : at + 4], "big")
        window.need(at)
        if kind == b"IEND":
            return at


def _bmp_length(window: _Window) -> int:
    window.need(6)
    length = int.from_bytes(window.data[2:6], "little")
    window.need(max(length, 26))
    return max(length, 26)


def _riff_length(window: _Window) -> int:
    window.need(8)
    length = int.from_bytes(window.data[4:8], "little")
    length += 8 + length % 2
    window.need(length)
    return length


def _pnm_length(window: _Window) -> int:
    """Measure binary PGM (P5) and PPM (P6): width, height and largest value in ASCII, then the samples."""
    numbers: list[int] = []
    at = 2
    while len(numbers) < 3:
        window.need(at + 1)
        byte = window.data[at : at + 1]
        if byte == b"#":
            at = window.find(b"\n", at) + 1
        elif byte.isspace():
            at += 1
        elif byte.isdigit():
            start = at
            while window.data[at : at + 1].isdigit():
                at += 1
                window.need(at + 1)
                if at - start > 9:
                    return _rest_length(window)
            numbers.append(int(window.data[start:at]))
        else:
            return _rest_length(window)
    width, height, largest = numbers
    samples = width * height * (3 if window.data[1:2] == b"6" else 1)
    length = at + 1 + samples * (2 if largest > 255 else 1)
    window.need(length)
    return length


def _rest_length(window: _Window) -> int:
    while window.more():
        window.need(len(window.data))
    return len(window.data)


_MEASURES: tuple[tuple[bytes, Callable[[_Window], int]], ...] = (
    (b"\xff\xd8", _jpeg_length),
    (b"\x89PN", _png_length),
    (b"BM", _bmp_length),
    (b"RIF", _riff_length),
    (b"P5", _pnm_length),
    (b"P6", _pnm_length),
)
