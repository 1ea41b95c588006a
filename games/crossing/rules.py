"""The rules of the way home: a hedgehog crosses roads and rivers to and fro for apples.

Positions are in px at 64x64, of a top left corner, and always even. What is on a lane goes round: what leaves at one
side comes in at the other. Slow lanes move at even ticks, all together. Where the next apple lies is this game's luck.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.crossing import art
from reverie.games.crossing.view import (
    FAR_BANK,
    FAST,
    FIRST_LANE,
    GRASS,
    LANES,
    NEAR_BANK,
    UP,
    WATER,
    WAY,
    CrossingView,
    taken,
)
from reverie.games.kit.game import HeartGame
from reverie.games.kit.state import HeartState
from reverie.games.rng import uniform

SPEED = 2
HOME = (32, NEAR_BANK)
_REACH_X, _REACH_Y = 4, 2
_HIT = 6
_DX, _DY = np.array([0, 0, -1, 1]), np.array([-1, 1, 0, 0])
_ROOM, _OFFSET, _APPLE, _PLACE = range(4)


@dataclass
class State(CrossingView, HeartState):
    """A picture shows it all but whether the tick is even."""


def lanes_of(seeds: Ints) -> Ints:
    """The lanes (K, 5) of these seeds (K,): two roads, two rivers and one lane more, in any order, of any kind."""
    luck = uniform(seeds[:, None], _ROOM, np.arange(2 * LANES + 1))
    water = np.argsort(np.argsort(luck[:, :LANES], axis=1), axis=1)
    fifth = luck[:, -1]
    wet = (water < 2) | ((water == 4) & (fifth < 0.3)[:, None])
    kind = (luck[:, LANES : 2 * LANES] * 12).astype(np.int64)
    code = 1 + 12 * wet + kind
    return np.where((water == 4) & (fifth >= 0.6)[:, None], GRASS, code)


def lane_below(view: CrossingView) -> Ints:
    """Which lane (B,) the hedgehog's middle is on, -1 on either bank."""
    lane = (view.player[:, 1] + 4 - FIRST_LANE) // 8
    return np.where((lane >= 0) & (lane < LANES), lane, -1)


def drowns(view: CrossingView) -> Bools:
    """Whose (B,) middle is over a river with nothing beneath."""
    lane, rows = lane_below(view), np.arange(len(view.facing))
    code, offset, x = view.lanes[rows, lane], view.offset[rows, lane], view.player[:, 0]
    dry = taken(code, offset, x + 2) | taken(code, offset, x + 5)
    return np.asarray((lane >= 0) & WATER[code] & ~dry)


def run_over(view: CrossingView) -> Bools:
    """Who (B,) is well under a car."""
    x, y = view.player[:, :1], view.player[:, 1:]
    near = np.abs(y - FIRST_LANE - 8 * np.arange(LANES)) < _HIT
    car = taken(view.lanes, view.offset, x + 2) | taken(view.lanes, view.offset, x + 5)
    return np.asarray((near & car & ~WATER[view.lanes]).any(axis=1))


class Crossing(HeartGame):
    """B crossings. Reward +1 for an apple, -1 for a heart lost under wheels or in the water.

    Rules 2: grace as in HeartGame. Wheels and water cost no heart in it, and send the hedgehog home.
    """

    name = "crossing"
    title = "The way home"
    goal = "Fetch the apples over roads and rivers."
    actions = ("noop", "up", "down", "left", "right")
    RULES = 2

    state: State

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, State.empty(batch), rules)

    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """vary: the hedgehog anywhere on either bank or in the middle of a road without cars; the apple on either."""
        s = self.state
        s.lanes[rows] = lanes_of(seeds)
        luck = uniform(seeds[:, None], _OFFSET, np.arange(LANES))
        s.offset[rows] = np.where(s.lanes[rows] == GRASS, 0, (luck * 32).astype(np.int64) * 2)
        s.player[rows], s.facing[rows] = HOME, UP
        self._grow(rows, uniform(seeds, _APPLE), np.full(len(rows), FAR_BANK))
        if vary:
            luck = uniform(seeds[:, None], _PLACE, np.arange(4))
            s.player[rows, 0] = (luck[:, 0] * 29).astype(np.int64) * 2
            s.player[rows, 1] = np.where(luck[:, 1] < 0.5, FAR_BANK, NEAR_BANK)
            self._grow(rows, luck[:, 2], np.where(luck[:, 3] < 0.5, FAR_BANK, NEAR_BANK))
            hidden = self._at_apple()[rows]
            self._grow(rows[hidden], luck[hidden, 2], FAR_BANK + NEAR_BANK - s.apple[rows[hidden], 1])

    def _grow(self, rows: Ints, luck: NDArray[np.float64], bank: Ints) -> None:
        """Put the apples of the rows (K,) on these banks (K,), never where a hedgehog sent home would hide one."""
        place = (luck * np.where(bank == HOME[1], 7, 8)).astype(np.int64)
        place += (bank == HOME[1]) & (place >= HOME[0] // 8)
        self.state.apple[rows] = np.stack([place * 8, bank], axis=1)

    def _at_apple(self) -> Bools:
        """Who (B,) is close enough to the apple to have it."""
        near = np.abs(self.state.player - self.state.apple)
        return np.asarray((near[:, 0] <= _REACH_X) & (near[:, 1] <= _REACH_Y))

    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        s = self.state
        beat = FAST[s.lanes] | (s.tick % np.uint64(2) == 0)[:, None]
        flow = SPEED * WAY[s.lanes] * beat
        lane = lane_below(s)
        carried = np.where(
            lane >= 0, np.take_along_axis(flow * WATER[s.lanes], np.maximum(lane, 0)[:, None], 1)[:, 0], 0
        )
        s.offset = (s.offset + flow) % 64
        pressed = actions > 0
        s.facing = np.where(pressed, actions - 1, s.facing)
        moves = SPEED * pressed
        x = np.clip(s.player[:, 0] + carried + _DX[s.facing] * moves, 0, 56)
        y = np.clip(s.player[:, 1] + _DY[s.facing] * moves, FAR_BANK, NEAR_BANK)
        s.player = np.stack([x, y], axis=1)
        hit = drowns(s) | run_over(s)
        if hit.any():
            s.player[hit], s.facing[hit] = HOME, UP
        found = self._at_apple() & ~hit
        rows = np.flatnonzero(found)
        if len(rows):
            self._grow(rows, s.luck(_APPLE)[rows, 0], FAR_BANK + NEAR_BANK - s.apple[rows, 1])
        return found.astype(np.int64), hit

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        return art.draw(self.checked_size(size), self.state)
