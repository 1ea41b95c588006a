"""The guard: what a graph may never give a dream, such as NaN, and the count of the times when one did.

Where a check fails while a frame is predicted, that trajectory stays on its last good frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
"""One for each trajectory: (B,) bool."""
Checks = Mapping[str, Any]
"""What went wrong where it did not hold, as a sentence, to (B,) bool: for which trajectories it holds."""
STAYS = "the dream goes on from its last good frame"


@dataclass(frozen=True)
class Faults:
    """Frames that were not shown. count: of all trajectories together. last: the last one's sentence, '' before one."""

    count: int = 0
    last: str = ""


class Tally(Protocol):
    """Counts faults."""

    @property
    def faults(self) -> Faults:
        """Those so far."""

    def add(self, checks: Checks, then: str) -> None:
        """Count the trajectories that failed a check. then: what happens then, the second half of the sentence."""

    def merge(self, other: Any) -> None:
        """Count those of another tally too."""


class NumpyTally:
    """A tally of numpy's checks."""

    def __init__(self) -> None:
        self.faults = Faults()

    def add(self, checks: Checks, then: str) -> None:
        wrong = [what for what, good in checks.items() if not good.all()]
        if wrong:
            new = int(np.count_nonzero(~passed(checks)))
            self.faults = Faults(self.faults.count + new, f"{wrong[0]}: {then}")

    def merge(self, other: NumpyTally) -> None:
        self.faults = Faults(self.faults.count + other.faults.count, other.faults.last or self.faults.last)


def passed(checks: Mapping[str, Bools]) -> Bools:
    """(B,): which trajectories passed every check."""
    return np.logical_and.reduce(list(checks.values()))


def finite(array: NDArray[np.floating[Any]]) -> Bools:
    """(B,): whose numbers (B, ...) are finite. Minus infinity alone passes: it is what is never chosen."""
    # A maximum passes NaN and infinity on, so that one number is asked about and not each.
    return np.isfinite(array.reshape(len(array), -1).max(1))
