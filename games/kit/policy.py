"""What the exploring policies share: fingers that slip and hesitate."""

from __future__ import annotations

import numpy as np

from reverie.games.base import Bools, Ints

_HESITATION = 0.05
"""How often a tick goes by without a key."""
_SLIP = 0.03
"""How often a tick begins with a slip of the finger."""
_LONGEST_SLIP = 6


class Fingers:
    """The fingers of a batch of players: moods that last a while, and keys that are not always the ones meant."""

    def __init__(self, batch: int, actions: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.batch = batch
        self._actions = actions
        self._slip = np.zeros(batch, np.int64)
        self._slip_left = np.zeros(batch, np.int64)
        self._left = np.zeros(batch, np.int64)

    def fresh(self, shortest: int, longest: int) -> Bools:
        """(B,): whose mood is over now. The next one lasts `shortest` to `longest` ticks."""
        over: Bools = self._left == 0
        self._left = np.where(over, self.rng.integers(shortest, longest + 1, self.batch), self._left) - 1
        return over

    def press(self, meant: Ints) -> Ints:
        """What is pressed (B,) where `meant` (B,) was meant: now and then nothing, now and then any key at all.

        A model must also learn what keys do that make no sense.
        """
        rng = self.rng
        fresh = (self._slip_left == 0) & (rng.random(self.batch) < _SLIP)
        self._slip = np.where(fresh, rng.integers(0, self._actions, self.batch), self._slip)
        left = np.where(fresh, rng.integers(1, _LONGEST_SLIP + 1, self.batch), self._slip_left)
        self._slip_left = np.maximum(left - 1, 0)
        meant = np.where(rng.random(self.batch) < _HESITATION, 0, meant)
        return np.where(left > 0, self._slip, meant)
