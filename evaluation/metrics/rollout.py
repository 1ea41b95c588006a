"""Rollouts: the dream feeds on its own predictions, under the true actions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import RolloutSizes
from reverie.evaluation.subjects.state import StateReader, player_within, vanished
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, Truth, begin

NEAR_PX_AT_64 = 2.0
"""`state_fidelity`: the player is within this many pixels of the true one at 64x64, and twice that at 128x128."""

_READ_AT_ONCE = 512


@dataclass(frozen=True)
class Track:
    """How dreams compare with the truth, (T, B) each; frame number k stands in row k - 1.

    near: the player is where it is in the real game. near_twin: the player of a game with other luck is. valid: the
    frame is a legal picture of the game.
    """

    psnr: NDArray[np.float64]
    near: NDArray[np.bool_]
    near_twin: NDArray[np.bool_]
    valid: NDArray[np.bool_]


def rollout(
    subject: Subject, truth: Truth, reader: StateReader, sizes: RolloutSizes, seed: int, progress: Progress = silent
) -> tuple[dict[str, Any], list[int | None]]:
    """The `rollout` table, and each long rollout's frames before it drifted (None: not within the horizon).

    All episodes are dreamt for `short` frames; the first `long_episodes` of them to `horizon`.
    """
    horizon = min(sizes.horizon, truth.ticks - LEAD + 1)
    short = min(sizes.short, horizon)
    keep = min(sizes.long_episodes, truth.batch)
    parts = [track(subject, truth.head(keep), reader, horizon, seed, progress)]
    if keep < truth.batch:
        parts.append(track(subject, truth.only(slice(keep, None)), reader, short, seed + 1, progress))
    table: dict[str, Any] = {}
    for name, (first, last) in zip(arithmetic.SEGMENT_NAMES, arithmetic.SEGMENTS, strict=True):
        rows = slice(first - 1, min(last, horizon))
        chosen = {
            what: np.concatenate([getattr(part, what)[rows].ravel() for part in parts])
            for what in Track.__dataclass_fields__
        }
        table[name] = {
            "psnr_db": arithmetic.mean_or_none(chosen["psnr"]),
            "state_fidelity": arithmetic.mean_or_none(chosen["near"]),
            "state_fidelity_ceiling": arithmetic.mean_or_none(chosen["near_twin"]),
            "validity": arithmetic.mean_or_none(chosen["valid"]),
            "frames": int(chosen["valid"].size),
        }
    return table, [arithmetic.drift_free(column) for column in parts[0].valid[:horizon].T]


def _rooms(truth: Truth, reader: StateReader) -> NDArray[np.uint8]:
    """(B, ...): the rooms of the frames before LEAD, in which the dreams should stay."""
    _, game, _ = next(truth.play(LEAD - 1, LEAD))
    return reader.rooms(game)


def track(
    subject: Subject, truth: Truth, reader: StateReader, frames: int, seed: int, progress: Progress = silent
) -> Track:
    """Dream `frames` frames of every trajectory and hold each against the truth."""
    dream, rooms = begin(subject, truth, seed), _rooms(truth, reader)
    near_px = NEAR_PX_AT_64 * truth.size / 64
    shape = (frames, truth.batch)
    result = Track(np.full(shape, np.nan), *(np.zeros(shape, bool) for _ in range(3)))
    pending: list[NDArray[np.uint8]] = []
    missing: list[NDArray[np.bool_]] = []
    for row, (t, _, true_frames) in enumerate(truth.play(LEAD, LEAD + frames)):
        dreamt = dream.step(truth.actions[t - 1])
        result.psnr[row] = arithmetic.psnr_db(dreamt, true_frames)
        result.near_twin[row] = np.hypot(*(truth.twin[t] - truth.player[t]).T) <= near_px + 1e-6
        pending.append(dreamt.copy())
        if len(pending) * truth.batch >= _READ_AT_ONCE or row == frames - 1:
            rows = slice(row + 1 - len(pending), row + 1)
            seen = reader.read(np.concatenate(pending), np.concatenate([rooms] * len(pending)))
            where = truth.player[LEAD + rows.start : LEAD + rows.stop].reshape(-1, 2)
            result.near[rows] = player_within(seen, where, near_px).reshape(-1, truth.batch)
            result.valid[rows] = seen.valid.reshape(-1, truth.batch)
            missing.append(seen.missing.reshape(len(pending), truth.batch, -1))
            pending = []
        progress("rollout", row + 1, frames)
    result.valid[:] &= ~vanished(np.concatenate(missing), reader.patience)
    return result


def drift_free_frames(
    subject: Subject,
    truth: Truth,
    reader: StateReader,
    known: list[int | None],
    sizes: RolloutSizes,
    seed: int,
    seconds: float,
    progress: Progress = silent,
) -> dict[str, Any]:
    """`drift_free_frames`: the median over rollouts of the frames before the first of 8 in a row that are not valid.

    known: where the long rollouts drifted. If more than half of them did, that is their median. Otherwise the first
    few trajectories of `truth` (as long as the cap) are dreamt on until more than half have drifted, the cap is
    reached, or `seconds` are spent; the figure then is at least what it says, and `drift_capped_at` says where it was
    cut.
    """
    horizon = min(sizes.horizon, truth.ticks)
    drifted = [horizon if frames is None else frames for frames in known]
    median = float(np.median(drifted)) if drifted else float(horizon)
    result = {"drift_free_frames": median, "drift_rollouts": len(drifted), "drift_capped_at": horizon}
    followed = truth.head(min(sizes.drift_rollouts, truth.batch))
    cap = min(sizes.drift_cap, truth.ticks - LEAD + 1)
    if median < horizon or cap <= horizon or seconds <= 0:
        return result
    deadline = time.monotonic() + seconds
    dream, rooms = begin(subject, followed, seed), _rooms(followed, reader)
    missing: list[NDArray[np.bool_]] = []
    valid = np.zeros((cap, followed.batch), bool)
    chunk = max(1, _READ_AT_ONCE // followed.batch)
    done = 0
    while done < cap and time.monotonic() < deadline:
        frames = [dream.step(followed.actions[LEAD - 1 + row]).copy() for row in range(done, min(done + chunk, cap))]
        seen = reader.read(np.concatenate(frames), np.concatenate([rooms] * len(frames)))
        missing.append(seen.missing.reshape(len(frames), followed.batch, -1))
        valid[done : done + len(frames)] = seen.valid.reshape(-1, followed.batch)
        done += len(frames)
        progress("drift", done, cap)
        stayed = valid[:done] & ~vanished(np.concatenate(missing), reader.patience)
        ends = [arithmetic.drift_free(column) for column in stayed.T]
        if sum(end is not None for end in ends) * 2 > followed.batch:
            break
    if done < horizon:
        return result
    return {
        "drift_free_frames": float(np.median([done if end is None else end for end in ends])),
        "drift_rollouts": followed.batch,
        "drift_capped_at": done,
    }
