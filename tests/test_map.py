"""dltools map: order, lost workers, inputs that end a process, and runs that go on where they were cut off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dltools.commands._map import resolve
from dltools.errors import InputError, UsageError
from dltools.runtime.chunk import Outcome, run_chunk
from dltools.runtime.cluster import Cluster, open_cluster
from dltools.runtime.journal import open_journal
from dltools.runtime.mapping import Chunk, Mapping, chunks, growing, overall
from tests.conftest import PHOTO, Run, command

DATES = ["25th of June, 2009", "1 May 2001", "", "3 March 1999", "no date", "2 January 2003", "7/8/1990"]


class Here:
    """Workers that run what they are given at once, in this process."""

    size = 1

    def __init__(self) -> None:
        self.started = 0

    def submit(self, function: Callable[..., Outcome], *arguments: object) -> Callable[[], Outcome]:
        self.started += 1
        outcome = function(*arguments)
        return lambda: outcome


def _poisoned(folder: Path) -> dict[str, str]:
    """Return an environment in which Python processes kill themselves when they open a file called poison.jpg."""
    (folder / "sitecustomize.py").write_text(
        "import os, signal\n"
        "real = os.open\n"
        "def opened(path, *rest, **named):\n"
        "    if str(path).endswith('poison.jpg'):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return real(path, *rest, **named)\n"
        "os.open = opened\n"
    )
    return {**os.environ, "PYTHONPATH": str(folder)}


def _fail(chunk: Chunk, code: str, message: str) -> Outcome:
    return Outcome(3, f"{chunk.data.decode().strip()}: {code}\n", f"{message}\n")


@given(st.lists(st.binary(max_size=9).filter(lambda part: b"\n" not in part)), st.integers(1, 7))
def test_chunks_hold_every_line_once_in_order(parts: list[bytes], size: int) -> None:
    made = list(chunks(parts, b"\n", lambda _number: size))
    assert b"".join(chunk.data for chunk in made) == b"".join(part + b"\n" for part in parts)
    assert [chunk.number for chunk in made] == list(range(len(made)))
    assert [chunk.before for chunk in made] == [size * at for at in range(len(made))]


def test_chunks_grow_up_to_the_most() -> None:
    made = list(chunks([b"x"] * 2_000, b"\n", growing(256)))
    assert [len(chunk.lines) for chunk in made] == [32] * 4 + [64] * 4 + [128] * 4 + [256] * 4 + [80]
    assert growing(8192)(1_000_000) == 8192


@pytest.mark.parametrize(
    ("statuses", "expected"), [([], 0), ([0, 0], 0), ([1, 1], 1), ([1, 0], 0), ([0, 3, 1], 3), ([3, 70], 70)]
)
def test_the_exit_status_of_a_run(statuses: list[int], expected: int) -> None:
    assert overall(statuses) == expected


def test_texts_come_out_as_from_the_command_alone(run: Run) -> None:
    data = "\n".join(DATES).encode() + b"\n"
    alone = run("date-translate", "-q", input=data)
    mapped = run("map", "-q", "--workers", "2", "--chunk", "2", "date-translate", input=data)
    assert (mapped.stdout, mapped.returncode) == (alone.stdout, alone.returncode)
    assert mapped.stderr == alone.stderr  # its line numbers are those of the whole stream


def test_an_input_that_kills_its_process_is_one_error_record(run: Run, tmp_path: Path) -> None:
    lines = [str(PHOTO), json.dumps({"path": "poison.jpg", "mine": 1}), "missing.jpg", str(PHOTO)]
    arguments = ("map", "--workers", "2", "--chunk", "4", "--", "yolo-detect", "-s", "0.4")
    done = run(*arguments, input="\n".join(lines).encode(), env=_poisoned(tmp_path), cwd=tmp_path)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 3
    assert [record.get("error", {}).get("code") for record in records] == [None, "crashed", "not_found", None]
    assert records[1]["mine"] == 1 and records[1]["error"]["message"] == "was killed by SIGKILL"
    assert records[0]["items"] == records[3]["items"] != []
    assert done.stderr.decode().splitlines() == [
        "yolo-detect: poison.jpg: was killed by SIGKILL",
        "yolo-detect: missing.jpg: no such file",
        "dltools: 4 inputs, 2 failed",
    ]


def test_an_input_that_hangs_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hang.jpg")  # nobody ever writes into it
    lines = [str(PHOTO).encode(), str(tmp_path / "hang.jpg").encode()]
    mapping = Mapping(["yolo-detect"], Here(), _fail, timeout=4)
    ((_, outcome),) = mapping.run(chunks(lines, b"\n", lambda _number: 2))
    first, second = outcome.output.splitlines()
    assert json.loads(first)["items"] and second == f"{tmp_path}/hang.jpg: timeout"
    assert (outcome.status, outcome.errors) == (3, "took too long\n")


def test_what_a_lost_worker_had_is_done_again() -> None:
    """One of two worker processes is killed while chunks are under way: nothing is missing, nothing twice."""
    texts = [f"{day} May {year}".encode() for year in (1999, 2004) for day in range(1, 29)]
    expected = [f"{year}-05-{day:02}" for year in (1999, 2004) for day in range(1, 29)]
    with open_cluster(scheduler=None, workers=2) as cluster:
        lost = cluster.submit(_own_pid).__call__().status
        found = []
        for chunk, outcome in Mapping(["date-translate", "-q"], cluster, _fail).run(
            chunks(texts, b"\n", lambda _number: 8)
        ):
            if chunk.number == 0:
                os.kill(lost or 0, signal.SIGKILL)
            found += outcome.output.splitlines()
    assert found == expected


def _own_pid() -> Outcome:
    return Outcome(os.getpid(), "", "")


def test_a_chunk_that_takes_every_worker_down_is_given_up() -> None:
    with open_cluster(scheduler=None, workers=1) as cluster:
        assert isinstance(cluster, Cluster) and cluster.size == 1
        outcome = cluster.submit(_end_worker)()
    assert outcome.status == -signal.SIGKILL and not outcome.answered


def _end_worker() -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_journal_spares_what_is_done(tmp_path: Path) -> None:
    lines = [text.encode() for text in DATES]
    path = tmp_path / "journal"
    argv = ["date-translate", "-q"]
    with open_journal(path, argv) as journal:
        run = Mapping(argv, Here(), _fail, journal=journal).run(chunks(lines, b"\n", lambda _number: 2))
        first = [next(run), next(run)]  # then the run is cut off
    with path.open("ab") as stream:
        stream.write(b'{"chunk": 2, "inp')  # in the middle of a line
    workers = Here()
    with open_journal(path, argv) as journal:
        second = list(Mapping(argv, workers, _fail, journal=journal).run(chunks(lines, b"\n", lambda _number: 2)))
    assert second[:2] == first and len(second) == 4
    assert workers.started == 2
    lines[0] = b"4 July 1776"
    workers = Here()
    with open_journal(path, argv) as journal:  # another input in the place of the first
        third = list(Mapping(argv, workers, _fail, journal=journal).run(chunks(lines, b"\n", lambda _number: 2)))
    assert workers.started == 1 and third[0][1].output.startswith("1776-07-04\n") and third[1:] == second[1:]


def test_a_journal_is_one_run_of_one_command(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with open_journal(path, ["emojify"]), pytest.raises(UsageError, match="another run"), open_journal(path, []):
        pass
    with pytest.raises(UsageError, match="another command: emojify"), open_journal(path, ["date-translate"]):
        pass
    other = tmp_path / "letter.txt"
    other.write_text("Dear reader,")
    with pytest.raises(InputError, match="not a journal"), open_journal(other, ["emojify"]):
        pass
    assert other.read_text() == "Dear reader,"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "no such command"),
        (["yolo-detect", "x.jpg"], "inputs come from standard input"),
        (["emojify", "-f", "chat.txt"], "inputs come from standard input"),
        (["wordvec", "similarity", "--format", "tsv"], "ndjson"),
        (["dino-names"], "reads no stream"),
    ],
)
def test_what_cannot_be_mapped(words: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        resolve(tuple(words))


def test_wrong_usage_of_the_command_ends_the_run_at_once(run: Run) -> None:
    done = run("map", "--workers", "1", "yolo-detect", "-m", "nosuch", input=b"a.jpg\nb.jpg\n")
    assert done.returncode == 2 and done.stdout == b""
    assert done.stderr.startswith(b"dltools: no model is named 'nosuch'")


def test_threads_are_shared_among_workers_unless_the_user_says() -> None:
    assert resolve(("yolo-detect",)).argv(1)[:5] == ["yolo-detect", "detect", "--quiet", "--threads", "1"]
    assert resolve(("yolo-detect", "--threads", "3")).argv(1) == ["yolo-detect", "detect", "--quiet", "--threads", "3"]


def test_a_chunk_runs_where_the_run_was_started(tmp_path: Path) -> None:
    (tmp_path / "mine.jpg").write_bytes(PHOTO.read_bytes())
    outcome = run_chunk(["yolo-detect"], str(tmp_path), b"mine.jpg\n", 0, None)
    assert outcome.status == 0 and json.loads(outcome.output)["path"] == "mine.jpg"


def test_a_reader_that_goes_away_ends_the_run() -> None:
    line = " ".join(command("map", "--workers", "1", "--chunk", "1", "date-translate"))
    done = subprocess.run(
        ["bash", "-c", f"yes '1 May 2001' | head -n 200 | {line} | head -n 1; echo ${{PIPESTATUS[2]}}"],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == b"2001-05-01\n141\n" and done.stderr == b""
