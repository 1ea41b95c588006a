"""Drawing that several games share: grids of letters, sprites of any size, and the strip on top.

Pictures are (N, size, size) uint32 little-endian RGBA while they are drawn; positions are px at 64x64 in every size.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.kit import strip
from reverie.games.kit.state import HEARTS, View

Pixels = NDArray[np.uint32]
OPAQUE = 0xFF000000
"""Alpha 255; a pixel below it is transparent."""
HEART_FULL, HEART_EMPTY, BLANK, ICON, DIGIT = range(5)
BAR = DIGIT + 10
"""Ids of the strip's glyphs; digit d is DIGIT + d, and half a bar with n of its 8 px is BAR + n - 1."""


def colour(code: str) -> np.uint32:
    """`#rrggbb` as an opaque pixel."""
    return np.uint32(OPAQUE | int(code[5:7] + code[3:5] + code[1:3], 16))


def parse(grid: str, palette: Mapping[str, str]) -> Pixels:
    """A grid of letters, rows apart by blanks, as (h, w) uint32; `.` is transparent.

    Raises ValueError where rows differ in length, KeyError for an unknown letter.
    """
    rows = grid.split()
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"A grid's rows are of one length: {rows}")
    pixels = {letter: colour(code) for letter, code in palette.items()} | {".": np.uint32(0)}
    return np.array([[pixels[letter] for letter in row] for row in rows], np.uint32)


def enlarge(small: Pixels) -> Pixels:
    """Twice the size with rounded corners (the Scale2x rule), for (n, n) uint32."""
    rim = np.pad(small, 1, mode="edge")
    up, down, left, right = rim[:-2, 1:-1], rim[2:, 1:-1], rim[1:-1, :-2], rim[1:-1, 2:]
    big = np.empty((2 * len(small), 2 * len(small)), np.uint32)
    pairs = (((0, 0), up, left), ((0, 1), up, right), ((1, 0), down, left), ((1, 1), down, right))
    corner = (up != down) & (left != right)
    for (y, x), vertical, horizontal in pairs:
        big[y::2, x::2] = np.where(corner & (vertical == horizontal), vertical, small)
    return big


def walk_frame(position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of two walk frames (...) a sprite at position (..., 2) shows: it depends on where it is, never on time."""
    walk: NDArray[np.int64] = position.sum(axis=-1) // 2 % 2
    return walk


def blit(picture: Pixels, rows: Ints, sprites: Pixels, which: Ints, position: Ints) -> None:
    """Put K sprites on pictures (N, size, size) in place; what sticks out of the picture is left out.

    rows (K,) which picture, sprites (S, h, w) in px of the picture, which (K,) of them, position (K, 2) x and y of the
    top left corner in px at 64x64. No picture may occur twice in `rows` where sprites overlap.
    """
    size = picture.shape[1]
    corner = position * (size // 64)
    y = corner[:, 1, None, None] + np.arange(sprites.shape[1])[:, None]
    x = corner[:, 0, None, None] + np.arange(sprites.shape[2])
    over = sprites[which]
    shown = (over >= OPAQUE) & (y >= 0) & (y < size) & (x >= 0) & (x < size)
    where = (rows[:, None, None] * size + y) * size + x
    picture.reshape(-1)[where[shown]] = over[shown]


@lru_cache(maxsize=16)
def hud_glyphs(size: int, icon: str, palette: tuple[tuple[str, str], ...]) -> Pixels:
    """The strip's glyphs (22, p, p) at that size: hearts, digits, the bar, and a game's own 8x8 icon."""
    grids = [parse(g, strip.PALETTE) for g in (strip.HEART_FULL, strip.HEART_EMPTY, strip.BLANK)]
    grids.append(parse(icon, dict(palette)))
    grids.extend(parse(g, strip.PALETTE) for g in (*strip.DIGITS, *strip.BAR))
    grids[ICON] = np.where(grids[ICON] >= OPAQUE, grids[ICON], grids[BLANK])
    return np.stack([enlarge(g) for g in grids] if size == 128 else grids)


def halves(grace: Ints, blank: int, bar: int) -> Ints:
    """Ids (N, 2) of the bar's halves for grace (N,) ticks: `blank` without a px, `bar` with one, `bar` + 7 with all."""
    px = np.clip(grace[:, None] - [0, 8], 0, 8)
    return np.where(px > 0, bar + px - 1, blank)


def hud(picture: Pixels, view: View, glyphs: Pixels) -> None:
    """Draw the strip over pictures (N, size, size) in place."""
    n, p = len(picture), glyphs.shape[1]
    ids = np.full((n, 8), BLANK)
    ids[:, :HEARTS] = np.where(np.arange(HEARTS) < view.hearts[:, None], HEART_FULL, HEART_EMPTY)
    ids[:, 3:5] = halves(view.grace, BLANK, BAR)
    ids[:, 5] = ICON
    ids[:, 6] = DIGIT + view.score // 10
    ids[:, 7] = DIGIT + view.score % 10
    picture[:, :p] = glyphs[ids].transpose(0, 2, 1, 3).reshape(n, p, 8 * p)


def rgb(code: Pixels) -> NDArray[np.float32]:
    """Pixels (...) as (..., 3) float32 0..255."""
    return np.stack([(code >> np.uint32(8 * c)) & np.uint32(255) for c in range(3)], axis=-1).astype(np.float32)


def to_rgb(picture: Pixels) -> NDArray[np.uint8]:
    """(N, S, S) uint32 RGBA as (N, S, S, 3) uint8 RGB."""
    return np.ascontiguousarray(picture.view(np.uint8).reshape(*picture.shape, 4)[..., :3])
