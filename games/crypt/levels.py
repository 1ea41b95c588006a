"""The levels of the crypt: nine rooms on a lattice, corridors between them, two doors that one lever moves.

A level is a grid of cells. A cell of 0 is open floor; any other number is a wall, and says how it looks (`textures`).
All of a level follows from its seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.rng import uniform

ROOMS, APART, FIRST = 3, 6, 3
SIDE = 2 * FIRST + APART * (ROOMS - 1) + 1
"""Cells along one side of a level."""
BRICK, SLATE, MOSS, DOOR, LEVER_LEFT, LEVER_RIGHT, PILLAR = range(1, 8)
"""What a wall looks like."""
LOOKS = 3
"""Kinds of plain walls: BRICK, SLATE and MOSS."""
STEPS = np.array([(0, -1), (0, 1), (-1, 0), (1, 0)])
"""North, south, west and east, as steps in x and y."""
_EDGES, _ROOM, _LOOK, _LEVER, _PILLAR = range(5)

CENTRES = np.array([(FIRST + APART * x, FIRST + APART * y) for y in range(ROOMS) for x in range(ROOMS)])
"""Middle cells of the rooms, (9, 2) x and y."""
LINKS = tuple((a, b) for a, b in combinations(range(ROOMS**2), 2) if np.abs(CENTRES[a] - CENTRES[b]).sum() == APART)
"""Pairs of rooms that a corridor may join."""


@dataclass(frozen=True)
class Levels:
    """Levels of B seeds.

    grid (B, SIDE, SIDE) uint8, by y and x, with the first door closed. doors (B, 2, 2) x and y of two corridor cells.
    lever (B, 2) its wall cell. pillars (B, 9) bool: the rooms with a pillar in their middle.
    """

    grid: NDArray[np.uint8]
    doors: Ints
    lever: Ints
    pillars: NDArray[np.bool_]


def _connected(links: tuple[tuple[int, int], ...]) -> bool:
    reached, todo = {0}, [0]
    while todo:
        here = todo.pop()
        for a, b in links:
            other = b if a == here else a if b == here else here
            if other not in reached:
                reached.add(other)
                todo.append(other)
    return len(reached) == ROOMS**2


@lru_cache(maxsize=1)
def _plans() -> tuple[tuple[tuple[tuple[int, int], ...], int, int], ...]:
    """Every choice of 10 corridors, and of two of them for doors, in which either door may be closed."""
    found = []
    for links in combinations(LINKS, 10):
        loose = [i for i in range(len(links)) if _connected(links[:i] + links[i + 1 :])]
        found += [(links, a, b) for a in loose for b in loose if a != b]
    return tuple(found)


@lru_cache(maxsize=4096)
def _level(seed: int) -> tuple[NDArray[np.uint8], Ints, Ints, NDArray[np.bool_]]:
    plans = _plans()
    links, *gates = plans[int(uniform(seed, _EDGES)[0] * len(plans))]
    half = 1 + (uniform(seed, _ROOM, np.arange(18)).reshape(9, 2) * 2).astype(int)  # (9, 2): 3 or 5 cells wide
    looks = (uniform(seed, _LOOK, np.arange(9)) * LOOKS).astype(int) + BRICK  # (9,)
    y, x = np.mgrid[:SIDE, :SIDE]
    nearest = ((x[..., None] - CENTRES[:, 0]) ** 2 + (y[..., None] - CENTRES[:, 1]) ** 2).argmin(-1)  # (SIDE, SIDE)
    grid = looks[nearest].astype(np.uint8)
    pillars = (half == 2).all(1) & (uniform(seed, _PILLAR, np.arange(9)) < 0.7)
    for (cx, cy), (hx, hy) in zip(CENTRES, half, strict=True):
        grid[cy - hy : cy + hy + 1, cx - hx : cx + hx + 1] = 0
    doors = np.zeros((2, 2), np.int64)
    for number, (a, b) in enumerate(links):
        (ax, ay), (bx, by) = CENTRES[a], CENTRES[b]
        grid[min(ay, by) : max(ay, by) + 1, min(ax, bx) : max(ax, bx) + 1] = 0
        for door, gate in enumerate(gates):
            if gate == number:
                doors[door] = (ax + bx) // 2, (ay + by) // 2
    for cx, cy in CENTRES[pillars]:
        grid[cy, cx] = PILLAR
    # The lever is in an outer wall: rooms 1, 3, 5 and 7 have one straight ahead of their middle.
    room, (dx, dy) = ((1, STEPS[0]), (3, STEPS[2]), (5, STEPS[3]), (7, STEPS[1]))[int(uniform(seed, _LEVER)[0] * 4)]
    reach = half[room][0] if dx else half[room][1]
    lever = CENTRES[room] + (reach + 1) * np.array([dx, dy])
    grid[lever[1], lever[0]] = LEVER_LEFT
    grid[doors[0, 1], doors[0, 0]] = DOOR
    return grid, doors, lever, pillars


def levels(seeds: Ints) -> Levels:
    """The levels of seeds (B,)."""
    parts = [_level(int(seed)) for seed in seeds]
    return Levels(*(np.stack([part[i] for part in parts]) for i in range(4)))  # type: ignore[arg-type]


def pulled(grid: NDArray[np.uint8], rows: Ints, doors: Ints, lever: Ints) -> None:
    """Move the levers of rows (K,) in place: one door opens, the other closes."""
    for row in rows:
        (ax, ay), (bx, by), (lx, ly) = doors[row, 0], doors[row, 1], lever[row]
        left = grid[row, ly, lx] == LEVER_LEFT
        grid[row, ly, lx] = LEVER_RIGHT if left else LEVER_LEFT
        grid[row, ay, ax], grid[row, by, bx] = (0, DOOR) if left else (DOOR, 0)
