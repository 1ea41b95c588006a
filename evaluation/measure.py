"""One entry of the report: one bundle in one game and variant, measured with one seed."""

from __future__ import annotations

import time
from typing import Any

from reverie.evaluation.any_picture import any_picture
from reverie.evaluation.metrics.actions import action_follow
from reverie.evaluation.metrics.lucid import lucid_by_reader
from reverie.evaluation.metrics.rollout import drift_free_frames, rollout
from reverie.evaluation.metrics.teacher_forced import teacher_forced
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.references import RecordedReference, Reference
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.bundle_subject import BundleSubject
from reverie.evaluation.subjects.subject import Subject, identity
from reverie.evaluation.subjects.truth import LEAD, Played


def measure(
    subject: Subject, reference: Reference | RecordedReference, sizes: Sizes, seed: int, progress: Progress = silent
) -> dict[str, Any]:
    """The entry. A figure that needs a state reader is None, and its counts are 0, where the game has none."""
    began = time.monotonic()
    truth: Played = reference.truth
    entry = identity(subject)
    entry |= teacher_forced(subject, truth, sizes.teacher, progress)
    if isinstance(reference, RecordedReference):
        horizon = min(sizes.rollout.recorded, truth.ticks - LEAD + 1)
        entry |= subject.branched(None, sizes.branch, progress)
        entry |= any_picture(subject, reference, sizes, horizon, seed, began + sizes.seconds, progress)
        entry |= {"action_follow": None, "action_follow_by_action": {}}
        entry |= {"action_follow_cases": 0, "action_follow_left_to_chance": 0}
        entry |= {"drift_free_frames": None, "drift_rollouts": 0, "drift_capped_at": 0}
        entry |= {"reader_exact": None, "reader_valid": None, "reader_frames": 0}
    else:
        horizon, reader = sizes.horizon, reference.reader
        entry |= subject.branched(reference.truth, sizes.branch, progress)
        entry |= action_follow(subject, reference.truth, reader, sizes.actions, seed, progress)
        entry["rollout"], known = rollout(subject, reference.truth, reader, sizes.rollout, seed, progress)
        left = sizes.seconds - (time.monotonic() - began)
        long_truth = reference.long_truth() if left > 0 else reference.truth
        entry |= drift_free_frames(subject, long_truth, reader, known, sizes.rollout, seed, left, progress)
        entry |= reference.reader_exact
        if sizes.lucid and isinstance(subject, BundleSubject):
            entry |= lucid_by_reader(subject, reference.truth, reader, sizes, seed, progress)
    return entry | {
        "frames": entry["teacher_forced_frames"] + sum(part["frames"] for part in entry["rollout"].values()),
        "episodes": truth.batch,
        "horizon": horizon,
        "seed": seed,
        "seeds": [seed],
        "first_game_seed": int(truth.seeds[0]),
        "quick": sizes.quick,
        "seconds": round(time.monotonic() - began, 1),
    }
