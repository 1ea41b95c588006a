"""A policy that meets everything there is in the garden: it mixes moods, each held for a while."""

from __future__ import annotations

import numpy as np

from reverie.games.base import BatchGame, Bools, Ints
from reverie.games.garden.rules import Garden, State

GATHER, WANDER, CHASE, STAND, DITHER, PUSH = range(6)
_SHARE = np.array([0.50, 0.06, 0.03, 0.27, 0.08, 0.06])
"""How often a new mood is each of the six."""
_LONGEST = np.array([140, 30, 40, 24, 18, 22])
_SHORTEST = np.array([40, 10, 15, 4, 4, 6])
_STEP = np.array([-8, 8, -1, 1])
_FAR = 10_000
_KEYS = np.array([[0, 0], [0, -1], [0, 1], [-1, 0], [1, 0]])
_CAREFUL = 0.93
"""How many of the moods, chasing apart, keep out of a creature's way."""
_HESITATION = 0.06
"""How often any mood lets go of the keys for a tick."""
_SLIP = 0.03
"""How often a tick begins with a slip of the finger."""
_LONGEST_SLIP = 6
_ALARM = 14
"""Within so many px of a creature, the careful run."""


class ExplorePolicy:
    """Gathers berries by the shortest way, wanders, chases creatures, stands, dithers in mid-tile, walks into walls.

    Now and then a finger slips: any key at all, wherever the player is, for a few ticks.
    """

    def __init__(self, batch: int, seed: int = 0) -> None:
        self._rng = np.random.default_rng(seed)
        self._rows = np.arange(batch)
        self._mood = np.zeros(batch, np.int64)
        self._left = np.zeros(batch, np.int64)
        self._key = np.zeros(batch, np.int64)
        self._key_left = np.zeros(batch, np.int64)
        self._target = np.zeros(batch, np.int64)
        self._eager = np.zeros(batch, np.bool_)
        self._careful = np.zeros(batch, np.bool_)
        self._slip = np.zeros(batch, np.int64)
        self._slip_left = np.zeros(batch, np.int64)

    def act(self, game: BatchGame) -> Ints:
        """The next actions, (B,) int64. Raises TypeError for a game that is not the garden."""
        if not isinstance(game, Garden):
            raise TypeError("This policy plays the garden only.")
        self._change_mood()
        s = game.state
        creature = s.creatures[self._rows, self._target]
        chased = (creature[:, 1] + 4) // 8 * 8 + (creature[:, 0] + 4) // 8
        goal = np.where(self._mood == CHASE, chased, s.berries[self._rows, self._target % 2])
        walking = (self._mood == GATHER) | (self._mood == CHASE)
        keys = self._held_keys()
        way = self._way(s, goal)
        lost = way < 0
        action = np.where(walking, np.where(lost, keys, way + 1), keys)
        pause = (self._mood == STAND) | (self._rng.random(len(action)) < _HESITATION)
        action = np.where(pause, 0, action)
        return self._with_slips(np.where(self._careful & (self._mood != CHASE), self._flee(s, action), action))

    def _with_slips(self, action: Ints) -> Ints:
        """The actions (B,), replaced while a slip lasts: a model must also learn what keys do that make no sense."""
        rng, batch = self._rng, len(self._rows)
        fresh = (self._slip_left == 0) & (rng.random(batch) < _SLIP)
        self._slip = np.where(fresh, rng.integers(0, 5, batch), self._slip)
        left = np.where(fresh, rng.integers(1, _LONGEST_SLIP + 1, batch), self._slip_left)
        self._slip_left = np.maximum(left - 1, 0)
        return np.where(left > 0, self._slip, action)

    def _change_mood(self) -> None:
        rng, batch = self._rng, len(self._rows)
        fresh = self._left == 0
        mood = np.searchsorted(np.cumsum(_SHARE)[:-1], rng.random(batch), side="right")
        self._mood = np.where(fresh, mood, self._mood)
        span = rng.integers(_SHORTEST[self._mood], _LONGEST[self._mood] + 1)
        self._left = np.where(fresh, span, self._left) - 1
        self._target = np.where(fresh, rng.integers(0, 3, batch), self._target)
        self._eager = np.where(fresh, rng.random(batch) < 0.4, self._eager)
        self._careful = np.where(fresh, rng.random(batch) < _CAREFUL, self._careful)
        self._key_left = np.where(fresh, 0, self._key_left)

    def _held_keys(self) -> Ints:
        """Random keys, held as long as the mood has it: dithering turns back in mid-tile, pushing goes on at a wall."""
        rng, batch = self._rng, len(self._rows)
        fresh = self._key_left == 0
        key = rng.integers(1, 5, batch)
        opposite = np.array([0, 2, 1, 4, 3])[self._key]
        dither = self._mood == DITHER
        key = np.where(dither & (rng.random(batch) < 0.6), opposite, key)
        key = np.where(rng.random(batch) < np.where(dither, 0.25, 0.08), 0, key)
        hold = np.where(dither, rng.integers(1, 4, batch), rng.integers(2, 14, batch))
        hold = np.where(self._mood == PUSH, rng.integers(6, 20, batch), hold)
        self._key = np.where(fresh, key, self._key)
        self._key_left = np.where(fresh, hold, self._key_left) - 1
        return self._key

    def _flee(self, s: State, action: Ints) -> Ints:
        """The actions (B,), replaced by the way out where a creature comes near."""
        soon = s.creatures + 6 * _KEYS[s.heading + 1]

        def room(position: Ints) -> Ints:
            """Px to the nearest creature, now or soon: positions (B, K, 2) -> (B, K)."""
            gaps = [np.abs(c[:, None] - position[:, :, None]).max(axis=3).min(axis=2) for c in (s.creatures, soon)]
            total: Ints = gaps[0] + 2 * gaps[1]
            return total

        here = s.player[:, None]
        near = (np.abs(s.creatures - here) < _ALARM).all(axis=2).any(axis=1)
        off = s.player % 8
        cell = (s.player[:, 1] // 8 + 1) * 10 + s.player[:, 0] // 8 + 1
        ahead = s.player_open[self._rows[:, None], cell[:, None] + np.array([0, -10, 10, -1, 1])]
        aligned = (off == 0).all(axis=1)[:, None]
        # Between two tiles the only ways are on and back.
        across, along = off[:, 0] > 0, off[:, 1] > 0
        lane = np.stack([np.ones_like(along), along, along, across, across], axis=1)
        possible = np.where(aligned, ahead, lane)
        worth = np.where(possible, room(here + 4 * _KEYS) + self._rng.random((len(action), 5)), -1.0)
        return np.where(near, worth.argmax(axis=1), action)

    def _way(self, s: State, goal: Ints) -> Ints:
        """The direction (B,) of the shortest way to the goal tiles (B,), -1 where there is none to be taken."""
        off = s.player % 8
        tile = s.player[:, 1] // 8 * 8 + s.player[:, 0] // 8
        off_x, off_y = off[:, 0] > 0, off[:, 1] > 0
        offset = off.sum(axis=1)
        between = off_x | off_y
        upper = tile + np.where(off_x, 1, np.where(off_y, 8, 0))
        on = self._distance(s, goal, upper) * 8 + 8 - offset < self._distance(s, goal, tile) * 8 + offset
        way = self._next(s, goal, tile)
        slide = np.where(off_x, np.where(on, 3, 2), np.where(on, 1, 0))
        # An eager player presses the turn before the corner is reached.
        early = self._next(s, goal, np.where(on, upper, tile))
        close = np.where(on, 8 - offset, offset) <= 2
        ahead: Bools = self._eager & close & (early >= 0)
        return np.where(between, np.where(ahead, early, slide), way)

    def _distance(self, s: State, goal: Ints, tile: Ints) -> Ints:
        return s.distance[self._rows, goal, np.clip(tile, 0, 63)].astype(np.int64)

    def _next(self, s: State, goal: Ints, tile: Ints) -> Ints:
        """The first step from a tile, -1 at the goal and where there is no way."""
        x = tile % 8
        beyond = np.stack([tile < 16, tile >= 56, x == 0, x == 7], axis=1)
        steps = np.clip(tile[:, None] + _STEP, 0, 63)
        ahead = s.distance[self._rows[:, None], goal[:, None], steps].astype(np.int64)
        ahead = np.where(beyond, _FAR, ahead)
        best = ahead.min(axis=1)
        chosen = (ahead - self._rng.random(ahead.shape) * 0.5).argmin(axis=1)
        return np.where(best < self._distance(s, goal, tile), chosen, -1)
