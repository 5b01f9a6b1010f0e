"""Collect real recordings that are no "activate" for trigger-detect: ``python tools/collect_trigger.py PACKAGES OUT``.

PACKAGES is a folder with a sub-folder for each Debian package of the list below, unpacked (``apt-get download NAME;
dpkg -x NAME_*.deb NAME``). Writes OUT/{train,validation,test}/backgrounds/{speech,music,noise}/PACKAGE/NUMBER.flac, one
channel of 16 kHz, about five minutes a file. Whole packages are held out, never parts; but of uqm-voice, whose licence
is non-commercial, nothing is learned: it is measured on, some characters in each part. Where an actor does say the
word, the recording is no background: the word is cut out, to OUT/people/positives/SOURCE/NAME.flac, for a measure on
real people. Needs Debian's ffmpeg, PyPI's soundfile and soxr. The recordings are never part of the package, never
committed.
"""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

RATE = 16000
FILE_SECONDS = 300
#: The silence between two recordings of a package, in seconds.
PAUSE = 0.3
SUFFIXES = {".ogg", ".oga", ".opus", ".wav", ".mp3", ".flac", ".g722", ".gsm"}
#: What ffmpeg must be told about files that do not say it themselves.
HEADERLESS = {".g722": ["-f", "g722"], ".gsm": ["-f", "gsm"]}
ARCHIVES = {".wz", ".pk3", ".uqm"}  # zip files by another name

#: Package -> what it holds, and which part it belongs to.
PACKAGES = {
    "flight-of-the-amazon-queen": ("speech", "train"),  # English, many actors
    "drascula": ("speech", "train"),  # English, many actors
    "beneath-a-steel-sky": ("speech", "train"),  # English, many actors
    "asterisk-core-sounds-en-g722": ("speech", "train"),
    "asterisk-core-sounds-fr-g722": ("speech", "train"),
    "asterisk-core-sounds-ru-g722": ("speech", "train"),
    "asterisk-prompt-fr-armelle": ("speech", "train"),
    "asterisk-prompt-de": ("speech", "train"),
    "fillets-ng-data-cs": ("speech", "train"),
    "klettres-data": ("speech", "train"),
    "hedgewars-data": ("speech", "train"),  # shouts in several languages
    "ktuberling-data": ("speech", "validation"),
    "asterisk-core-sounds-es-g722": ("speech", "validation"),
    "tuxpaint-stamps-default": ("speech", "validation"),  # words in a dozen languages
    "asterisk-core-sounds-it-g722": ("speech", "test"),
    "fillets-ng-data-nl": ("speech", "test"),
    "asterisk-prompt-es-co": ("speech", "test"),
    "pocketsphinx-testdata": ("speech", "test"),
    "planetblupi-music-ogg": ("music", "train"),
    "nexuiz-music": ("music", "train"),
    "drascula-music": ("music", "train"),
    "singularity-music": ("music", "train"),
    "asc-music": ("music", "train"),
    "fillets-ng-data": ("music", "train"),
    "asterisk-moh-opsound-g722": ("music", "validation"),
    "unknown-horizons": ("music", "validation"),
    "wesnoth-1.16-music": ("music", "test"),
    "hyperrogue-music": ("music", "train"),
    "warzone2100-data": ("noise", "train"),  # sounds and announcements
    "nexuiz-data": ("noise", "train"),
    "freedroidrpg-data": ("noise", "train"),
    "boswars-data": ("noise", "train"),
    "warmux-data": ("noise", "train"),
    "lincity-ng-data": ("noise", "train"),
    "supertux-data": ("noise", "validation"),
    "colobot-common-sounds": ("noise", "validation"),
    "openarena-data": ("noise", "test"),
    "tuxpaint-data": ("noise", "test"),
}

