"""trigger-detect as a command: recordings, raw samples, streams, files, statuses, training and evaluation."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from dltools.models.trigger.evaluate import wilson
from dltools.models.trigger.store import decode
from tests.conftest import Run, command
from tests.sounds import LABEL, RATE, recording, tone, tone_model, write


def records(output: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.decode("utf-8").splitlines()]


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tone_model(tmp_path)


@pytest.mark.parametrize(("suffix", "rate"), [("wav", 16000), ("flac", 44100), ("ogg", 48000), ("aiff", 22050)])
def test_when_it_was_heard(run: Run, tmp_path: Path, model: Path, suffix: str, rate: int) -> None:
    path = write(tmp_path / f"two.{suffix}", np.stack([recording((2.0, 5.0), 8.0, rate)] * 2, axis=1), rate)
    done = run("trigger-detect", "-m", model, path)
    (record,) = records(done.stdout)
    assert (done.returncode, done.stderr) == (0, b"")
    assert record["duration"] == pytest.approx(8, abs=0.01)
    assert [item["label"] for item in record["items"]] == [LABEL, LABEL]
    for item, start in zip(record["items"], (2.0, 5.0), strict=True):
        # The model hears a tone half a second after it begins, and counts back its 0.9 s and its delay.
        assert item["end"] - item["start"] == pytest.approx(0.9, abs=0.011)
        assert start < item["end"] < start + 1.2
        assert 0.5 < item["score"] <= 1


def test_raw_samples_on_standard_input_are_the_file(run: Run, tmp_path: Path, model: Path) -> None:
    samples = recording((1.0,), 4.0)
    (whole,) = records(run("trigger-detect", "-m", model, write(tmp_path / "a.wav", samples)).stdout)
    done = run("trigger-detect", "-m", model, "--raw", "s16le", "--rate", RATE, "-", input=pcm(samples))
    (record,) = records(done.stdout)
    assert record == {**whole, "path": "-"}
    data = (tmp_path / "a.wav").read_bytes()
    assert records(run("trigger-detect", "-m", model, "-", input=data).stdout) == [record]


def test_a_stream_answers_before_its_end(tmp_path: Path, model: Path) -> None:
    arguments = ["trigger-detect", "-m", model, "--raw", "s16le", "--stream", "-"]
    process = subprocess.Popen(command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(pcm(recording((1.0,), 2.2)))
    first = json.loads(process.stdout.readline())  # its input stays open
    assert first["path"] == "-" and first["label"] == LABEL and 1 < first["end"] < 2.2
    process.stdin.write(pcm(recording((1.0,), 3.0)))
    process.stdin.close()
    (second,) = records(process.stdout.read())
    assert process.wait(60) == 0
    assert second["end"] == pytest.approx(first["end"] + 2.2, abs=0.1)


def test_a_stream_has_the_events_of_the_whole(run: Run, tmp_path: Path, model: Path) -> None:
    path = write(tmp_path / "a.wav", recording((1.0, 4.0), 7.0))
    (whole,) = records(run("trigger-detect", "-m", model, path).stdout)
    events = records(run("trigger-detect", "-m", model, "--stream", path).stdout)
    shown = [(event["path"], event["start"], event["end"]) for event in events]
    assert shown == [(str(path), item["start"], item["end"]) for item in whole["items"]]
    each = records(run("trigger-detect", "-m", model, "--each", path).stdout)
    assert [(event["start"], event["score"]) for event in each] == [
        (item["start"], item["score"]) for item in whole["items"]
    ]


def test_statuses_and_formats(run: Run, tmp_path: Path, model: Path) -> None:
    silent, heard = write(tmp_path / "s.wav", np.zeros(16000)), write(tmp_path / "t.wav", recording((1.0,), 3.0))
    assert run("trigger-detect", "-m", model, "-e", silent).returncode == 1
    assert run("trigger-detect", "-m", model, "-e", "--stream", silent).returncode == 1
    assert run("trigger-detect", "-m", model, "-e", silent, heard).returncode == 0
    table = run("trigger-detect", "-m", model, "--format", "tsv", heard).stdout.decode().splitlines()
    assert table[0].split("\t")[:5] == ["path", "label", "start", "end", "score"]
    assert table[1].split("\t")[:2] == [str(heard), LABEL] and len(table) == 2
    human = run("trigger-detect", "-m", model, "--format", "human", heard).stdout.decode().splitlines()
    assert human[0] == f"{heard}: 1 heard in 3.0 s" and LABEL in human[1]
    told = run("trigger-detect", "-m", model, "-v", heard).stderr.decode()
    assert "threshold 0.5: 0.25 false accepts an hour and 2.0 % missed on held-out recordings (4.0 hours)" in told
    strict = run("trigger-detect", "-m", model, "-t", "0.999999", heard)
    assert records(strict.stdout)[0]["items"] == []
    for wrong in (("-t", "1"), ("--raw", "s17le"), ("--stream", "--chime", tmp_path / "x")):
        assert run("trigger-detect", "-m", model, *wrong, heard).returncode == 2


def test_a_bad_input_stops_nothing(run: Run, tmp_path: Path, model: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "folder.wav").mkdir()
    good = write(tmp_path / "good.wav", recording((1.0,), 3.0))
    whole = good.read_bytes()
    (tmp_path / "cut.flac").write_bytes(write(tmp_path / "x.flac", recording((), 9.0)).read_bytes()[:9000])
    names = ["text.wav", "empty.wav", "folder.wav", "missing.wav", "cut.flac", "good.wav"]
    for jobs in (1, 2):
        done = run("trigger-detect", "-m", model, "--jobs", jobs, *names, cwd=tmp_path)
        found = records(done.stdout)
        assert done.returncode == 3
        assert [record["path"] for record in found] == names
        codes = [record["error"]["code"] for record in found if "error" in record]
        assert codes == ["not_audio", "empty", "is_a_folder", "not_found", "damaged"]
        assert len(found[-1]["items"]) == 1
        lines = done.stderr.decode().splitlines()
        assert len(lines) == 6 and lines[-1] == "trigger-detect: 1 ok, 5 failed"
        assert all(line.startswith("trigger-detect: ") for line in lines)
    listed = run("trigger-detect", "-m", model, cwd=tmp_path, input=b'good.wav\n{"path": "good.wav", "mine": 1}\n')
    first, second = records(listed.stdout)
    assert second == {**first, "mine": 1}
    assert good.read_bytes() == whole


def test_files_of_events_with_chimes_and_pictures(run: Run, tmp_path: Path, model: Path) -> None:
    from PIL import Image

    rate = 22050
    samples = np.stack([recording((1.0, 4.0), 4.6, rate), np.zeros(int(4.6 * rate), np.float32)], axis=1)
    path = write(tmp_path / "two.wav", samples, rate)
    done = run("trigger-detect", "-m", model, "--chime", "c", "--save-hits", "h", "--plot", "p", path, cwd=tmp_path)
    (record,) = records(done.stdout)
    assert done.stderr == b"" and record["output"] == "c/two.wav"
    chimed, got_rate = soundfile.read(tmp_path / "c" / "two.wav", dtype="float32")
    assert got_rate == rate and chimed.shape[1] == 2 and len(chimed) >= len(samples)
    given = soundfile.read(path, dtype="float32")[0]
    added = np.abs(chimed[: len(given)] - given).max(axis=1)
    starts = [int(rate * (item["end"] + 0.1)) for item in record["items"]]  # heard 0.1 s behind the end, as it says
    assert added[: starts[0] - 500].max() < 1e-4  # a step of 16 bits
    for start in starts:
        assert added[start + 500 : start + 5000].max() > 0.1
    assert len(chimed) > len(samples)  # the last chime is not cut off
    for item in record["items"]:
        hit, _ = soundfile.read(tmp_path / item["output"], dtype="float32")
        first = max(0, int((item["start"] - 0.3) * rate))
        around = given[first : int((item["end"] + 0.3) * rate)]
        assert abs(len(hit) - len(around)) < 0.011 * rate * 2  # records are rounded to a hundredth
        assert np.abs(hit).max() == pytest.approx(np.abs(around).max(), abs=1e-3)
    with Image.open(tmp_path / "p" / "two.png") as picture:
        assert picture.size == (1200, 380)
    again = run("trigger-detect", "-m", model, "--chime", "c", path, cwd=tmp_path)
    assert again.returncode == 3 and b"exists already" in again.stderr
    assert run("trigger-detect", "-m", model, "--chime", "c", "--force", path, cwd=tmp_path).returncode == 0
    own = run("trigger-detect", "-m", model, "--chime", tmp_path, "--force", path)
    assert own.returncode == 3 and b"overwrite the input" in own.stderr


def test_a_pipe_by_a_name(run: Run, tmp_path: Path, model: Path) -> None:
    path = write(tmp_path / "a.wav", recording((1.0,), 3.0))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["cp", path, pipe]):
        (record,) = records(run("trigger-detect", "-m", model, pipe).stdout)
    assert len(record["items"]) == 1


def test_long_recordings_need_little_memory(tmp_path: Path, model: Path) -> None:
    """Six minutes of 16 channels would be 184 MB as floats, beside the 100 MB that the command takes."""
    script = (
        "import sys\nfrom dltools.commands._boundary import run\n"
        "from dltools.commands.trigger_detect import cli\n"
        "status = run(cli, sys.argv[1:])\n"
        # getrusage would tell of the process of the tests too, which this one is a fork of
        "held = open('/proc/self/status').read().partition('VmHWM:')[2].split()[0]\n"
        "print(status, int(held) // 1024, file=sys.stderr)\n"
    )
    arguments = ["-m", str(model), "--raw", "s16le", "--rate", "8000", "--channels", "16"]
    files = ["--chime", "c", "--save-hits", "h", "--plot", "p", "-"]
    python = command()[0]
    process = subprocess.Popen(
        [python, "-c", script, *arguments, *files], stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert process.stdin is not None and process.stderr is not None
    minute = pcm(np.repeat(recording((1.0,), 60.0, 8000), 16))
    for _ in range(6):
        process.stdin.write(minute)
    process.stdin.close()
    status, most = map(int, process.stderr.read().split()[-2:])
    process.wait(60)
    assert status == 0 and most < 230
    assert len(list((tmp_path / "h").iterdir())) == 6


def test_an_interrupt_ends_a_waiting_stream(model: Path) -> None:
    import signal

    arguments = ["trigger-detect", "-m", model, "--raw", "s16le", "--stream", "-"]
    process = subprocess.Popen(command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(pcm(recording((0.5,), 2.0)))
    process.stdout.readline()
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert time.monotonic() - started < 4


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tones are the word, other pitches are other words, noise is what goes on behind them."""
    folder = tmp_path_factory.mktemp("material")
    random = np.random.default_rng(1)
    for voice in range(3):
        for kind, pitch in (("positives", 1000.0), ("negatives", 250.0)):
            (folder / kind / f"v{voice}").mkdir(parents=True)
            for number in range(2):
                write(folder / kind / f"v{voice}" / f"{number}.wav", tone(0.5, pitch=pitch * (1 + 0.02 * voice)))
        (folder / "backgrounds" / f"v{voice}").mkdir(parents=True)
        write(folder / "backgrounds" / f"v{voice}" / "long.flac", random.normal(0, 0.05, 40 * RATE).clip(-1, 1))
    return folder


