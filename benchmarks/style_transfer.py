"""style-transfer beside TensorFlow's tutorial: the time until a painting costs what the tutorial's 300 steps reach."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from _harness import Absent, Case, Program, Result, answer_of

MOST_RATIO = 0.35
MOST_SECONDS = 30

_PEERS = Path(__file__).parent / "peers"
_PICTURES = Path(__file__).parents[2] / "shared" / "data" / "pictures"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--content", metavar="FILE", type=Path, default=_PICTURES / "tubingen.jpg", help="photograph")
    parser.add_argument("--style", metavar="FILE", type=Path, default=_PICTURES / "starry_night.jpg", help="painting")
    parser.add_argument("--backbone", default="squeezenet", help="(default: %(default)s)")
    parser.add_argument("--size", type=int, default=512, metavar="PIXELS", help="longer side (default: %(default)s)")
    parser.add_argument(
        "--cost", type=float, help="to be reached (default: what a run of the peer that is not timed has)"
    )


def versions() -> dict[str, str | None]:
    """Return the versions of the peer, which is TensorFlow itself."""
    return {}


def cases(arguments: argparse.Namespace, folder: Path) -> list[Case]:
    """Return the cases; the cost to be reached is found first, in a run of the peer that is not timed."""
    chosen = [arguments.backbone, str(arguments.size), str(arguments.content), str(arguments.style)]
    peer = [sys.executable, str(_PEERS / "plain_adam.py"), *chosen]
    ours = [sys.executable, str(_PEERS / "reach_cost.py"), *chosen]
    title = f"{arguments.backbone}, {arguments.size} pixels"
    cost = arguments.cost or _cost(answer_of(peer))
    if cost is None:
        missing = Absent(f"does not run: {' '.join(peer)}")
        return [Case(f"to a cost, {title}", missing, "plain Adam", missing)]
    own = str(Path(sys.executable).with_name("style-transfer"))
    whole = [
        own,
        *chosen[2:],
        "-o",
        str(folder / "painted.png"),
        "--force",
        "--size",
        chosen[1],
        "--backbone",
        chosen[0],
    ]
    return [
        Case(
            f"to the cost {cost:.4f}, {title}",
            Program([*ours, str(cost)], clock=_seconds),
            "plain Adam, 300 steps",
            Program(peer, clock=_seconds),
            MOST_RATIO,
        ),
        Case(
            f"the whole command, {title}", Program(whole, _painted), "none", Absent("no other paints offline"), inputs=1
        ),
    ]


def notes(results: list[Result]) -> str:
    """Return how the whole command stands to its bound."""
    worst = max((run.wall for run in results[-1].ours), default=float("nan"))
    return f"The whole command takes {worst:.1f} s at most; {MOST_SECONDS} s are the aim with SqueezeNet at 512 pixels."


def _cost(answer: str | None) -> float | None:
    return None if answer is None else float(answer.split()[1])


def _seconds(output: bytes) -> float:
    return float(output.split()[0])


def _painted(output: bytes) -> str | None:
    return None if json.loads(output)["ended"] in ("iterations", "converged") else "was not done"
