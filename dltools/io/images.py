"""Pictures: encoded bytes to upright RGB pixels and back.

Pixels are uint8 arrays of shape (height, width, 3), RGB, row 0 at the top.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dltools.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = npt.NDArray[np.uint8]

#: More than this is refused from the header alone: 2**27 pixels are 384 MiB as RGB.
MAX_PIXELS = 2**27
#: A progressive JPEG has some ten scans; each is a pass over all of the picture, however few bytes it has.
_FREE_SCANS = 64
_MAX_SCANNED = 2**31  # pixels of all scans together
_BAND_PIXELS = 2**22  # brought to RGB at once

# Left out of what Pillow opens: EPS, which starts Ghostscript, WMF, stubs, and formats with no signature of their own.
_FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "DIB", "PPM"),  # Pillow holds these ready; the others load all its plug-ins
    *("WEBP", "TIFF", "AVIF", "JPEG2000", "QOI", "ICO", "ICNS", "PSD", "SGI", "DDS", "XBM", "XPM"),
)


def decode_image(data: bytes) -> Pixels:
    """Decode one image to upright RGB pixels (height, width, 3).

    EXIF rotation is applied, the first frame of an animation taken, transparency laid on white, and
    every mode brought to 8 bits: 16-bit and float greyscale by scaling, not by clipping.
    Raise :class:`InputError` with the cause where the bytes are no image, damaged, or too large.
    """
    return decode_layers(data)[0]


def decode_layers(data: bytes) -> tuple[Pixels, Pixels | None]:
    """Decode one image as :func:`decode_image` does, and its opacity (height, width), 0 to 255, if it has any."""
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise InputError("not an image (empty file)", code="not_an_image")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow refuses pictures inside pictures (ICO) beyond twice that
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _refuse_large(image.size)
            _refuse_scans(data, image.size)
            if image.format == "TIFF":
                _quiet_libtiff()
            image.load()
            _refuse_large(image.size)  # what lies inside a container may be larger than it says
            _turn_upright(image)
            return _rgb(image), _opacity(image)
    except Image.DecompressionBombError as error:
        count = next(iter(re.findall(r"\d+", str(error))), "too many")
        raise InputError(f"image of {count} pixels is larger than {MAX_PIXELS}", code="too_large") from error
    except UnidentifiedImageError as error:
        raise InputError(f"not an image ({_unknown(data)})", code="not_an_image") from error
    except MemoryError as error:
        raise InputError("not enough memory to decode the image", code="too_large") from error
    except InputError:
        raise
    except Exception as error:  # Pillow's decoders raise whatever damaged bytes lead them to
        raise InputError(f"not an image ({_damage(error, data)})", code="not_an_image") from error


def _refuse_large(size: tuple[int, int]) -> None:
    width, height = size
    if not width * height:
        raise InputError(f"image of {width} x {height} has no pixels", code="not_an_image")
    if width * height > MAX_PIXELS:
        raise InputError(f"image of {width} x {height} is larger than {MAX_PIXELS} pixels", code="too_large")


def _refuse_scans(data: bytes, size: tuple[int, int]) -> None:
    """Refuse a JPEG of so many scans that decoding it, once over the picture for each, takes minutes."""
    if data.startswith(b"\xff\xd8"):
        scans = data.count(b"\xff\xda")
        if scans > _FREE_SCANS and scans * size[0] * size[1] > _MAX_SCANNED:
            raise InputError(f"JPEG of {scans} scans over {size[0]} x {size[1]} pixels", code="too_large")


@functools.cache
def _quiet_libtiff() -> None:
    """Keep libtiff from writing what it thinks of a file to standard error: Pillow raises, or it was a mere warning.

    Pillow has no switch for it; libtiff has, in the one library of that name that Pillow has loaded.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        with open("/proc/self/maps") as maps:
            found = re.search(r"\S*/libtiff[^/\s]*\.so\S*", maps.read())
        if found is not None:
            library = ctypes.CDLL(found[0])
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)


