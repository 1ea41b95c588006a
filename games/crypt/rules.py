"""The rules of the crypt: gather gems, strike the wraith that hunts you, and move the doors with a lever.

Places are in cells, (x, y); a cell's middle is at +0.5. A turn is a step of 7.5 degrees, so that 48 of them bring back
the same view. What a picture does not show (a door behind your back, where the wraith is) goes on all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.crypt import levels, view
from reverie.games.crypt.levels import CENTRES, LEVER_LEFT, LEVER_RIGHT, SIDE, STEPS
from reverie.games.crypt.view import HEADINGS, TURNS
from reverie.games.kit.game import HeartGame
from reverie.games.kit.state import HeartState, array
from reverie.games.rng import uniform

Places = NDArray[np.float64]
FORWARD, BACK, LEFT, RIGHT, STRIKE = 1, 2, 3, 4, 5
WALK, STEP_BACK = 0.125, 0.0625
"""Cells a tick."""
RADIUS = 0.22
"""Nearer to a wall than this nobody comes."""
GEMS, REACH = 6, 0.45
WRAITH_SPEED = 0.0625
"""Cells a tick; a whole number of ticks from one cell to the next."""
TOUCH, STRIKES, PULLS = 0.45, 1.3, 1.4
"""How near the wraith or the bat is when it hurts, and how far the blade and the hand reach."""
UNHURT, WOUND, SWING = 40, 12, 3
"""Ticks in which nothing hurts after a lost heart; in which the picture is red; that a swing takes."""
BAT_ROUND = 96
"""Ticks of the bat's way round its room."""
_GEM, _WAY, _FLEE, _START, _VARY = range(5)


@dataclass
class State(HeartState):
    """place (B, 2) and heading (B,) of the player; grid (B, SIDE, SIDE), doors (B, 2, 2), lever (B, 2): see `levels`.

    gems (B, GEMS, 2). wraith (B, 2), towards (B, 2) the cell that it goes to, from_ (B, 2) the one that it comes from.
    bat (B, 2), nest (B,) its room. swing, wound, unhurt (B,) ticks that are left of each: the
    crypt has had a grace of its own from rules 1 on, and never that of the strip.
    """

    place: Places = field(metadata=array(2, dtype=np.float64))
    heading: Ints = field(metadata=array())
    grid: NDArray[np.uint8] = field(metadata=array(SIDE, SIDE, dtype=np.uint8))
    doors: Ints = field(metadata=array(2, 2))
    lever: Ints = field(metadata=array(2))
    gems: Places = field(metadata=array(GEMS, 2, dtype=np.float64))
    wraith: Places = field(metadata=array(2, dtype=np.float64))
    towards: Ints = field(metadata=array(2))
    origin: Ints = field(metadata=array(2))
    bat: Places = field(metadata=array(2, dtype=np.float64))
    nest: Ints = field(metadata=array())
    swing: Ints = field(metadata=array())
    wound: Ints = field(metadata=array())
    unhurt: Ints = field(metadata=array())


