"""What a reader says about pictures of the garden, and the same said by the simulator itself."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.garden import art
from reverie.games.garden.layout import ARCH
from reverie.games.garden.rules import CREATURES, WISP, Garden
from reverie.games.kit.art import OPAQUE, walk_frame

SEEN = 8
"""A creature counts as seen where at least so many of its px at 64x64 are not covered; below that it is a mere hint."""


@dataclass
class Reading:
    """N pictures, read.

    player_found (N,) bool; player_count (N,) int: 0, 1 or 2 for more than one; player_xy (N, 2) float32: top left
    corner in px of the picture, NaN where not found; facing (N,): 0 up, 1 down, 2 left, 3 right.
    creature_xy (N, 3, 2) float32, NaN where not found: two beetles by row and column, then the wisp; creature_px
    (N, 3): how many of their px at 64x64 are uncovered; visible (N,): how many were found.
    berries (N, 8, 8) bool; tiles (N, 8, 8) uint8 kinds of layout.py (a berry's tile is a planter; row 0 the HUD's).
    hearts (N,) and score (N,), only to be trusted where readable (N,) bool; grace (N,), what the bar is most like.
    residual (N,) float32: mean absolute error (0..255) between the picture and the one drawn again from this reading,
    in the worst patch of one tile's size. valid (N,) bool: a legal picture of the game.
    """

    player_found: Bools
    player_count: Ints
    player_xy: NDArray[np.float32]
    facing: Ints
    creature_xy: NDArray[np.float32]
    creature_px: Ints
    visible: Ints
    berries: Bools
    tiles: NDArray[np.uint8]
    hearts: Ints
    score: Ints
    grace: Ints
    readable: Bools
    residual: NDArray[np.float32]
    valid: Bools

    def __len__(self) -> int:
        return len(self.valid)

    @classmethod
    def join(cls, parts: list[Reading]) -> Reading:
        """Readings one after the other as one."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})


def sort_beetles(xy: NDArray[np.float32], px: Ints) -> tuple[NDArray[np.float32], Ints]:
    """The two beetles of creature_xy and creature_px by row and column, those not found last. Returns copies."""
    xy, px = xy.copy(), px.copy()
    key = np.where(np.isnan(xy[:, :WISP, 0]), np.inf, xy[:, :WISP, 1] * 1000 + xy[:, :WISP, 0])
    order = np.argsort(key, axis=1, kind="stable")
    xy[:, :WISP] = np.take_along_axis(xy[:, :WISP], order[:, :, None], axis=1)
    px[:, :WISP] = np.take_along_axis(px[:, :WISP], order, axis=1)
    return xy, px


def visible_state(game: Garden, size: int = 64) -> Reading:
    """What a perfect reader would say about `game.render(size)`: creatures that nothing shows are NaN."""
    s, n = game.state, game.batch
    rows = np.arange(n)
    arch = np.repeat(np.repeat(s.tiles == ARCH, 8, axis=1), 8, axis=2)
    marks = np.zeros((n, 64, 64), np.uint32)
    sprites = art.silhouettes()
    for i, sprite in enumerate((art.BEETLE, art.BEETLE, art.WISP)):
        place = s.creatures[:, i]
        art.draw_sprites(marks, rows, sprite + walk_frame(place), place, sprites + np.uint32(i))
    art.draw_sprites(marks, rows, 2 * s.facing + walk_frame(s.player), s.player, sprites + np.uint32(CREATURES))
    marks[arch] = 0
    px = np.stack([(marks == OPAQUE + i).sum(axis=(1, 2)) for i in range(CREATURES)], axis=1)
    xy = np.where(px[:, :, None] > 0, s.creatures * (size // 64), np.nan).astype(np.float32)
    xy, px = sort_beetles(xy, px)
    berries = np.zeros((n, 64), np.bool_)
    berries[rows[:, None], s.berries] = True
    return Reading(
        player_found=np.ones(n, np.bool_),
        player_count=np.ones(n, np.int64),
        player_xy=(s.player * (size // 64)).astype(np.float32),
        facing=s.facing.copy(),
        creature_xy=xy,
        creature_px=px,
        visible=(px > 0).sum(axis=1),
        berries=berries.reshape(n, 8, 8),
        tiles=s.tiles.copy(),
        hearts=s.hearts.copy(),
        score=s.score.copy(),
        grace=s.grace.copy(),
        readable=np.ones(n, np.bool_),
        residual=np.zeros(n, np.float32),
        valid=np.ones(n, np.bool_),
    )
