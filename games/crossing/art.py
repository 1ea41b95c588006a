"""The way home, drawn: static ground, what goes round on the lanes, the apple, the hedgehog."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.crossing import sprites as grids
from reverie.games.crossing import sprites_large as grids_large
from reverie.games.crossing.view import CODES, FIRST_LANE, GRASS, KINDS, LANES, WATER, CrossingView, Lane
from reverie.games.kit import art
from reverie.games.kit.art import OPAQUE, Pixels


@dataclass(frozen=True)
class Atlas:
    """Art at one size, p px to a tile.

    bank (p, S); ground (25, p, S) and traffic (25, p, S) of each lane code at offset 0; hedgehog (8, p, p): facing * 2
    + walk frame; apple (1, p, p); glyphs: see kit.art.
    """

    bank: Pixels
    ground: Pixels
    traffic: Pixels
    hedgehog: Pixels
    apple: Pixels
    glyphs: Pixels


def _traffic(lane: Lane | None, part: dict[str, Pixels], p: int) -> Pixels:
    """(p, 8p): what is on a lane at offset 0."""
    strip = np.zeros((p, 8, p), np.uint32)
    for i, tile in enumerate(lane.tiles if lane else ""):
        if lane is None or tile != "X":
            continue
        front, back = lane.tiles[(i + 1) % 8] != "X", lane.tiles[i - 1] != "X"
        if lane.way < 0:
            front, back = back, front
        if not lane.water:
            one = part["CAR" if lane.fast else "WAGON"]
        elif lane.fast:
            one = part["PAD_FRONT" if front else "PAD"]
        else:
            one = part["LOG_FRONT" if front else "LOG_BACK" if back else "LOG"]
        strip[:, i] = one if lane.way > 0 else one[:, ::-1]
    return strip.reshape(p, 8 * p)


@lru_cache(maxsize=2)
def atlas(size: int) -> Atlas:
    """The art for frames of size x size px (64 or 128)."""
    large = size == 128

    def drawn(name: str) -> Pixels:
        if large and hasattr(grids_large, name):
            return art.parse(getattr(grids_large, name), grids.PALETTE)
        small = art.parse(getattr(grids, name), grids.PALETTE)
        return art.enlarge(small) if large else small

    names = ("CAR", "WAGON", "LOG_BACK", "LOG", "LOG_FRONT", "PAD", "PAD_FRONT")
    part = {name: drawn(name) for name in names}
    river, road, grass = (np.tile(drawn(name), 8) for name in ("RIVER", "ROAD", "GRASS"))
    who = grids_large if large else grids
    up, down, right = (np.stack([art.parse(g, grids.PALETTE) for g in way]) for way in (who.UP, who.DOWN, who.RIGHT))
    return Atlas(
        bank=np.tile(drawn("BANK"), 8),
        ground=np.stack([grass if code == GRASS else river if WATER[code] else road for code in range(CODES)]),
        traffic=np.stack([_traffic(lane, part, size // 8) for lane in KINDS]),
        hedgehog=np.concatenate([up, down, right[:, :, ::-1], right]),
        apple=drawn("APPLE")[None],
        glyphs=art.hud_glyphs(size, grids.ICON, tuple(grids.PALETTE.items())),
    )


def draw_lanes(size: int, lanes: Ints, offset: Ints) -> Pixels:
    """Lanes (...) of these codes, moved by offset (...) px at 64x64, as (..., p, size)."""
    a = atlas(size)
    column = (np.arange(size) - offset[..., None] * (size // 64)) % size
    over = np.take_along_axis(a.traffic[lanes], column[..., None, :], axis=-1)
    return np.where(over >= OPAQUE, over, a.ground[lanes])


def draw(size: int, view: CrossingView) -> NDArray[np.uint8]:
    """Pictures (N, size, size, 3) uint8 RGB of N states."""
    a, n, p = atlas(size), len(view.facing), size // 8
    rows = np.arange(n)
    picture = np.empty((n, size, size), np.uint32)
    picture[:, p : 2 * p] = picture[:, 7 * p :] = a.bank
    first = FIRST_LANE * size // 64
    picture[:, first : first + LANES * p] = draw_lanes(size, view.lanes, view.offset).reshape(n, LANES * p, size)
    art.blit(picture, rows, a.apple, np.zeros_like(rows), view.apple)
    art.blit(picture, rows, a.hedgehog, view.facing * 2 + art.walk_frame(view.player), view.player)
    art.hud(picture, view, a.glyphs)
    return art.to_rgb(picture)
