"""Hostile input for every reader of outside bytes: valid files, mutated from a seed, read in a process of their own.

A reader may succeed or raise :class:`DltoolsError` with one line. Any other exception, more than ten seconds, more
memory than its bound, or the end of the process is a finding, which ``python -m tests.hostile NAME NUMBER`` repeats.
``DLTOOLS_TEST_FUZZ=N`` makes N times as many examples. The readers stand in :mod:`tests.hostile_readers`.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
import resource
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from tests.conftest import ROOT

SECONDS = 10
MULTIPLE = int(os.environ.get("DLTOOLS_TEST_FUZZ", "1"))
_MIB = 1 << 20


class Reader(NamedTuple):
    """A reader of outside bytes.

    ``seeds`` makes valid files (the same ones each time) in a folder that is its own; ``read`` reads the file at a path
    as a command would, and uses what it got. ``memory``: MiB that it may take beyond what the valid files take.
    ``suffix``: what its files end in.
    """

    name: str
    seeds: Callable[[Path], Sequence[bytes]]
    read: Callable[[Path], object]
    examples: int = 60
    memory: int = 256
    suffix: str = ""


class Finding(NamedTuple):
    """What went wrong with an example, -1 for all of them together."""

    reader: str
    example: int
    what: str


# --- mutations ------------------------------------------------------------------------------------------------

_INTEGERS = (0, 1, -1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)
_TOKENS = (
    *(b"\0", b"\n", b"\r\n", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\x1b[31m", b"\xc2\x9b31m", b"\xe2\x80\xae"),
    *(
        b"nan",
        b"inf",
        b"1e999",
        b"-1",
        b"0",
        b"2147483648",
        b"9" * 400,
        b"9" * 5000,
        b"[" * 3000,
        b'"',
        b"{",
        b",",
        b" ",
    ),
    *(b"../../x", b"/etc/passwd", b"[/red]", b"%s%n", b"PK\x03\x04", b"\xff\xd8\xff", b"\xff\xda" * 50, b"\n" * 4096),
)
_JSON_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        0,
        -1,
        1,
        2**31,
        2**63,
        10**400,
        0.5,
        -1e308,
        float("inf"),
        float("nan"),
        "",
        "x",
        "\x1b[31m",
        "\u009b1m",
    ),
    *(
        "\ud800",
        "../../x",
        "/dev/zero",
        "9" * 5000,
        [],
        [1],
        [[1, 2], [3]],
        {},
        {"x": 1},
        ["a", 2, None],
        "e\u0301" * 50,
    ),
)


def mutate(random: Random, data: bytes) -> bytes:
    """Return ``data`` damaged in one place or a few: inside its container where it is one, or plainly."""
    if random.random() < 0.03:
        return random.randbytes(random.choice((0, 1, 7, 100, 5000)))
    for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
        inside = [each for each in _CONTAINERS if random.random() < 0.7]
        changed = next((new for each in inside if (new := each(random, data)) is not None), None)
        data = changed if changed is not None else random.choice(_PLAIN)(random, data)
    return data


def _truncate(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _flip(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        if changed:
            changed[_place(random, data)] ^= 1 << random.randrange(8)
    return bytes(changed)


def _set_bytes(random: Random, data: bytes) -> bytes:
    at = _place(random, data)
    count = random.choice((1, 1, 2, 4, 16, 256))
    return data[:at] + random.choice((bytes(count), b"\xff" * count, random.randbytes(count))) + data[at + count :]


def _set_integer(random: Random, data: bytes) -> bytes:
    width = random.choice((1, 2, 4, 8))
    number = random.choice(_INTEGERS) % (1 << 8 * width)
    at = _place(random, data)
    return data[:at] + number.to_bytes(width, random.choice(("little", "big"))) + data[at + width :]


def _set_number(random: Random, data: bytes) -> bytes:
    """Replace a number written in ASCII."""
    found = list(re.finditer(rb"[+-]?\d+(\.\d+)?", data[:100_000]))
    if not found:
        return _set_integer(random, data)
    chosen = random.choice(found)
    words = [str(number).encode() for number in _INTEGERS] + [
        b"1e999",
        b"nan",
        b"-0",
        b"0x10",
        b"1_0",
        b"9" * 5000,
        b"1.5",
    ]
    return data[: chosen.start()] + random.choice(words) + data[chosen.end() :]


def _cut_out(random: Random, data: bytes) -> bytes:
    at = _place(random, data)
    return data[:at] + data[at + random.choice((1, 2, 4, 64, 1000)) :]


def _repeat(random: Random, data: bytes) -> bytes:
    at = _place(random, data)
    piece = data[at : at + random.choice((1, 4, 64, 1000))]
    return data[:at] + piece * random.choice((2, 2, 3, 50)) + data[at:]


def _insert(random: Random, data: bytes) -> bytes:
    at = _place(random, data)
    return data[:at] + random.choice(_TOKENS) + data[at:]


def _swap(random: Random, data: bytes) -> bytes:
    first, second = sorted((_place(random, data), _place(random, data)))
    return data[second:] + data[first:second] + data[:first]


def _place(random: Random, data: bytes) -> int:
    """Return a place in ``data``: headers stand at its ends, so those are hit more often."""
    if not data:
        return 0
    span = random.choice((len(data), min(len(data), 64), min(len(data), 1024)))
    at = random.randrange(span)
    return len(data) - 1 - at if span < len(data) and random.random() < 0.25 else at


_PLAIN = (
    _truncate,
    _flip,
    _flip,
    _set_bytes,
    _set_integer,
    _set_integer,
    _set_number,
    _cut_out,
    _repeat,
    _insert,
    _swap,
)


def _in_zip(random: Random, data: bytes) -> bytes | None:
    """Damage one member of a ZIP archive, or what is said of it, and keep the rest and all checksums right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info, archive.read(info)) for info in archive.infolist()]
    except Exception:
        return None
    if not members:
        return None
    start = data.find(b"PK\x03\x04")
    chosen = random.randrange(len(members))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (info, content) in enumerate(members):
            name, kind = info.filename, info.compress_type
            if number == chosen:
                change = random.randrange(10)
                if change == 0:
                    continue
                if change == 1:
                    name = random.choice(
                        ("../../x", "/etc/x", "", "x" * 300, "\x1b[31m", "a\nb", members[0][0].filename)
                    )
                elif change == 2:
                    kind = random.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
                elif change == 3:
                    content, kind = content + bytes(16 * _MIB), zipfile.ZIP_DEFLATED  # a small bomb
                else:
                    content = mutate(random, content)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of two members of one name
                archive.writestr(zipfile.ZipInfo(name or "x"), content, kind)
    return data[: max(start, 0)] + packed.getvalue()


