"""Reading a state off pictures by analysis and synthesis: what a game's reader found is drawn again and compared."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Generic

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.kit import art
from reverie.games.kit.state import V, View, same
from reverie.games.kit.strip_reader import CLEAR, StripReader

Floats = NDArray[np.float32]
SIDE = 64
"""Pictures are searched at 64x64: at 128x128, every other pixel of every other row, of picture and art alike."""
FIT = 3000.0
"""A sprite is there where the mean squared error per px, RGB summed, is below: 32 a channel."""
RESIDUAL_LIMIT = CLEAR
"""A picture is legal up to this mean absolute error (of 255) in its worst patch: a decoder's blur passes, a torn or
doubled sprite does not."""
_CHUNK = 32


@dataclass
class Look(Generic[V]):
    """What a game's reader makes of N pictures before anything is judged.

    view: N rows (what the strip shows is filled in later). found (N,) bool: exactly one player is there. missing (N, K)
    bool: which of the things that always are in sight are not. lawful (N,) bool: the game knows such a state.
    """

    view: V
    found: Bools
    missing: Bools
    lawful: Bools


@dataclass
class Reading(Generic[V]):
    """N pictures, read.

    view: the state that they show, only to be trusted where valid. found (N,), missing (N, K): see Look. player_xy
    (N, 2) float32: the player's top left corner in px of the picture, NaN where not found. readable (N,) bool: hearts
    and score are. residual (N,) float32: mean absolute error (0..255) between the picture and the one drawn again, in
    the worst patch of a tile's size. valid (N,) bool: a legal picture of the game.
    """

    view: V
    found: Bools
    missing: Bools
    player_xy: Floats
    readable: Bools
    residual: Floats
    valid: Bools

    def __len__(self) -> int:
        return len(self.valid)


class SceneReader(ABC, Generic[V]):
    """Reads pictures of one size (64 or 128). Raises ValueError for another."""

    name: ClassVar[str]
    kind: type[V]
    patience: ClassVar[int] = 0
    """In pictures in order, what is missing has vanished after so many; here nothing is ever out of sight."""

    def __init__(self, size: int) -> None:
        if size not in (64, 128):
            raise ValueError(f"{self.name} is read at 64 and 128 pixels, not at {size}.")
        self.size = size
        self.step = size // SIDE
        self._strip = StripReader(self.thin(self.glyphs()))

    def thin(self, pixels: art.Pixels) -> art.Pixels:
        """Art (..., h, w) of this size as it is seen in the search."""
        return np.ascontiguousarray(pixels[..., :: self.step, :: self.step])

    @abstractmethod
    def glyphs(self) -> art.Pixels:
        """The strip's glyphs at this reader's size."""

    @abstractmethod
    def _look(self, small: Floats) -> Look[V]:
        """Find everything in pictures (N, 64, 64, 3) float32."""

    @abstractmethod
    def draw(self, view: V) -> NDArray[np.uint8]:
        """The pictures of these states at this reader's size."""

    @abstractmethod
    def player(self, view: V) -> Ints:
        """(N, 2): where the players are, px at 64x64."""

    def rooms(self, view: V) -> NDArray[np.uint8]:
        """(N, ...): what stays the same for as long as a trajectory lasts. Here: nothing."""
        return np.zeros((len(view.hearts), 0), np.uint8)

    def exact(self, view: V, truth: V) -> Bools:
        """(N,): where a reading's view is the true one."""
        return same(self.kind, view, truth)

    def read(self, frames: NDArray[np.uint8], room: NDArray[np.uint8] | None = None) -> Reading[V]:
        """Read frames (N, size, size, 3) uint8.

        room: what `rooms` says of each picture, if it should be that room; where it is another, it is not valid.
        Raises ValueError for frames of another shape or type.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.shape[1:] != (self.size, self.size, 3):
            wanted = f"(N, {self.size}, {self.size}, 3)"
            raise ValueError(f"This reader needs uint8 frames of shape {wanted}, not {frames.dtype} {frames.shape}.")
        if len(frames) == 0:
            raise ValueError("There is no frame to read.")
        parts = [self._read(frames[i : i + _CHUNK]) for i in range(0, len(frames), _CHUNK)]
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("found", "missing", "player_xy", "readable", "residual", "valid")
        }
        reading = Reading(view=self.kind.join([part.view for part in parts]), **joined)
        if room is not None:
            mine = self.rooms(reading.view)
            reading.valid &= (mine == room).reshape(len(mine), -1).all(axis=1)
        return reading

    def _read(self, frames: NDArray[np.uint8]) -> Reading[V]:
        small = frames[:, :: self.step, :: self.step].astype(np.float32)
        look = self._look(small)
        readable = self._hud(small, look.view)
        residual = self._residual(frames, self.draw(look.view))
        valid = look.found & readable & look.lawful & ~look.missing.any(axis=1) & (residual <= RESIDUAL_LIMIT)
        place = self.player(look.view) * self.step
        return Reading(
            view=look.view,
            found=look.found,
            missing=look.missing,
            player_xy=np.where(look.found[:, None], place, np.nan).astype(np.float32),
            readable=readable,
            residual=residual,
            valid=valid,
        )

    def _hud(self, small: Floats, view: View) -> Bools:
        """Fill in hearts, score and grace, and say where (N,) the first two are readable."""
        strip = self._strip.read(small)
        view.hearts[:], view.score[:], view.grace[:] = strip.hearts, strip.score, strip.grace
        return strip.readable

    def _residual(self, frames: NDArray[np.uint8], again: NDArray[np.uint8]) -> Floats:
        """Mean absolute error in the worst patch of a tile's size, at every half tile."""
        n, half = len(frames), self.size // 16
        wrong = np.abs(frames.astype(np.int16) - again).sum(axis=3, dtype=np.int32)
        blocks = wrong.reshape(n, 16, half, 16, half).sum(axis=(2, 4))
        patches = blocks[:, 1:, 1:] + blocks[:, :-1, 1:] + blocks[:, 1:, :-1] + blocks[:, :-1, :-1]
        return np.asarray(patches.max(axis=(1, 2)) / (3 * 4 * half * half), np.float32)


