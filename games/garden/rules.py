"""The rules of the garden: a keeper gathers glow-berries while beetles patrol and a wisp wanders.

Positions are in px at 64x64, of a sprite's top left corner; a tile is 8 px. Everything moves 2 px a tick along the tile
grid, so at most one axis of a position is off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame, Bools, Ints
from reverie.games.garden import art
from reverie.games.garden.layout import (
    ARCH,
    DOWN,
    FLOOR,
    LEFT,
    MAX_ARCHES,
    MAX_PLANTERS,
    PAD,
    PLANTER,
    RIGHT,
    UP,
    Layout,
    layout,
)
from reverie.games.kit.state import GRACE, HEARTS
from reverie.games.rng import bits, uniform

SPEED = 2
CREATURES = 3
WISP = 2
"""Creatures 0 and 1 are beetles, creature 2 is the wisp."""
PICK_REACH = 2
HIT_REACH = 5
_DX = np.array([0, 0, -1, 1])
_DY = np.array([-1, 1, 0, 0])
_STEP = np.array([-10, 10, -1, 1])  # in the 10x10 maps of what is open, which have a closed rim
_BACK = np.array([DOWN, UP, RIGHT, LEFT])
_PLAYER_WALKS = np.isin(np.arange(9), (FLOOR, PAD, PLANTER))
_CREATURE_WALKS = np.isin(np.arange(9), (FLOOR, ARCH, PLANTER))
_WISP_TURN, _REGROW, _BERRY, _SCORE, _HEARTS, _PLACE, _BRANCH = range(7)


@dataclass
class State:
    """Everything that decides what comes next, for B trajectories. All arrays have B rows.

    tiles (B, 8, 8) uint8, planters (B, 5), arches (B, 3) tile indices or -1, pad (B,) tile index, distance
    (B, 64, 64) uint8, player_open and creature_open (B, 100) bool: see layout.py; player (B, 2) x and y, facing (B,);
    creatures (B, 3, 2), heading (B, 3); berries (B, 2) tile indices; hearts, score (B,); grace (B,) ticks to come in
    which no heart is lost; seed, salt and tick (B,) feed the counter hash.
    """

    tiles: NDArray[np.uint8]
    planters: Ints
    arches: Ints
    pad: Ints
    distance: NDArray[np.uint8]
    player_open: Bools
    creature_open: Bools
    player: Ints
    facing: Ints
    creatures: Ints
    heading: Ints
    berries: Ints
    hearts: Ints
    score: Ints
    grace: Ints
    seed: NDArray[np.uint64]
    salt: NDArray[np.uint64]
    tick: NDArray[np.uint64]

    @classmethod
    def empty(cls, batch: int) -> State:
        """A state whose every number is zero."""

        def ints(*shape: int) -> Ints:
            return np.zeros((batch, *shape), np.int64)

        return cls(
            tiles=np.zeros((batch, 8, 8), np.uint8),
            planters=ints(MAX_PLANTERS),
            arches=ints(MAX_ARCHES),
            pad=ints(),
            distance=np.zeros((batch, 64, 64), np.uint8),
            player_open=np.zeros((batch, 100), np.bool_),
            creature_open=np.zeros((batch, 100), np.bool_),
            player=ints(2),
            facing=ints(),
            creatures=ints(CREATURES, 2),
            heading=ints(CREATURES),
            berries=ints(2),
            hearts=ints(),
            score=ints(),
            grace=ints(),
            seed=np.zeros(batch, np.uint64),
            salt=np.zeros(batch, np.uint64),
            tick=np.zeros(batch, np.uint64),
        )

    def copy(self) -> State:
        """The same state in arrays of its own."""
        return State(**{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def set_rooms(self, rows: Ints, rooms: Sequence[Layout]) -> None:
        """Put these rooms into those rows (and nobody into them yet)."""
        tiles = np.stack([room.tiles for room in rooms])
        self.tiles[rows] = tiles
        self.planters[rows] = np.stack([room.planters for room in rooms])
        self.arches[rows] = np.stack([room.arches for room in rooms])
        self.pad[rows] = [room.pad for room in rooms]
        self.distance[rows] = np.stack([room.distance for room in rooms])
        for walks, target in ((_PLAYER_WALKS, self.player_open), (_CREATURE_WALKS, self.creature_open)):
            target[rows] = np.pad(walks[tiles], ((0, 0), (1, 1), (1, 1))).reshape(len(rows), 100)


def place(tile: Ints) -> Ints:
    """Positions (..., 2) of tile indices (...)."""
    return np.stack([tile % 8 * 8, tile // 8 * 8], axis=-1)


class Garden(BatchGame):
    """B gardens. Reward +1 for a berry, -1 for a heart lost; ended when the last heart is lost.

    Rules 2: a round begins with a moment of grace, and a lost heart brings another. Who is touched in it is put on the
    pad as ever, and loses no heart.
    """

    name = "garden"
    title = "Garden at night"
    goal = "Gather berries; touch neither beetles nor the wisp."
    actions = ("noop", "up", "down", "left", "right")
    sizes = (64, 128, 256)
    RULES = 2

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, rules)
        self.state = State.empty(batch)
        self._rows = np.arange(batch)
        self._grace = GRACE if self.rules > 1 else 0
        self.reset(np.arange(batch))

    def reset(self, seeds: Ints, vary: bool = False) -> None:
        """See BatchGame. vary: any score, any number of hearts, no grace, anywhere the player can walk."""
        self.reset_where(np.ones(self.batch, np.bool_), seeds, vary)

    def reset_where(self, mask: Bools, seeds: Ints, vary: bool = False) -> None:
        """See BatchGame. Raises ValueError where mask or seeds do not have one entry for each trajectory."""
        seeds = np.asarray(seeds, dtype=np.int64)
        if np.shape(mask) != (self.batch,) or seeds.shape != (self.batch,):
            raise ValueError(f"A reset of {self.batch} gardens needs as many seeds, not shape {seeds.shape}.")
        rows = np.flatnonzero(mask)
        if len(rows) == 0:
            return
        s, seed = self.state, seeds[rows]
        rooms = [layout(int(one)) for one in seed]
        s.set_rooms(rows, rooms)
        s.seed[rows], s.salt[rows], s.tick[rows] = seed.astype(np.uint64), 0, 0
        starts = np.array([room.starts for room in rooms], np.int64)
        s.heading[rows] = heading = starts[:, :, 1]
        ahead = starts[:, :, 2, None] * np.stack([_DX[heading], _DY[heading]], axis=-1)
        s.creatures[rows] = place(starts[:, :, 0]) + ahead
        luck = uniform(seed[:, None], _BERRY, np.arange(MAX_PLANTERS))
        order = np.argsort(np.where(s.planters[rows] < 0, -1.0, luck), axis=1)[:, -2:]
        s.berries[rows] = np.take_along_axis(s.planters[rows], order, axis=1)
        s.player[rows], s.facing[rows] = place(s.pad[rows]), DOWN
        s.hearts[rows], s.score[rows], s.grace[rows] = HEARTS, 0, self._grace
        if vary:
            s.grace[rows] = 0
            s.score[rows] = (uniform(seed, _SCORE) * 100).astype(np.int64)
            s.hearts[rows] = 1 + (uniform(seed, _HEARTS) * HEARTS).astype(np.int64)
            inner = s.player_open[rows].reshape(-1, 10, 10)[:, 1:9, 1:9].reshape(-1, 64)
            anywhere = np.where(inner, uniform(seed[:, None], _PLACE, np.arange(64)), -1.0)
            s.player[rows] = place(anywhere.argmax(axis=1))

    def step(self, actions: Ints) -> tuple[NDArray[np.float32], Bools]:
        """See BatchGame."""
        actions = self.checked_actions(actions)
        self._move_player(actions)
        self._move_creatures()
        reward = self._pick().astype(np.float32)
        hit, ended = self._hit()
        self.state.tick += np.uint64(1)
        return reward - hit, ended

    def _move_player(self, actions: Ints) -> None:
        s, rows = self.state, self._rows
        pressed = actions > 0
        wanted = np.where(pressed, actions - 1, s.facing)
        s.facing = wanted
        across = wanted >= LEFT
        off = s.player % 8
        off_x, off_y = off[:, 0] > 0, off[:, 1] > 0
        cell = (s.player[:, 1] // 8 + 1) * 10 + s.player[:, 0] // 8 + 1
        aligned = ~off_x & ~off_y
        straight = np.where(across, off_x, off_y) | (aligned & s.player_open[rows, cell + _STEP[wanted]])
        # Between two tiles across the wanted way: slide to the nearer, from halfway to the one where the way is open.
        slide = np.where(across, off_y, off_x)
        offset = off.sum(axis=1)
        upper = cell + np.where(off_x, 1, np.where(off_y, 10, 0))
        only_upper = s.player_open[rows, upper + _STEP[wanted]] & ~s.player_open[rows, cell + _STEP[wanted]]
        on = (offset > 4) | ((offset == 4) & only_upper)
        slide_way = np.where(off_x, np.where(on, RIGHT, LEFT), np.where(on, DOWN, UP))
        way = np.where(slide, slide_way, wanted)
        moves = SPEED * (pressed & (slide | straight))
        s.player = s.player + np.stack([_DX[way] * moves, _DY[way] * moves], axis=1)

    def _move_creatures(self) -> None:
        s = self.state
        at_centre = (s.creatures % 8 == 0).all(axis=2)
        cell = (s.creatures[:, :, 1] // 8 + 1) * 10 + s.creatures[:, :, 0] // 8 + 1
        rows = self._rows[:, None]
        blocked = ~s.creature_open[rows, cell + _STEP[s.heading]]
        heading = np.where(at_centre & blocked, _BACK[s.heading], s.heading)
        ways = s.creature_open[rows, cell[:, WISP, None] + _STEP]
        back = _BACK[s.heading[:, WISP]]
        ways[self._rows, back] = False
        luck = uniform(s.seed[:, None], s.salt[:, None], s.tick[:, None], _WISP_TURN, np.arange(4))
        turn = np.where(ways.any(axis=1), np.where(ways, luck, -1.0).argmax(axis=1), back)
        heading[:, WISP] = np.where(at_centre[:, WISP], turn, s.heading[:, WISP])
        s.heading = heading
        s.creatures = s.creatures + SPEED * np.stack([_DX[heading], _DY[heading]], axis=2)

    def _pick(self) -> Bools:
        """Gather the berry within reach, grow another elsewhere. Returns who gathered (B,)."""
        s = self.state
        near = (np.abs(place(s.berries) - s.player[:, None]) <= PICK_REACH).all(axis=2)
        picked: Bools = near.any(axis=1)
        rows = np.flatnonzero(picked)
        if len(rows):
            which = near[rows].argmax(axis=1)
            planters = s.planters[rows]
            taken = (planters[:, :, None] == s.berries[rows][:, None, :]).any(axis=2) | (planters < 0)
            purpose = np.arange(MAX_PLANTERS)
            luck = uniform(s.seed[rows, None], s.salt[rows, None], s.tick[rows, None], _REGROW, purpose)
            chosen = np.where(taken, -1.0, luck).argmax(axis=1)
            s.berries[rows, which] = planters[np.arange(len(rows)), chosen]
            s.score[rows] = np.minimum(s.score[rows] + 1, 99)
        return picked

    def _hit(self) -> tuple[Bools, Bools]:
        """Send home who is touched off the pad. Returns who lost a heart (B,) and whose round is lost (B,)."""
        s = self.state
        pad = place(s.pad)
        safe = (np.abs(s.player - pad) < HIT_REACH).all(axis=1)
        touched = (np.abs(s.creatures - s.player[:, None]) < HIT_REACH).all(axis=2).any(axis=1)
        caught = touched & ~safe
        hit: Bools = caught & (s.grace == 0)
        s.grace = np.where(hit, self._grace, np.maximum(s.grace - 1, 0))
        ended: Bools = hit & (s.hearts == 1)
        s.hearts = np.where(ended, HEARTS, s.hearts - hit)
        s.score = np.where(ended, 0, s.score)
        s.player = np.where(caught[:, None], pad, s.player)
        s.facing = np.where(caught, DOWN, s.facing)
        return hit, ended

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        self.checked_size(size)
        s = self.state
        strip = (s.hearts, s.score, s.grace)
        return art.draw(size, s.tiles, s.arches, s.berries, s.player, s.facing, s.creatures, *strip)

    def snapshot(self) -> State:
        """See BatchGame."""
        return self.state.copy()

    def restore(self, snapshot: State) -> None:
        """See BatchGame."""
        if len(snapshot.seed) != self.batch:
            raise ValueError(f"This snapshot holds {len(snapshot.seed)} gardens, and this game {self.batch}.")
        self.state = snapshot.copy()

    def branch(self, salt: int) -> None:
        """See BatchGame."""
        self.state.salt = bits(self.state.salt, _BRANCH, salt)
