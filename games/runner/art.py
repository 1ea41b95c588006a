"""The rooftop runner, drawn: a still town at night, the roof that comes by, the runner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.kit import art
from reverie.games.kit.art import OPAQUE, Pixels, colour
from reverie.games.runner import sprites as grids
from reverie.games.runner import sprites_large as grids_large
from reverie.games.runner.view import COLUMNS, GAP, HEIGHTS, KINDS, PHASES, RUNNER_X, RUNNER_Y, TOP, TURN, RunnerView

RUN_APART, RUN_TOGETHER, RISE, FALL, DUCK = range(5)
"""Ids of the runner's sprites."""
_SKY = ("#131536", "#1d1a46", "#2c2058", "#452a66", "#643870")
_STAR, _DIM = "#dfe6ff", "#6a6aa8"
_MOON = ("#f6efce", "#d9cfa8")
_TOWN, _EDGE, _LIT, _UNLIT = "#1a1738", "#241f4a", "#f2c14e", "#2b2556"
_HOUSES = (34, 26, 30, 38, 24, 32, 28, 36)
"""Where the roof of each house of the town begins, y; a house is 8 px wide."""
_STARS = ((4, 11), (13, 18), (19, 10), (27, 14), (33, 20), (38, 11), (60, 21), (43, 17))


@dataclass(frozen=True)
class Atlas:
    """Art at one size, p px to a tile.

    town (S, S); columns (6, S, p): what each kind of column puts over the town; runner (5, h, p); glyphs: see kit.art.
    """

    town: Pixels
    columns: Pixels
    runner: Pixels
    glyphs: Pixels


def _town(size: int) -> Pixels:
    """Sky, stars, moon, and houses with a few lit windows."""
    k = size // 64
    town = np.empty((size, size), np.uint32)
    for i, code in enumerate(_SKY):
        town[8 * (i + 1) * k :] = colour(code)
        if k == 2 and i:
            # The large picture has a dithered seam where the small one has an edge.
            town[8 * (i + 1) * k - 1, ::2] = town[8 * (i + 1) * k - 3, 1::4] = colour(code)
    for i, (x, y) in enumerate(_STARS):
        town[y * k, x * k] = colour(_STAR if i % 2 else _DIM)
    y, x = (np.mgrid[:size, :size] + 0.5) / k
    town[np.hypot(x - 52, y - 16) < 5] = colour(_MOON[0])
    for crater_x, crater_y, r in ((50.5, 14.5, 1.2), (53.5, 17.5, 1.6), (51, 18.5, 0.7)):
        town[np.hypot(x - crater_x, y - crater_y) < r] = colour(_MOON[1])
    for i, top in enumerate(_HOUSES):
        house = town[top * k :, 8 * i * k : 8 * (i + 1) * k]
        house[:] = colour(_TOWN)
        house[:k, :] = house[:, :1] = colour(_EDGE)
        for j in range(4):
            for side in range(2):
                lit = (5 * i + 3 * j + 2 * side) % 7 == 0
                at_y, at_x = (3 + 5 * j) * k, (2 + 3 * side) * k
                house[at_y : at_y + 2 * k, at_x : at_x + 2 * k - (k - 1)] = colour(_LIT if lit else _UNLIT)
    return town


@lru_cache(maxsize=2)
def atlas(size: int) -> Atlas:
    """The art for frames of size x size px (64 or 128)."""
    large, p = size == 128, size // 8

    def drawn(name: str) -> Pixels:
        if large and hasattr(grids_large, name):
            return art.parse(getattr(grids_large, name), grids.PALETTE)
        small = art.parse(getattr(grids, name), grids.PALETTE)
        if not large:
            return small
        side = max(small.shape)
        square = np.zeros((side, side), np.uint32)
        square[: small.shape[0], : small.shape[1]] = small
        return art.enlarge(square)[: 2 * small.shape[0], : 2 * small.shape[1]]

    columns = np.zeros((KINDS, size, p), np.uint32)
    columns[:, -2 * p :] = drawn("ROOF")
    columns[GAP, -2 * p :] = drawn("GAP")
    for kind, name in enumerate(("", "CHIMNEY", "", "OWL", "MOTH", "MOTH")):
        if name:
            top = TOP[kind] * size // 64
            columns[kind, top : top + p] = np.where(drawn(name) >= OPAQUE, drawn(name), columns[kind, top : top + p])
    runner = [drawn(name) for name in ("RUN_APART", "RUN_TOGETHER", "RISE", "FALL", "DUCK")]
    return Atlas(_town(size), columns, np.stack(runner), art.hud_glyphs(size, grids.ICON, tuple(grids.PALETTE.items())))


def draw_columns(size: int, phase: Ints, columns: Ints) -> Pixels:
    """The roof with what is on it, over the town, without the runner: (N, size, size)."""
    a, n, p = atlas(size), len(phase), size // 8
    over = a.columns[columns].transpose(0, 2, 1, 3).reshape(n, size, COLUMNS * p)
    at = np.arange(size) + (phase * (size // 64))[:, None]
    over = np.take_along_axis(over, at[:, None, :], axis=2)
    return np.where(over >= OPAQUE, over, a.town)


def runner_sprite(phase: Ints, air: Ints, low: Ints) -> Ints:
    """Which sprite (N,) the runner is; how it runs depends on where the roof is, never on time."""
    run = np.where(phase <= PHASES[1], RUN_APART, RUN_TOGETHER)
    return np.where(low == 1, DUCK, np.where(air == 0, run, np.where(air <= TURN, RISE, FALL)))


def draw(size: int, view: RunnerView) -> NDArray[np.uint8]:
    """Pictures (N, size, size, 3) uint8 RGB of N states."""
    a, rows = atlas(size), np.arange(len(view.phase))
    picture = draw_columns(size, view.phase, view.columns)
    place = np.stack([np.full_like(view.air, RUNNER_X), RUNNER_Y - HEIGHTS[view.air]], axis=1)
    art.blit(picture, rows, a.runner, runner_sprite(view.phase, view.air, view.low), place)
    art.hud(picture, view, a.glyphs)
    return art.to_rgb(picture)
