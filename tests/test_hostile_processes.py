"""Full disks, closed pipes, killed processes, folders that cannot be written, and two processes at once."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import FACE, PHOTO, ROOT, command
from tests.darknet_files import V3_TINY_ANCHORS, Cfg, write_random_weights

_TABLE = "x,y,label\n" + "".join(f"{at},{at * 7 % 5},{'ab'[at % 2]}\n" for at in range(12))
_SENTENCES = (
    "text,label\nI love you,heart\nkiss me,heart\nlet us eat,fork\nmore food,fork\nplay ball,ball\na home run,ball\n"
)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Return a folder of small inputs, in which the commands run."""
    (tmp_path / "table.csv").write_text(_TABLE)
    (tmp_path / "sentences.csv").write_text(_SENTENCES)
    (tmp_path / "names.txt").write_text(
        "".join(f"{first}{last}\n" for first in ("Ana", "Bo", "Ci") for last in ("ra", "to", "lu"))
    )
    (tmp_path / "vectors.txt").write_text("".join(f"word{at} {at} {at * 3 % 7} 1\n" for at in range(200)))
    return tmp_path


def _run(folder: Path, *arguments: object, **keywords: object) -> subprocess.CompletedProcess[bytes]:
    settings = {"capture_output": True, "timeout": 60, "stdin": subprocess.DEVNULL, "cwd": folder, **keywords}
    return subprocess.run(command(*arguments), **settings)  # type: ignore[call-overload, no-any-return]


def _left(folder: Path) -> list[str]:
    """Return the names of temporary files below a folder."""
    return [str(path) for path in folder.rglob(".*") if path.name.endswith(".part")]


# --- nowhere to write -----------------------------------------------------------------------------------------

#: One line for each command and way of writing: its words, and the file that it would write.
_WRITERS: dict[str, tuple[list[object], str]] = {
    "annotate": (["yolo-detect", PHOTO, "--annotate", "out"], "out/coffee.jpg"),
    "crops": (["yolo-detect", PHOTO, "--crops", "out"], "out/coffee-0-cup.jpg"),
    "faces": (["face-verify", FACE, FACE, "--show", "out"], "out/astronaut-astronaut.jpg"),
    "enroll": (["face-verify", "enroll", "--db", "db.npz", "--name", "Ada", FACE], "db.npz"),
    "plot": (["wordvec", "plot", "-o", "kin.png", "king", "queen", "man"], "kin.png"),
    "import": (["wordvec", "import", "vectors.txt", "-o", "out.vectors"], "out.vectors"),
    "attention": (["date-translate", "3 May 2009", "--attention", "at.png"], "at.png"),
    "nn-train": (["nn-train", "table.csv", "--epochs", "1", "--layers", "300", "--out", "net.npz"], "net.npz"),
    "emojify": (["emojify", "train", "sentences.csv", "--model", "average", "--out", "em.npz"], "em.npz"),
}


@pytest.mark.parametrize("name", _WRITERS)
def test_a_full_disk_is_one_line_and_leaves_nothing(files: Path, name: str) -> None:
    """A limit on the size of files fails a write in the middle, as a full disk does."""
    words, target = _WRITERS[name]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))

    done = _run(files, *words, preexec_fn=limit)
    told = done.stderr.decode().splitlines()
    assert done.returncode == 3 and b"Traceback" not in done.stderr
    assert len(told) == 1 and re.search(rf"{re.escape(target)}: cannot write \(file too large\)$", told[0])
    assert not (files / target).exists() and not _left(files)


@pytest.mark.parametrize("name", _WRITERS)
def test_a_folder_that_cannot_be_made_is_named(files: Path, name: str) -> None:
    words, target = _WRITERS[name]
    outputs = {"out": "table.csv/out", target: f"table.csv/{target}"}
    done = _run(files, *(outputs.get(str(word), word) for word in words))
    told = done.stderr.decode().splitlines()
    assert done.returncode == 3 and len(told) == 1 and "table.csv/" in told[0] and "not a directory" in told[0]
    assert (files / "table.csv").read_text() == _TABLE


