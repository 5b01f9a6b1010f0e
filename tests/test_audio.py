"""Sound as blocks: formats, raw samples, rates, and what is wrong with a file."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from dltools.errors import InputError
from dltools.io import audio

SAMPLES = (0.5 * np.sin(np.arange(22050) * 0.05)).astype(np.float32)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "aiff", "au", "mp3"])
def test_every_format_gives_its_samples_as_one_channel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"two.{suffix}"
    soundfile.write(path, np.stack([SAMPLES, SAMPLES], axis=1), 22050)
    read = audio.read_audio(path, 22050)
    lossy = suffix in ("ogg", "mp3")
    assert abs(len(read) - len(SAMPLES)) <= (2400 if lossy else 0)
    # 16-bit steps, or what a lossy code leaves of a tone's level
    assert read.std() == pytest.approx(SAMPLES.std(), rel=0.08 if lossy else 1e-3)


@pytest.mark.parametrize("name", list(audio.PCM))
def test_raw_samples_of_every_kind(name: str) -> None:
    form = audio.PCM[name]
    scaled = SAMPLES.astype(np.float64) * min(form.scale, 2**31 - 1) + form.middle
    if form.bytes == 3:
        four = (SAMPLES.astype(np.float64) * 2**23).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
        data = (four if name == "s24le" else four[:, ::-1]).tobytes()
    else:
        data = scaled.astype(form.dtype).tobytes()
    stream = io.BytesIO(data + b"\0" * (form.bytes - 1))  # a frame cut short at the end is lost
    chunks = list(audio.raw_sound(lambda limit: stream.read(min(limit, 1001)), name, 22050, 1).blocks())
    got = np.concatenate(chunks)[:, 0]
    assert len(got) == len(SAMPLES)
    assert np.abs(got - SAMPLES).max() < (0.009 if form.bytes == 1 else 4e-5)  # a step of 8 and of 16 bits


def test_resampling_as_a_stream_is_resampling_at_once() -> None:
    blocks = (SAMPLES[start : start + 777] for start in range(0, len(SAMPLES), 777))
    got = np.concatenate(list(audio.resampled(blocks, 22050, 16000)))
    whole = soxr.resample(SAMPLES, 22050, 16000)
    assert abs(len(got) - len(whole)) <= 1
    assert np.abs(got[: len(whole)] - whole[: len(got)]).max() < 1e-4  # float32 in another order


def test_what_is_not_a_number_becomes_silence(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    soundfile.write(path, np.array([0.1, np.nan, np.inf, 0.2], np.float32), 16000, subtype="FLOAT")
    assert audio.read_audio(path, 16000) == pytest.approx([0.1, 0, 0, 0.2])


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "empty"), (b"no sound at all", "not_audio"), (b"RIFF\0\0\0\0WAVE", "not_audio")]
)
def test_no_sound_file(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        audio.read_audio(path, 16000)
    assert error.value.code == code
    assert "\n" not in str(error.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path, code in ((tmp_path / "none.wav", "not_found"), (tmp_path, "is_a_folder")):
        with pytest.raises(InputError) as error:
            audio.read_audio(path, 16000)
        assert error.value.code == code