def _turn_upright(image: Image) -> None:
    from PIL import ImageOps

    with contextlib.suppress(Exception):  # damaged metadata is no reason to refuse the picture
        ImageOps.exif_transpose(image, in_place=True)  # in place: else it copies what is upright already


def _is_see_through(image: Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def _opacity(image: Image) -> Pixels | None:
    """Return the opacity of an image (height, width), or None where it has none or is opaque all over."""
    if image.mode.startswith("I") or image.mode == "F" or not _is_see_through(image):
        return None
    opacity = np.array(image.convert("RGBA").getchannel("A"))
    return opacity if opacity.min() < 255 else None


def _rgb(image: Image) -> Pixels:
    """Bring an image to RGB, band by band where it is large: copies of all of it would take twice the memory."""
    width, height = image.size
    grey = image.mode.startswith("I") or image.mode == "F"
    rows = max(1, _BAND_PIXELS // max(width, 1))
    bands = [(top, min(top + rows, height)) for top in range(0, height, rows)]
    if len(bands) == 1:
        return _grey(image, _white(image)) if grey else _colour(image)
    pieces = (image.crop((0, top, width, bottom)) for top, bottom in bands)
    white = max(_white(image.crop((0, top, width, bottom))) for top, bottom in bands) if grey else 0.0
    pixels = np.empty((height, width, 3), np.uint8)
    for (top, bottom), piece in zip(bands, pieces, strict=True):
        pixels[top:bottom] = _grey(piece, white) if grey else _colour(piece)
    return pixels


def _colour(image: Image) -> Pixels:
    from PIL import Image as Module

    if _is_see_through(image):
        layer = image.convert("RGBA")
        image = Module.new("RGBA", layer.size, (255, 255, 255, 255))
        image.alpha_composite(layer)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _white(image: Image) -> float:
    """Return what becomes 255 in deep greyscale: the largest 16-bit integer; of floats 1, or 255, or their maximum."""
    if image.mode != "F":
        return 65535.0
    largest = float(np.nan_to_num(np.asarray(image, np.float32)).max(initial=0.0))
    return 1.0 if largest <= 1.0 else max(255.0, largest)


def _grey(image: Image, white: float) -> Pixels:
    values = np.nan_to_num(np.asarray(image, np.float32))
    scaled = np.clip(np.rint(values * (255.0 / white)), 0, 255).astype(np.uint8)
    return np.repeat(scaled[:, :, None], 3, axis=2)  # (height, width, 3)


_BAND_ROWS = 32

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WebP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
}


def image_kind(data: bytes) -> str | None:
    """Return the name of the image format that ``data`` begins like, or None."""
    return next((kind for magic, kind in _MAGIC.items() if data.startswith(magic)), None)


def _unknown(data: bytes) -> str:
    kind = image_kind(data)
    return f"damaged {kind}" if kind else "unknown format"


def _damage(error: Exception, data: bytes) -> str:
    kind = image_kind(data) or "file"
    text = str(error).lower()
    if any(word in text for word in ("truncated", "broken data stream", "not enough image data", "unexpected end")):
        return f"truncated {kind}"
    return f"damaged {kind}"


#: The formats that pictures are written in, by the end of their file's name; those that hold opacity; their settings.
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
_WITH_OPACITY = ("PNG", "WEBP", "TIFF")
_SETTINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 92},
    "WEBP": {"quality": 92},
    "TIFF": {"compression": "tiff_deflate"},
}


