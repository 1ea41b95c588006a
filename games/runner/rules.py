"""The rules of the rooftop runner: over chimneys and gaps, under owls, after moths.

The roof comes towards the runner by 2 px a tick. A picture shows everything but the luck that decides what the next
column of the roof holds, and that shows as soon as it is decided.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.kit.game import HeartGame
from reverie.games.kit.state import HeartState
from reverie.games.rng import uniform
from reverie.games.runner import art
from reverie.games.runner.view import (
    AIR,
    CHIMNEY,
    COLUMNS,
    GAP,
    HIGH_MOTH,
    LOW_MOTH,
    OWL,
    PHASES,
    ROOF,
    RunnerView,
    caught,
    struck,
)

SPEED = 2
DUCK, JUMP = 1, 2
_CLEAR = 5
"""There are at least so many columns from one obstacle to the next."""
_FREE = 4
"""At the start so many columns are free; from rules 2 on all that are in sight are free of obstacles."""
_OBSTACLE, _MOTH, _WIDE = 0.32, 0.2, 0.4
"""How often a column that may holds an obstacle, any other a moth, and a gap is two columns wide."""
_COLUMN, _FIRST, _PHASE, _AIR = range(4)


@dataclass
class State(RunnerView, HeartState):
    """A picture shows it all."""


def next_column(columns: Ints, luck: NDArray[np.float64], calm: Bools) -> Ints:
    """What comes (K,) after the last of columns (K, 9), from luck (K, 3); no new obstacle where calm (K,)."""
    obstacle = (columns == CHIMNEY) | (columns == GAP) | (columns == OWL)
    free = ~obstacle[:, -_CLEAR + 1 :].any(axis=1) & ~calm
    kind = np.array([CHIMNEY, GAP, OWL])[(luck[:, 1] * 3).astype(np.int64)]
    moth = (luck[:, 0] < _MOTH) & (columns[:, -1] == ROOF)
    other = np.where(moth, np.where(luck[:, 1] < 0.5, LOW_MOTH, HIGH_MOTH), ROOF)
    widens = (columns[:, -1] == GAP) & (columns[:, -2] != GAP) & (luck[:, 2] < _WIDE)
    return np.where(widens, GAP, np.where(free & (luck[:, 0] > 1 - _OBSTACLE), kind, other))


class Runner(HeartGame):
    """B runs. Reward +1 for a moth, -1 for a heart lost; then the roof ahead is free.

    Rules 2: grace as in HeartGame. In it no obstacle comes into sight. At the beginning of a round none is in sight, so
    that the first is 12 columns away at least.
    """

    name = "runner"
    title = "Rooftop runner"
    goal = "Jump over chimneys and gaps, crouch under owls, catch moths."
    actions = ("noop", "down", "a")
    RULES = 2

    state: State

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, State.empty(batch), rules)

    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """The first columns are free. vary: anywhere between two columns, in the middle of a jump or not."""
        s = self.state
        luck = uniform(seeds[:, None], _FIRST, np.arange(3 * COLUMNS)).reshape(-1, COLUMNS, 3)
        columns = np.zeros((len(rows), COLUMNS), np.int64)
        calm = s.grace[rows] > 0
        for i in range(COLUMNS):
            columns = np.concatenate([columns[:, 1:], next_column(columns, luck[:, i], calm)[:, None]], axis=1)
        columns[:, :_FREE] = ROOF
        s.columns[rows], s.air[rows], s.low[rows], s.phase[rows] = columns, 0, 0, PHASES[0]
        if vary:
            s.phase[rows] = np.array(PHASES)[(uniform(seeds, _PHASE) * len(PHASES)).astype(np.int64)]
            s.air[rows] = np.maximum((uniform(seeds, _AIR) * 2 * AIR).astype(np.int64) - AIR, 0)

    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        s = self.state
        fresh = s.phase == PHASES[-1]
        column = next_column(s.columns, s.luck(_COLUMN, 3), s.grace > 0)
        shifted = np.concatenate([s.columns[:, 1:], column[:, None]], axis=1)
        s.columns = np.where(fresh[:, None], shifted, s.columns)
        s.phase = np.where(fresh, PHASES[0], s.phase + SPEED)
        s.columns[s.phase == PHASES[-1], 0] = ROOF
        # In the air the crouch key turns a rise into a fall from the same height.
        falls = (actions == DUCK) & (s.air > 0)
        air = np.where(falls, np.maximum(s.air, AIR - s.air), s.air)
        jumps = (air > 0) | (actions == JUMP)
        s.air = np.where(jumps, air + 1, 0) % AIR
        s.low = ((actions == DUCK) & (s.air == 0)).astype(np.int64)
        hit = struck(s)
        moths = caught(s) & ~hit[:, None]
        s.columns[moths] = ROOF
        s.columns[hit], s.air[hit], s.low[hit] = ROOF, 0, 0
        return moths.sum(axis=1), hit

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        return art.draw(self.checked_size(size), self.state)
