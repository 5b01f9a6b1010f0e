"""Decoding and resizing pictures."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from dltools.errors import InputError
from dltools.io.images import MAX_PIXELS, decode_image, encode_image, resize_centres, resize_corners


def _encoded(image: Image.Image, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.fixture
def corner() -> Image.Image:
    """A picture 40 wide, 20 high, black, with a red upper left and a white lower right corner."""
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:5, :5] = (255, 0, 0)
    pixels[-5:, -5:] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(corner: Image.Image, orientation: int) -> None:
    """Each of the eight EXIF orientations is brought upright: the stored picture is the one that gives ``corner``."""
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # orientation -> Image.Transpose that makes the stored form
    stored = corner.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else corner
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode_image(_encoded(stored, "JPEG", exif=exif, quality=95))
    assert pixels.shape == (20, 40, 3)
    assert pixels[1, 1, 0] > 180 and pixels[1, 1, 1] < 90  # red, upper left
    assert pixels[-2, -2].min() > 180  # white, lower right
    assert pixels[-2, 1].max() < 80


def test_palette() -> None:
    image = Image.new("P", (4, 3), 1)
    image.putpalette([0, 0, 0, 10, 200, 30])
    assert (decode_image(_encoded(image)) == (10, 200, 30)).all()


def test_cmyk_jpeg() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # full magenta and yellow are red
    red, green, blue = decode_image(_encoded(image, "JPEG", quality=95)).mean(axis=(0, 1))
    assert red > 200 and green < 60 and blue < 60


def test_sixteen_bit_greyscale_is_scaled_not_clipped() -> None:
    values = np.array([[0, 257, 32896, 65535]], np.uint16)
    pixels = decode_image(_encoded(Image.fromarray(values)))
    assert pixels[0, :, 0].tolist() == [0, 1, 128, 255]
    assert (pixels[..., 0] == pixels[..., 2]).all()


def test_sixteen_bit_rgb_png() -> None:
    row = b"\0" + struct.pack(">3H", 65535, 32896, 0)
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(row)) + _chunk(b"IEND", b"")
    assert decode_image(png)[0, 0].tolist() == [255, 128, 0]


def test_float_greyscale() -> None:
    image = Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32))
    assert decode_image(_encoded(image, "TIFF"))[0, :, 1].tolist() == [0, 128, 255]


@pytest.mark.parametrize("mode", ["1", "L"])
def test_greyscale(mode: str) -> None:
    pixels = decode_image(_encoded(Image.new(mode, (3, 2), 255 if mode == "L" else 1)))
    assert pixels.shape == (2, 3, 3) and (pixels == 255).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode: str) -> None:
    clear = (0, 0, 0, 0) if mode == "RGBA" else (0, 0)
    assert (decode_image(_encoded(Image.new(mode, (2, 2), clear))) == 255).all()


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    pixels = decode_image(_encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert pixels[0, 0].tolist() == [255, 0, 0]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_huge_png_is_refused_from_its_header() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + _chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="3600000000 pixels") as caught:
        decode_image(png)
    assert caught.value.code == "too_large"
    assert MAX_PIXELS < 60_000**2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an image (empty file)"),
        (b"hello, I am a text file called photo.jpg\n", "not an image (unknown format)"),
        (b"\x89PNG\r\n\x1a\n and no chunk at all", "not an image (damaged PNG)"),
    ],
)
def test_what_is_no_image_is_named(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_image(data)
    assert str(caught.value) == message


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_truncated_image_is_named(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    data = _encoded(Image.fromarray(noise), kind)
    with pytest.raises(InputError, match=rf"not an image \(truncated {kind}\)"):
        decode_image(data[: len(data) // 2])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_give_an_input_error_or_pixels(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"]))
    whole = bytearray(_encoded(Image.new("RGB", (9, 7), "teal"), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        pixels = decode_image(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    except InputError:
        return
    assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8


def test_png_round_trip() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 6, 3), np.uint8)
    assert (decode_image(encode_image(pixels, ".png")) == pixels).all()


@settings(max_examples=80, deadline=None)
@given(
    source=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    target=st.tuples(st.integers(2, 640), st.integers(2, 640)),
)
@example(source=(576, 768), target=(608, 608))  # weights that round another way in double precision
@example(source=(7, 301), target=(96, 64))
def test_resizing_by_centres_is_opencv_s_to_the_bit(source: tuple[int, int], target: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is the oracle")
    pixels = np.random.default_rng(2).integers(0, 256, (*source, 3), np.uint8)
    expected = cv2.resize(pixels, target, interpolation=cv2.INTER_LINEAR)
    assert (resize_centres(pixels, *target) == expected).all()


def test_resizing_by_corners_keeps_the_corners() -> None:
    """Darknet's rule, checked on a plane, which bilinear sampling must reproduce exactly."""
    rows, columns = np.mgrid[0:60, 0:100]
    plane = np.repeat((rows + columns).astype(np.uint8)[..., None], 3, axis=2)
    resized = resize_corners(plane, 41, 31)
    expected = np.linspace(0, 59, 31)[:, None] + np.linspace(0, 99, 41)[None, :]
    assert np.abs(resized[..., 0] - expected).max() < 1e-3