class Templates:
    """K sprites (K, h, w), thin, that may stand at P places (P, 2) inside the picture."""

    def __init__(self, sprites: art.Pixels, places: Ints) -> None:
        count, height, width = sprites.shape
        mask = (sprites >= art.OPAQUE).reshape(count, -1).astype(np.float32)
        rgb = art.rgb(sprites).reshape(count, -1, 3)
        self.places = places
        self.masks: Bools = sprites >= art.OPAQUE
        weights = np.empty((height * width, 4, count), np.float32)
        weights[:, 0] = mask.T
        weights[:, 1:] = -2 * (mask[:, :, None] * rgb).transpose(1, 2, 0)
        self._weights = weights.reshape(-1, count)
        self._bias = (mask[:, :, None] * rgb**2).sum(axis=(1, 2))
        self._px = mask.sum(axis=1)
        inside = (np.arange(height)[:, None] * SIDE + np.arange(width)).reshape(-1)
        self._windows = places[:, 1:] * SIDE + places[:, :1] + inside

    def errors(self, small: Floats) -> Floats:
        """(N, P, K): mean squared error per px, RGB summed, of each sprite at each place of (N, 64, 64, 3)."""
        n = len(small)
        flat = small.reshape(n, -1, 3)
        features = np.concatenate([(flat**2).sum(axis=2, keepdims=True), flat], axis=2)
        windows = np.take(features, self._windows.reshape(-1), axis=1).reshape(n * len(self.places), -1)
        total = windows @ self._weights + self._bias
        return np.asarray(np.maximum(total, 0).reshape(n, len(self.places), -1) / self._px, np.float32)

    def find(self, small: Floats) -> tuple[Ints, Ints, Ints]:
        """The best place (N, 2), sprite (N,), and how many there are (N,): 0, 1, or 2 for more than one."""
        errors = self.errors(small)
        n, rows = len(errors), np.arange(len(errors))
        best = errors.reshape(n, -1).argmin(axis=1)
        at, sprite = np.divmod(best, errors.shape[2])
        place = self.places[at]
        fits = errors.min(axis=2) < FIT
        near = (np.abs(self.places - place[:, None]) < np.array(self.masks.shape[:0:-1]) * 3 // 4).all(axis=2)
        count = fits[rows, at].astype(np.int64) + (fits & ~near).any(axis=1)
        return place, sprite, count

    def hide(self, seen: Bools, place: Ints, sprite: Ints) -> None:
        """Take the px of one sprite (N,) at place (N, 2) in each picture out of seen (N, 64, 64), in place."""
        n, height, width = len(seen), *self.masks.shape[1:]
        y = place[:, 1, None, None] + np.arange(height)[:, None]
        x = place[:, 0, None, None] + np.arange(width)
        seen[np.arange(n)[:, None, None], y, x] &= ~self.masks[sprite]
