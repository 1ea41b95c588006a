"""A policy that meets everything in the crypt, walks the same round twice, and turns once round on the spot."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame, Bools, Ints
from reverie.games.crypt.levels import CENTRES, SIDE, STEPS
from reverie.games.crypt.rules import BACK, FORWARD, LEFT, RIGHT, STRIKE, STRIKES, Crypt
from reverie.games.crypt.view import TURNS
from reverie.games.kit.policy import Fingers

GATHER, PULL, FIGHT, ROUND, TURN, WANDER, STAND, RETREAT = range(8)
_SHARE = (0.34, 0.12, 0.14, 0.14, 0.10, 0.06, 0.05, 0.05)
"""How often each mood comes."""
_LAPS = ((0, 1, 4, 3), (1, 2, 5, 4), (3, 4, 7, 6), (4, 5, 8, 7))
"""Rooms round a square of the lattice."""
_SHORTEST, _LONGEST = 30, 160
UNREACHED = 10_000


def distances(grid: NDArray[np.uint8], goals: Ints) -> Ints:
    """Steps from every cell to the goal, (B, SIDE, SIDE), by the open cells of grid (B, SIDE, SIDE).

    goals: (B, 2) x and y. A goal in a wall is reached from the cells beside it. UNREACHED where there is no way.
    """
    rows, open_ = np.arange(len(grid)), grid == 0
    far = np.full(grid.shape, UNREACHED)
    far[rows, goals[:, 1], goals[:, 0]] = 0
    while True:
        near = far.copy()
        for axis in (1, 2):
            for shift in (1, -1):
                near = np.minimum(near, np.roll(far, shift, axis) + 1)
        near = np.where(open_, near, far)
        if (near == far).all():
            return far
        far = near


class ExplorePolicy:
    """Moods that last a while: gather gems, pull the lever, fight, walk a round twice, turn once, wander, stand."""

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._fingers = Fingers(batch, len(Crypt.actions), seed)
        self._mood = np.zeros(batch, np.int64)
        self._goal = np.zeros((batch, 2), np.int64)
        self._far = np.full((batch, SIDE, SIDE), UNREACHED)
        self._known = np.zeros((batch, SIDE, SIDE), np.uint8)
        self._lap = np.zeros(batch, np.int64)
        self._corner = np.zeros(batch, np.int64)
        self._side = np.full(batch, LEFT)
        self._turned = np.zeros(batch, np.int64)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for another game."""
        if not isinstance(game, Crypt):
            raise TypeError("This policy plays crypt only.")
        s, rng, batch = game.state, self._fingers.rng, self._fingers.batch
        fresh = self._fingers.fresh(_SHORTEST, _LONGEST)
        self._mood = np.where(fresh, rng.choice(len(_SHARE), batch, p=_SHARE), self._mood)
        self._lap = np.where(fresh, rng.integers(len(_LAPS), size=batch), self._lap)
        self._corner = np.where(fresh, 0, self._corner)
        self._side = np.where(fresh, rng.choice([LEFT, RIGHT], batch), self._side)
        self._turned = np.where(fresh, 0, self._turned)
        self._choose_goals(game, fresh)
        walk = self._walk(game)
        beside = np.abs(s.place - (self._goal + 0.5)).max(axis=1) < 1.3
        mood, meant = self._mood, walk
        at_lever = (mood == PULL) & beside
        meant = np.where(at_lever, np.where(game._at_lever(), STRIKE, self._face(game, s.lever + 0.5)), meant)
        near = np.hypot(*(s.wraith - s.place).T)
        meant = np.where((mood == FIGHT) & (near < 2 * STRIKES), self._face(game, s.wraith), meant)
        meant = np.where((mood == FIGHT) & game._strikes() & (s.swing == 0), STRIKE, meant)
        spinning = (mood == TURN) & (self._turned < TURNS)
        meant = np.where(spinning, self._side, np.where(mood == TURN, 0, meant))
        self._turned = np.where(spinning, self._turned + 1, self._turned)
        meant = np.where(mood == STAND, 0, np.where(mood == RETREAT, BACK, meant))
        meant = np.where(mood == WANDER, rng.choice([FORWARD, FORWARD, LEFT, RIGHT, STRIKE], batch), meant)
        pressed = self._fingers.press(meant)
        return np.where(spinning, meant, pressed)  # a slip would spoil the turn

    def _choose_goals(self, game: Crypt, fresh: Bools) -> None:
        s, rows = game.state, np.arange(len(self._mood))
        gem = s.gems[rows, np.hypot(*np.moveaxis(s.gems - s.place[:, None], -1, 0)).argmin(axis=1)]
        corner = CENTRES[np.array(_LAPS)[self._lap, self._corner % 4]]
        corner = corner + STEPS[1] * (game.state.grid[rows, corner[:, 1], corner[:, 0]] > 0)[:, None]  # beside a pillar
        reached = (np.abs(s.place - corner - 0.5).max(axis=1) < 0.6) & (self._mood == ROUND)
        self._corner = np.where(reached, np.minimum(self._corner + 1, 8), self._corner)
        goal = np.floor(gem).astype(np.int64)
        for mood, place in ((PULL, s.lever), (FIGHT, np.floor(s.wraith).astype(np.int64)), (ROUND, corner)):
            goal = np.where((self._mood == mood)[:, None], place, goal)
        changed = fresh | (goal != self._goal).any(axis=1) | (s.grid != self._known).any(axis=(1, 2))
        self._goal = goal
        if changed.any():
            which = np.flatnonzero(changed)
            self._far[which] = distances(s.grid[which], goal[which])
            self._known[which] = s.grid[which]

    def _walk(self, game: Crypt) -> Ints:
        """Turn to the next cell on the way and go there."""
        s, rows = game.state, np.arange(len(self._mood))
        here = np.floor(s.place).astype(np.int64)
        options = here[:, None] + STEPS
        ways = self._far[rows[:, None], options[..., 1], options[..., 0]]
        ahead = options[rows, ways.argmin(axis=1)] + 0.5
        arrived = self._far[rows, here[:, 1], here[:, 0]] == 0
        return self._face(game, np.where(arrived[:, None], self._goal + 0.5, ahead))

    def _face(self, game: Crypt, place: NDArray[Any]) -> Ints:
        """Turn towards places (B, 2), and go forward where they are ahead."""
        s = game.state
        away = place - s.place
        wanted = np.arctan2(away[:, 1], away[:, 0]) * TURNS / (2 * np.pi)
        turn = (wanted - s.heading + TURNS / 2) % TURNS - TURNS / 2
        return np.where(turn > 0.75, RIGHT, np.where(turn < -0.75, LEFT, FORWARD))