#: English speech of many actors that is measured on, not learned from.
GAME = "uqm-voice"
#: Its characters, an actor or more each; those who share one lie in one part.
CHARACTERS = {
    "validation": (
        *("arilou", "chmmr", "kohrah", "melnorme", "orz", "slylandro", "syreen", "thraddash", "umgah", "urquan"),
        "utwig",
    ),
    "test": (
        *("commander", "druuge", "ilwrath", "mycon", "pkunk", "probe", "safeones", "shofixti", "spathi", "starbase"),
        *("supox", "talkingpet", "vux", "yehat", "yehatrebels", "zoqfotpik"),
    ),
}

#: Where the word is said, by the texts of the games: the recording's name -> the seconds between which it lies.
SPOKEN = {
    "C39A_122.SB": (1.18, 1.97),
    "C39A_233.SB": (2.08, 3.08),
    "53457": (1.4, 2.14),
    "pkunk-041.ogg": (12.6, 13.24),
    "starbase-131.ogg": (40.87, 41.62),
}


def recordings(package: Path, character: str | None) -> Iterator[tuple[str, Any]]:
    """Yield the name and the samples of every recording in an unpacked package, or of one character's."""
    for path in sorted(path for path in package.rglob("*") if path.is_file() and not path.is_symlink()):
        if path.name == "queen.1c":
            yield from _amazon_queen(path.read_bytes())
        elif path.name == "sky.dsk":
            yield from _steel_sky(path.with_name("sky.dnr").read_bytes(), path.read_bytes())
        elif path.suffix == ".ALS":  # Drascula's speech
            yield path.name, _of_bytes(path.read_bytes())
        elif path.suffix in ARCHIVES:
            with zipfile.ZipFile(path) as archive:
                for name in sorted(archive.namelist()):
                    file = Path(name)
                    if file.suffix in SUFFIXES and character in (None, file.parent.name):
                        yield file.name, _decoded(archive.read(name), file.suffix)
        elif path.suffix in SUFFIXES:
            yield path.name, _decoded(path.read_bytes(), path.suffix)


def _decoded(data: bytes, suffix: str) -> Any:
    """Return the samples of a recording, none of one that nothing can read."""
    if suffix in HEADERLESS:
        return _decoded_by_ffmpeg(data, suffix)
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return _decoded_by_ffmpeg(data, suffix)
    return soxr.resample(samples.mean(axis=1), rate, RATE)


def _decoded_by_ffmpeg(data: bytes, suffix: str) -> Any:
    with tempfile.NamedTemporaryFile(suffix=suffix) as file:
        file.write(data)
        file.flush()
        kind = HEADERLESS.get(suffix, [])
        command = ["ffmpeg", "-v", "quiet", *kind, "-i", file.name, "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"]
        return np.frombuffer(subprocess.run(command, capture_output=True).stdout, np.float32)


def _of_bytes(data: bytes) -> Any:
    """Return samples that are a byte each, 11,025 a second, 128 for silence."""
    return soxr.resample(np.frombuffer(data, np.uint8).astype(np.float32) / 128 - 1, 11025, RATE)


