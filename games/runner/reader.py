"""Reading the rooftop runner off its pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Ints
from reverie.games.kit.art import Pixels, rgb
from reverie.games.kit.reader import Floats, Look, SceneReader, Templates
from reverie.games.runner import art
from reverie.games.runner.view import (
    COLUMNS,
    HEIGHTS,
    KINDS,
    PHASES,
    RUNNER_X,
    RUNNER_Y,
    TURN,
    RunnerView,
    caught,
    struck,
)

_CAP = 4000.0


class Reader(SceneReader[RunnerView]):
    """See SceneReader. The runner is the player; nothing else is always in sight."""

    name = "runner"
    kind = RunnerView

    def __init__(self, size: int) -> None:
        super().__init__(size)
        heights = np.unique(HEIGHTS)
        places = np.stack([np.full_like(heights, RUNNER_X), RUNNER_Y - heights], axis=1)
        self._runner = Templates(self.thin(art.atlas(size).runner), places)
        phase, kind = (one.ravel() for one in np.meshgrid(PHASES, np.arange(KINDS), indexing="ij"))
        pictures = art.draw_columns(size, phase, np.repeat(kind[:, None], COLUMNS, axis=1))
        self._known = rgb(self.thin(pictures)).reshape(len(PHASES), KINDS, 64, 64, 3)[:, :, 8:]

    def glyphs(self) -> Pixels:
        """See SceneReader."""
        return art.atlas(self.size).glyphs

    def _look(self, small: Floats) -> Look[RunnerView]:
        n = len(small)
        view = RunnerView.empty(n)
        place, sprite, players = self._runner.find(small)
        seen = np.ones((n, 64, 64), np.bool_)
        self._runner.hide(seen, place, sprite)
        best = np.full(n, np.inf)
        for phase, known in zip(PHASES, self._known, strict=True):
            error = np.stack([self._errors(small, one, seen) for one in known], axis=1)
            # The first column that shows, and where each begins.
            first = phase // 8
            starts = np.maximum(8 * np.arange(first, COLUMNS) - phase, 0)
            column = np.add.reduceat(error, starts, axis=2)
            total = column.min(axis=1).sum(axis=1)
            rows = np.flatnonzero(total < best)
            best[rows], view.phase[rows] = total[rows], phase
            view.columns[rows, :first] = 0
            view.columns[rows, first:] = column[rows].argmin(axis=1)
        height = RUNNER_Y - place[:, 1]
        rising = np.searchsorted(HEIGHTS[: TURN + 1], height)
        view.low = (sprite == art.DUCK).astype(np.int64)
        view.air = np.where(sprite == art.RISE, rising, np.where(sprite == art.FALL, len(HEIGHTS) - rising, 0))
        flies = (sprite == art.RISE) | (sprite == art.FALL)
        lawful = (flies == (height > 0)) & (sprite == art.runner_sprite(view.phase, view.air, view.low))
        view.air %= len(HEIGHTS)
        lawful &= ~struck(view) & ~caught(view).any(axis=1)
        return Look(view, players == 1, np.zeros((n, 0), np.bool_), lawful)

    @staticmethod
    def _errors(small: Floats, known: Floats, seen: NDArray[np.bool_]) -> Floats:
        """(N, 64): capped squared error of every px column, below the strip, where `seen`."""
        wrong = np.minimum(((small[:, 8:] - known) ** 2).sum(axis=3), _CAP)
        return np.asarray((wrong * seen[:, 8:]).sum(axis=1), np.float32)

    def draw(self, view: RunnerView) -> NDArray[np.uint8]:
        """See SceneReader."""
        return art.draw(self.size, view)

    def player(self, view: RunnerView) -> Ints:
        """See SceneReader."""
        return np.stack([np.full_like(view.air, RUNNER_X), RUNNER_Y - HEIGHTS[view.air]], axis=1)
