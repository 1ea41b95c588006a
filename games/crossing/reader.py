"""Reading the way home off its pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.crossing import art
from reverie.games.crossing.rules import drowns, run_over
from reverie.games.crossing.view import CODES, FAR_BANK, FIRST_LANE, GRASS, LANES, NEAR_BANK, CrossingView
from reverie.games.kit.art import OPAQUE, Pixels, rgb, walk_frame
from reverie.games.kit.reader import Floats, Look, SceneReader, Templates

_CAP = 4000.0
_GAIN = 30_000.0
"""An apple lies where it explains so much more of the squared error than bare ground."""


class Reader(SceneReader[CrossingView]):
    """See SceneReader. The apple is what may be missing; the room is the lanes."""

    name = "crossing"
    kind = CrossingView

    def __init__(self, size: int) -> None:
        super().__init__(size)
        a = art.atlas(size)
        places = [(x, y) for y in range(FAR_BANK, NEAR_BANK + 1, 2) for x in range(0, 57, 2)]
        self._hedgehog = Templates(self.thin(a.hedgehog), np.array(places))
        known = [(GRASS, 0), *((code, offset) for code in range(1, CODES) for offset in range(0, 64, 2))]
        self._known = np.array(known)
        lanes = rgb(self.thin(art.draw_lanes(size, self._known[:, 0], self._known[:, 1]))).reshape(len(known), -1, 3)
        # From px (squared, red, green, blue, one) of a lane to its squared error against each known one.
        ones = np.ones((*lanes.shape[:2], 1), np.float32)
        weights = np.concatenate([ones, -2 * lanes, (lanes**2).sum(axis=2, keepdims=True)], axis=2)
        self._lanes = weights.reshape(len(known), -1).T.copy()
        bank = rgb(self.thin(a.bank))[:, :8]
        self._bank = bank
        apple = self.thin(a.apple)[0]
        self._apple = np.where((apple >= OPAQUE)[:, :, None], rgb(apple), bank)

    def glyphs(self) -> Pixels:
        """See SceneReader."""
        return art.atlas(self.size).glyphs

    def _look(self, small: Floats) -> Look[CrossingView]:
        view = CrossingView.empty(len(small))
        view.player, sprite, players = self._hedgehog.find(small)
        view.facing = sprite // 2
        seen = np.ones((len(small), 64, 64), np.bool_)
        self._hedgehog.hide(seen, view.player, sprite)
        best = self._match_lanes(small, seen)
        view.lanes, view.offset = self._known[best, 0], self._known[best, 1]
        view.apple, apples = self._find_apple(small, seen)
        lawful = ~drowns(view) & ~run_over(view) & (sprite % 2 == walk_frame(view.player))
        return Look(view, players == 1, (apples != 1)[:, None], lawful)

    def _match_lanes(self, small: Floats, seen: Bools) -> Ints:
        """(N, 5): which of the known lanes is most like each lane, by the px that show."""
        part = slice(FIRST_LANE, FIRST_LANE + 8 * LANES)
        px, shown = small[:, part].reshape(-1, 8 * 64, 3), seen[:, part].reshape(-1, 8 * 64, 1).astype(np.float32)
        one = np.ones((*px.shape[:2], 1), np.float32)
        features = np.concatenate([(px**2).sum(axis=2, keepdims=True), px, one], axis=2) * shown
        return np.asarray((features.reshape(len(px), -1) @ self._lanes).argmin(axis=1).reshape(-1, LANES))

    def _find_apple(self, small: Floats, seen: Bools) -> tuple[Ints, Ints]:
        """The place (N, 2) of the apple, and how many there are (N,): 0, 1, or 2 for more."""
        gains = []
        for y in (FAR_BANK, NEAR_BANK):
            cells = small[:, y : y + 8].reshape(-1, 8, 8, 8, 3).transpose(0, 2, 1, 3, 4)
            shown = seen[:, y : y + 8].reshape(-1, 8, 8, 8).transpose(0, 2, 1, 3)
            bare, full = (
                np.minimum(((cells - one) ** 2).sum(axis=4), _CAP) * shown for one in (self._bank, self._apple)
            )
            gains.append((bare - full).sum(axis=(2, 3)))
        gain = np.concatenate(gains, axis=1)
        best = gain.argmax(axis=1)
        place = np.stack([best % 8 * 8, np.where(best < 8, FAR_BANK, NEAR_BANK)], axis=1)
        return place, np.minimum((gain > _GAIN).sum(axis=1), 2)

    def draw(self, view: CrossingView) -> NDArray[np.uint8]:
        """See SceneReader."""
        return art.draw(self.size, view)

    def player(self, view: CrossingView) -> Ints:
        """See SceneReader."""
        return view.player

    def rooms(self, view: CrossingView) -> NDArray[np.uint8]:
        """See SceneReader: the lanes, (N, 5)."""
        return view.lanes.astype(np.uint8)
