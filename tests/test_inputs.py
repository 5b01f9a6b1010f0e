"""Operands, lists, records and streams as items."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dltools.errors import InputError, UsageError
from dltools.io import frames, inputs
from dltools.io.inputs import Item, image_items, listed_items, record_item


def _image(kind: str, seed: int = 0, size: tuple[int, int] = (31, 17)) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a thumbnail may hide \xff\xd9 here"
    Image.fromarray(noise).save(buffer, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return buffer.getvalue()


def _reader(data: bytes, sizes: list[int] | None = None) -> Callable[[int], bytes]:
    """Return a reader of ``data`` that gives pieces of the sizes given, then of the size asked for."""
    stream, left = io.BytesIO(data), list(sizes or [])
    return lambda limit: stream.read(min(limit, left.pop(0)) if left else limit)


KINDS = ["JPEG", "PNG", "BMP", "PPM", "WEBP"]


@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=6),
    sizes=st.lists(st.integers(1, 200), max_size=60),
    padding=st.integers(0, 3),
)
def test_a_stream_is_cut_into_the_images_it_was_made_of(kinds: list[str], sizes: list[int], padding: int) -> None:
    images = [_image(kind, seed) for seed, kind in enumerate(kinds)]
    stream = (b"\0" * padding).join(images)
    assert list(frames.split_images(_reader(stream, sizes))) == images


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_comes_out_before_the_next_one_begins(kind: str) -> None:
    """A live stream must not wait for more: the reader fails if it is asked again."""
    image = _image(kind)
    pieces = [image]

    def read(_limit: int) -> bytes:
        return pieces.pop(0)

    assert next(frames.split_images(read)) == image


@given(st.binary(max_size=300))
def test_any_bytes_come_out_as_they_went_in(data: bytes) -> None:
    joined = b"".join(frames.split_images(_reader(data)))
    assert joined.replace(b"\0", b"") == data.replace(b"\0", b"")


def test_a_cut_last_image_is_left_to_its_decoder() -> None:
    whole, cut = _image("JPEG"), _image("JPEG", 1)[:200]
    items = list(image_items(["-"], [], _reader(whole + cut)))
    assert [item.frame for item in items] == [0, 1]
    assert items[0].picture().width == 31
    with pytest.raises(InputError, match="truncated JPEG"):
        items[1].picture()


def test_an_empty_stream_is_one_failed_image() -> None:
    (item,) = image_items(["-"], [], _reader(b""))
    with pytest.raises(InputError, match="empty"):
        item.picture()


def test_a_frame_beyond_the_bound_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "MAX_IMAGE_BYTES", 1000)
    small, large = _image("PNG", size=(4, 4)), _image("PNG", size=(99, 99))
    first, second = image_items(["-"], [], _reader(small + large))
    assert first.picture().width == 4
    with pytest.raises(InputError, match="more than 1000 bytes"):
        second.read()


def test_lists_hold_paths_and_records() -> None:
    record = {"path": "b.jpg", "frame": 3, "mine": [1]}
    text = "a photo.jpg\n\n  \n" + json.dumps(record) + '\r\n{"error": {"code": "x"}, "path": "c"}\nlast'
    items = list(listed_items(_reader(text.encode(), [5, 1, 7])))
    assert [item.path for item in items] == ["a photo.jpg", "b.jpg", None, "last"]
    assert items[1].record(width=5) == {**record, "width": 5}
    assert items[2].is_error and items[2].record() == {"error": {"code": "x"}, "path": "c"}


def test_nul_separated_lists_hold_any_name() -> None:
    names = [b"a\nb.jpg", b"{}.jpg", b"\xff\xfe.jpg"]
    items = list(listed_items(_reader(b"\0".join(names)), null=True))
    assert [os.fsencode(item.path or "") for item in items] == names


@pytest.mark.parametrize("line", [b"{broken", b"{} trailing", b'{"a": NaN}', b"{\xff}", b"{" + b"[" * 100_000])
def test_a_bad_record_fails_alone(line: bytes) -> None:
    first, second = listed_items(_reader(line + b"\nnext.jpg\n"))
    with pytest.raises(InputError) as caught:
        first.read()
    assert caught.value.code == "bad_record"
    assert second.path == "next.jpg"


def test_an_overlong_line_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_LINE_BYTES", 100)
    first, second = listed_items(_reader(b"x" * 1000 + b"\nnext.jpg\n", [50] * 10))
    with pytest.raises(InputError, match="longer than 100"):
        first.read()
    assert second.path == "next.jpg"


def test_an_image_on_standard_input_is_not_taken_for_a_list() -> None:
    with pytest.raises(UsageError, match="PNG image, not a list"):
        list(listed_items(_reader(_image("PNG"))))


def test_a_record_s_output_comes_before_its_path_and_box() -> None:
    item = record_item({"path": "photo.jpg", "output": "crop.png", "bbox": [0, 0, 5, 5]})
    assert item.path == "crop.png"
    assert item.record(score=1)["path"] == "photo.jpg"


@pytest.mark.parametrize(
    "fields",
    [
        {"path": "-", "frame": 2},
        {"path": 5},
        {"text": "no file"},
        {"path": "a.jpg", "bbox": [1, 2, 3]},
        {"path": "a.jpg", "bbox": ["a", 2, 3, 4]},
        {"path": "a.jpg", "bbox": [5, 5, 5, 9]},
        {"path": "a.jpg", "path_b64": "%%%"},
    ],
)
def test_an_unusable_record_fails_with_its_keys_kept(fields: dict[str, object]) -> None:
    item = record_item(fields)
    with pytest.raises(InputError) as caught:
        item.read()
    assert caught.value.code == "bad_record"
    assert item.record(error={})["error"] == {} and fields.items() <= item.record().items()


def test_a_box_cuts_the_picture_out(tmp_path: Path) -> None:
    pixels = np.arange(20 * 30 * 3, dtype=np.uint8).reshape(20, 30, 3)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    picture = record_item({"path": str(path), "bbox": [4.5, -3, 10.2, 7.0]}).picture()
    assert (picture.left, picture.top, picture.width, picture.height) == (4, 0, 30, 20)
    assert (picture.pixels == pixels[0:7, 4:11]).all()
    with pytest.raises(InputError, match="outside the image of 30 x 20"):
        record_item({"path": str(path), "bbox": [100, 0, 120, 5]}).picture()


def test_a_path_that_is_not_utf8_travels_as_base64(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.png"
    Path(os.fsdecode(raw)).write_bytes(_image("PNG"))
    record = Item(os.fsdecode(raw)).record()
    line = json.dumps(record)
    assert "caf\ufffd.png" in record["path"]
    assert record_item(json.loads(line)).picture().width == 31


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
)
def test_unreadable_files_are_explained(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "input.jpg"
    make(path)
    with pytest.raises(InputError, match=message):
        inputs.read_file(str(path))


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"x")
    path.chmod(0)
    tmp_path.chmod(0o711)
    for parent in tmp_path.parents:
        if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001 and os.geteuid() == 0:
            parent.chmod(parent.stat().st_mode | 0o011)  # let the other user get as far as the file
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)  # root may read anything: be nobody for the moment
    try:
        with pytest.raises(InputError, match="permission denied"):
            inputs.read_file(str(path))
    finally:
        os.seteuid(user)


def test_a_file_beyond_the_bound(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(inputs.MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="larger than"):
        inputs.read_file(str(path))


def test_an_endless_device_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_FILE_BYTES", 10_000_000)
    with pytest.raises(InputError, match="larger than"):
        inputs.read_file("/dev/zero")


def test_lines_come_out_as_they_arrive_with_empty_ones() -> None:
    batches = list(inputs.text_lines(_reader(b"\xef\xbb\xbfone\r\ntw", [4, 100]), "list.txt"))
    assert [[item.text for item in batch] for batch in batches] == [["one"], ["tw"]]
    items = [item for batch in inputs.text_lines(_reader(b"a\n\n\xff\nb")) for item in batch]
    assert [item.text for item in items] == ["a", "", "", "b"]
    assert [item.name for item in items] == ["line 1", "line 2", "line 3", "line 4"]
    assert [item.error is None for item in items] == [True, True, False, True]
    assert items[0].record(label="x") == {"text": "a", "label": "x"}


@given(data=st.binary(max_size=300), sizes=st.lists(st.integers(1, 9), max_size=60))
def test_there_is_one_item_for_each_line(data: bytes, sizes: list[int]) -> None:
    items = [item for batch in inputs.text_lines(_reader(data, sizes)) for item in batch]
    lines = data.split(b"\n")
    assert len(items) == len(lines) - (lines[-1] == b"")
    assert [item.line for item in items] == list(range(1, len(items) + 1))


def test_a_batch_of_lines_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_BATCH", 3)
    batches = list(inputs.text_lines(_reader(b"\n" * 8)))
    assert [len(batch) for batch in batches] == [3, 3, 2] and batches[-1][-1].line == 8


def test_records_stand_for_their_text() -> None:
    lines = [b'{"text": "a", "mine": 1}', b"", b'{"text": "b", "error": {"code": "x"}}', b'{"path": "p"}', b"plain"]
    items = [item for batch in inputs.text_records(_reader(b"\n".join(lines))) for item in batch]
    assert [item.text for item in items] == ["a", "b", "", ""]
    assert items[0].record(score=1) == {"text": "a", "mine": 1, "score": 1}
    assert items[1].is_error and [item.error is None for item in items] == [True, True, False, False]
    assert items[2].record() == {"path": "p"} and items[3].name == "line 5"


def test_an_overlong_text_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "MAX_LINE_BYTES", 100)
    first, second = (item for batch in inputs.text_lines(_reader(b"x" * 1000 + b"\nnext")) for item in batch)
    assert first.error is not None and first.text == "" and second.text == "next"