def _in_npy(random: Random, data: bytes) -> bytes | None:
    """Change what the header of a ``.npy`` array says."""
    if not data.startswith(b"\x93NUMPY\x01") or len(data) < 10:
        return None
    length = struct.unpack_from("<H", data, 8)[0]
    header = data[10 : 10 + length].decode("latin-1")
    shape = random.choice(((2**31,), (2**31, 2**31), (2**62, 4), (-1,), (0,), (), (3, 0, 5), (1, 1, 1, 1, 1), (7,)))
    kind = random.choice(
        ("|O", "<f8", ">f4", "<U90000000", "|V0", "<c16", "<M8[s]", "|S0", "<i8", "|b1", "<f2", "<U5", "|u1")
    )
    if random.random() < 0.5:
        header = re.sub(r"\(.*\)", str(shape), header)
    else:
        header = re.sub(r"'descr': '[^']*'", f"'descr': {kind!r}", header)
    text = header.rstrip().encode("latin-1").ljust(length - 1) + b"\n"
    return data[:8] + struct.pack("<H", len(text)) + text + data[10 + length :]


def _in_gzip(random: Random, data: bytes) -> bytes | None:
    if not data.startswith(b"\x1f\x8b"):
        return None
    try:
        content = gzip.decompress(data)
    except Exception:
        return None
    return gzip.compress(mutate(random, content), 1, mtime=0)


def _in_json(random: Random, data: bytes) -> bytes | None:
    """Put a value where another one stands, in a JSON text or in one line of an NDJSON text."""
    if data.lstrip()[:1] not in (b"{", b"["):
        return None
    lines = [data]
    chosen = 0
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        lines = data.split(b"\n")
        chosen = random.randrange(len(lines))
        try:
            value = json.loads(lines[chosen])
        except (ValueError, RecursionError):
            return None
    places = list(_places(value))
    if not places:
        return None
    parent, key = random.choice(places)
    if random.random() < 0.15:
        del parent[key]
    elif random.random() < 0.15:
        parent[key] = json.loads("[" * 900 + "]" * 900)
    else:
        parent[key] = random.choice(_JSON_VALUES)
    text = re.sub(r"(?<!\w)Infinity", "1e999", json.dumps(value)).encode()
    return b"\n".join([*lines[:chosen], text, *lines[chosen + 1 :]])


