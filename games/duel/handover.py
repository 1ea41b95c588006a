"""From pictures of the comet duel to a state the real game can go on from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.duel.reader import Reader
from reverie.games.duel.rules import SPEED, State
from reverie.games.kit.handover import reading_of


def state_from_frames(frames: NDArray[np.uint8], seed: int = 0) -> State:
    """A state (batch of 1) that looks like the last of frames (T, size, size, 3) uint8, size 64 or 128.

    The comet's way is taken from the frames before; with one frame alone it comes level. The seed decides later luck.
    Raises ValueError with one sentence where the frames have another shape or show no such game.
    """
    view, state = reading_of(Reader, frames).view, State.empty(1)
    state.put(0, view, -1)
    state.seed[0] = seed
    state.across[0] = -1
    for before, (dx, dy) in zip(view.comet, np.diff(view.comet, axis=0), strict=False):
        if abs(dx) > SPEED or abs(dy) > SPEED:
            state.climb[0] = 0  # another comet
            continue
        if dx == 0:
            # Batted: which way shows in the next picture, and that it is away from the station already here.
            state.across[0] = 1 if before[0] < 32 else -1
            continue
        state.across[0] = np.sign(dx)
        if before[0] % 4 == 0:
            state.climb[0] = np.sign(dy) * max(abs(state.climb[0]), 1)
        else:
            # From these columns only steep comets climb.
            state.climb[0] = 2 * np.sign(dy) if dy else np.sign(state.climb[0])
    return state
