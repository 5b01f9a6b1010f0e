"""nn-train: a convolution beside TensorFlow's and the course's loops, and training on digits beside whole programs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from _harness import Absent, Case, Program, answer_of

_PEERS = Path(__file__).with_name("peers")
_NO_DIGITS = Absent("no digits: pip install scikit-learn")
#: Of the time of TensorFlow, and of the version with four loops.
_MOST_OF_TENSORFLOW, _MOST_OF_LOOPS = 5.0, 0.01

_DENSE = ("--layers", "128,64", "--l2", "0.0003", "--dropout", "0.3")
_CONV = ("--layers", "conv:16x3,pool:2,conv:32x3,pool:2,dense:64", "--epochs", "20")
_WRITE_DIGITS = """
import sys
from sklearn.datasets import load_digits
digits = load_digits()
with open(sys.argv[1], "w") as table:
    for pixels, label in zip(digits.data, digits.target):
        print(*(int(pixel) for pixel in pixels), label, sep=",", file=table)
print("done")
"""


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options of its own."""


def versions() -> dict[str, str | None]:
    """Return the version of scikit-learn; None where it is not there."""
    return {"scikit-learn": answer_of([sys.executable, "-c", "import sklearn; print(sklearn.__version__)"])}


def cases(_arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; ``folder`` is an empty one for what they need and write."""
    table = folder / "digits.csv"
    there = answer_of([sys.executable, "-c", _WRITE_DIGITS, str(table)]) == "done"
    convolution = "conv forward and backward, 64 x 32x32x16 to 32"
    return [
        Case(convolution, _convolution("ours"), "TensorFlow", _convolution("tensorflow"), _MOST_OF_TENSORFLOW),
        Case(convolution, _convolution("ours"), "four loops", _convolution("loops", 1), _MOST_OF_LOOPS),
        Case(
            "digits, dense, 100 epochs, at least 97 %",
            _training(table, _DENSE, 0.97) if there else _NO_DIGITS,
            "scikit-learn",
            _peer("scikit-learn", table) if there else _NO_DIGITS,
            inputs=1,
        ),
        Case(
            "digits, convolutional, 20 epochs, at least 98 %",
            _training(table, _CONV, 0.98) if there else _NO_DIGITS,
            "Keras",
            _peer("keras", table) if there else _NO_DIGITS,
        ),
    ]


def _convolution(kind: str, runs: int = 20) -> Program:
    """Return a program that times itself: what it takes to start is not what is compared."""
    argv = [sys.executable, str(_PEERS / "convolution.py"), kind, str(runs)]
    own = {"OPENBLAS_NUM_THREADS": "1"} if kind == "ours" else {}  # as nn-train has it
    return Program(argv, environment=own, clock=lambda output: float(output))


def _training(table: Path, options: tuple[str, ...], least: float) -> Program:
    def check(output: bytes) -> str | None:
        accuracy = float(json.loads(output)["validation_accuracy"])
        return None if accuracy >= least else f"an accuracy of {accuracy:.4f} on what was held out"

    command = str(Path(sys.executable).with_name("nn-train"))
    return Program([command, str(table), *options, "--seed", "1", "--json"], check)


def _peer(kind: str, table: Path) -> Program:
    def check(output: bytes) -> str | None:
        return None if float(output) > 0.95 else f"an accuracy of {float(output):.4f}"

    return Program([sys.executable, str(_PEERS / "digits.py"), kind, str(table)], check)
