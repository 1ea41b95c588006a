"""What waking by itself (`--lucid`) does for a dream. It stands beside the plain dream and never in its figures."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.alive import Limits, luminance
from reverie.evaluation.metrics.rollout import track
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import Sizes
from reverie.evaluation.subjects.bundle_subject import BundleSubject
from reverie.evaluation.subjects.lucid import LucidSubject
from reverie.evaluation.subjects.state import StateReader
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, Played, Truth, begin


def lucid_by_reader(
    subject: BundleSubject, truth: Truth, reader: StateReader, sizes: Sizes, seed: int, progress: Progress = silent
) -> dict[str, Any]:
    """`lucid`, where a reader says which frames are valid: `in_place` is then the share of valid frames."""
    followed, horizon = truth.head(sizes.lucid), min(sizes.horizon, truth.ticks - LEAD + 1)
    lucid = LucidSubject(subject)
    good = [track(each, followed, reader, horizon, seed, progress).valid for each in (lucid, subject)]
    return _entry(lucid, *good)


def lucid_by_limits(
    subject: BundleSubject,
    truth: Played,
    limits: Limits,
    horizon: int,
    sizes: Sizes,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """`lucid`, where real frames say which are in place (`alive`)."""
    followed, lucid = truth.only(slice(sizes.lucid)), LucidSubject(subject)

    def good(each: Subject) -> NDArray[np.bool_]:
        dream, seen = begin(each, followed, seed), []
        for number, actions in enumerate(followed.actions[LEAD - 1 : LEAD - 1 + horizon]):
            seen.append(luminance(dream.step(actions)))
            progress("lucid", number + 1, horizon)
        return ~np.logical_or.reduce(list(limits.out_of_place(np.stack(seen)).values()))

    return _entry(lucid, good(lucid), good(subject))


def _entry(lucid: LucidSubject, good: NDArray[np.bool_], plain: NDArray[np.bool_]) -> dict[str, Any]:
    """`in_place`: by segment the share of the lucid dreams' frames that are in place; `in_place_plain`: of the same
    dreams without waking. `wakes_per_1000`: how often one woke in 1,000 frames. `lucid_dreams`: how many dreams."""
    figures: dict[str, Any] = {"wakes_per_1000": 1000 * lucid.wakes / good.size, "lucid_dreams": good.shape[1]}
    for key, shares in (("in_place", good), ("in_place_plain", plain)):
        parts = zip(arithmetic.SEGMENT_NAMES, arithmetic.SEGMENTS, strict=True)
        figures[key] = {name: arithmetic.mean_or_none(shares[first - 1 : last]) for name, (first, last) in parts}
    return {"lucid": figures}
