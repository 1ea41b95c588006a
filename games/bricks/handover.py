"""From pictures of the stained glass to a state the real game can go on from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.bricks.reader import Reader
from reverie.games.bricks.rules import HELD_Y, SPEED, State, bat
from reverie.games.bricks.view import SPARK, BricksView
from reverie.games.kit.handover import reading_of


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
    for t in range(1, len(view.held)):
        _follow(state, view, t)
    return state


def _follow(state: State, view: BricksView, t: int) -> None:
    """Learn the spark's way from picture t - 1 and picture t."""
    x, y = view.spark[t - 1]
    dx, dy = view.spark[t] - view.spark[t - 1]
    if view.held[t] or max(abs(dx), abs(dy)) > SPEED:
        return
    if dx:
        state.across[0] = np.sign(dx)
        if y % 4:
            state.steep[0] = 0
    elif y % 4 and x not in (0, 64 - SPARK) and not (dy and (view.panes[t] != view.panes[t - 1]).any()):
        state.steep[0] = 1
    elif not (y % 4 and state.steep[0]):
        # It turned: at a wall, else at a pane.
        state.across[0] = {0: 1, 64 - SPARK: -1}.get(int(x), -state.across[0])
    state.down[0] = np.sign(dy) if dy else -1 if y == HELD_Y else -state.down[0]
    if dy == 0 and y == HELD_Y:
        bat(state, np.array([0]), view.spark[t, :1] - view.mirror[t])