class Crypt(HeartGame):
    """B crypts. Reward +1 for a gem and for a wraith that is struck, -1 for a lost heart."""

    name = "crypt"
    title = "The crypt"
    goal = "Gather gems, strike the wraith, and pull the lever of the doors."
    actions = ("noop", "up", "down", "left", "right", "a")
    turn_round = (LEFT, TURNS)

    state: State

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, State.empty(batch), rules)

    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """vary: anywhere in the level, any heading, either door open."""
        s = self.state
        made = levels.levels(seeds)
        s.grid[rows], s.doors[rows], s.lever[rows] = made.grid, made.doors, made.lever
        luck = uniform(seeds[:, None], _START, np.arange(8 + 3 * GEMS))
        start = (luck[:, 0] * 9).astype(np.int64)
        s.nest[rows] = self._pillared(made.pillars, luck[:, 1], start)
        s.swing[rows] = s.wound[rows] = 0
        s.unhurt[rows] = UNHURT
        s.heading[rows] = (luck[:, 2] * 4).astype(np.int64) * (TURNS // 4)
        s.place[rows] = self._beside(start, luck[:, 3:5])
        for gem in range(GEMS):
            s.gems[rows, gem] = self._beside((start + 1 + gem * 4 // 3) % 9, luck[:, 8 + 3 * gem : 10 + 3 * gem])
        self._haunt(rows, (start + 4) % 9)
        if vary:
            more = uniform(seeds[:, None], _VARY, np.arange(4))
            s.heading[rows] = (more[:, 0] * TURNS).astype(np.int64)
            s.place[rows] = self._beside((more[:, 1] * 9).astype(np.int64), more[:, 2:4])
            levels.pulled(s.grid, rows[more[:, 3] < 0.5], s.doors, s.lever)
        self._fly()

    @staticmethod
    def _pillared(pillars: Bools, luck: NDArray[np.float64], start: Ints) -> Ints:
        """A room with a pillar for the bat (K,), where there is one but the first room."""
        score = pillars * 2.0 + (np.arange(9) + (luck * 9).astype(np.int64)[:, None]) % 9 / 10
        score[np.arange(len(start)), start] = -1
        return np.asarray(score.argmax(axis=1))

    @staticmethod
    def _beside(rooms: Ints, luck: NDArray[np.float64]) -> Places:
        """A place near the middle of rooms (K,) and beside any pillar, from luck (K, 2)."""
        way = STEPS[(luck[:, 0] * 4).astype(np.int64)] + np.stack([luck[:, 1], luck[:, 1]], axis=1) * 0.3 - 0.15
        return np.asarray(CENTRES[rooms] + 0.5 + way)

    def _haunt(self, rows: Ints, rooms: Ints) -> None:
        """Put the wraiths of rows (K,) into rooms (K,), beside the pillar."""
        s = self.state
        cell = CENTRES[rooms] + STEPS[1]
        s.towards[rows] = s.origin[rows] = cell
        s.wraith[rows] = cell + 0.5

    def _again(self, rows: Ints) -> None:
        s = self.state
        s.unhurt[rows] = UNHURT
        s.wound[rows] = WOUND

    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        s = self.state
        s.heading = (s.heading + (actions == RIGHT) - (actions == LEFT)) % TURNS
        push = WALK * (actions == FORWARD) - STEP_BACK * (actions == BACK)
        move = HEADINGS[s.heading].astype(np.float64) * push[:, None]
        for axis in (0, 1):  # one after the other, so that the player slides along a wall
            there = s.place.copy()
            there[:, axis] += move[:, axis]
            s.place = np.where(self._free(there)[:, None], there, s.place)
        s.swing = np.maximum(s.swing - 1, 0)
        s.wound, s.unhurt = np.maximum(s.wound - 1, 0), np.maximum(s.unhurt - 1, 0)
        begins = (actions == STRIKE) & (s.swing == 0)
        s.swing = np.where(begins, SWING, s.swing)
        pulling = np.flatnonzero(begins & self._at_lever())
        levels.pulled(s.grid, pulling, s.doors, s.lever)
        self._hunt()
        self._fly()
        struck = begins & self._strikes()
        taken = np.hypot(*np.moveaxis(s.gems - s.place[:, None], -1, 0)) < REACH  # (B, GEMS)
        self._put_elsewhere(taken)
        near = np.minimum(np.hypot(*(s.wraith - s.place).T), np.hypot(*(s.bat - s.place).T))
        hit = (near < TOUCH) & (s.unhurt == 0) & ~struck
        s.unhurt, s.wound = np.where(hit, UNHURT, s.unhurt), np.where(hit, WOUND, s.wound)
        away = np.flatnonzero(struck | hit)
        if len(away):
            far = np.abs(CENTRES + 0.5 - s.place[away][:, None]).sum(-1)  # (K, 9)
            far = far + 3 * s.luck(_FLEE, 9)[away]
            self._haunt(away, far.argmax(axis=1))
        return taken.sum(axis=1) + struck, hit

    def _free(self, place: Places) -> Bools:
        """(B,): where nobody at place (B, 2) would stand in a wall, or in a closed door."""
        free = np.ones(self.batch, np.bool_)
        for dx in (-RADIUS, RADIUS):
            for dy in (-RADIUS, RADIUS):
                x, y = np.floor(place[:, 0] + dx).astype(int), np.floor(place[:, 1] + dy).astype(int)
                free &= self.state.grid[self._rows, y, x] == 0
        return free

    def _at_lever(self) -> Bools:
        """(B,): who looks at the lever, near enough to pull it."""
        s = self.state
        hits = view.cast(s.grid, s.place.astype(np.float32), HEADINGS[s.heading][:, None])
        return np.asarray(((hits.wall == LEVER_LEFT) | (hits.wall == LEVER_RIGHT))[:, 0] & (hits.depth[:, 0] < PULLS))

    def _strikes(self) -> Bools:
        """(B,): whose blade reaches the wraith."""
        away = self.state.wraith - self.state.place
        ahead = (away * HEADINGS[self.state.heading]).sum(-1)
        far = np.hypot(*away.T)
        return np.asarray((far < STRIKES) & (ahead > 0.75 * far))

    def _hunt(self) -> None:
        """Wraiths go from cell to cell: mostly nearer to the player, now and then anywhere, never straight back."""
        s = self.state
        goal = s.towards + 0.5
        s.wraith = s.wraith + np.clip(goal - s.wraith, -WRAITH_SPEED, WRAITH_SPEED)
        rows = np.flatnonzero((np.abs(s.wraith - goal) < 1e-9).all(axis=1))
        if not len(rows):
            return
        here = s.towards[rows]
        options = here[:, None] + STEPS  # (K, 4, 2)
        grid = s.grid[rows]
        open_ = grid[np.arange(len(rows))[:, None], options[..., 1], options[..., 0]] == 0  # (K, 4)
        back = (options == s.origin[rows][:, None]).all(axis=-1)
        luck = s.luck(_WAY, 5)[rows]
        cost = np.abs(options + 0.5 - s.place[rows][:, None]).sum(-1)
        cost = np.where(luck[:, 4:] < 0.75, cost, 100 * luck[:, :4]) + 1000 * back + 1e6 * ~open_
        best = cost.argmin(axis=1)
        free = cost[np.arange(len(rows)), best] < 1e6
        s.origin[rows] = here
        s.towards[rows] = np.where(free[:, None], options[np.arange(len(rows)), best], here)

    def _fly(self) -> None:
        """Bats fly round the middle of their room, in front of the pillar and behind it."""
        s = self.state
        turn = (s.tick.astype(np.float64) % BAT_ROUND) * (2 * np.pi / BAT_ROUND)
        s.bat = CENTRES[s.nest] + 0.5 + 1.05 * np.stack([np.cos(turn), np.sin(turn)], axis=1)

    def _put_elsewhere(self, taken: Bools) -> None:
        """Another gem for each one taken (B, GEMS), in a room that luck chooses, out of reach."""
        s = self.state
        rows, which = np.nonzero(taken)
        if len(rows):
            luck = s.luck(_GEM, 3 * GEMS).reshape(-1, GEMS, 3)[rows, which]
            here = np.abs(CENTRES + 0.5 - s.place[rows][:, None]).sum(-1).argmin(axis=1)
            room = (here + 1 + (luck[:, 0] * 8).astype(np.int64)) % 9
            s.gems[rows, which] = self._beside(room, luck[:, 1:])

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        return view.draw(self.checked_size(size), self.state)
