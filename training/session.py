"""One session of a run: what every stage of a recipe is built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reverie.training.data.recording import Recording
from reverie.training.loop.device_context import DeviceContext
from reverie.training.runs import TrainedRun


@dataclass(frozen=True)
class Session:
    """What a session trains on, and where.

    recording: the frames. run: the run's folder. minutes: training time of all stages, in all sessions of the run.
    seed: decides every random choice. begin: another run whose weights this one begins with, or None.
    log: writes a line; does nothing in all processes but the first.
    """

    recording: Recording
    run: Path
    minutes: float
    seed: int
    begin: TrainedRun | None
    context: DeviceContext
    log: Callable[[str], None]

    def once(self, name: str, write: Callable[[Path], None]) -> Path:
        """Return a file of the run, written by the first process with `write` if it is not there yet."""
        path = self.run / name
        if self.context.first and not path.exists():
            write(path)
        self.context.wait()
        return path
