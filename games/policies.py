"""Policies that play any world: they need only the number of actions."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Ints

LONGEST_HOLD = 8
"""Ticks that a key is held at most."""


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
        self._left = np.where(fresh, self._rng.integers(1, LONGEST_HOLD + 1, len(fresh)), self._left) - 1
        return self._held


class HeldKeys:
    """Plays one trajectory of any world with held random keys.

    taste: in every episode some keys are pressed more than others, so that episodes lead to different places; without
    it all keys are pressed alike.
    """

    def __init__(self, actions: int, rng: np.random.Generator, taste: bool = False) -> None:
        self._rng, self._count, self._taste = rng, actions, taste
        self.begin()

    def begin(self) -> None:
        """An episode begins."""
        even = np.full(self._count, 1 / self._count)
        # Half of the even share stays, so that no key is ever forgotten.
        self._shares = (even + self._rng.dirichlet(np.full(self._count, 0.7))) / 2 if self._taste else even
        self._left = self._action = 0

    def act(self) -> int:
        """The next action."""
        if not self._left:
            self._left = int(self._rng.integers(1, LONGEST_HOLD + 1))
            self._action = int(self._rng.choice(self._count, p=self._shares))
        self._left -= 1
        return self._action