def _folders(material: Path) -> list[str]:
    return [part for name in ("positives", "negatives", "backgrounds") for part in (f"--{name}", str(material / name))]


def test_train_makes_a_model_and_evaluate_measures_it(run: Run, material: Path, tmp_path: Path) -> None:
    small = ["--examples", "12", "--epochs", "2", "--rounds", "2", "--seed", "5", "--word", "beep", "--members", "2"]
    made = [
        run("trigger-detect", "train", *_folders(material), *small, "--format", form, "-o", tmp_path / f"{number}.npz")
        for number, form in ((1, "ndjson"), (2, "human"))
    ]
    assert [done.returncode for done in made] == [0, 0], made[0].stderr
    assert "false accepts an hour" in made[1].stdout.decode() and "missed at 10 dB" in made[1].stdout.decode()
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()  # a seed makes it repeatable
    (record,) = records(made[0].stdout)
    assert record["seed"] == 5 and record["output"] == str(tmp_path / "1.npz") and record["hours"] > 0
    assert set(record["miss_rate"]) == {"0 dB", "5 dB", "10 dB", "20 dB"} and len(record["by_voice"]) == 1
    done = run(
        "trigger-detect", "evaluate", *_folders(material), "-m", tmp_path / "1.npz", "--plot", tmp_path / "e.png"
    )
    (measured,) = records(done.stdout)
    assert done.returncode == 0 and measured["utterances"] == 6 and len(measured["by_voice"]) == 3
    assert measured["curve"][0]["threshold"] < measured["curve"][-1]["threshold"]
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")
    loud = ["--false-accepts", "1e6", "--threads", "1", "-o", tmp_path / "loud.npz"]
    (louder,) = records(run("trigger-detect", "evaluate", *_folders(material), "-m", tmp_path / "1.npz", *loud).stdout)
    assert louder["threshold"] == 0.5 and louder["output"] == str(tmp_path / "loud.npz")
    config, weights = decode(tmp_path / "loud.npz")
    assert config.threshold == 0.5 and len(config.curve) == len(louder["curve"])
    assert all(map(np.array_equal, weights.arrays().values(), decode(tmp_path / "1.npz")[1].arrays().values()))
    thrice = ["--threshold", str(measured["threshold"]), "--places", "3"]
    (often,) = records(run("trigger-detect", "evaluate", *_folders(material), "-m", tmp_path / "1.npz", *thrice).stdout)
    assert often["utterances"] == 6 and often["other_words"] == measured["other_words"]
    missed = often["miss_rate"]["10 dB"]  # of six utterances in three places each
    assert missed == [round(bound, 4) for bound in wilson(round(missed[0] * 18), 18)]
    more = [*small[:-2], "--resume", tmp_path / "1.npz", "-o", tmp_path / "3.npz"]
    assert run("trigger-detect", "train", *_folders(material), *more).returncode == 0
    assert len(np.load(tmp_path / "3.npz")["conv_kernel"]) == 2  # members, as before
    other = run("trigger-detect", "train", *_folders(material), *more, "--members", 3)
    assert other.returncode == 2 and b"--members" in other.stderr
    kept = run("trigger-detect", "train", *_folders(material), *small, "-o", tmp_path / "1.npz")
    assert kept.returncode == 3 and b"exists already" in kept.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--threshold", "0.5", "--false-accepts", "1"), b"only one of them"),
        (("--out", "a", "--plot", "a"), b"both a"),
        (("--false-accepts", "-1"), b"--false-accepts"),
    ],
)
def test_evaluate_refuses(run: Run, material: Path, tmp_path: Path, options: tuple[str, ...], message: bytes) -> None:
    done = run("trigger-detect", "evaluate", *_folders(material), *options, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr and done.stdout == b"" and not [*tmp_path.iterdir()]


def test_the_course_s_network_is_trained_by_the_same_command(run: Run, material: Path, tmp_path: Path) -> None:
    small = ["--arch", "course", "--examples", "2", "--epochs", "1", "--rounds", "1", "--seed", "5"]
    done = run("trigger-detect", "train", *_folders(material), *small, "-o", tmp_path / "c.npz")
    assert done.returncode == 0, done.stderr
    path = write(tmp_path / "a.wav", recording((1.0,), 2.0, 44100), 44100)
    assert run("trigger-detect", "-m", tmp_path / "c.npz", path).returncode == 0
    other = run("trigger-detect", "train", *_folders(material), "--resume", tmp_path / "c.npz", "-o", tmp_path / "d")
    assert other.returncode == 2 and b"is a network of the kind course" in other.stderr


def test_folders_that_hold_nothing(run: Run, material: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    for folder, message in ((tmp_path / "none", b"holds no recording"), (tmp_path / "x", b"no such folder")):
        options = [*_folders(material)[:-1], str(folder)]
        done = run("trigger-detect", "train", *options, "-o", tmp_path / "m.npz")
        assert done.returncode == 3 and message in done.stderr and not (tmp_path / "m.npz").exists()


def test_a_damaged_model(run: Run, model: Path, tmp_path: Path) -> None:
    sound = write(tmp_path / "a.wav", tone())
    (tmp_path / "cut.npz").write_bytes(model.read_bytes()[:-300])
    (tmp_path / "no.npz").write_text("nothing")
    for bad in ("cut.npz", "no.npz", "missing.npz"):
        done = run("trigger-detect", "-m", tmp_path / bad, sound)
        assert done.returncode == 2 and done.stdout == b"" and len(done.stderr.splitlines()) == 1
