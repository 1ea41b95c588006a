"""From pictures of the stained glass to a state the real game can go on from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from games.bricks.reader import Reader
from games.bricks.rules import SPEED, State
from games.kit.handover import reading_of


def state_from_frames(frames: NDArray[np.uint8], seed: int = 0) -> State:
    """A state (batch of 1) that looks like the last of frames (T, size, size, 3) uint8, size 64 or 128.

    The spark's way is taken from the frames before; with one frame alone it goes down. The seed decides later luck.
    Raises ValueError with one sentence where the frames have another shape or show no such game.
    """
    reading = reading_of(Reader, frames)
    view, state = reading.view, State.empty(1)
    state.put(0, view, -1)
    state.seed[0] = seed
    state.across[0], state.down[0] = 1, 1 - 2 * view.held[-1]
    if not state.panes[0].any():
        state.panes[0, 0] = 1
    moves = np.diff(view.spark, axis=0)
    legal = (np.abs(moves) <= SPEED).all(axis=1) & (view.held[1:] == 0)
    for (x, y), good in zip(moves, legal, strict=True):
        if good and y:
            # Sideways at rest while it rises or falls: steep. A bounce looks the same for a tick, the next tells.
            state.steep[0] = x == 0
            state.down[0] = np.sign(y)
        if good and x:
            state.across[0] = np.sign(x)
    if len(moves) > 1 and legal[-2:].all():
        state.steep[0] = (moves[-2:, 0] == 0).any() and (moves[-2:, 1] != 0).all()
    return state
