"""Reads hearts and score off pictures of the crypt, whatever else they show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame, Bools
from reverie.games.crypt.rules import Crypt
from reverie.games.crypt.sprites import ICON, ICON_COLOURS
from reverie.games.kit import art
from reverie.games.kit.strip_reader import StripReader, StripReading


class HudReader:
    """Reads pictures of one size. Raises ValueError for one that the game is not drawn at."""

    def __init__(self, size: int) -> None:
        if size not in Crypt.sizes:
            raise ValueError(
                f"The crypt's strip is read at {' and '.join(map(str, Crypt.sizes))} pixels, not at {size}."
            )
        self._step = size // 64
        glyphs = art.hud_glyphs(size, ICON, ICON_COLOURS)[:, :: self._step, :: self._step]
        self._strip = StripReader(np.ascontiguousarray(glyphs))

    def read(self, frames: NDArray[np.uint8]) -> StripReading:
        """Read frames (N, size, size, 3) uint8."""
        return self._strip.read(frames[:, : 8 * self._step : self._step, :: self._step].astype(np.float32))

    def exact(self, frames: NDArray[np.uint8], game: BatchGame) -> Bools:
        """(B,): where the game's own frames (B, size, size, 3) are read beyond doubt, as what its state is."""
        if not isinstance(game, Crypt):
            raise TypeError("This reader knows the crypt only.")
        seen, state = self.read(frames), game.state
        return np.asarray(seen.sure & (seen.hearts == state.hearts) & (seen.score == state.score))
