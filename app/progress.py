"""Progress on stderr while frames are recorded, imported or exported."""

from __future__ import annotations

import sys
import time
from pathlib import Path

PROGRESS_SECONDS = 1.0
"""Seconds between two lines of progress."""


class Progress:
    """Says on stderr how far a recording is, once a second on a terminal and at the end."""

    def __init__(self, steps: int) -> None:
        self.steps, self.done = steps, 0
        self.began = self._said = time.perf_counter()

    def __call__(self, frames: int) -> None:
        """So many frames are new."""
        self.done += frames
        now = time.perf_counter()
        if sys.stderr.isatty() and now - self._said > PROGRESS_SECONDS:
            self._said = now
            rate = self.done / (now - self.began)
            print(
                f"\r{min(self.done, self.steps):,} of {self.steps:,} frames, {rate:,.0f} a second ",
                end="",
                file=sys.stderr,
            )

    def end(self, out: Path) -> None:
        """Say what there is now."""
        print(f"{chr(13) if sys.stderr.isatty() else ''}recorded {self.done:,} frames in {out}", file=sys.stderr)
