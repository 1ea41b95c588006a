"""What goes on in a dream beside what is shown: where it is unsure, how much it decides a frame, other futures."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.app.play.futures import Futures
from reverie.engine.dream import Dream
from reverie.games.world import Frame

FUTURES, SECONDS = 3, 1.0
"""How many other futures are played beside the dream, and how far."""
CURVE = 120
"""Frames that the curve shows."""
FADING = 0.85
"""What is left of a doubt a frame later: one that is over in a frame could not be seen."""
SHARE = 0.1
"""Of the time of the frames that the futures may take, where no time is left over."""
SHARE_OF_REST = 0.5
"""Of the time that is left until the next frame, so that a key press seldom waits."""


class Thoughts(NamedTuple):
    """What is shown of it.

    unsure: bits over the picture, (rows, columns) float32, those of the frames before fading; None before a frame.
    bits: of the last frames, oldest first. futures: how it may go on, pictures (H, W, 3) uint8.
    """

    unsure: NDArray[np.float32] | None
    bits: tuple[float, ...]
    futures: tuple[Frame, ...]


class Mind:
    """Follows one dream while it is played."""

    def __init__(self, dream: Dream, luck: Callable[[], int]) -> None:
        """luck: a seed that was not given before."""
        self.dream, self._luck = dream, luck
        self._bits: deque[float] = deque(maxlen=CURVE)
        self._futures: Futures | None = None
        self._shown: tuple[Frame, ...] = ()
        self._action = 0
        self._unsure: NDArray[np.float32] | None = None
        self._allowed = self._cost = 0.0
        dream.measure_doubt(True)

    def end(self) -> None:
        """Follow it no longer."""
        self.dream.measure_doubt(False)

    def see(self, action: int) -> None:
        """The dream has made a frame."""
        doubt = self.dream.doubt
        if doubt is not None:
            self._bits.append(float(doubt.sum()))
            self._unsure = doubt if self._unsure is None else np.maximum(doubt, FADING * self._unsure)
        self._action = action

    def think(self, frame: float, rest: float) -> None:
        """Play on in the futures. frame: seconds that the last one took. rest: seconds until the next one is due.

        A step that takes longer than a frame allows is saved up for.
        """
        rest *= SHARE_OF_REST
        self._allowed = min(self._allowed + SHARE * frame, self._cost)
        while self._cost <= rest or self._cost <= self._allowed:
            took = self._step()
            self._cost = max(took, 0.9 * self._cost)
            if rest >= took:
                rest -= took
            else:
                self._allowed -= took

    def _step(self) -> float:
        """A frame of each future, or new ones. Returns the seconds that it took."""
        began = time.perf_counter()
        if self._futures is None or self._futures.done:
            self._shown = self._futures.pictures if self._futures else ()
            frames = round(SECONDS * self.dream.bundle.manifest.fps)
            self._futures = Futures(self.dream, [self._luck() for _ in range(FUTURES)], self._action, frames)
        else:
            self._futures.step()
        return time.perf_counter() - began

    @property
    def thoughts(self) -> Thoughts:
        """What is shown now."""
        return Thoughts(self._unsure, tuple(self._bits), self._shown)
