"""Short clips out of rollouts and of the real game beside them, kept for a judge."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics.arithmetic import SEGMENT_NAMES, SEGMENTS, shrunk
from reverie.evaluation.metrics.recorded_rollout import Moment
from reverie.evaluation.subjects.subject import Frames, Subject

FRAMES, APART = 4, 2
"""Frames of a clip, and frames from one of them to the next."""
EACH = 8
"""Clips of every dream and segment."""
SPAN = APART * (FRAMES - 1)
"""Frames from the first of a clip to its last."""


class Clips:
    """A watcher of rollouts that keeps clips.

    Of every clip it keeps the dream, the real game, and the real game through the subject's own encoder and decoder.
    """

    def __init__(self, subject: Subject, horizon: int) -> None:
        """horizon: more than SPAN."""
        self._subject = subject
        self._starts: dict[str, list[int]] = {}
        for name, (first, last) in zip(SEGMENT_NAMES, SEGMENTS, strict=True):
            last = min(last, horizon) - SPAN
            if last >= first:
                self._starts[name] = sorted(set(np.linspace(first, last, EACH).astype(int).tolist()))
        self._needed = {k + j * APART for starts in self._starts.values() for k in starts for j in range(FRAMES)}
        self._kept: dict[int, dict[str, Frames]] = {}

    def see(self, moment: Moment) -> None:
        """See Watcher."""
        if moment.number in self._needed:
            drawn = self._subject.decode(self._subject.encode(moment.real))
            kinds = {"dream": moment.dreamt, "real": drawn, "raw": moment.real}
            self._kept[moment.number] = {kind: shrunk(frames).copy() for kind, frames in kinds.items()}

    def segment(self, rows: slice, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """See Watcher."""
        return {}

    def result(self, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """See Watcher."""
        return {}

    def of(self, kind: str, counted: NDArray[np.bool_]) -> tuple[Frames, NDArray[np.int64], NDArray[np.int64]]:
        """Clips (N, 4, h, w, 3) uint8 of a kind, `dream`, `real` or `raw`, and of each its episode and segment (N,)."""
        clips, episodes, segments = [], [], []
        for name, starts in self._starts.items():
            for start in starts:
                numbers = [start + j * APART for j in range(FRAMES)]
                whole = np.flatnonzero(counted[numbers[-1] - 1])
                clips.append(np.stack([self._kept[number][kind][whole] for number in numbers], axis=1))
                episodes.append(whole)
                segments.append(np.full(len(whole), SEGMENT_NAMES.index(name)))
        return np.concatenate(clips), np.concatenate(episodes), np.concatenate(segments)
