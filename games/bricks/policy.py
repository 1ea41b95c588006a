"""A policy that meets everything there is in the stained glass."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Ints
from reverie.games.bricks.rules import LAUNCH, LEFT, RIGHT, Bricks
from reverie.games.bricks.view import SPARK, WIDTH
from reverie.games.kit.policy import Fingers

CATCH, WANDER, AVOID = range(3)
_SHARE = (0.78, 0.14, 0.08)
_LAUNCH = 0.12
"""How often a tick with the spark at rest launches it."""


class ExplorePolicy:
    """Catches the spark with any part of the mirror, wanders, steps aside; fingers slip."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._fingers = Fingers(batch, len(Bricks.actions), seed)
        self._mood = np.zeros(batch, np.int64)
        self._aim = np.zeros(batch, np.int64)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for another game."""
        if not isinstance(game, Bricks):
            raise TypeError("This policy plays bricks only.")
        s, fingers = game.state, self._fingers
        rng, batch = fingers.rng, fingers.batch
        fresh = fingers.fresh(8, 50)
        self._mood = np.where(fresh, rng.choice(3, batch, p=_SHARE), self._mood)
        self._aim = np.where(fresh, rng.integers(-WIDTH // 2 - 1, WIDTH // 2 + 2, batch), self._aim)
        middle = s.mirror + WIDTH // 2
        goal = s.spark[:, 0] + SPARK // 2 - self._aim
        # Out of the spark's way: to the far side of the window.
        goal = np.where(self._mood == AVOID, np.where(goal < 32, 60, 4), goal)
        # Wandering goes by the aim alone, all over the window.
        goal = np.where((self._mood == WANDER) | (s.held == 1), 32 + 4 * self._aim, goal)
        action = np.where(goal < middle - 1, LEFT, np.where(goal > middle + 1, RIGHT, 0))
        action = np.where((s.held == 1) & (rng.random(batch) < _LAUNCH), LAUNCH, action)
        return fingers.press(action)
