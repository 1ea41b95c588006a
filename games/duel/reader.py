"""Reading the comet duel off its pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.duel import art
from reverie.games.duel.rules import DEEPEST, LOWEST
from reverie.games.duel.view import FARTHEST, MINE_X, NEAREST, THEIRS_X, TOP, DuelView
from reverie.games.kit.art import Pixels
from reverie.games.kit.reader import Floats, Look, SceneReader, Templates


class Reader(SceneReader[DuelView]):
    """See SceneReader. The player is the left station; the comet and the right station may be missing."""

    name = "duel"
    kind = DuelView

    def __init__(self, size: int) -> None:
        super().__init__(size)
        a = art.atlas(size)
        y = np.arange(TOP, LOWEST + 1, 2)
        stations = self.thin(a.stations)
        self._mine, self._theirs = (
            Templates(stations[i : i + 1], np.stack([np.full_like(y, x), y], axis=1))
            for i, x in enumerate((MINE_X, THEIRS_X))
        )
        flight = [(x, y) for y in range(TOP, DEEPEST + 1, 2) for x in range(NEAREST, FARTHEST + 1, 2)]
        self._comet = Templates(self.thin(a.comet), np.array(flight))

    def glyphs(self) -> Pixels:
        """See SceneReader."""
        return art.atlas(self.size).glyphs

    def _look(self, small: Floats) -> Look[DuelView]:
        view = DuelView.empty(len(small))
        mine, _, players = self._mine.find(small)
        theirs, _, others = self._theirs.find(small)
        view.mine, view.theirs = mine[:, 1], theirs[:, 1]
        view.comet, _, comets = self._comet.find(small)
        missing = np.stack([comets != 1, others != 1], axis=1)
        return Look(view, players == 1, missing, np.ones(len(small), np.bool_))

    def draw(self, view: DuelView) -> NDArray[np.uint8]:
        """See SceneReader."""
        return art.draw(self.size, view)

    def player(self, view: DuelView) -> Ints:
        """See SceneReader."""
        return np.stack([np.full_like(view.mine, MINE_X), view.mine], axis=1)
