"""Gardens drawn by hand, so that a test can say where everything stands."""

from __future__ import annotations

import numpy as np

from reverie.games.garden.layout import ARCH, BLANK, DOWN, FLOOR, HEDGE_FRONT, PAD, PLANTER, describe
from reverie.games.garden.rules import Garden, State
from reverie.games.kit.state import HEARTS

KINDS = {".": FLOOR, "#": HEDGE_FRONT, "P": PAD, "S": PLANTER, "A": ARCH}
NOOP, UP, DOWN_KEY, LEFT, RIGHT = range(5)
OPEN = """
P......S
.#.#.#..
........
.#.#.#..
........
.#.#.#..
S......S
"""


def garden(room: str = OPEN, player: tuple[int, int] = (0, 8), hearts: int = HEARTS, score: int = 0) -> Garden:
    """One garden of that room (7 rows of 8), the player at that position (px at 64x64), creatures far in the corner.

    The creatures stand in the bottom right corner, heading up, up and left; berries are on the first two planters.
    """
    tiles = np.full((8, 8), BLANK, np.uint8)
    tiles[1:] = [[KINDS[letter] for letter in row] for row in room.split()]
    game = Garden(1)
    state = State.empty(1)
    state.set_rooms(np.array([0]), [describe(tiles, ())])
    state.player[0], state.facing[0] = player, DOWN
    state.creatures[0] = (56, 56)
    state.heading[0] = (0, 0, 2)
    state.berries[0] = state.planters[0, :2]
    state.hearts[0], state.score[0] = hearts, score
    game.restore(state)
    return game


def press(game: Garden, *keys: int) -> tuple[float, bool]:
    """Play those keys, one a tick; the reward and end of the last."""
    reward, ended = 0.0, False
    for key in keys:
        rewards, ends = game.step(np.array([key]))
        reward, ended = float(rewards[0]), bool(ends[0])
    return reward, ended


def at(game: Garden) -> tuple[int, int]:
    """Where the player stands."""
    x, y = game.state.player[0]
    return int(x), int(y)
