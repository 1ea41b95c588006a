"""What a picture of the way home shows, and what a lane is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reverie.games.base import Bools, Ints
from reverie.games.kit.state import View, array

LANES = 5
FAR_BANK, FIRST_LANE, NEAR_BANK = 8, 16, 56
"""y of the banks and of the first of the lanes between them; each is 8 px high."""
UP, DOWN, LEFT, RIGHT = range(4)
GRASS = 0
ROAD_PATTERNS = ("X..X....", "X.X.....", "X.X..X..")
WATER_PATTERNS = ("XXX..XX.", "XXX.XX..", "XX.XX...")
"""What goes round on a lane, in tiles of 8 px; none of them looks the same after less than a whole round."""
CODES = 25


@dataclass(frozen=True)
class Lane:
    """One kind of lane. way: -1 left, 1 right; slow ones move every other tick; tiles: 8 letters, X where one is."""

    water: bool
    fast: bool
    way: int
    tiles: str


def _lane(code: int) -> Lane | None:
    kind, pattern = divmod(code - 1, 3)
    if code == GRASS:
        return None
    patterns = WATER_PATTERNS if kind & 4 else ROAD_PATTERNS
    return Lane(bool(kind & 4), bool(kind & 2), 1 if kind & 1 else -1, patterns[pattern])


KINDS = tuple(_lane(code) for code in range(CODES))
"""The lanes by their code: grass, then 12 roads, then 12 rivers."""
WATER = np.array([lane is not None and lane.water for lane in KINDS])
FAST = np.array([lane is not None and lane.fast for lane in KINDS])
WAY = np.array([0 if lane is None else lane.way for lane in KINDS])
TAKEN = np.array([[False] * 8 if lane is None else [tile == "X" for tile in lane.tiles] for lane in KINDS])
"""(25, 8): where something is on a lane that stands at 0."""


def taken(code: Ints, offset: Ints, x: Ints) -> Bools:
    """Whether something is at px x (...) of lanes of that code and offset (...), in px to the right of 0."""
    result: Bools = TAKEN[code, (x - offset) % 64 // 8]
    return result


@dataclass
class CrossingView(View):
    """lanes (B, 5): their codes from far to near; offset (B, 5): how far each has moved, 0..62 px; player (B, 2) x and
    y; facing (B,): 0 up, 1 down, 2 left, 3 right; apple (B, 2) x and y."""

    lanes: Ints = field(metadata=array(LANES))
    offset: Ints = field(metadata=array(LANES))
    player: Ints = field(metadata=array(2))
    facing: Ints = field(metadata=array())
    apple: Ints = field(metadata=array(2))
