"""How far a picture is from what its game shows: by the colours of a 16 x 16 thumbnail, beside the known pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Starts

CELLS = 16
"""Edge of the thumbnail."""
SHADES = 8
"""Into so many shades each colour is divided."""
GOOD = 1.3
"""Up to here a picture is like those of the game. Pictures of the garden and of the crossing themselves, which no model
has seen, come to 1.25 and 1.41 at most, and to less than this in 95 of 100."""
LOST = 2.0
"""From here on nothing of the game is left."""
LOST_MEASUREMENTS = 3
"""After so many measurements in a row without the game, one every five frames, a lucid dream wakes by itself."""
WAKE_FRAMES = 20
"""How old a picture is to which a dream wakes, at least, so that waking twice goes back further."""


class Likeness:
    """The known pictures of one game."""

    def __init__(self, starts: Starts) -> None:
        """starts: of the game. Their last pictures are known; how far they are from one another is usual."""
        self._known = np.stack([_shades(frame) for frame in starts.frames[:, -1]])
        between = np.stack([self._to_known(shades) for shades in self._known])
        others = starts.seeds[:, None] != starts.seeds
        self._usual = float(between.min(1, where=others, initial=1.0).max())

    def far(self, frame: NDArray[np.uint8]) -> float:
        """How far a picture (H, W, 3) uint8 is: 1 is as far as any known one from those of other rounds."""
        return float(self._to_known(_shades(frame)).min()) / max(self._usual, 1e-3)

    def _to_known(self, shades: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N,): the share of the thumbnail's colours that each known picture has not."""
        distance: NDArray[np.float32] = np.abs(self._known - shades).sum(1) / 2
        return distance


def cells_of(far: float) -> str:
    """The meter: five full cells where the picture is like the game, none where it is lost."""
    full = 5 if far <= 1 else round(5 * max(0.0, (LOST - far) / (LOST - 1)))
    return "■" * full + "□" * (5 - full)


def _shades(frame: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Which share of the thumbnail has each colour, (SHADES ** 3,)."""
    edge = frame.shape[0] // CELLS
    whole = frame[: CELLS * edge, : CELLS * edge]
    small = whole.reshape(CELLS, edge, CELLS, edge, 3).mean((1, 3)) // (256 // SHADES)
    colours = (small @ np.array([SHADES * SHADES, SHADES, 1])).astype(np.int64).ravel()
    return (np.bincount(colours, minlength=SHADES**3) / CELLS**2).astype(np.float32)