def _places(value: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    if depth < 6 and isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value[:50]):
            yield value, key
            yield from _places(inner, depth + 1)


_CONTAINERS = (_in_zip, _in_npy, _in_gzip, _in_json)


# --- runs -----------------------------------------------------------------------------------------------------


class _HangError(BaseException):
    pass


def _alarm(_number: int, _frame: object) -> None:
    raise _HangError


def example(reader: Reader, seeds: Sequence[bytes], number: int) -> bytes:
    """Return the example ``number`` of a reader; the first ones are the seeds themselves."""
    if number < len(seeds):
        return seeds[number]
    random = Random(f"{reader.name} {number}")
    return mutate(random, random.choice(seeds))


def attempt(reader: Reader, path: Path) -> str | None:
    """Read a file; return what is wrong with how that ended, if anything is."""
    from dltools.errors import DltoolsError

    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        reader.read(path)
    except DltoolsError as error:
        return "a message of several lines or none" if len(str(error).split("\n")) != 1 or not str(error) else None
    except _HangError:
        return f"took more than {SECONDS} s\n{traceback.format_exc()}"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
    return None


def _serve(reader: Reader, numbers: Sequence[int]) -> Iterator[Finding]:
    """Read examples in this process; what ends it, the parent sees."""
    warnings.simplefilter("ignore")  # as the commands do
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        own = folder / "seeds"
        own.mkdir()
        seeds = reader.seeds(own)
        path = folder / f"input{reader.suffix}"
        for number in range(len(seeds)):
            path.write_bytes(example(reader, seeds, number))
            if wrong := attempt(reader, path):
                yield Finding(reader.name, number, f"the valid file: {wrong}")
        before = peak_memory()
        with open("/proc/self/statm") as status:  # the address space: what is declared must not even be reserved
            pages = int(status.read().split()[0])
        bound = pages * resource.getpagesize() + (reader.memory + 512) * _MIB
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        for number in numbers:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()
            path.write_bytes(example(reader, seeds, number))
            if wrong := attempt(reader, path):
                yield Finding(reader.name, number, wrong)
        if (grown := peak_memory() - before) > reader.memory:
            yield Finding(reader.name, -1, f"took {grown} MiB more than its valid files, not {reader.memory}")


def peak_memory() -> int:
    """Return the most MiB that this program has held; ru_maxrss begins with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) // 1024  # type: ignore[index]


def run(reader: Reader) -> list[Finding]:
    """Read all examples of a reader in processes of their own: a new one where one ended."""
    last = reader.examples * MULTIPLE
    first = 0
    findings: list[Finding] = []
    while first < last:
        command = [sys.executable, "-m", "tests.hostile", reader.name, str(first), str(last)]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=120 + 2 * SECONDS * last, check=False
        )
        at = first
        for line in done.stdout.splitlines():
            if line.startswith("{"):
                findings.append(Finding(**json.loads(line)))
            else:
                at = int(line)
        if done.returncode == 0:
            break
        findings.append(Finding(reader.name, at, f"ended the process: {done.returncode}\n{done.stderr[-2000:]}"))
        first = at + 1
        if len(findings) > 20:
            break
    return findings


def main() -> None:
    """Read the examples FIRST to before LAST (default: FIRST alone, kept as a file) of the reader NAME."""
    from tests.hostile_readers import FAULTY, READERS

    name, first, *rest = sys.argv[1:]
    reader = next(each for each in (*READERS, *FAULTY) if each.name == name)
    for finding in _serve(reader, range(int(first), int(rest[0]) if rest else int(first) + 1)):
        sys.stdout.write(json.dumps(finding._asdict()) + "\n")
        sys.stdout.flush()
    if not rest:
        with tempfile.TemporaryDirectory() as own:
            kept = Path(tempfile.gettempdir()) / f"hostile-{name}-{first}{reader.suffix}"
            kept.write_bytes(example(reader, reader.seeds(Path(own)), int(first)))
            sys.stdout.write(f"{kept}\n")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
