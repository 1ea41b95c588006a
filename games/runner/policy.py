"""A policy that meets everything there is on the roofs."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Ints
from reverie.games.kit.policy import Fingers
from reverie.games.runner.rules import DUCK, JUMP, Runner
from reverie.games.runner.view import CHIMNEY, GAP, HIGH_MOTH, OWL, ahead

RUN, MASH, HOP, STAND = range(4)
_SHARE = (0.78, 0.09, 0.08, 0.05)


class ExplorePolicy:
    """Jumps and ducks in time, early or late, breaks jumps off, mashes the keys, hops on, just runs; fingers slip."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._fingers = Fingers(batch, len(Runner.actions), seed)
        self._mood = np.zeros(batch, np.int64)
        self._early = np.zeros(batch, np.int64)
        self._key = np.zeros(batch, np.int64)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for another game."""
        if not isinstance(game, Runner):
            raise TypeError("This policy plays runner only.")
        s, fingers = game.state, self._fingers
        rng, batch = fingers.rng, fingers.batch
        fresh = fingers.fresh(8, 60)
        self._mood = np.where(fresh, rng.choice(4, batch, p=_SHARE), self._mood)
        self._early = np.where(fresh, rng.integers(6, 19, batch), self._early)
        self._key = np.where(rng.random(batch) < 0.2, rng.integers(0, 3, batch), self._key)
        far = ahead(s)
        soon = (far > 2) & (far <= self._early[:, None])
        jump = (((s.columns == CHIMNEY) | (s.columns == GAP) | (s.columns == HIGH_MOTH)) & soon).any(axis=1)
        duck = ((s.columns == OWL) & (far >= -6) & (far <= self._early[:, None])).any(axis=1) & (s.air == 0)
        action = np.where(duck, DUCK, np.where(jump, JUMP, 0))
        action = np.where((s.air > 0) & (rng.random(batch) < 0.04), DUCK, action)
        action = np.where(self._mood == MASH, self._key, action)
        action = np.where((self._mood == HOP) & ~duck, JUMP, action)
        return fingers.press(np.where(self._mood == STAND, 0, action))
