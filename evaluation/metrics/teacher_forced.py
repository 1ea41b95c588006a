"""The figures with a true history: one frame is predicted, then the true one takes its place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import TeacherSizes
from reverie.evaluation.subjects.subject import Representation, Subject, Transition
from reverie.evaluation.subjects.truth import LEAD, Played
from reverie.games.base import BatchGame

COMPARED_SIZE = 128
"""Pictures of bundles of different resolutions are compared at this size."""


def teacher_forced(subject: Subject, truth: Played, sizes: TeacherSizes, progress: Progress = silent) -> dict[str, Any]:
    """The teacher-forced keys of the report, over `sizes.ticks` frames of every episode of `truth`.

    The frames before LEAD fill the history and are not counted, so that every bundle is asked about the same frames.
    Frames within LEAD ticks after a cut are not counted either: no history leads to them.
    `*_enlarged_psnr_db`: the picture, enlarged with hard pixels, against the game drawn at COMPARED_SIZE, so that
    bundles of different resolutions can be compared; None where that cannot be had.
    `reward_f1` and `ended_f1` are None where the bundle predicts neither.
    """
    ticks = min(sizes.ticks, truth.ticks + 1 - LEAD)
    figures, pictures = subject.frame_figures(), _Pictures()
    rewards, ends, judged, counted = arithmetic.F1(), arithmetic.F1(), False, 0
    teacher = subject.teacher(truth.batch)
    prediction = None
    z: Representation | None = None
    frames: NDArray[np.uint8] | None = None
    for t, game, true_frames in truth.play(0, LEAD + ticks):
        true_z = subject.encode(true_frames)
        keep = truth.follows(t)  # (B,)
        if t >= LEAD and keep.any() and prediction is not None and z is not None and frames is not None:
            counted += int(keep.sum())
            figures.add(Transition(z, true_z, frames, true_frames, prediction, keep))
            if (outcome := prediction.outcome(true_z)) is not None:
                judged = True
                rewards.add(outcome[0][keep], truth.rewards[t - 1][keep])
                ends.add(outcome[1][keep], truth.ended[t - 1][keep])
            if (t - LEAD) % sizes.picture_every == 0:
                large = _drawn_large(game, true_frames)
                for key, drawn in (("reconstruction", true_z), ("one_step", prediction.most_likely())):
                    pictures.add(key, subject.decode(drawn), true_frames, large, keep)
        if t < LEAD + ticks - 1:
            prediction = teacher.step(true_z, truth.actions[t])
        z, frames = true_z, true_frames
        progress("teacher-forced", t + 1, LEAD + ticks)
    return figures.result() | {
        "reward_f1": rewards.value if judged else None,
        "reward_transitions": rewards.of,
        "ended_f1": ends.value if judged else None,
        "ended_transitions": ends.of,
        "teacher_forced_frames": counted,
        **pictures.result(),
    }


class _Pictures:
    """Collects how decoded pictures compare with the true ones."""

    def __init__(self) -> None:
        self.parts: dict[str, list[NDArray[np.float64]]] = {
            f"{key}_{measure}": []
            for key in ("reconstruction", "one_step")
            for measure in ("psnr_db", "ssim", "enlarged_psnr_db")
        }

    def add(
        self,
        key: str,
        picture: NDArray[np.uint8],
        true: NDArray[np.uint8],
        large: NDArray[np.uint8] | None,
        keep: NDArray[np.bool_],
    ) -> None:
        """Compare (B, H, W, 3) uint8 twice. large: the true frames at COMPARED_SIZE, where there are such."""
        picture, true = picture[keep], true[keep]
        if large is not None:
            enlarged = arithmetic.enlarged(picture, COMPARED_SIZE)
            self.parts[f"{key}_enlarged_psnr_db"].append(arithmetic.psnr_db(enlarged, large[keep]))
        self.parts[f"{key}_psnr_db"].append(arithmetic.psnr_db(picture, true))
        self.parts[f"{key}_ssim"].append(arithmetic.ssim(picture, true))

    def result(self) -> dict[str, Any]:
        """Means over frames, and `picture_frames`."""
        joined = {key: np.concatenate([*parts, np.empty(0)]) for key, parts in self.parts.items()}
        means = {key: arithmetic.mean_or_none(values) for key, values in joined.items()}
        return {"picture_frames": joined["one_step_psnr_db"].size, **means}


def _drawn_large(game: Any, frames: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The game's present frames at COMPARED_SIZE; None where it is not drawn at that size, or not by whole pixels."""
    if not isinstance(game, BatchGame) or COMPARED_SIZE not in game.sizes or COMPARED_SIZE % frames.shape[2]:
        return None
    return game.render(COMPARED_SIZE)
