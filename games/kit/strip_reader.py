"""Reads the strip on top of a picture: hearts, the bar of the grace, and a score of two digits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.kit import art
from reverie.games.kit.state import GRACE, HEARTS

CLEAR = 12.0
"""A glyph is read up to this mean absolute error (of 255): a decoder's blur passes, half a glyph does not."""
DOUBT = 0.5
"""A glyph is beyond doubt where its error is at most this share of the next best glyph's."""


class StripReading(NamedTuple):
    """The strips of N pictures.

    hearts (N,) 1 to 3, score (N,) 0 to 99 and grace (N,) 0 to GRACE: the most likely ones. readable (N,): hearts and
    digits are clear, and the hearts are full from the left. sure (N,): readable, and none of them could be another.
    """

    hearts: Ints
    score: Ints
    grace: Ints
    readable: Bools
    sure: Bools


def grace_of(gap: NDArray[np.float32]) -> Ints:
    """The most likely grace (N,) by the errors (N, 2, 9) of the bar's halves against halves with 0 to 8 px."""
    ticks = np.arange(GRACE + 1)
    total = gap[:, 0, np.minimum(ticks, 8)] + gap[:, 1, np.maximum(ticks - 8, 0)]
    return np.asarray(total.argmin(axis=1))


class StripReader:
    """Reads the strips of pictures of one size. glyphs: those of `art.hud_glyphs`, thinned to 8x8 px."""

    def __init__(self, glyphs: art.Pixels) -> None:
        self._glyphs = art.rgb(glyphs)

    def read(self, small: NDArray[np.float32]) -> StripReading:
        """Read pictures (N, 64, 64, 3) float32; only their upper 8 rows are looked at."""
        cells = small[:, :8].reshape(len(small), 8, 8, 8, 3).transpose(0, 2, 1, 3, 4)
        gap = np.abs(cells[:, :, None] - self._glyphs).mean(axis=(3, 4, 5))  # (N, 8 cells, 22 glyphs)
        shapes = gap[:, :HEARTS, [art.HEART_FULL, art.HEART_EMPTY]]
        full = shapes[..., 0] < shapes[..., 1]
        digits = gap[:, 6:, art.DIGIT : art.BAR]
        tens, ones = digits.argmin(axis=2).T
        hearts = np.maximum(full.sum(axis=1), 1)
        nearest = [np.sort(errors, axis=2)[..., :2] for errors in (shapes, digits)]
        best, second = np.concatenate(nearest, axis=1).transpose(2, 0, 1)  # (N, 5) each
        clear: Bools = (best <= CLEAR).all(axis=1)
        clear &= full[:, 0] & (full == (np.arange(HEARTS) < hearts[:, None])).all(axis=1)
        grace = grace_of(gap[:, 3:5, [art.BLANK, *range(art.BAR, art.BAR + 8)]])
        return StripReading(hearts, tens * 10 + ones, grace, clear, clear & (best <= DOUBT * second).all(axis=1))
