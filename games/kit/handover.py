"""From pictures to readings that the real game can go on from: what all hand-overs begin with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games.kit.reader import Reading, SceneReader
from reverie.games.kit.state import V

POOR = 40.0
"""A last picture whose worst patch is wrong by more than this shows something that the reading does not."""


def reading_of(make: type[SceneReader[V]], frames: NDArray[np.uint8]) -> Reading[V]:
    """The reading of frames (T, size, size, 3) uint8, size 64 or 128.

    Raises ValueError with one sentence where they have another shape or the last does not show that game.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or len(frames) == 0:
        raise ValueError(f"A hand-over needs frames of shape (T, size, size, 3), not {frames.shape}.")
    reading = make(frames.shape[1]).read(frames)
    if not reading.found[-1] or reading.missing[-1].any() or reading.residual[-1] > POOR:
        raise ValueError(f"These frames show no picture of {make.name} from which it could go on.")
    return reading
