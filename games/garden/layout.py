"""Rooms of the garden, drawn from a seed: hedges with loops between them, archways, a pad and planters."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 8, 8
"""Tiles across and down; row 0 is the HUD, the field is rows 1..7. A tile's index is row * 8 + column."""
FLOOR, PAD, PLANTER, ARCH, HEDGE_TOP, HEDGE_FRONT, HEDGE_FLOWER, BERRY, BLANK = range(9)
"""Kinds of tile. BERRY (a planter that bears one) and BLANK (the HUD's ground) never stand in a room's own tile map."""
HEDGES = (HEDGE_TOP, HEDGE_FRONT, HEDGE_FLOWER)
MAX_PLANTERS, MAX_ARCHES = 5, 3
FIELD = tuple(range(COLUMNS, COLUMNS * ROWS))
UP, DOWN, LEFT, RIGHT = range(4)
DX = (0, 0, -1, 1)
DY = (-1, 1, 0, 0)
Starts = tuple[tuple[int, int, int], ...]
"""For each creature: tile index, direction, px already gone that way."""
FAR = 255
"""The distance of tiles between which the player cannot walk."""


def neighbour(tile: int, direction: int) -> int:
    """The tile next to `tile` in that direction, or -1 outside the field."""
    x, y = tile % COLUMNS + DX[direction], tile // COLUMNS + DY[direction]
    return y * COLUMNS + x if 0 <= x < COLUMNS and 1 <= y < ROWS else -1


NEIGHBOURS = tuple(tuple(n for d in range(4) if (n := neighbour(t, d)) >= 0) if t >= COLUMNS else () for t in range(64))


def _squares(tile: int) -> tuple[tuple[int, ...], ...]:
    """The 2x2 blocks of the field that the tile is part of, without the tile itself."""
    found = []
    for side in (LEFT, RIGHT):
        for end in (UP, DOWN):
            beside, above = neighbour(tile, side), neighbour(tile, end)
            if beside >= 0 and above >= 0:
                found.append((beside, above, neighbour(beside, end)))
    return tuple(found)


SQUARES = tuple(_squares(t) if t >= COLUMNS else () for t in range(64))


@dataclass(frozen=True)
class Layout:
    """One room and where its creatures start.

    tiles: (8, 8) uint8 kinds. pad: tile index. planters: (5,) and arches: (3,) int64 tile indices, -1 where unused.
    starts: three (tile, direction, offset in px): beetle, beetle, wisp. distance: (64, 64) uint8 steps the player needs
    from tile to tile, FAR where there is no way.
    """

    tiles: NDArray[np.uint8]
    pad: int
    planters: NDArray[np.int64]
    arches: NDArray[np.int64]
    starts: Starts
    distance: NDArray[np.uint8]


def connected(tiles: Iterable[int]) -> bool:
    """Whether one can walk between all these tiles without leaving them."""
    left = set(tiles)
    if not left:
        return False
    todo = [left.pop()]
    while todo:
        for n in NEIGHBOURS[todo.pop()]:
            if n in left:
                left.remove(n)
                todo.append(n)
    return not left


def distances(open_tiles: Iterable[int]) -> NDArray[np.uint8]:
    """(64, 64) uint8: steps between any two of the open tiles, FAR elsewhere."""
    near = np.zeros((64, 64), np.float32)
    tiles = set(open_tiles)
    for t in tiles:
        near[t, t] = 1
        for n in NEIGHBOURS[t]:
            if n in tiles:
                near[t, n] = 1
    result = np.full((64, 64), FAR, np.uint8)
    reach = np.diag(np.diag(near))
    steps = 0
    while True:
        fresh = (reach > 0) & (result == FAR)
        if not fresh.any():
            return result
        result[fresh] = steps
        reach = (reach @ near > 0).astype(np.float32)
        steps += 1


def _hedges(rng: random.Random) -> set[int] | None:
    """Tiles that stay open after planting 12-18 hedges, none of which makes a dead end or cuts the room.

    None where the dice do not allow it.
    """
    free = set(FIELD)
    count = rng.randint(13, 18)
    while len(FIELD) - len(free) < count:
        best, best_score = -1, 0.0
        for t in free:
            # Hedges go first where they break open squares into paths.
            score = sum(free.issuperset(square) for square in SQUARES[t]) + 2.5 * rng.random()
            if score <= best_score:
                continue
            if any(n in free and sum(m in free for m in NEIGHBOURS[n]) <= 2 for n in NEIGHBOURS[t]):
                continue
            if connected(free - {t}):
                best, best_score = t, score
        if best < 0:
            break
        free.remove(best)
    return free if len(FIELD) - len(free) >= 12 else None


def _straight(tile: int, free: set[int]) -> bool:
    """Whether a creature can cross the tile in a straight line."""
    return any(neighbour(tile, a) in free and neighbour(tile, b) in free for a, b in ((UP, DOWN), (LEFT, RIGHT)))


