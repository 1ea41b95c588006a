"""The part of a batched game that is the same for all that keep their state in a table."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame, Bools, Ints
from reverie.games.kit.state import GRACE, HEARTS, TOP_SCORE, HeartState
from reverie.games.rng import bits, uniform

_BRANCH, _SCORE, _HEARTS = 1000, 1001, 1002


class HeartGame(BatchGame):
    """B trajectories of a game with hearts and a score: +1 for a point, -1 for a heart; the last heart ends the round.

    From rules 2 on a round begins with a moment of grace, and a lost heart brings another. While its bar shows, what
    costs a heart at other times has the same consequences and costs none.
    A game says what a fresh trajectory looks like (`_begin`), what a tick does (`_advance`), and how a state is drawn.
    """

    state: Any

    def __init__(self, batch: int, state: HeartState, rules: int | None = None) -> None:
        super().__init__(batch, rules)
        self.state = state
        self._rows = np.arange(batch)
        self._grace = GRACE if self.rules > 1 else 0
        self.reset(np.arange(batch))

    @abstractmethod
    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """Put the beginning of these seeds (K,) into these rows (K,); hearts, score and luck are set already."""

    @abstractmethod
    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        """Play a tick. Returns the points won (B,) and who loses a heart (B,) unless there is grace.

        What follows from either, the next ball or the next try, is part of the tick and decided here.
        """

    def _again(self, rows: Ints) -> None:
        """Put the next round into the rows (K,) whose last heart was lost. Here: nothing more than new hearts."""

    def reset(self, seeds: Ints, vary: bool = False) -> None:
        """See BatchGame. vary: any score, any number of hearts, no grace, and whatever else the game can vary."""
        self.reset_where(np.ones(self.batch, np.bool_), seeds, vary)

    def reset_where(self, mask: Bools, seeds: Ints, vary: bool = False) -> None:
        """See BatchGame. Raises ValueError where mask or seeds do not have one entry for each trajectory."""
        seeds = np.asarray(seeds, dtype=np.int64)
        if np.shape(mask) != (self.batch,) or seeds.shape != (self.batch,):
            raise ValueError(f"A reset of {self.batch} x {self.name} needs as many seeds, not shape {seeds.shape}.")
        rows = np.flatnonzero(mask)
        if len(rows) == 0:
            return
        s, seed = self.state, seeds[rows]
        s.seed[rows], s.salt[rows], s.tick[rows] = seed.astype(np.uint64), 0, 0
        s.hearts[rows], s.score[rows], s.grace[rows] = HEARTS, 0, self._grace
        if vary:
            s.grace[rows] = 0
            s.score[rows] = (uniform(seed, _SCORE) * (TOP_SCORE + 1)).astype(np.int64)
            s.hearts[rows] = 1 + (uniform(seed, _HEARTS) * HEARTS).astype(np.int64)
        self._begin(rows, seed, vary)

    def step(self, actions: Ints) -> tuple[NDArray[np.float32], Bools]:
        """See BatchGame."""
        points, hit = self._advance(self.checked_actions(actions))
        s = self.state
        hit = hit & (s.grace == 0)
        s.grace = np.where(hit, self._grace, np.maximum(s.grace - 1, 0))
        ended: Bools = hit & (s.hearts == 1)
        s.hearts = np.where(ended, HEARTS, s.hearts - hit)
        s.score = np.where(ended, 0, np.minimum(s.score + points, TOP_SCORE))
        if ended.any():
            self._again(np.flatnonzero(ended))
        s.tick += np.uint64(1)
        return points.astype(np.float32) - hit, ended

    def snapshot(self) -> Any:
        """See BatchGame."""
        return self.state.copy()

    def restore(self, snapshot: Any) -> None:
        """See BatchGame."""
        if type(snapshot) is not type(self.state) or len(snapshot.seed) != self.batch:
            raise ValueError(f"This is no snapshot of {self.batch} x {self.name}.")
        self.state = snapshot.copy()

    def branch(self, salt: int) -> None:
        """See BatchGame."""
        self.state.salt = bits(self.state.salt, _BRANCH, salt)