def _amazon_queen(data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the speech of Flight of the Amazon Queen: MP3 files behind a table, as ScummVM reads it."""
    (count,) = struct.unpack_from(">H", data, 13)
    for index in range(count):
        name, _bundle, start, size = struct.unpack_from(">12sBII", data, 15 + 21 * index)
        name = name.rstrip(b"\0").decode("ascii")
        if name.endswith(".SB"):
            yield name, _decoded(data[start : start + size], ".mp3")


def _steel_sky(table: bytes, data: bytes) -> Iterator[tuple[str, Any]]:
    """Yield the speech of Beneath a Steel Sky: 8-bit samples of 11,025 Hz, packed, as ScummVM reads them."""
    (count,) = struct.unpack_from("<I", table)
    for index in range(count):
        entry = table[4 + 8 * index : 12 + 8 * index]
        number, start = struct.unpack_from("<H", entry)[0], int.from_bytes(entry[2:5], "little")
        size = int.from_bytes(entry[5:8], "little") & 0x3FFFFF
        start = (start & 0x7FFFFF) << 4 if start >> 23 else start & 0x7FFFFF
        if number >= 50000 and data[start + 22 : start + 26] == b"RNC\1" and size > 4096:
            yield str(number), _of_bytes(unpacked(data[start + 22 : start + size]))


def unpacked(data: bytes) -> bytes:
    """Return what ProPack's method 1 packed: Huffman-coded counts of literal bytes, distances and lengths."""
    size = struct.unpack_from(">I", data, 4)[0]
    at, data = 18, data + b"\0" * 4
    buffer, held = int.from_bytes(data[at : at + 2], "little"), 16

    def bits(count: int) -> int:
        nonlocal at, buffer, held
        value = buffer & ((1 << count) - 1)
        buffer >>= count
        held -= count
        if held < 16:
            at += 2
            buffer |= int.from_bytes(data[at : at + 2], "little") << held
            held += 16
        return value

    def codes() -> list[tuple[int, int, int, int]]:
        """Return (length, mask, code, symbol) of each symbol; codes are read from the lowest bit."""
        lengths = [bits(4) for _ in range(bits(5))]
        found, code = {}, 0
        for length in range(1, 17):
            for symbol in (symbol for symbol, own in enumerate(lengths) if own == length):
                found[symbol] = (length, (1 << length) - 1, int(f"{code:0{length}b}"[::-1], 2), symbol)
                code += 1
            code <<= 1
        return sorted(found.values())

    def value(table: list[tuple[int, int, int, int]]) -> int:
        for length, mask, code, symbol in table:
            if buffer & mask == code:
                bits(length)
                return symbol if symbol < 2 else 1 << (symbol - 1) | bits(symbol - 1)
        raise ValueError("a damaged file")

    bits(2)
    out = bytearray()
    while len(out) < size:
        literals, distances, lengths = codes(), codes(), codes()
        for left in range(bits(16), 0, -1):
            if count := value(literals):
                out += data[at : at + count]
                at += count
                held -= 16
                buffer = buffer & ((1 << held) - 1) | int.from_bytes(data[at : at + 2], "little") << held
                held += 16
            if left > 1:
                distance, length = value(distances) + 1, value(lengths) + 2
                for _ in range(length):
                    out.append(out[-distance])
    return bytes(out)


def collect(package: Path, character: str | None, folder: Path, people: Path) -> float:
    """Write a package's recordings one after the other, and what is said of the word apart; return their seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    pause, held, number, total = np.zeros(int(PAUSE * RATE), np.float32), [], 0, 0

    def flush() -> None:
        nonlocal held, number
        if held:
            soundfile.write(folder / f"{number:04d}.flac", np.concatenate(held), RATE)
            held, number = [], number + 1

    for name, samples in recordings(package, character):
        if name in SPOKEN:
            people.mkdir(parents=True, exist_ok=True)
            first, last = (round(second * RATE) for second in SPOKEN[name])
            soundfile.write(people / f"{Path(name).stem}.flac", samples[first:last], RATE)
            continue
        total += len(samples)
        for start in range(0, len(samples), FILE_SECONDS * RATE):
            held += [samples[start : start + FILE_SECONDS * RATE], pause]
            if sum(map(len, held)) > FILE_SECONDS * RATE:
                flush()
    flush()
    return total / RATE


def main(packages: Path, out: Path) -> None:
    """Collect every package that is there."""
    chosen: list[tuple[str, str | None, str, str, str]] = []
    chosen += [(name, None, part, kind, name) for name, (kind, part) in PACKAGES.items()]
    chosen += [(GAME, who, part, "speech", f"{GAME}-{who}") for part, whose in CHARACTERS.items() for who in whose]
    for package, character, part, kind, source in chosen:
        folder = out / part / "backgrounds" / kind / source
        seconds = collect(packages / package, character, folder, out / "people" / "positives" / source)
        print(f"{part} {kind} {source}: {seconds / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
