"""From pictures of the way home to a state the real game can go on from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.crossing.reader import Reader
from reverie.games.crossing.rules import State
from reverie.games.crossing.view import FAST, GRASS
from reverie.games.kit.handover import reading_of


def state_from_frames(frames: NDArray[np.uint8], seed: int = 0) -> State:
    """A state (batch of 1) that looks like the last of frames (T, size, size, 3) uint8, size 64 or 128.

    Whether slow lanes rest next is taken from the frame before; with one frame alone they move. The seed decides later
    luck. Raises ValueError with one sentence where the frames have another shape or show no such game.
    """
    view, state = reading_of(Reader, frames).view, State.empty(1)
    state.put(0, view, -1)
    state.seed[0] = seed
    if len(view.offset) > 1:
        slow = ~FAST[view.lanes[-1]] & (view.lanes[-1] != GRASS) & (view.lanes[-1] == view.lanes[-2])
        state.tick[0] = (slow & (view.offset[-1] != view.offset[-2])).any()
    return state