def encode_image(pixels: Pixels, suffix: str, opacity: Pixels | None = None) -> bytes:
    """Return ``pixels`` (height, width, 3) encoded for a file name that ends in ``suffix``, one of :data:`SUFFIXES`.

    Any other suffix gives a JPEG. ``opacity`` (height, width) is kept where the format holds it; else the
    picture is laid on white.
    """
    from PIL import Image

    kind = SUFFIXES.get(suffix.lower(), "JPEG")
    image = Image.fromarray(pixels)
    if opacity is not None:
        layer = Image.fromarray(opacity)
        if kind in _WITH_OPACITY:
            image.putalpha(layer)
        else:
            image = Image.composite(image, Image.new("RGB", image.size, "white"), layer)
    buffer = io.BytesIO()
    image.save(buffer, kind, **_SETTINGS.get(kind, {}))
    return buffer.getvalue()


def resize_corners(pixels: Pixels, width: int, height: int) -> npt.NDArray[np.float32]:
    """Resize as Darknet's ``resize_image`` (src/image.c) does: bilinear, corner pixels' centres on each other.

    ``pixels`` (rows, columns, 3) become floats (height, width, 3) in 0..255. No smoothing goes before: networks that
    were trained on such sampling see smoother pictures than they know after any other. Pillow's own bilinear
    transform does not serve, because it cuts fractions off and so darkens by half a grey level.
    """
    rows, columns = pixels.shape[:2]
    left, right, x_weights = _neighbours(np.arange(width) * ((columns - 1) / max(width - 1, 1)), columns)
    above, below, y_weights = _neighbours(np.arange(height) * ((rows - 1) / max(height - 1, 1)), rows)

    def blend(band: Pixels) -> npt.NDArray[np.float32]:
        first = band.take(left, axis=1).astype(np.float32)
        second = band.take(right, axis=1).astype(np.float32)
        second -= first
        second *= x_weights[:, None]
        first += second
        return first

    resized = np.empty((height, width, 3), np.float32)
    for start in range(0, height, _BAND_ROWS):  # by bands that stay in the processor's cache
        band = slice(start, start + _BAND_ROWS)
        upper, lower = blend(pixels[above[band]]), blend(pixels[below[band]])
        lower -= upper
        lower *= y_weights[band, None, None]
        np.add(upper, lower, out=resized[band])
    return resized


def resize_centres(pixels: Pixels, width: int, height: int) -> Pixels:
    """Resize as OpenCV's ``INTER_LINEAR`` does: bilinear, the pictures' edges on each other, in its fixed point.

    ``pixels`` (rows, columns, 3) become (height, width, 3). OpenCV (modules/imgproc/src/resize.cpp) keeps weights to
    11 bits and drops bits between its two passes; scores of a network follow such single grey levels.
    """
    rows, columns = pixels.shape[:2]
    left, right, x_weights = _neighbours((np.arange(width) + 0.5) * (columns / width) - 0.5, columns)
    above, below, y_weights = _neighbours((np.arange(height) + 0.5) * (rows / height) - 0.5, rows)
    first_x, second_x = _fixed_point(x_weights)
    first_y, second_y = _fixed_point(y_weights)

    def blend(band: Pixels, weights: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        first = band.take(left, axis=1).astype(np.int32) * first_x[:, None]
        first += band.take(right, axis=1).astype(np.int32) * second_x[:, None]
        first >>= 4
        first *= weights[:, None, None]
        first >>= 16
        return first

    total = blend(pixels[above], first_y) + blend(pixels[below], second_y)  # (height, width, 3), quarters
    resized: Pixels = ((total + 2) >> 2).astype(np.uint8)
    return resized


def _fixed_point(weights: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Return the weights (n,) of the first and the second neighbour in 2048ths, rounded each by itself."""
    one = np.float32(1)
    return np.rint((one - weights) * 2048).astype(np.int32), np.rint(weights * 2048).astype(np.int32)


def _neighbours(
    positions: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float32]]:
    """Return for positions (n,) along ``size`` pixels the two around each, and the second one's weight, each (n,)."""
    single = positions.astype(np.float32)  # as both libraries have them; it decides how weights round
    below = np.floor(single)
    first = below.astype(np.intp)
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), single - below
