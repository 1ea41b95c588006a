"""Training time of one stage, over all sessions of a run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """Counts the training time of one stage.

    seconds: the limit. spent: what earlier sessions used.
    """

    seconds: float
    spent: float = 0.0
    _started: float = field(default_factory=time.perf_counter)
    _saved: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, earlier sessions included."""
        return self.spent + time.perf_counter() - self._started

    @property
    def share(self) -> float:
        """Share of the limit that is used, 0 to 1."""
        return min(1.0, self.elapsed / self.seconds) if self.seconds > 0 else 1.0

    def due(self, every: float) -> bool:
        """Return true once every `every` seconds."""
        if time.perf_counter() - self._saved < every:
            return False
        self._saved = time.perf_counter()
        return True
