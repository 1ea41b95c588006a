"""What can be played: the two types that real games and dreams share."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""One picture: (H, W, 3) uint8 RGB, C-contiguous."""


class Step(NamedTuple):
    """What one action did.

    frame: (H, W, 3) uint8, the picture after the action.
    reward: what the action earned.
    ended: the round was lost on this step; `frame` already shows the next round.
    """

    frame: Frame
    reward: float
    ended: bool


@runtime_checkable
class World(Protocol):
    """Anything that can be played: a real game or a dream of one."""

    actions: tuple[str, ...]
    size: int

    def reset(self, seed: int) -> Frame:
        """Start a new trajectory and return its first frame."""

    def step(self, action: int) -> Step:
        """Advance by one tick. Raises ValueError for an action outside `actions`."""

    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""

    def restore(self, snapshot: Any) -> Frame:
        """Go back to a snapshot and return the frame that stood there."""
