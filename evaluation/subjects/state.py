"""What the metrics need to know of a picture, and where it comes from: the state reader of the game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame


@dataclass(frozen=True)
class Seen:
    """What a reader sees in N frames.

    found: (N,) bool, exactly one player is there. player: (N, 2) float, its position in px of the frame, NaN if not
    found. valid: (N,) bool, a legal picture of the game, in the reference room. missing: (N, K) bool, which of the
    game's creatures are out of sight.
    """

    found: NDArray[np.bool_]
    player: NDArray[np.float64]
    valid: NDArray[np.bool_]
    missing: NDArray[np.bool_]


class StateReader(Protocol):
    """A game's reader, with the truth of its simulator in the same form."""

    patience: int
    """In frames in order, a creature that is out of sight for more than so many has vanished."""

    def rooms(self, game: BatchGame) -> NDArray[np.uint8]:
        """(B, ...): what stays the same in each trajectory, the reference that `read` holds dreams against."""

    def read(self, frames: NDArray[np.uint8], rooms: NDArray[np.uint8] | None = None) -> Seen:
        """Read (N, H, W, 3) uint8; rooms, if given, one for each frame."""

    def position(self, game: BatchGame) -> NDArray[np.float64]:
        """(B, 2): where the players really are, in pixels at 64x64."""

    def exact(self, frames: NDArray[np.uint8], game: BatchGame) -> NDArray[np.bool_]:
        """(B,): whether the reading of the game's own frames is its state, exactly."""


def player_within(seen: Seen, truth: NDArray[np.float64], pixels: float) -> NDArray[np.bool_]:
    """(N,) bool: one player is found, not further than `pixels` (straight line) from truth (N, 2)."""
    with np.errstate(invalid="ignore"):
        near = np.hypot(*(seen.player - truth).T) <= pixels + 1e-6
    return np.asarray(seen.found & near)


def vanished(missing: NDArray[np.bool_], patience: int) -> NDArray[np.bool_]:
    """Where a creature has been out of sight for over `patience` frames in a row. (T, B, K) bool to (T, B) bool."""
    run = np.zeros(missing.shape[1:], np.int64)
    gone = np.zeros(missing.shape[:2], bool)
    for t, away in enumerate(missing):
        run = np.where(away, run + 1, 0)
        gone[t] = (run > patience).any(axis=1)
    return gone