def _without_privilege() -> None:
    """Let the permissions of files hold for this process even where it is root's."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            if libc.prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
                os._exit(99)


@pytest.mark.parametrize("name", ["annotate", "plot", "import"])
def test_a_read_only_folder_is_named(files: Path, name: str) -> None:
    words, target = _WRITERS[name]
    (files / "out").mkdir()
    for folder in (files / "out", files):
        folder.chmod(0o555)
    try:
        done = _run(files, *words, preexec_fn=_without_privilege)
    except subprocess.SubprocessError:
        pytest.skip("root's privilege cannot be given up here")
    finally:
        files.chmod(0o755)
    if done.returncode == 99:
        pytest.skip("root's privilege cannot be given up here")
    assert done.returncode == 3 and done.stderr.decode().rstrip().endswith(
        f"{target}: cannot write (permission denied)"
    )
    assert not _left(files) and not (files / target).exists()


@pytest.mark.parametrize("place", ["/proc/nowhere", "FILE", "READ-ONLY"])
def test_a_cache_that_cannot_be_written_is_named_with_what_to_do(files: Path, place: str) -> None:
    if place == "READ-ONLY":
        (files / "cache").mkdir(mode=0o555)
    cache = {"FILE": str(files / "table.csv"), "READ-ONLY": str(files / "cache")}.get(place, place)
    words = ["wordvec", "nearest", "--quiet", "--vectors", "vectors.txt", "word3"]
    done = _run(files, *words, env={**os.environ, "DLTOOLS_CACHE": cache}, preexec_fn=_without_privilege)
    if done.returncode == 99:
        pytest.skip("root's privilege cannot be given up here")
    told = done.stderr.decode().splitlines()
    assert done.returncode == 3 and len(told) == 1 and f"{cache}/converted" in told[0]
    assert told[0].endswith("set DLTOOLS_CACHE to a folder that can be written")


def test_a_cache_that_can_only_be_read_serves_what_it_has(files: Path) -> None:
    cache = files / "cache"
    words = ["wordvec", "nearest", "--quiet", "--vectors", "vectors.txt", "word3"]
    environment = {**os.environ, "DLTOOLS_CACHE": str(cache)}
    first = _run(files, *words, env=environment)
    for path in [*cache.rglob("*"), cache]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    again = _run(files, *words, env=environment, preexec_fn=_without_privilege)
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o755)
    if again.returncode == 99:
        pytest.skip("root's privilege cannot be given up here")
    assert (
        (again.returncode, again.stdout, again.stderr)
        == (first.returncode, first.stdout, first.stderr)
        == (0, first.stdout, b"")
    )


# --- streams --------------------------------------------------------------------------------------------------

#: A quick run of each command.
_QUICK: dict[str, list[object]] = {
    "yolo-detect": ["yolo-detect", PHOTO],
    "wordvec": ["wordvec", "king"],
    "emojify": ["emojify", "I love you"],
    "date-translate": ["date-translate", "3 May 2009"],
    "dino-names": ["dino-names", "-n", "2", "--seed", "1"],
    "nn-train": ["nn-train", "table.csv", "--epochs", "1"],
    "check": ["nn-train", "check", "--layers", "3"],
    "list": ["list"],
    "help": ["yolo-detect", "--help"],
    "help of a subcommand": ["emojify", "train", "--help"],
    "version": ["emojify", "--version"],
}


@pytest.mark.parametrize("name", _QUICK)
def test_a_full_disk_behind_standard_output_is_one_line(files: Path, name: str) -> None:
    with open("/dev/full", "wb") as full:
        done = _run(files, *_QUICK[name], capture_output=False, stdout=full, stderr=subprocess.PIPE)
    told = done.stderr.decode().splitlines()
    assert done.returncode == 3
    assert (
        told[-1].endswith("standard output: cannot write (no space left on device)")
        and "internal" not in done.stderr.decode()
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["yolo-detect", "no-such.jpg"], 3),
        (["emojify", "--no-such-option"], 2),
        (["emojify", "-m", "no-such-model", "x"], 2),
        (["wordvec", "nosuchwordatall"], 3),
        (["nn-train", "no-such.csv"], 3),
    ],
)
def test_a_standard_error_that_takes_nothing_keeps_the_exit_status(
    files: Path, words: list[object], status: int
) -> None:
    """It made 1 of every failure, which is a predicate's no."""
    with open("/dev/full", "wb") as full:
        done = _run(files, *words, capture_output=False, stdout=subprocess.PIPE, stderr=full)
    assert done.returncode == status
    reader, writer = os.pipe()
    os.close(reader)
    done = _run(files, *words, capture_output=False, stdout=subprocess.PIPE, stderr=writer)
    os.close(writer)
    assert done.returncode == status


