"""The next seconds of a dream, played several times with other luck. The dream itself stays where it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reverie.engine.dream import Dream
from reverie.games.world import Frame


class Futures:
    """Several futures that are played side by side, a frame at a time.

    lucks: the seed of each one's noise. action: what is pressed all the time. frames: how long each of them is.
    pictures: where each stands now, (H, W, 3) uint8.
    """

    def __init__(self, dream: Dream, lucks: Sequence[int], action: int, frames: int) -> None:
        self.lucks, self.action, self.frames = tuple(lucks), action, frames
        self.pictures: tuple[Frame, ...] = (dream.frame,) * len(self.lucks)
        self._branches = [dream.fork(luck) for luck in self.lucks]
        self._numpy = dream.bundle.dynamics.arrays.numpy
        self._played = 0
        self.stopped = False

    @property
    def done(self) -> bool:
        """Whether all of them are over, or nobody wants them any more."""
        return self.stopped or self._played >= self.frames

    def stop(self) -> None:
        """Nobody wants them any more."""
        self.stopped = True

    def step(self) -> None:
        """Play a frame of each."""
        self.pictures = tuple(np.array(self._numpy(branch.step([self.action]))[0]) for branch in self._branches)
        self._played += 1
