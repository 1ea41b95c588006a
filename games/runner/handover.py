"""From pictures of the rooftop runner to a state the real game can go on from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.kit.handover import reading_of
from reverie.games.runner.reader import Reader
from reverie.games.runner.rules import State


def state_from_frames(frames: NDArray[np.uint8], seed: int = 0) -> State:
    """A state (batch of 1) that looks like the last of frames (T, size, size, 3) uint8, size 64 or 128.

    That picture shows it all; the seed decides later luck.
    Raises ValueError with one sentence where the frames have another shape or show no such game.
    """
    state = State.empty(1)
    state.put(0, reading_of(Reader, frames).view, -1)
    state.seed[0] = seed
    return state
