"""Drawing a state: tiles by id from an atlas, sprites over them, archways over those."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.garden import sprites as grids
from reverie.games.garden import sprites_large as grids_large
from reverie.games.garden.layout import ARCH, BERRY, BLANK
from reverie.games.kit import strip
from reverie.games.kit.art import OPAQUE, Pixels, enlarge, halves, parse, to_rgb, walk_frame

HEART_FULL, HEART_EMPTY, BERRY_ICON, DIGIT, BAR = 9, 10, 11, 12, 22
"""Ids of the HUD's tiles, after the kinds of layout.py; digit d is DIGIT + d, half a bar with n of 8 px BAR + n - 1."""
TILES = 30
PLAYER, BEETLE, WISP = 0, 8, 10
"""Ids of sprites: the player's are facing * 2 + walk frame, then two walk frames of either creature."""


@dataclass(frozen=True)
class Atlas:
    """Art at one size. tiles (30, p, p) and sprites (12, p, p), uint32 little-endian RGBA; alpha 0 is transparent."""

    pixels: int
    tiles: Pixels
    sprites: Pixels


@lru_cache(maxsize=3)
def atlas(size: int) -> Atlas:
    """The art for frames of size x size px: 64, 128, or 256, which is that of 128 with rounded corners."""
    if size == 256:
        half = atlas(128)
        larger = [np.stack([enlarge(one) for one in kind]) for kind in (half.tiles, half.sprites)]
        return Atlas(size // 8, *larger)
    g = grids
    hud = (strip.HEART_FULL, strip.HEART_EMPTY, g.BERRY_ICON, *strip.DIGITS, *strip.BAR)
    kinds = (g.FLOOR, g.PAD, g.PLANTER, g.ARCH, g.HEDGE_TOP, g.HEDGE_FRONT, g.HEDGE_FLOWER, g.BERRY, strip.BLANK)
    tiles = [parse(grid, g.PALETTE) for grid in (*kinds, *hud)]
    if size == 128:
        tiles = [enlarge(tile) for tile in tiles]
    who = grids_large if size == 128 else grids
    left = [parse(grid, g.PALETTE) for grid in who.PLAYER_LEFT]
    players = [parse(grid, g.PALETTE) for grid in (*who.PLAYER_UP, *who.PLAYER_DOWN)]
    creatures = [parse(grid, g.PALETTE) for grid in (*who.BEETLE, *who.WISP)]
    sprites = [*players, *left, *(one[:, ::-1] for one in left), *creatures]
    return Atlas(size // 8, np.stack(tiles), np.stack(sprites))


def tile_ids(
    tiles: NDArray[np.uint8],
    berries: NDArray[np.int64],
    hearts: NDArray[np.int64],
    score: NDArray[np.int64],
    grace: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Ids (N, 8, 8) of the tiles to draw.

    From room tiles (N, 8, 8), berries (N, 2) tile indices (-1: none), hearts, score and grace (N,).
    """
    n = len(tiles)
    ids = tiles.reshape(n, 64).copy()
    rows, which = np.nonzero(berries >= 0)
    ids[rows, berries[rows, which]] = BERRY
    ids[:, :3] = np.where(np.arange(3) < hearts[:, None], HEART_FULL, HEART_EMPTY)
    ids[:, 3:5] = halves(grace, BLANK, BAR)
    ids[:, 5] = BERRY_ICON
    ids[:, 6] = DIGIT + score // 10
    ids[:, 7] = DIGIT + score % 10
    return ids.reshape(n, 8, 8)


def draw_tiles(size: int, ids: NDArray[np.uint8]) -> Pixels:
    """Ids (N, 8, 8) as pictures (N, size, size) uint32 RGBA."""
    return np.ascontiguousarray(atlas(size).tiles[ids].transpose(0, 1, 3, 2, 4)).reshape(len(ids), size, size)


def silhouettes(size: int = 64) -> Pixels:
    """The sprites (12, p, p) in one opaque black."""
    return np.where(atlas(size).sprites >= OPAQUE, OPAQUE, 0).astype(np.uint32)


def draw_sprites(
    picture: Pixels,
    rows: NDArray[np.int64],
    sprite: NDArray[np.int64],
    position: NDArray[np.int64],
    sprites: Pixels | None = None,
) -> None:
    """Put K sprites on pictures (N, size, size) in place.

    rows (K,) which picture, sprite (K,) ids, position (K, 2) in px at 64x64; sprites (12, p, p): other art than the
    atlas has. No picture may occur twice in `rows`: later sprites go over earlier ones only between calls.
    """
    size = picture.shape[1]
    p = size // 8
    art = atlas(size).sprites if sprites is None else sprites
    corner = position * (size // 64)
    first = (rows * size + corner[:, 1]) * size + corner[:, 0]
    inside = (np.arange(p)[:, None] * size + np.arange(p)).reshape(-1)
    where = first[:, None] + inside
    flat = picture.reshape(-1)
    over = art[sprite].reshape(len(rows), p * p)
    flat[where] = np.where(over >= OPAQUE, over, flat[where])


def cover(picture: Pixels, rows: NDArray[np.int64], tile: NDArray[np.int64]) -> None:
    """Draw archways over whatever stands there, in place: on pictures rows (K,) at tile indices (K,)."""
    n, size = picture.shape[:2]
    p = size // 8
    picture.reshape(n, 8, p, 8, p)[rows, tile // 8, :, tile % 8, :] = atlas(size).tiles[ARCH]


def draw(
    size: int,
    tiles: NDArray[np.uint8],
    arches: NDArray[np.int64],
    berries: NDArray[np.int64],
    player: NDArray[np.int64],
    facing: NDArray[np.int64],
    creatures: NDArray[np.int64],
    hearts: NDArray[np.int64],
    score: NDArray[np.int64],
    grace: NDArray[np.int64],
) -> NDArray[np.uint8]:
    """Pictures (N, size, size, 3) uint8 RGB of N states; the arguments are the fields of that name of rules.State."""
    rows = np.arange(len(tiles))
    picture = draw_tiles(size, tile_ids(tiles, berries, hearts, score, grace))
    for i, sprite in enumerate((BEETLE, BEETLE, WISP)):
        draw_sprites(picture, rows, sprite + walk_frame(creatures[:, i]), creatures[:, i])
    draw_sprites(picture, rows, PLAYER + 2 * facing + walk_frame(player), player)
    covered, which = np.nonzero(arches >= 0)
    cover(picture, covered, arches[covered, which])
    return to_rgb(picture)
