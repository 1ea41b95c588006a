"""The figures of dreams whose state nothing reads: other people's games, and views into a world."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Any

from reverie.evaluation.metrics.actions_told import ActionsTold
from reverie.evaluation.metrics.alive import Alive, Bank, alive_for_long
from reverie.evaluation.metrics.clips import SPAN, Clips
from reverie.evaluation.metrics.hud import HudReadable
from reverie.evaluation.metrics.lucid import lucid_by_limits
from reverie.evaluation.metrics.recorded_rollout import Watcher, recorded_rollout
from reverie.evaluation.metrics.turn_round import turn_round
from reverie.evaluation.progress import Progress
from reverie.evaluation.references import RecordedReference
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.bundle_subject import BundleSubject
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import PlayedTruth


def any_picture(
    subject: Subject,
    reference: RecordedReference,
    sizes: Sizes,
    horizon: int,
    seed: int,
    deadline: float,
    progress: Progress,
) -> dict[str, Any]:
    """`rollout` and further keys of an entry. A figure that the reference does not allow is left out.

    deadline: on the monotonic clock, when the entry should be done; only very long dreams are cut short by it.
    """
    truth = reference.truth
    watchers: list[Watcher] = [ActionsTold(reference.judge)]
    alive: Alive | None = None
    if reference.examples is not None:
        alive = Alive(Bank(reference.examples.pictures, sizes.alive.bank, seed))
        watchers.append(alive)
    if reference.hud is not None:
        watchers.append(HudReadable(reference.hud, subject, horizon, truth.batch))
    judges = sizes.judge_steps and horizon > SPAN and find_spec("torch") is not None
    clips = Clips(subject, horizon) if judges else None
    if clips is not None:
        watchers.append(clips)
    entry = recorded_rollout(subject, truth, horizon, seed, watchers, progress)
    if clips is not None:
        from reverie.evaluation.metrics.judge import judged

        entry |= judged(clips, truth.uncut(horizon), seed, sizes.judge_steps, progress)
    if isinstance(truth, PlayedTruth) and sizes.turns and (turn := truth.make(1).turn_round) is not None:
        entry |= turn_round(subject, truth, *turn, sizes.turns, seed, progress)
    if alive is not None and alive.limits is not None:
        if sizes.lucid and isinstance(subject, BundleSubject):
            entry |= lucid_by_limits(subject, truth, alive.limits, horizon, sizes, seed, progress)
        left = deadline - time.monotonic()
        entry |= alive_for_long(subject, truth, alive.limits, sizes.alive, seed, left, progress)
    return entry
