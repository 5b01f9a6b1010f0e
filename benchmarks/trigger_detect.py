"""trigger-detect beside openWakeWord (pyopen-wakeword): ten seconds, five minutes, an hour, and a step of a stream.

The sound is made here: noise that comes and goes, and the example recording of the toolkit once a minute.
"""

from __future__ import annotations

import argparse
import json
import sys
import wave
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
from _harness import Absent, Case, Program

RATE = 16000
MOST_MEMORY = 200  # MiB, however long the recording

#: What a program that imports the package does as sound comes, 80 ms at a time; the median of what a step takes.
_STEPS = """
import statistics, sys, time
from dltools.io.audio import open_sound_file
from dltools.models.trigger.infer import TriggerDetector
listener, took = TriggerDetector.load().listen(), []
for block in open_sound_file(sys.argv[1]).mono(16000):
    for at in range(0, len(block), 1280):
        started = time.perf_counter()
        listener.push(block[at:at + 1280])
        took.append(time.perf_counter() - started)
print(statistics.median(took))
"""


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the version of the peer; None where it is not there."""
    try:
        return {"pyopen-wakeword": metadata.version("pyopen-wakeword")}
    except metadata.PackageNotFoundError:
        return {"pyopen-wakeword": None}


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    own, script = str(Path(sys.executable).with_name("trigger-detect")), Path(__file__).with_name("peers")
    absent = None if versions()["pyopen-wakeword"] else Absent("not installed: pip install pyopen-wakeword==1.1.0")
    short, minutes, hour = (folder / f"{name}.wav" for name in ("short", "minutes", "hour"))
    for path, seconds in ((short, 10), (minutes, 300), (hour, 3600)):
        _write(path, seconds)

    def ours(path: Path, least: int) -> Program:
        return Program([own, str(path)], _heard(least))

    def peer(*words: str) -> Program:
        return Program([sys.executable, str(script / "open_wakeword.py"), *words], _numbers)

    def timed(program: Program) -> Program:
        return program._replace(clock=lambda output: float(output.split()[-1]))

    step = Program([sys.executable, "-c", _STEPS, str(short)], _numbers)
    name = "openWakeWord"
    return [
        Case(
            "10 seconds", Program([own, str(short)], _heard(1)), name, absent or peer(str(short)), None, MOST_MEMORY, 1
        ),
        Case("5 minutes", ours(minutes, 5), name, absent or peer(str(minutes)), None, MOST_MEMORY),
        Case("an hour, 3,600 seconds", ours(hour, 60), name, Absent("takes three minutes"), None, MOST_MEMORY, 3600),
        Case("a step of 80 ms", timed(step), name, absent or timed(peer("--step", str(short)))),
    ]


def _write(path: Path, seconds: int) -> None:
    """Write noise that comes and goes like speech, the example in every minute, at its beginning."""
    import soundfile
    import soxr

    given, rate = soundfile.read(Path(__file__).parents[1] / "dltools" / "assets" / "activate.flac", dtype="float32")
    example = soxr.resample(given, rate, RATE)
    random = np.random.default_rng(1)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        for _ in range(0, seconds, 60):
            count = min(60, seconds) * RATE
            loud = np.repeat(random.uniform(0, 0.02, count // 1600), 1600)
            made = random.normal(0, 1, count) * loud
            made[: len(example)] += example
            sound.writeframes((made.clip(-1, 1) * 32767).astype("<i2").tobytes())


def _heard(least: int) -> Callable[[bytes], str | None]:
    def check(output: bytes) -> str | None:
        found = len(json.loads(output)["items"])
        return None if found >= least * 0.9 else f"heard {found} of {least}"

    return check


def _numbers(output: bytes) -> str | None:
    return None if output.strip() else "printed nothing"
