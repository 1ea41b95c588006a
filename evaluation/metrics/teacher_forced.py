"""The figures with a true history: one frame is predicted, then the true one takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, Played
from reverie.games.base import BatchGame

COMPARED_SIZE = 128
"""Pictures of bundles of different resolutions are compared at this size."""


@dataclass(frozen=True)
class TeacherSizes:
    """How much is measured.

    ticks: predicted frames in each episode. picture_every: each so many ticks the most likely frame is decoded and
    compared.
    """

    ticks: int = 256
    picture_every: int = 8


def teacher_forced(subject: Subject, truth: Played, sizes: TeacherSizes, progress: Progress = silent) -> dict[str, Any]:
    """The teacher-forced keys of the report, over `sizes.ticks` frames of every episode of `truth`.

    The frames before LEAD fill the history and are not counted, so that every bundle is asked about the same frames.
    `token_flicker` is taken over the patches of which no pixel changed, which is stricter than over all patches.
    `*_enlarged_psnr_db`: the picture, enlarged with hard pixels, against the game drawn at COMPARED_SIZE, so that
    bundles of different resolutions can be compared; None where that cannot be had.
    `reward_f1` and `ended_f1` are of what is said given the true next frame, None where the bundle says nothing.
    """
    ticks = min(sizes.ticks, truth.ticks + 1 - LEAD)
    correct, changed_correct, copied, flicker = (
        arithmetic.Share(),
        arithmetic.Share(),
        arithmetic.Share(),
        arithmetic.Share(),
    )
    rewards, ends, judged = arithmetic.F1(), arithmetic.F1(), False
    bits: list[NDArray[np.float64]] = []
    counts = np.zeros(subject.vocabulary, np.int64)
    pictures: dict[str, list[NDArray[np.float64]]] = {
        f"{key}_{measure}": []
        for key in ("reconstruction", "one_step")
        for measure in ("psnr_db", "ssim", "enlarged_psnr_db")
    }
    teacher = subject.teacher(truth.batch)
    prediction = None
    tokens = frames = None
    for t, game, true_frames in truth.play(0, LEAD + ticks):
        true_tokens = subject.encode(true_frames)
        if t >= LEAD and prediction is not None and tokens is not None and frames is not None:
            logits = prediction.logits(true_tokens)
            hit, moved = logits.argmax(axis=-1) == true_tokens, tokens != true_tokens
            correct.add(hit)
            changed_correct.add(hit, moved)
            copied.add(~moved)
            changed = [arithmetic.patches_changed(frames, true_frames, grid) for grid in subject.grids]
            flicker.add(moved, ~np.concatenate(changed, axis=1))
            bits.append(arithmetic.nll_bits(logits, true_tokens))
            counts += np.bincount(true_tokens.ravel(), minlength=subject.vocabulary)
            if (outcome := prediction.outcome(true_tokens)) is not None:
                judged = True
                rewards.add(outcome[0], truth.rewards[t - 1])
                ends.add(outcome[1], truth.ended[t - 1])
            if (t - LEAD) % sizes.picture_every == 0:
                drawn_there = isinstance(game, BatchGame) and COMPARED_SIZE in game.sizes
                comparable = drawn_there and COMPARED_SIZE % true_frames.shape[2] == 0
                large_frames = game.render(COMPARED_SIZE) if comparable else None
                for key, drawn in (("reconstruction", true_tokens), ("one_step", prediction.most_likely())):
                    picture = subject.decode(drawn)
                    if large_frames is not None:
                        large = arithmetic.enlarged(picture, COMPARED_SIZE)
                        pictures[f"{key}_enlarged_psnr_db"].append(arithmetic.psnr_db(large, large_frames))
                    pictures[f"{key}_psnr_db"].append(arithmetic.psnr_db(picture, true_frames))
                    pictures[f"{key}_ssim"].append(arithmetic.ssim(picture, true_frames))
        if t < LEAD + ticks - 1:
            prediction = teacher.step(true_tokens, truth.actions[t])
        tokens, frames = true_tokens, true_frames
        progress("teacher-forced", t + 1, LEAD + ticks)
    result: dict[str, Any] = {
        "token_accuracy": correct.value,
        "copy_last_accuracy": copied.value,
        "changed_token_accuracy": changed_correct.value,
        "changed_tokens": changed_correct.of,
        "token_nll_bits": arithmetic.mean_or_none(np.concatenate([b.ravel() for b in bits])),
        "token_flicker": flicker.value,
        "codebook_used": int((counts > 0).sum()),
        "codebook_perplexity": arithmetic.perplexity(counts),
        "vocabulary": subject.vocabulary,
        "reward_f1": rewards.value if judged else None,
        "reward_transitions": rewards.of,
        "ended_f1": ends.value if judged else None,
        "ended_transitions": ends.of,
        "teacher_forced_frames": ticks * truth.batch,
        "picture_frames": sum(len(part) for part in pictures["one_step_psnr_db"]),
    }
    result |= {key: arithmetic.mean_or_none(np.concatenate([*parts, np.empty(0)])) for key, parts in pictures.items()}
    return result
