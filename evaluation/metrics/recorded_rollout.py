"""Rollouts beside the real game's own pictures, for games that have no state reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.subject import Frames, Subject
from reverie.evaluation.subjects.truth import LEAD, Played, begin


class Moment(NamedTuple):
    """One frame of B dreams, and the same frame of the real game under the same keys.

    number: 1 for the first dreamt frame. actions: (B,), what was pressed between the frames before and these.
    dreamt_before, dreamt, real_before, real: (B, H, W, 3) uint8. game: the real game at `real`, where it is built in.
    """

    number: int
    actions: NDArray[np.int64]
    dreamt_before: Frames
    dreamt: Frames
    real_before: Frames
    real: Frames
    game: Any


class Watcher(Protocol):
    """Measures something of rollouts, one moment after the other."""

    def see(self, moment: Moment) -> None:
        """Look at one frame. Its pictures are only lent: what is to be kept must be copied."""

    def segment(self, rows: slice, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """Keys of one segment of `rollout`. rows: its frames. counted: (T, B) bool, which frames of all T count."""

    def result(self, counted: NDArray[np.bool_]) -> dict[str, Any]:
        """Keys of the entry."""


def recorded_rollout(
    subject: Subject,
    truth: Played,
    horizon: int,
    seed: int,
    watchers: Sequence[Watcher] = (),
    progress: Progress = silent,
) -> dict[str, Any]:
    """`rollout` and what else the watchers say, over `horizon` frames of every episode.

    An episode is followed until the environment cuts it off at a limit of time.
    """
    dream = begin(subject, truth, seed)
    counted = truth.uncut(horizon)  # (horizon, B)
    psnr = np.zeros(counted.shape)
    frames = truth.play(LEAD - 1, LEAD + horizon)
    _, _, real_before = next(frames)
    dreamt_before = real_before = real_before.copy()
    for row, (t, game, real) in enumerate(frames):
        actions = truth.actions[t - 1]
        dreamt = dream.step(actions).copy()
        psnr[row] = arithmetic.psnr_db(dreamt, real)
        moment = Moment(row + 1, actions, dreamt_before, dreamt, real_before, real, game)
        for watcher in watchers:
            watcher.see(moment)
        dreamt_before, real_before = dreamt, real.copy()
        progress("rollout", row + 1, horizon)
    table: dict[str, Any] = {}
    for name, (first, last) in zip(arithmetic.SEGMENT_NAMES, arithmetic.SEGMENTS, strict=True):
        rows = slice(first - 1, last)
        table[name] = {
            "psnr_db": arithmetic.mean_or_none(psnr[rows][counted[rows]]),
            "state_fidelity": None,
            "state_fidelity_ceiling": None,
            "validity": None,
            "frames": int(counted[rows].sum()),
        }
        for watcher in watchers:
            table[name] |= watcher.segment(rows, counted)
    entry: dict[str, Any] = {"rollout": table}
    for watcher in watchers:
        entry |= watcher.result(counted)
    return entry
