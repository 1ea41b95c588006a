"""Reading the stained glass off its pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.bricks import art
from reverie.games.bricks.view import COLUMNS, FIELD_TOP, MIRROR_Y, PANES_TOP, ROWS, SPARK, WIDTH, BricksView
from reverie.games.kit.art import Pixels, rgb
from reverie.games.kit.reader import Floats, Look, SceneReader, Templates

_CAP = 4000.0


class Reader(SceneReader[BricksView]):
    """See SceneReader. The player is the mirror; the spark is what may be missing."""

    name = "bricks"
    kind = BricksView

    def __init__(self, size: int) -> None:
        super().__init__(size)
        a = art.atlas(size)
        x = np.arange(0, 64 - WIDTH + 1, 2)
        self._mirror = Templates(self.thin(a.mirror), np.stack([x, np.full_like(x, MIRROR_Y)], axis=1))
        flight = [(x, y) for y in range(FIELD_TOP, MIRROR_Y, 2) for x in range(0, 64 - SPARK + 1, 2)]
        self._spark = Templates(self.thin(a.spark), np.array(flight))
        pictures = art.draw_panes(size, np.stack([np.zeros((ROWS, COLUMNS), int), np.ones((ROWS, COLUMNS), int)]))
        self._bare, self._glazed = rgb(self.thin(pictures))

    def glyphs(self) -> Pixels:
        """See SceneReader."""
        return art.atlas(self.size).glyphs

    def _look(self, small: Floats) -> Look[BricksView]:
        view = BricksView.empty(len(small))
        place, _, players = self._mirror.find(small)
        view.mirror = place[:, 0]
        view.spark, view.held, sparks = self._spark.find(small)
        seen = np.ones((len(small), 64, 64), np.bool_)
        self._spark.hide(seen, view.spark, view.held)
        gap = [np.minimum(((small - one) ** 2).sum(axis=3), _CAP) * seen for one in (self._bare, self._glazed)]
        part = (gap[0] - gap[1])[:, PANES_TOP : PANES_TOP + 4 * ROWS]
        view.panes = (part.reshape(-1, ROWS, 4, COLUMNS, 8).sum(axis=(2, 4)) > 0).astype(np.int64)
        rests = view.spark == np.stack([view.mirror + (WIDTH - SPARK) // 2, np.full_like(players, MIRROR_Y - SPARK)], 1)
        lawful = (view.panes.sum(axis=(1, 2)) > 0) & ((view.held == 0) | rests.all(axis=1))
        lawful &= view.spark[:, 1] < MIRROR_Y
        return Look(view, players == 1, (sparks != 1)[:, None], lawful)

    def draw(self, view: BricksView) -> NDArray[np.uint8]:
        """See SceneReader."""
        return art.draw(self.size, view)

    def player(self, view: BricksView) -> Ints:
        """See SceneReader."""
        return np.stack([view.mirror, np.full_like(view.mirror, MIRROR_Y)], axis=1)
