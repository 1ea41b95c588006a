"""The rules of the comet duel: two stations bat a comet to and fro; who lets it pass loses the point.

Positions are in px at 64x64, of a top left corner, and always even. The comet goes 2 px sideways every tick; a slowly
climbing one goes up or down only from columns that four divides, so two pictures tell all about its flight. The other
station follows the comet once it comes, but every tick it may be too slow: that is this game's luck.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.duel import art
from reverie.games.duel.view import COMET, FARTHEST, HEIGHT, NEAREST, TOP, DuelView
from reverie.games.kit.game import HeartGame
from reverie.games.kit.state import HeartState, array
from reverie.games.rng import uniform

SPEED = 2
UP, DOWN = 1, 2
LOWEST, DEEPEST = 64 - HEIGHT, 64 - COMET
MIDDLE = (TOP + LOWEST) // 2
SERVE_X = 30
SIGHT = 28
"""The other station watches a comet that comes and has got so far."""
_QUICK = 0.55
"""How often the other station is quick enough to move."""
_SERVE, _STALL, _PLACE, _FIRST = range(4)


@dataclass
class State(DuelView, HeartState):
    """What a picture shows, and the comet's flight.

    across (B,): -1 to the player's station, 1 away from it; climb (B,): -2 up, 2 down, -1 and 1 slowly, 0 level.
    """

    across: Ints = field(metadata=array())
    climb: Ints = field(metadata=array())


def _even(luck: NDArray[np.float64], low: int, high: int) -> Ints:
    """Even numbers from low to high, both among them, from luck in [0, 1)."""
    return low + 2 * (luck * ((high - low) // 2 + 1)).astype(np.int64)


class Duel(HeartGame):
    """B duels. Reward +1 where the other lets the comet pass, -1 where the player does.

    Rules 2: grace as in HeartGame. A comet that the player lets pass in it costs no heart, and the next is served.
    """

    name = "duel"
    title = "Comet duel"
    goal = "Bat the comet past the other station, and let none past."
    actions = ("noop", "up", "down")
    RULES = 2

    state: State

    def __init__(self, batch: int, rules: int | None = None) -> None:
        super().__init__(batch, State.empty(batch), rules)

    def _begin(self, rows: Ints, seeds: Ints, vary: bool) -> None:
        """vary: both stations and the comet anywhere, on any way."""
        s = self.state
        s.mine[rows] = s.theirs[rows] = MIDDLE
        self._serve(rows, uniform(seeds[:, None], _FIRST, np.arange(2)), np.full(len(rows), -1))
        if vary:
            luck = uniform(seeds[:, None], _PLACE, np.arange(6))
            s.mine[rows], s.theirs[rows] = _even(luck[:, 0], TOP, LOWEST), _even(luck[:, 1], TOP, LOWEST)
            s.comet[rows, 0], s.comet[rows, 1] = _even(luck[:, 2], 12, 48), _even(luck[:, 3], TOP, DEEPEST)
            s.across[rows] = np.where(luck[:, 4] < 0.5, -1, 1)
            s.climb[rows] = (luck[:, 5] * 5).astype(np.int64) - 2

    def _serve(self, rows: Ints, luck: NDArray[np.float64], across: Ints) -> None:
        """A new comet in the middle column of the rows (K,), from luck (K, 2), on its way across (K,)."""
        s = self.state
        s.comet[rows, 0], s.comet[rows, 1] = SERVE_X, _even(luck[:, 0], TOP, DEEPEST)
        s.across[rows], s.climb[rows] = across, (luck[:, 1] * 5).astype(np.int64) - 2

    def _advance(self, actions: Ints) -> tuple[Ints, Bools]:
        s = self.state
        push = SPEED * ((actions == DOWN).astype(np.int64) - (actions == UP))
        s.mine = np.clip(s.mine + push, TOP, LOWEST)
        s.theirs = np.clip(s.theirs + self._their_push(), TOP, LOWEST)
        x, y = s.comet[:, 0], s.comet[:, 1]
        climbs = (np.abs(s.climb) == 2) | (x % 4 == 0)
        new_y = y + SPEED * np.sign(s.climb) * climbs
        beyond = (new_y < TOP) | (new_y > DEEPEST)
        s.climb = np.where(beyond, -s.climb, s.climb)
        new_y = np.where(beyond, y, new_y)
        new_x = x + SPEED * s.across
        arrives = (new_x < NEAREST) | (new_x > FARTHEST)
        station = np.where(s.across < 0, s.mine, s.theirs)
        middle = new_y + COMET // 2 - station - HEIGHT // 2
        batted = arrives & (np.abs(middle) < (HEIGHT + COMET) // 2)
        # The middle of a station bats it level, its ends steeply.
        s.climb = np.where(batted, np.sign(middle) * np.minimum(np.abs(middle) // 2, 2), s.climb)
        passed = arrives & ~batted
        lost, won = passed & (s.across < 0), passed & (s.across > 0)
        s.across = np.where(batted, -s.across, s.across)
        s.comet = np.stack([np.where(batted, x, new_x), new_y], axis=1)
        rows = np.flatnonzero(passed)
        if len(rows):
            self._serve(rows, s.luck(_SERVE, 2)[rows], s.across[rows])
        return won.astype(np.int64), lost

    def _their_push(self) -> Ints:
        """What the other station does (B,), px down: after the comet when it comes, else to the middle."""
        s = self.state
        coming = (s.across > 0) & (s.comet[:, 0] >= SIGHT)
        goal = np.where(coming, s.comet[:, 1] + COMET // 2 - HEIGHT // 2, MIDDLE)
        far = goal - s.theirs
        quick = s.luck(_STALL)[:, 0] < _QUICK
        return np.asarray(SPEED * np.sign(far) * ((np.abs(far) > SPEED) & quick))

    def render(self, size: int) -> NDArray[np.uint8]:
        """See BatchGame."""
        return art.draw(self.checked_size(size), self.state)
