"""The surfaces of the crypt, 32 x 32 pixels each, drawn from noise with a fixed seed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
EDGE = 32
"""Pixels along one side of a texture."""
LEVELS = 5
"""Resolutions that each texture has, each half as fine as the one before."""
FLOOR, CEILING = 8, 9
"""Numbers of the textures that are no walls; a wall's texture has the number of its cell."""


def _noise(rng: np.random.Generator, cells: int) -> Floats:
    """Smooth noise in [-1, 1] that repeats at the edges, (EDGE, EDGE)."""
    coarse = rng.uniform(-1, 1, (cells, cells))
    at = np.arange(EDGE) * cells / EDGE
    low, part = at.astype(int), (at % 1)[:, None]
    rows = coarse[low] * (1 - part) + coarse[(low + 1) % cells] * part
    columns = rows[:, low] * (1 - part.T) + rows[:, (low + 1) % cells] * part.T
    return columns.astype(np.float32)


def _stones(rng: np.random.Generator, high: int, wide: int, colour: tuple[int, int, int], mortar: float) -> Floats:
    """Courses of stones with mortar between them, every second course shifted."""
    y, x = np.mgrid[:EDGE, :EDGE]
    course = y // high
    x = (x + course % 2 * (wide // 2)) % EDGE
    stone = course * (EDGE // wide) + x // wide
    tint = rng.uniform(0.78, 1.15, stone.max() + 1)[stone]
    gap = (y % high == 0) | (x % wide == 0)
    bevel = 1 + 0.18 * ((y % high == 1) | (x % wide == 1)) - 0.2 * ((y % high == high - 1) | (x % wide == wide - 1))
    light = tint * bevel * (1 + 0.12 * _noise(rng, 16) + 0.1 * _noise(rng, 8))
    light = np.where(gap, mortar * (1 + 0.2 * _noise(rng, 16)), light)
    return (np.array(colour, np.float32) * light[..., None]).astype(np.float32)


def _planks(rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[:EDGE, :EDGE]
    grain = np.sin(y * 0.7 + 3 * _noise(rng, 4)) * 0.08
    tint = rng.uniform(0.85, 1.1, 4)[x // 8]
    wood = np.array([150, 92, 44], np.float32) * (tint + grain - 0.45 * (x % 8 == 0))[..., None]
    iron = (np.abs(y - 6) < 2) | (np.abs(y - 25) < 2)
    wood[iron] = np.array([92, 98, 112]) * (1 + 0.15 * _noise(rng, 8)[iron])[:, None]
    wood[iron & (x % 8 == 4)] = (190, 195, 205)
    wood[(np.hypot(x - 25, y - 16) < 2.6)] = (220, 180, 70)
    return wood.astype(np.float32)


def _lever(wall: Floats, right: bool) -> Floats:
    """A lever on a wall, to the left (red knob) or to the right (green knob)."""
    picture, (y, x) = wall.copy(), np.mgrid[:EDGE, :EDGE]
    picture[(np.abs(x - 16) < 9) & (np.abs(y - 17) < 10)] = (48, 46, 58)
    picture[(np.abs(x - 16) < 8) & (np.abs(y - 17) < 9)] = (74, 72, 88)
    end = 22 if right else 10
    along = np.clip((22 - y) / 12, 0, 1)
    picture[(np.abs(x - (16 + (end - 16) * along)) < 1.6) & (y >= 10) & (y <= 22)] = (205, 205, 215)
    picture[np.hypot(x - end, y - 10) < 3.4] = (70, 230, 110) if right else (240, 70, 60)
    picture[np.hypot(x - 16, y - 23) < 3] = (120, 110, 100)
    return picture


@lru_cache(maxsize=1)
def filtered_textures() -> Floats:
    """(LEVELS, 10, EDGE, EDGE, 3): the textures, and the same with squares of 2, 4, 8 and 16 pixels averaged.

    Williams 1983, "Pyramidal parametrics": what is far away is drawn from averages, so that it does not glitter.
    """
    sharp = textures()
    levels = [sharp]
    for level in range(1, LEVELS):
        edge = 1 << level
        squares = sharp.reshape(len(sharp), EDGE // edge, edge, EDGE // edge, edge, 3).mean((2, 4))
        levels.append(squares.repeat(edge, axis=1).repeat(edge, axis=2))
    return np.stack(levels)


@lru_cache(maxsize=1)
def textures() -> Floats:
    """(10, EDGE, EDGE, 3) float32 0..255; number 0 is unused."""
    rng = np.random.default_rng(11)
    brick = _stones(rng, 8, 16, (196, 96, 68), 0.42)
    slate = _stones(rng, 16, 16, (112, 128, 168), 0.45)
    moss = _stones(rng, 8, 8, (138, 140, 96), 0.4)
    green = (_noise(rng, 8) + _noise(rng, 4) > 0.25)[..., None]
    moss = np.where(green, moss * np.array([0.45, 0.95, 0.4], np.float32), moss)
    pillar = _stones(rng, 32, 8, (216, 196, 150), 0.5)
    floor = _stones(rng, 16, 16, (120, 98, 84), 0.45)
    ceiling = _stones(rng, 32, 8, (84, 70, 98), 0.4)
    walls = [np.zeros_like(brick), brick, slate, moss, _planks(rng), _lever(slate, False), _lever(slate, True), pillar]
    return np.clip(np.stack([*walls, floor, ceiling]), 0, 255).astype(np.float32)
