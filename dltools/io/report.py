"""What happened to the inputs of a run, in words and as an exit status."""

from __future__ import annotations

import dataclasses

EXIT_OK = 0
EXIT_NO = 1
EXIT_FAILED = 3
EXIT_INTERNAL = 70


@dataclasses.dataclass
class Report:
    """Counts of one run: inputs done, inputs that failed, records passed on, findings made."""

    done: int = 0
    failed: int = 0
    passed: int = 0
    found: int = 0
    crashed: bool = False

    @property
    def inputs(self) -> int:
        """How many inputs there were."""
        return self.done + self.failed + self.passed

    def summary(self) -> str:
        """Return for example ``12 ok, 1 failed``."""
        counts = [f"{self.done} ok"]
        if self.failed:
            counts.append(f"{self.failed} failed")
        if self.passed:
            counts.append(f"{self.passed} passed on")
        return ", ".join(counts)

    def exit_status(self, *, must_find: bool = False) -> int:
        """Return the exit status of the run; ``must_find`` makes a run without findings a no (1)."""
        if self.crashed:
            return EXIT_INTERNAL
        if self.failed:
            return EXIT_FAILED
        return EXIT_NO if must_find and not self.found else EXIT_OK
