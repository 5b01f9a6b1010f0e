"""Files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltools.errors import OutputError
from dltools.io.outputs import OutputFolder, atomic_write


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    with atomic_write(target) as stream:
        stream.write(b"half")
        assert not target.exists()
        stream.write(b"whole")
    assert target.read_bytes() == b"halfwhole" and _names(tmp_path) == ["out.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_failure_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), atomic_write(tmp_path / "out.bin") as stream:
        stream.write(b"half")
        raise error
    assert _names(tmp_path) == []


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    target.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"), atomic_write(target) as stream:
        stream.write(b"yours")
    assert target.read_bytes() == b"mine"
    with atomic_write(target, force=True) as stream:
        stream.write(b"yours")
    assert target.read_bytes() == b"yours" and _names(tmp_path) == ["out.bin"]


def test_a_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    with pytest.raises(OutputError, match="exists already"), atomic_write(target) as stream:
        stream.write(b"ours")
        target.write_bytes(b"theirs")
    assert target.read_bytes() == b"theirs" and _names(tmp_path) == ["out.bin"]


def test_a_missing_folder_is_explained(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no such file or directory"), atomic_write(tmp_path / "no" / "out.bin"):
        pass


def test_equal_names_in_a_run_are_numbered(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "new" / "folder")
    targets = [folder.reserve("photo", ".jpg") for _ in range(3)]
    for target in targets:
        folder.write(target, b"x")
    assert _names(tmp_path / "new" / "folder") == ["photo-2.jpg", "photo-3.jpg", "photo.jpg"]


@given(stem=st.text(max_size=300))
def test_no_name_leaves_the_folder(stem: str) -> None:
    folder = Path("/some/folder")
    target = OutputFolder(folder).reserve(stem, ".jpg")
    assert target.parent == folder and target.name not in ("", ".", "..")
    assert not set(target.name) & set("/\\\0\n") and not target.name.startswith(".")
    assert len(target.name.encode("utf-8", "surrogatepass")) <= 205  # 48 characters of at most 4 bytes, and the rest


def test_the_input_itself_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"the only copy")
    with pytest.raises(OutputError, match="overwrite the input itself"):
        OutputFolder(tmp_path, force=True).reserve("photo", ".jpg", source=str(photo))
