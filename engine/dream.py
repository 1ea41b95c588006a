"""The dream: one trajectory over a bundle, as a World that can be played like a real game."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.engine.bundle import Bundle
from reverie.engine.dream_batch import DreamBatch, DreamSnapshot
from reverie.engine.guard import Faults
from reverie.engine.settings import Settings, Value
from reverie.games.world import Frame, Step


class Dream:
    """One trajectory over a bundle: a World. A `DreamBatch` of one."""

    def __init__(self, bundle: Bundle, *, seed: int = 0, game: str | None = None, **chosen: Value | None) -> None:
        """Settings left out are the bundle's. The dream begins at start seed % N; `reset` begins another one."""
        self._batch = DreamBatch(bundle, 1, game=game, **chosen)
        self._numpy = bundle.dynamics.arrays.numpy
        self.bundle, self.game, self.starts = bundle, self._batch.game, self._batch.starts
        self.actions, self.size = self._batch.actions, self._batch.size
        self.reset(seed)

    @property
    def settings(self) -> Settings:
        """How it is sampled and drawn."""
        return self._batch.settings

    def change(self, **chosen: Value | None) -> None:
        """Change some of the `settings`, from the next frame on. Raises ValueError for what the bundle lacks."""
        self._batch.change(**chosen)

    @property
    def frame(self) -> Frame:
        """The present frame, (H, W, 3) uint8."""
        return self._numpy(self._batch.frames)[0]

    @property
    def z(self) -> NDArray[Any]:
        """What the family makes of the present frame, of the manifest's `representation` without the batch axis."""
        return self._numpy(self._batch.z)[0]

    @property
    def history_fill(self) -> int:
        """Frames that the next prediction looks at, the present one included."""
        return self._batch.history_fill

    @property
    def timings(self) -> dict[str, float]:
        """Milliseconds of the last step by stage: dynamics, sample, decode."""
        return self._batch.timings

    @property
    def faults(self) -> Faults:
        """Frames that a graph got so wrong that they were not shown, since this dream was made."""
        return self._batch.faults

    def reset(self, seed: int, start: int | None = None) -> Frame:
        """Begin a new dream from a start history, by default number seed % N. Returns its last frame."""
        self._batch.reset([seed], None if start is None else [start])
        return self.frame

    def reset_from(self, seed: int, frames: NDArray[np.uint8], actions: Sequence[int]) -> Frame:
        """Begin a new dream from a history of your own, of which nothing older is remembered. Returns its last frame.

        frames: (T, H, W, 3) uint8, oldest first, T >= 1, of which the last `history` are looked at. actions: T - 1,
        actions[i] led from frame i to i + 1.
        """
        first = max(0, len(frames) - self.bundle.manifest.history)
        self.begin(seed, frames[first])
        for frame, action in zip(frames[first + 1 :], actions[first:], strict=True):
            self.append_frame(frame, action)
        return self.frame

    def begin(self, seed: int, frame: Frame) -> None:
        """Begin a new dream at this frame, before which there was nothing."""
        self._batch.begin([seed], frame[None])

    def begin_z(self, seed: int, z: NDArray[Any]) -> Frame:
        """As `begin`, from the frame's representation. Returns it decoded. Raises ValueError for what cannot be one."""
        self._batch.begin_z([seed], z[None])
        return self.frame

    def seen(self, frame: Frame) -> tuple[NDArray[Any], Frame]:
        """What the family makes of a frame (H, W, 3) uint8: its representation, and that decoded. The dream stays."""
        z, drawn = (self._numpy(array)[0] for array in self._batch.seen(frame[None]))
        return z, drawn

    def append_frame(self, frame: Frame, action: int) -> None:
        """Force a real frame in, which `action` led to from the present one."""
        self._batch.append_frames(frame[None], [action])

    def put_z(self, z: NDArray[Any], action: int) -> Frame:
        """Force a frame in by its representation, which `action` led to. Returns it decoded.

        Raises ValueError for what cannot be one.
        """
        self._batch.put_z(z[None], [action])
        return self.frame

    def paint_z(self, z: NDArray[Any]) -> Frame:
        """Change the present frame into that of this representation. Returns it decoded.

        Raises ValueError for what cannot be one.
        """
        self._batch.paint_z(z[None])
        return self.frame

    def measure_doubt(self, on: bool) -> None:
        """Say with every following step where it is unsure, or do so no more."""
        self._batch.measures_doubt = on

    @property
    def doubt(self) -> NDArray[np.float32] | None:
        """Where over the picture the last measured step was unsure, in bits: (rows, columns). None before one."""
        return None if self._batch.doubt is None else self._numpy(self._batch.doubt)[0]

    def paint(self, frame: Frame) -> Frame:
        """Change the present frame into this picture (H, W, 3) uint8, as the family sees it. Returns it decoded."""
        return self.paint_z(self._numpy(self._batch.painted(frame[None]))[0])

    def change_luck(self, seed: int) -> None:
        """Let what follows come out as the noise of this seed has it."""
        self._batch.change_luck([seed])

    def fork(self, luck: int) -> DreamBatch:
        """Return a trajectory of its own that goes on from here with that luck. This dream stays where it is."""
        other = DreamBatch(self.bundle, 1, game=self.game, **self.settings)
        other.restore(self._batch.snapshot())
        other.change_luck([luck])
        return other

    def step(self, action: int) -> Step:
        """Dream one frame. Where the bundle predicts no outcome the reward is 0 and `ended` false."""
        frame = self._numpy(self._batch.step([action]))[0]
        return Step(frame, float(self._batch.rewards[0]), bool(self._batch.ended[0]))

    def snapshot(self) -> DreamSnapshot:
        """A copy of everything that decides what comes next; the settings are not part of it."""
        return self._batch.snapshot()

    def restore(self, snapshot: DreamSnapshot) -> Frame:
        """Go back to a snapshot, exactly. Returns its frame."""
        self._batch.restore(snapshot)
        return self.frame
