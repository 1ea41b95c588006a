"""Policies that play any world: they need only the number of actions."""

from __future__ import annotations

import numpy as np

from games.base import BatchGame, Ints


class RandomPolicy:
    """Presses a random key, no-op among them, and holds it for 1 to 8 ticks."""

    def __init__(self, batch: int, actions: int, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._count = actions
        self._held = np.zeros(batch, np.int64)
        self._left = np.zeros(batch, np.int64)

    def act(self, game: BatchGame | None = None) -> Ints:
        """The next actions, (B,) int64. The game is not looked at."""
        fresh = self._left == 0
        self._held = np.where(fresh, self._rng.integers(0, self._count, len(fresh)), self._held)
        self._left = np.where(fresh, self._rng.integers(1, 9, len(fresh)), self._left) - 1
        return self._held
