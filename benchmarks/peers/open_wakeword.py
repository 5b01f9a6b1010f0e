"""Hear a WAV file (16 kHz, one channel, 16 bits) with openWakeWord's networks by way of pyopen-wakeword.

``python open_wakeword.py FILE`` prints how often "okay nabu" scored 0.5; with ``--step`` it prints instead how many
seconds a step of 80 ms takes, the median. Another word than ours, of the same embedding: only its time counts.
"""

from __future__ import annotations

import statistics
import sys
import time
import wave

from pyopen_wakeword import Model, OpenWakeWord, OpenWakeWordFeatures

STEP = 1280  # samples


def main() -> None:
    features, word = OpenWakeWordFeatures.from_builtin(), OpenWakeWord.from_builtin(Model.OKAY_NABU)
    heard, took = 0, []
    with wave.open(sys.argv[-1], "rb") as sound:
        while block := sound.readframes(STEP):
            started = time.perf_counter()
            for embedding in features.process_streaming(block):
                heard += sum(score >= 0.5 for score in word.process_streaming(embedding))
            took.append(time.perf_counter() - started)
    print(statistics.median(took) if "--step" in sys.argv else heard)


if __name__ == "__main__":
    main()
