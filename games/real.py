"""A built-in game as a World: one trajectory, one picture a step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games import registry
from reverie.games.world import Frame, Step


class RealGame:
    """One trajectory of a built-in game. Satisfies reverie.games.world.World.

    rules: the number of the rules to play by, None for the newest.
    Raises reverie.games.errors.UnknownGame for a name and ValueError for a size or rules that do not exist.
    """

    def __init__(self, name: str, size: int = 64, rules: int | None = None) -> None:
        self.game = registry.get(name)(1, rules)
        self.name = name
        self.size = self.game.checked_size(size)
        self.actions = self.game.actions
        self.fps = self.game.fps

    def reset(self, seed: int) -> Frame:
        """Start the trajectory of that seed and return its first frame (size, size, 3) uint8."""
        self.game.reset(np.array([seed]))
        return self._frame()

    def step(self, action: int) -> Step:
        """Advance by one tick. Raises ValueError for an action outside `actions`."""
        reward, ended = self.game.step(np.array([action]))
        return Step(self._frame(), float(reward[0]), bool(ended[0]))

    def snapshot(self) -> Any:
        """A copy of everything that decides what comes next."""
        return self.game.snapshot()

    def restore(self, snapshot: Any) -> Frame:
        """Go back to a snapshot and return the frame that stood there."""
        self.game.restore(snapshot)
        return self._frame()

    def _frame(self) -> Frame:
        frame: Frame = self.game.render(self.size)[0]
        return frame


class ReadableGame(RealGame):
    """A built-in game whose state can be read off its pictures."""

    def restore_from(self, frames: NDArray[np.uint8], seed: int = 0) -> Frame:
        """Go on from what the last of frames (T, size, size, 3) uint8 shows; returns the frame as this game draws it.

        The seed decides what the frames do not show. Raises ValueError where they show no picture of this game.
        """
        return self.restore(registry.state_from_frames(self.name, frames, seed))
