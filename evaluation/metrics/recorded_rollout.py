"""Rollouts against recorded pictures, for games that have no state reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.recorded_truth import RecordedTruth
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, begin

if TYPE_CHECKING:
    from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics


def recorded_rollout(
    subject: Subject,
    truth: RecordedTruth,
    judge: InverseDynamics | None,
    horizon: int,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """`rollout` and the `action_accuracy` keys of an entry, over `horizon` frames of every episode.

    `action_accuracy`: share of the actions that the judge names right between two dreamt frames; `_real`: between the
    same two frames of the game; `_most_common`: share of the action that was pressed most. None without a judge.
    An episode is followed until the environment cuts it off at a limit of time.
    """
    dream = begin(subject, truth, seed)
    counted = truth.uncut(horizon)  # (horizon, B)
    psnr = np.zeros(counted.shape)
    right: dict[str, NDArray[np.bool_]] = {}
    if judge is not None:
        right = {key: np.zeros(counted.shape, np.bool_) for key in ("action_accuracy", "action_accuracy_real")}
    before = truth.pictures[LEAD - 1]
    for row in range(horizon):
        t = LEAD - 1 + row
        after, actions = dream.step(truth.actions[t]), truth.actions[t]
        psnr[row] = arithmetic.psnr_db(after, truth.pictures[t + 1])
        if judge is not None:
            right["action_accuracy"][row] = judge.predict(before, after) == actions
            right["action_accuracy_real"][row] = judge.predict(*truth.pictures[t : t + 2]) == actions
        before = after
        progress("rollout", row + 1, horizon)

    def means(rows: slice) -> dict[str, float | None]:
        chosen = counted[rows]
        keys = ("action_accuracy", "action_accuracy_real")
        return {key: arithmetic.mean_or_none(right[key][rows][chosen]) if right else None for key in keys}

    table = {}
    for name, (first, last) in zip(arithmetic.SEGMENT_NAMES, arithmetic.SEGMENTS, strict=True):
        rows = slice(first - 1, last)
        table[name] = {
            "psnr_db": arithmetic.mean_or_none(psnr[rows][counted[rows]]),
            "state_fidelity": None,
            "state_fidelity_ceiling": None,
            "validity": None,
            **means(rows),
            "frames": int(counted[rows].sum()),
        }
    pressed = np.bincount(truth.actions[LEAD - 1 : LEAD - 1 + horizon][counted], minlength=1)
    common = float(pressed.max() / pressed.sum()) if right and pressed.sum() else None
    return {"rollout": table, "action_accuracy_most_common": common, **means(slice(None))}
