"""The pipeline of README.md that never ends by itself, as real processes; the others are run by test_examples.py."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PHOTO
from tests.test_examples import README, blocks, install

#: Stands in for inotify-tools, which has to be told when it is ready: prints each file of the folder once.
_WATCHER = """
import os, sys, time
seen = set()
while True:
    for entry in os.scandir(sys.argv[-1]):
        if entry.path not in seen:
            seen.add(entry.path)
            print(entry.path, flush=True)
    time.sleep(0.05)
"""


@pytest.mark.slow
def test_a_watched_folder_is_painted_and_classified_as_pictures_arrive(tmp_path: Path) -> None:
    (script,) = (block for block in blocks(README) if block.startswith("inotifywait"))
    quick = script.replace("--json", "--json --size 64 --iterations 2 --backbone squeezenet")
    assert quick != script
    environment = install(tmp_path / "bin")
    (tmp_path / "bin" / "inotifywait").write_text(f"#!{sys.executable}\n{_WATCHER}")
    (tmp_path / "bin" / "inotifywait").chmod(0o755)
    for name in ("inbox", "painted"):
        (tmp_path / name).mkdir()
    shutil.copy(PHOTO, tmp_path / "wave.jpg")
    process = subprocess.Popen(
        ["bash", "-c", quick], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        for name in ("first.jpg", "second.jpg"):  # the one is answered before the other is there
            shutil.copy(PHOTO, tmp_path / name)
            (tmp_path / name).rename(tmp_path / "inbox" / name)
            record = json.loads(process.stdout.readline())
            assert record["path"] == f"inbox/{name}" and record["output"] == f"painted/{name}.png"
            assert (tmp_path / "painted" / f"{name}.png").is_file()
            assert len(record["items"]) == 1 and record["styles"] == ["wave.jpg"]
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
