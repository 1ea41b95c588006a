"""A prioritised replay buffer of n-step transitions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.agents.action_repeat import Observations
from reverie.engine.manifest import OBSERVED

Floats = NDArray[np.float32]
Indices = tuple[NDArray[np.intp], NDArray[np.intp]]


class ReplaySamples(NamedTuple):
    """N transitions over n decisions each.

    observations, next_observations: (N, 6, 32, 32) uint8, at the decision and n decisions later. actions: (N,) int64.
    returns: (N,) float32, the discounted rewards in between. discounts: (N,) float32, the factor of the value of
    `next_observations`: gamma to the power of n, 0 where the round was over before. weights: (N,) float32, importance
    weights. indices: of the entries, for `update_priorities`.
    """

    observations: Observations
    next_observations: Observations
    actions: NDArray[np.int64]
    returns: Floats
    discounts: Floats
    weights: Floats
    indices: Indices


class ReplayBuffer:
    """A ring of the last decisions of B rounds, `size` of all rounds together.

    Decisions are sampled in proportion to their priority (prioritised replay, Schaul et al. 2016): a reward comes once
    in a hundred decisions, and those around it teach more than the rest.
    """

    def __init__(self, size: int, batch: int, n_step: int, gamma: float) -> None:
        """n_step: decisions from one observation to the next of a transition. gamma: discount per decision."""
        self.length = max(size // batch, n_step + 2)
        self.n_step, self.gamma = n_step, gamma
        self.pictures = np.zeros((self.length, batch, 3, OBSERVED, OBSERVED), np.uint8)
        self.actions = np.zeros((self.length, batch), np.int64)
        self.rewards = np.zeros((self.length, batch), np.float32)
        self.over = np.zeros((self.length, batch), np.bool_)
        self.priorities = np.zeros((self.length, batch))
        self.count = 0
        self._highest = 1.0

    def add(
        self,
        observations: Observations,
        actions: NDArray[np.int64],
        rewards: NDArray[np.float64],
        over: NDArray[np.bool_],
    ) -> None:
        """Add one decision of every round: observations (B, 6, 32, 32), then (B,) each: action, reward, round over."""
        at = self.count % self.length
        self.pictures[at], self.actions[at] = observations[:, :3], actions
        self.rewards[at], self.over[at] = rewards, over
        self.count += 1
        # An entry is sampled only while the decisions before and n_step after it are still in the ring.
        self.priorities[(at + 1) % self.length] = self.priorities[at] = 0
        if self.count > self.n_step + 1:
            self.priorities[(at - self.n_step) % self.length] = self._highest

    def sample(self, count: int, rng: np.random.Generator) -> ReplaySamples:
        """`count` transitions; there must be a decision that `n_step` others have followed."""
        cumulative = self.priorities.ravel().cumsum()
        drawn = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
        at, row = np.divmod(drawn.clip(0, cumulative.size - 1), self.priorities.shape[1])  # (N,) each
        priorities = self.priorities[at, row]
        returns, discounts = np.zeros(count, np.float32), np.ones(count, np.float32)
        for step in range(self.n_step):
            then = (at + step) % self.length
            returns += discounts * self.rewards[then, row]
            discounts *= self.gamma * ~self.over[then, row]
        # Schaul's beta of 0.5: undoing all of the uneven sampling would slow down what rewards teach.
        weights = ((priorities.min() / priorities) ** 0.5).astype(np.float32)
        now, later = self._observations(at, row), self._observations((at + self.n_step) % self.length, row)
        return ReplaySamples(now, later, self.actions[at, row], returns, discounts, weights, (at, row))

    def update_priorities(self, indices: Indices, errors: Floats) -> None:
        """Set the priorities of sampled entries from their absolute errors (N,)."""
        self.priorities[indices] = priorities = np.sqrt(errors + 1e-3)
        self._highest = max(self._highest, float(priorities.max()))

    def _observations(self, at: NDArray[np.intp], row: NDArray[np.intp]) -> Observations:
        """(N, 6, 32, 32): the picture of each entry and the one before it, or twice the first picture of a round."""
        now, before = self.pictures[at, row], self.pictures[(at - 1) % self.length, row]
        begun = self.over[(at - 1) % self.length, row]
        return np.concatenate([now, np.where(begun[:, None, None, None], now, before)], axis=1)
