"""A policy that meets everything there is on the way home."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Ints
from reverie.games.crossing.rules import Crossing, State
from reverie.games.kit.policy import Fingers

GATHER, RUSH, WANDER, STAND = range(4)
_SHARE = (0.72, 0.09, 0.10, 0.09)
_AHEAD = 5
_HOP = 4
"""A key is thought through for a hop of so many ticks, and what comes for one more."""
_THINK = 2
"""A key that was thought through is held for so many ticks."""


class ExplorePolicy:
    """Looks ahead and goes for the apple, rushes at it, wanders, stands about; fingers slip."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._fingers = Fingers(batch, len(Crossing.actions), seed)
        self._mood = np.zeros(batch, np.int64)
        self._key = np.zeros(batch, np.int64)
        self._thought = np.zeros(batch, np.int64)
        self._tick = 0
        self._dream = Crossing(batch)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for another game."""
        if not isinstance(game, Crossing):
            raise TypeError("This policy plays crossing only.")
        fingers = self._fingers
        rng, batch = fingers.rng, fingers.batch
        fresh = fingers.fresh(4, 60)
        self._mood = np.where(fresh, rng.choice(4, batch, p=_SHARE), self._mood)
        self._key = np.where(rng.random(batch) < 0.15, rng.integers(0, 5, batch), self._key)
        if self._tick % _THINK == 0:
            self._thought = self._think(game.state)
        self._tick += 1
        action = np.where(self._mood == WANDER, self._key, np.where(self._mood == STAND, 0, self._thought))
        return fingers.press(action)

    def _think(self, state: State) -> Ints:
        """The key (B,) that after a hop is nearest to the apple and safe, if one is."""
        dream, worth = self._dream, []
        apple = state.apple
        for action in range(5):
            dream.state = state.copy()
            lost = np.zeros(len(apple), np.bool_)
            won = np.zeros(len(apple), np.bool_)
            for tick in range(_AHEAD):
                reward, _ = dream.step(np.full(len(apple), action if tick < _HOP else 0))
                lost |= reward < 0
                won |= reward > 0
            away = np.abs(dream.state.player - apple)
            # Along a bank the way is free, across it is not: first across.
            gain = 40 * won - away[:, 1] - 0.4 * away[:, 0] - np.where(self._mood == RUSH, 0, 200 * lost)
            worth.append(gain + self._fingers.rng.random(len(apple)))
        return np.stack(worth).argmax(axis=0)
