"""What an agent remembers: its last decisions, drawn again the more often the more they surprised it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.agents.held import SIDE, Looks

Floats = NDArray[np.float32]


class Remembered(NamedTuple):
    """N decisions and what came of each within some steps.

    looks, after: (N, 6, 32, 32) uint8, when it was made and some steps later. actions: (N,) int64. earned: (N,)
    float32, the discounted rewards in between. goes_on: (N,) float32, how much what comes after counts: the discount
    of all those steps, 0 where the round was over before. weights: (N,) float32, less for what is drawn too often.
    where: the entries, for `surprise`.
    """

    looks: Looks
    after: Looks
    actions: NDArray[np.int64]
    earned: Floats
    goes_on: Floats
    weights: Floats
    where: tuple[NDArray[np.intp], NDArray[np.intp]]


class Memory:
    """The last decisions of B rounds, `size` of all together, in a ring.

    Drawn with a chance that grows with their surprise (prioritised replay, Schaul et al. 2016): a reward comes once in
    a hundred decisions, and those around it teach more than the rest.
    """

    def __init__(self, size: int, batch: int, steps: int, discount: float) -> None:
        """steps: how many decisions after one `after` is. discount: of a reward one decision later."""
        self.length = max(size // batch, steps + 2)
        self.steps, self.discount = steps, discount
        self.pictures = np.zeros((self.length, batch, 3, SIDE, SIDE), np.uint8)
        self.actions = np.zeros((self.length, batch), np.int64)
        self.rewards = np.zeros((self.length, batch), np.float32)
        self.over = np.zeros((self.length, batch), np.bool_)
        self.chances = np.zeros((self.length, batch))
        self.count = 0
        self._most = 1.0

    def add(
        self, looks: Looks, actions: NDArray[np.int64], rewards: NDArray[np.float64], over: NDArray[np.bool_]
    ) -> None:
        """One decision of every round: what it saw (B, 6, 32, 32), did, earned, and whether its round was over then."""
        at = self.count % self.length
        self.pictures[at], self.actions[at], self.rewards[at], self.over[at] = looks[:, :3], actions, rewards, over
        self.count += 1
        # Drawn only once enough has followed it, and no more when what came before or after is overwritten.
        self.chances[(at + 1) % self.length] = self.chances[at] = 0
        if self.count > self.steps + 1:
            self.chances[(at - self.steps) % self.length] = self._most

    def draw(self, count: int, luck: np.random.Generator) -> Remembered:
        """So many decisions; there must be one that `steps` others have followed."""
        rising = self.chances.ravel().cumsum()
        drawn = np.searchsorted(rising, luck.random(count) * rising[-1], side="right").clip(0, rising.size - 1)
        at, row = np.divmod(drawn, self.chances.shape[1])
        chances = self.chances[at, row]
        earned, counts = np.zeros(count, np.float32), np.ones(count, np.float32)
        for step in range(self.steps):
            then = (at + step) % self.length
            earned += counts * self.rewards[then, row]
            counts *= self.discount * ~self.over[then, row]
        # Half of what would undo the uneven draw: undoing it all would slow down what rewards teach.
        weights = ((chances.min() / chances) ** 0.5).astype(np.float32)
        looks, after = self._looks(at, row), self._looks((at + self.steps) % self.length, row)
        return Remembered(looks, after, self.actions[at, row], earned, counts, weights, (at, row))

    def surprise(self, where: tuple[NDArray[np.intp], NDArray[np.intp]], errors: Floats) -> None:
        """Say how wrong the decisions at `where` were expected, (N,) >= 0."""
        self.chances[where] = chances = np.sqrt(errors + 1e-3)
        self._most = max(self._most, float(chances.max()))

    def _looks(self, at: NDArray[np.intp], row: NDArray[np.intp]) -> Looks:
        now, before = self.pictures[at, row], self.pictures[(at - 1) % self.length, row]
        begun = self.over[(at - 1) % self.length, row]
        return np.concatenate([now, np.where(begun[:, None, None, None], now, before)], axis=1)