@pytest.mark.parametrize(
    "name", ["yolo-detect", "wordvec", "emojify", "date-translate", "dino-names", "nn-train", "list"]
)
def test_a_reader_that_went_away_is_141_without_a_word(files: Path, name: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = _run(files, *_QUICK[name], capture_output=False, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 141 and b"rror" not in done.stderr and b"Traceback" not in done.stderr


# --- killed ---------------------------------------------------------------------------------------------------


def _wait(until: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.002)


def test_a_kill_in_the_middle_of_a_file_leaves_no_part_under_its_name(tmp_path: Path) -> None:
    """SIGKILL cannot be caught: what is left has a name that tells, and does not stand in the way of the next run."""
    source = tmp_path / "large.txt"
    row = " ".join(["0.125"] * 50)
    source.write_text("".join(f"w{at} {row}\n" for at in range(60_000)))
    words = command("wordvec", "import", source, "-o", tmp_path / "out.vectors")
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT)
    _wait(lambda: _left(tmp_path))
    process.kill()
    process.wait()
    assert not (tmp_path / "out.vectors").exists()
    assert all(re.fullmatch(r"\.out\.vectors\.[0-9a-f]{12}\.part", Path(name).name) for name in _left(tmp_path))
    assert subprocess.run(words, capture_output=True, cwd=ROOT, timeout=60).returncode == 0
    from dltools.runtime.vectors import VectorStore

    assert len(VectorStore.open(tmp_path / "out.vectors")) == 60_000


def test_a_kill_in_the_middle_of_a_journal_loses_at_most_what_was_under_way(files: Path) -> None:
    texts = "".join(f"I love you {at}\n" for at in range(12)).encode()
    (files / "texts").write_bytes(texts)
    words = command(
        "map", "--workers", "1", "--chunk", "2", "--journal", "journal", "--files-from", "texts", "--", "emojify"
    )
    process = subprocess.Popen(
        words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=files, start_new_session=True
    )
    _wait(lambda: (files / "journal").exists() and (files / "journal").read_bytes().count(b"\n") >= 3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = (files / "journal").read_bytes()
    (files / "journal").write_bytes(before + b'{"chunk": 2, "inp')  # the line that a kill may cut
    done = subprocess.run(words, capture_output=True, cwd=files, timeout=60)
    assert done.returncode == 0 and done.stdout == _run(files, "emojify", "-f", "texts").stdout
    assert (files / "journal").read_bytes().startswith(before) and (files / "journal").read_bytes().count(b"\n") == 7


# --- two at once ----------------------------------------------------------------------------------------------


def _both(
    folder: Path, *words: list[object], env: dict[str, str] | None = None
) -> list[subprocess.CompletedProcess[bytes]]:
    started = [
        subprocess.Popen(command(*each), cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for each in words
    ]
    results = [(process, *process.communicate(timeout=120)) for process in started]
    return [subprocess.CompletedProcess(process.args, process.returncode, out, err) for process, out, err in results]


@pytest.mark.parametrize("force", [False, True])
def test_two_runs_that_write_one_file(files: Path, force: bool) -> None:
    words = [
        ["wordvec", "plot", "-o", "one.png", *(["--force"] if force else []), *each.split()]
        for each in ("king queen man", "paris london rome berlin")
    ]
    alone = []
    for each in words:
        _run(files, *[f"alone-{len(alone)}.png" if word == "one.png" else word for word in each])
        alone.append((files / f"alone-{len(alone)}.png").read_bytes())
    done = _both(files, *words)
    assert (files / "one.png").read_bytes() in alone and not _left(files)
    statuses = sorted(each.returncode for each in done)
    assert statuses == ([0, 0] if force else [0, 3])
    if not force:
        assert any(each.stderr.decode().startswith("wordvec: one.png: exists already") for each in done)


def test_two_runs_that_convert_one_file(tmp_path: Path) -> None:
    """Both need the same conversion at once: each gets a whole file, and one stays."""
    from dltools.models.yolo.darknet import parse_cfg

    text = Cfg(32, 32).conv(4, 3).pool(2, 2).yolo("0,1,2", V3_TINY_ANCHORS, 2).text()
    (tmp_path / "net.cfg").write_text(text)
    write_random_weights(tmp_path / "net.weights", parse_cfg(text, "x"), 0)
    words: list[object] = ["yolo-detect", "--quiet", "--cfg", "net.cfg", "--weights", "net.weights", PHOTO]
    environment = {**os.environ, "DLTOOLS_CACHE": str(tmp_path / "cache")}
    one, other = _both(tmp_path, words, words, env=environment)
    assert one.returncode == other.returncode == 0 and one.stdout == other.stdout and one.stderr == other.stderr == b""
    kept = list((tmp_path / "cache" / "converted").iterdir())
    assert [path.suffix for path in kept] == [".tflite"]


def test_two_runs_of_one_journal(files: Path) -> None:
    (files / "texts").write_text("I love you\nlet us eat\n")
    words: list[object] = ["map", "--workers", "1", "--journal", "journal", "--files-from", "texts", "--", "emojify"]
    done = sorted(_both(files, words, words), key=lambda each: each.returncode)
    assert [each.returncode for each in done] == [0, 2] or done[1].stdout == done[0].stdout
    if done[1].returncode == 2:
        assert done[1].stderr == b"dltools: journal: another run writes this journal\n" and done[1].stdout == b""
    assert done[0].stdout == _run(files, "emojify", "-f", "texts").stdout


def test_files_of_others_are_as_the_umask_says(files: Path) -> None:
    """A temporary name must not make a file that nobody else can read."""
    done = _run(files, "wordvec", "plot", "-o", "kin.png", "king", "queen", "man", preexec_fn=lambda: os.umask(0o022))
    assert done.returncode == 0 and stat.S_IMODE((files / "kin.png").stat().st_mode) == 0o644