def _arches(rng: random.Random, free: set[int]) -> set[int] | None:
    arches: set[int] = set()
    wanted = rng.choice((2, 3, 3))
    # Narrow places first: there whatever passes has to pass behind the leaves.
    order = sorted(free, key=lambda t: (sum(n in free for n in NEIGHBOURS[t]) > 2, rng.random()))
    for t in order:
        if len(arches) == wanted:
            break
        apart = all(abs(t % 8 - a % 8) + abs(t // 8 - a // 8) > 2 for a in arches)
        walk = free - arches - {t}
        alone = any(not any(n in walk for n in NEIGHBOURS[w]) for w in walk)
        if apart and not alone and _straight(t, free) and connected(walk):
            arches.add(t)
    return arches if len(arches) >= 2 else None


def _lanes(open_tiles: set[int], direction: int) -> list[list[int]]:
    """Straight runs of at least three tiles along that direction."""
    runs = []
    for t in sorted(open_tiles):
        if neighbour(t, direction ^ 1) in open_tiles:
            continue
        run = [t]
        while (n := neighbour(run[-1], direction)) in open_tiles:
            run.append(n)
        if len(run) >= 3:
            runs.append(run)
    return runs


def _starts(rng: random.Random, creatures: set[int], arches: set[int], pad: int) -> Starts | None:
    lanes = [(run, d) for d in (DOWN, RIGHT) for run in _lanes(creatures, d)]
    if len(lanes) < 2:
        return None
    rng.shuffle(lanes)
    lanes.sort(key=lambda lane: not arches.intersection(lane[0]))  # those behind an archway first
    second = lanes[1] if rng.random() < 0.5 else rng.choice(lanes[1:])
    starts = []
    for run, d in (lanes[0], second):
        i = rng.randrange(len(run) - 1)
        flip = rng.random() < 0.5
        starts.append((run[i + 1] if flip else run[i], d ^ 1 if flip else d, 2 * rng.randrange(4)))
    far = [t for t in sorted(creatures) if abs(t % 8 - pad % 8) + abs(t // 8 - pad // 8) > 2]
    tile = rng.choice(far)
    ways = [d for d in range(4) if neighbour(tile, d) in creatures]
    return (*starts, (tile, rng.choice(ways), 2 * rng.randrange(4)))


def _try(rng: random.Random) -> Layout | None:
    free = _hedges(rng)
    arches = _arches(rng, free) if free else None
    if free is None or arches is None:
        return None
    walk = sorted(free - arches)
    pads = [t for t in walk if connected(free - {t})]
    if not pads:
        return None
    pad = rng.choice(pads)
    planters: list[int] = []
    wanted = rng.choice((4, 5))
    for t in rng.sample(walk, len(walk)):
        if len(planters) < wanted and all(abs(t % 8 - p % 8) + abs(t // 8 - p // 8) > 1 for p in [pad, *planters]):
            planters.append(t)
    starts = _starts(rng, free - {pad}, arches, pad)
    if len(planters) < wanted or starts is None:
        return None
    tiles = np.full(64, BLANK, np.uint8)
    for t in FIELD:
        below = neighbour(t, DOWN)
        if t in free:
            tiles[t] = PAD if t == pad else ARCH if t in arches else PLANTER if t in planters else FLOOR
        elif below >= 0 and below not in free:
            tiles[t] = HEDGE_TOP
        else:
            tiles[t] = HEDGE_FLOWER if rng.random() < 0.3 else HEDGE_FRONT
    return describe(tiles.reshape(ROWS, COLUMNS), starts)


def describe(tiles: NDArray[np.uint8], starts: Starts) -> Layout:
    """The layout that a tile map (8, 8) stands for.

    Raises ValueError where it has not one pad, three to five planters and at most three archways.
    """
    flat = tiles.reshape(-1)
    pads, planters, arches = (np.flatnonzero(flat == kind) for kind in (PAD, PLANTER, ARCH))
    if len(pads) != 1 or not 3 <= len(planters) <= MAX_PLANTERS or len(arches) > MAX_ARCHES:
        raise ValueError("A garden needs one pad, three to five planters and at most three archways.")
    walk = np.flatnonzero(np.isin(flat, (FLOOR, PAD, PLANTER))).tolist()
    return Layout(
        tiles=tiles,
        pad=int(pads[0]),
        planters=np.pad(planters, (0, MAX_PLANTERS - len(planters)), constant_values=-1).astype(np.int64),
        arches=np.pad(arches, (0, MAX_ARCHES - len(arches)), constant_values=-1).astype(np.int64),
        starts=starts,
        distance=distances(walk),
    )


@lru_cache(maxsize=1024)
def layout(seed: int) -> Layout:
    """The room of a seed, always the same. Its arrays are shared: do not write to them."""
    rng = random.Random(seed)
    while True:
        if (found := _try(rng)) is not None:
            return found
