"""Paint until a cost is reached: ours, for the peer that is ``plain_adam.py``.

``python reach_cost.py BACKBONE SIZE CONTENT STYLE COST`` prints the seconds from the network's being there until the
painting at full size costs COST or less, all smaller sizes and all compilation included, and its cost then.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from dltools.io.images import decode_image
from dltools.models.style.config import Settings
from dltools.models.style.infer import Painter
from dltools.models.style.painting import Progress


class ReachedError(Exception):
    """The cost is as low as it is wanted."""


def main() -> int:
    backbone, size, content, style, wanted = sys.argv[1:6]
    photo, painting = (decode_image(Path(path).read_bytes()) for path in (content, style))
    painter = Painter.load(backbone, offline=True)
    painter.begin(photo, [painting], settings=Settings(size=64))  # the network is built with the first painting
    started = time.perf_counter()

    def watch(made: Progress) -> None:
        if made.level == made.levels and made.costs.total <= float(wanted):
            print(time.perf_counter() - started, made.costs.total, made.total)
            raise ReachedError

    try:
        painter.begin(photo, [painting], settings=Settings(size=int(size))).run(watch)
    except ReachedError:
        return 0
    print("not reached", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
