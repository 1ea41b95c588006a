"""A policy that meets everything there is in the comet duel."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Ints
from reverie.games.duel.rules import DOWN, UP, Duel
from reverie.games.duel.view import COMET, HEIGHT
from reverie.games.kit.policy import Fingers

BAT, WANDER, AVOID = range(3)
_SHARE = (0.84, 0.09, 0.07)


class ExplorePolicy:
    """Bats the comet with any part of the station, wanders, steps aside; fingers slip."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._fingers = Fingers(batch, len(Duel.actions), seed)
        self._mood = np.zeros(batch, np.int64)
        self._aim = np.zeros(batch, np.int64)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for another game."""
        if not isinstance(game, Duel):
            raise TypeError("This policy plays duel only.")
        s, fingers = game.state, self._fingers
        rng, batch = fingers.rng, fingers.batch
        fresh = fingers.fresh(8, 50)
        self._mood = np.where(fresh, rng.choice(3, batch, p=_SHARE), self._mood)
        self._aim = np.where(fresh, rng.integers(-HEIGHT // 2 - 1, HEIGHT // 2 + 2, batch), self._aim)
        middle = s.mine + HEIGHT // 2
        goal = s.comet[:, 1] + COMET // 2 - self._aim
        # Out of the comet's way: to the far end.
        goal = np.where(self._mood == AVOID, np.where(goal < 36, 60, 12), goal)
        goal = np.where(self._mood == WANDER, 36 + 4 * self._aim, goal)
        return fingers.press(np.where(goal < middle - 1, UP, np.where(goal > middle + 1, DOWN, 0)))
