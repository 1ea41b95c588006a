"""Finding sprites: masked template matching at every place a sprite can be, as matrix products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.garden import art
from reverie.games.kit.art import OPAQUE, to_rgb, walk_frame

Floats = NDArray[np.float32]
SIDE = 64
"""Pictures are searched at 64x64: at 128x128, every other pixel of every other row, of picture and template alike."""


def _places() -> Ints:
    """(P, 2) every position of a sprite in the field: 2 px apart, one axis at least on the tile grid."""
    spots = [(x, y) for y in range(8, 57, 2) for x in range(0, 57, 2) if x % 8 == 0 or y % 8 == 0]
    return np.array(spots, np.int64)


PLACES = _places()
_INSIDE = (np.arange(8)[:, None] * SIDE + np.arange(8)).reshape(-1)
_WINDOWS = PLACES[:, 1:] * SIDE + PLACES[:, :1] + _INSIDE
_WALK = walk_frame(PLACES)


@dataclass(frozen=True)
class Match:
    """How well K sprites fit at each of P places of N pictures.

    count (N, P, K): uncovered px of the sprite; error and without (N, P, K): summed squared error over those px of the
    sprite and of the bare ground.
    """

    count: Floats
    error: Floats
    without: Floats

    @property
    def mean(self) -> Floats:
        """Mean squared error per px, infinite where nothing of the sprite shows."""
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = np.where(self.count > 0, self.error / self.count, np.inf)
        return mean.astype(np.float32)


def features(picture: Floats, ground: Floats) -> Floats:
    """What the products need of every px: (N, 4096, 6) from picture and bare ground (N, 64, 64, 3) float32 0..255."""
    n = len(picture)
    result = np.empty((n, SIDE * SIDE, 6), np.float32)
    flat = picture.reshape(n, -1, 3)
    away = flat - ground.reshape(n, -1, 3)
    result[:, :, 0] = np.einsum("npc,npc->np", flat, flat)
    result[:, :, 1:4] = flat
    result[:, :, 4] = np.einsum("npc,npc->np", away, away)
    result[:, :, 5] = 1
    return result


class Templates:
    """Sprites with two walk frames each, ready for search. ids: the ids in art.py of their first frames."""

    def __init__(self, size: int, ids: tuple[int, ...]) -> None:
        step = size // SIDE
        sprites = art.atlas(size).sprites[:, ::step, ::step]
        rgb = to_rgb(np.ascontiguousarray(sprites)).astype(np.float32).reshape(len(sprites), 64, 3)
        mask = (sprites.reshape(len(sprites), 64) >= OPAQUE).astype(np.float32)
        self.ids = ids
        self.masks: Bools = mask.reshape(-1, 8, 8) > 0
        self._weights = [self._matrix(rgb, mask, [i + frame for i in ids]) for frame in (0, 1)]

    @staticmethod
    def _matrix(rgb: Floats, mask: Floats, which: list[int]) -> Floats:
        """(64 * 6, 3K): from the features of a window to error, error of the bare ground, and count of every sprite."""
        weights = np.zeros((64, 6, 3, len(which)), np.float32)
        for k, i in enumerate(which):
            m, t = mask[i], rgb[i]
            weights[:, 0, 0, k] = m
            weights[:, 1:4, 0, k] = -2 * m[:, None] * t
            weights[:, 5, 0, k] = m * (t**2).sum(axis=1)
            weights[:, 4, 1, k] = m
            weights[:, 5, 2, k] = m
        return weights.reshape(64 * 6, 3 * len(which))

    def match(self, features: Floats, seen: Bools) -> Match:
        """Fit these sprites. features (N, 4096, 6) of `features`, seen (N, 64, 64): the px that count."""
        n, kinds = len(features), len(self.ids)
        shown = features * seen.reshape(n, -1, 1)
        result = np.empty((n, len(PLACES), 3, kinds), np.float32)
        for frame in (0, 1):
            here = np.flatnonzero(frame == _WALK)
            windows = np.take(shown, _WINDOWS[here].reshape(-1), axis=1).reshape(n * len(here), -1)
            result[:, here] = (windows @ self._weights[frame]).reshape(n, len(here), 3, kinds)
        return Match(count=result[:, :, 2].round(), error=np.maximum(result[:, :, 0], 0), without=result[:, :, 1])

    def hide(self, seen: Bools, rows: Ints, sprite: Ints, position: Ints) -> None:
        """Take the px of sprites (K,) at position (K, 2) out of seen (N, 64, 64), in place; rows (K,) distinct."""
        where = (rows * SIDE * SIDE + position[:, 1] * SIDE + position[:, 0])[:, None] + _INSIDE
        flat = seen.reshape(-1)
        flat[where] &= ~self.masks[sprite].reshape(len(rows), 64)
