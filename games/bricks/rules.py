"""The rules of the stained glass: a spark breaks panes, a mirror keeps it in play.

Positions are in px at 64x64, of a top left corner, and always even. A steep spark goes sideways only from rows that
four divides, so one picture and the one before tell all about its flight.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.bricks import art
from reverie.games.bricks.view import COLUMNS, FIELD_TOP, MIRROR_Y, PANES_TOP, ROWS, SPARK, WIDTH, BricksView
from reverie.games.kit.game import HeartGame
from reverie.games.kit.state import HeartState, array
from reverie.games.rng import uniform

SPEED = 2
HELD_Y = MIRROR_Y - SPARK
LEFT, RIGHT, LAUNCH = 1, 2, 3
MIDDLE = (64 - WIDTH) // 2
_STEEP = 2
"""Up to so many px from the mirror's middle the spark leaves steeply."""
_WAY, _WINDOW, _BROKEN, _PLACE, _FLIGHT = range(5)


@dataclass
class State(BricksView, HeartState):
    """What a picture shows, and the spark's flight.

    across, down (B,): -1 or 1, the signs of its way; steep (B,): 1 where it goes sideways every other tick only.
    """

    across: Ints = field(metadata=array())
    down: Ints = field(metadata=array())
    steep: Ints = field(metadata=array())


def window(luck: NDArray[np.float64]) -> Ints:
    """Panes (K, 6, 8) of new windows from luck (K, 25): the same on both sides, with one whole row at least."""
    half = luck[:, :24].reshape(-1, ROWS, COLUMNS // 2) < 0.7
    half |= (np.arange(ROWS) == (luck[:, 24:] * ROWS).astype(np.int64))[:, :, None]
    return np.concatenate([half, half[:, :, ::-1]], axis=2).astype(np.int64)


def bat(state: State, rows: Ints, ahead: Ints) -> None:
    """Send sparks in these rows (K,) on their way from the mirror, ahead (K,) px right of its left end."""
    middle = ahead + (SPARK - WIDTH) // 2
    state.across[rows] = np.where(middle == 0, state.across[rows], np.sign(middle))
    state.steep[rows] = np.abs(middle) <= _STEEP


class Bricks(HeartGame):
    """B windows. Reward +1 for a pane, -1 for a spark lost; ended when the last heart is lost.

    Rules 2: grace as in HeartGame. A spark lost in it costs no heart, and is back on the mirror.
    """

    name = "bricks"
    title = "Stained glass"
    goal = "Keep the spark in the air and break all panes."
    actions = ("noop", "left", "right", "a")
    RULES = 2

    state: State

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, State.empty(batch), rules)

    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """vary: any panes broken, the mirror anywhere, and most sparks in flight."""
        s = self.state
        s.panes[rows] = window(uniform(seeds[:, None], _WINDOW, np.arange(25)))
        s.mirror[rows] = MIDDLE
        if vary:
            luck = uniform(seeds[:, None], _BROKEN, np.arange(ROWS * COLUMNS + 1))
            s.panes[rows] &= (luck[:, 1:] > 0.8 * luck[:, :1]).reshape(-1, ROWS, COLUMNS)
            s.panes[rows[s.panes[rows].sum(axis=(1, 2)) == 0], 0] = 1
            s.mirror[rows] = (uniform(seeds, _PLACE) * (64 - WIDTH + 2) / 2).astype(np.int64) * 2
        self._hold(rows)
        if vary:
            luck = uniform(seeds[:, None], _FLIGHT, np.arange(6))
            s.held[rows] = luck[:, 0] < 0.2
            flying = rows[luck[:, 0] >= 0.2]
            luck = luck[luck[:, 0] >= 0.2]
            s.spark[flying, 0] = (luck[:, 1] * 31).astype(np.int64) * 2
            s.spark[flying, 1] = PANES_TOP + 4 * ROWS + 2 * (luck[:, 2] * 6).astype(np.int64)
            s.across[flying] = np.where(luck[:, 3] < 0.5, -1, 1)
            s.down[flying] = np.where(luck[:, 4] < 0.5, -1, 1)
            s.steep[flying] = luck[:, 5] < 0.5

    def _again(self, rows: Ints) -> None:
        """The window of the seed, whole again."""
        s = self.state
        s.panes[rows] = window(uniform(s.seed[rows, None], _WINDOW, np.arange(25)))

    def _hold(self, rows: Ints) -> None:
        """Put the spark on the mirror."""
        s = self.state
        s.held[rows], s.down[rows], s.steep[rows], s.across[rows] = 1, -1, 0, 1
        s.spark[rows, 0], s.spark[rows, 1] = s.mirror[rows] + (WIDTH - SPARK) // 2, HELD_Y

    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        s = self.state
        push = SPEED * ((actions == RIGHT).astype(np.int64) - (actions == LEFT))
        s.mirror = np.clip(s.mirror + push, 0, 64 - WIDTH)
        held = s.held == 1
        launched = held & (actions == LAUNCH)
        s.held = np.where(launched, 0, s.held)
        luck = s.luck(_WAY, 2)
        s.across = np.where(launched, np.where(luck[:, 0] < 0.5, -1, 1), s.across)
        s.steep = np.where(launched, luck[:, 1] < 0.5, s.steep).astype(np.int64)
        flies = s.held == 0
        x, y = s.spark[:, 0], s.spark[:, 1]
        sideways = flies & ((s.steep == 0) | (y % 4 == 0))
        new_x = x + SPEED * s.across * sideways
        turned = (new_x < 0) | (new_x > 64 - SPARK)
        broken = self._break(np.clip(new_x, 0, 64 - SPARK), y, flies)
        turned |= broken > 0
        new_x = np.where(turned, x, new_x)
        s.across = np.where(turned, -s.across, s.across)
        new_y = y + SPEED * s.down * flies
        more = self._break(new_x, new_y, flies)
        ahead = new_x - s.mirror
        mirrored = flies & (new_y > HELD_Y) & (y <= HELD_Y) & (ahead > -SPARK) & (ahead < WIDTH)
        turned = (more > 0) | (new_y < FIELD_TOP) | mirrored
        mirrors = np.flatnonzero(mirrored)
        bat(s, mirrors, ahead[mirrors])
        s.down = np.where(turned, -s.down, s.down)
        new_y = np.where(turned, y, new_y)
        on_mirror = ~flies
        s.spark = np.stack([np.where(on_mirror, s.mirror + (WIDTH - SPARK) // 2, new_x), new_y], axis=1)
        lost = flies & (new_y >= MIRROR_Y)
        empty = np.flatnonzero(s.panes.sum(axis=(1, 2)) == 0)
        if len(empty):
            s.panes[empty] = window(s.luck(_WINDOW, 25)[empty])
            self._hold(empty)
        self._hold(np.flatnonzero(lost))
        return broken + more, lost

    def _break(self, x: Ints, y: Ints, flies: Bools) -> Ints:
        """Break the panes beneath a spark at x, y (B,). Returns how many (B,)."""
        panes, broken = self.state.panes, np.zeros(self.batch, np.int64)
        for corner_y in (y, y + SPARK - 1):
            row = (corner_y - PANES_TOP) // 4
            inside = flies & (row >= 0) & (row < ROWS)
            row = np.clip(row, 0, ROWS - 1)
            for corner_x in (x, x + SPARK - 1):
                hit = inside & (panes[self._rows, row, corner_x // 8] == 1)
                panes[self._rows, row, corner_x // 8] &= ~hit
                broken += hit
        return broken

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        return art.draw(self.checked_size(size), self.state)
