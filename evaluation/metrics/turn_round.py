"""Whether a first-person dream remembers: it turns once round on the spot, and the first view should come back."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.subject import Frames, Subject
from reverie.evaluation.subjects.truth import LEAD, PlayedTruth

EVERY = 24
"""Ticks between two moments of an episode at which a turn may start."""


class Starts(NamedTuple):
    """N moments of real play from which a whole turn brings back the same picture, to the pixel.

    frames: (T, N, H, W, 3) uint8 and actions: (T - 1, N), the history; its last frame is the first view.
    turned: (3, N, H, W, 3), the real views after a quarter, a half and three quarters of the turn. tried: moments at
    which it was tried; something that moves was in sight at the others.
    """

    frames: Frames
    actions: NDArray[np.int64]
    turned: Frames
    tried: int


def turn_round(
    subject: Subject, truth: PlayedTruth, action: int, times: int, starts: int, seed: int, progress: Progress = silent
) -> dict[str, Any]:
    """`turn_round_psnr_db`: the view after a whole turn against the first one, mean over `turn_round_starts`.

    Beside it: `_unrelated`, two views of the same room, the first one and the real ones after a quarter, a half and
    three quarters of the turn. `_forgotten`, a dream that begins with the real view after half of the turn and has no
    memory of the other half. `_reconstruction`, the first view encoded and decoded, which is the most there can be.
    The real game's own figure is infinite: only such starts are taken. action: turns on the spot. times: how often.
    """
    found = find_starts(truth, action, times, starts, subject.history)
    count, tried = found.frames.shape[1], found.tried
    keys = ("psnr_db", "unrelated_psnr_db", "forgotten_psnr_db", "reconstruction_psnr_db")
    means: dict[str, float | None] = dict.fromkeys(keys)
    if count:
        first = found.frames[-1]
        held = np.full(count, action, np.int64)

        def turned(frames: Frames, actions: NDArray[np.int64], steps: int) -> Frames:
            dream = subject.dream(frames, actions, seed)
            for step in range(steps):
                view = dream.step(held)
                progress("turning round", step + 1, steps)
            return view

        half = found.turned[1][None]
        views = (
            turned(found.frames, found.actions, times)[None],
            found.turned,
            turned(half, np.zeros((0, count), np.int64), times - times // 2)[None],
            subject.decode(subject.encode(first))[None],
        )
        for key, seen in zip(keys, views, strict=True):
            means[key] = float(np.mean([arithmetic.psnr_db(view, first) for view in seen]))
    return {f"turn_round_{key}": mean for key, mean in means.items()} | {
        "turn_round_starts": count,
        "turn_round_tried": tried,
    }


def find_starts(truth: PlayedTruth, action: int, times: int, starts: int, history: int) -> Starts:
    """The first `starts` moments of held-out play from which a whole turn brings back the same picture."""
    size, batch = truth.size, truth.batch
    held = np.full(batch, action, np.int64)
    frames = np.zeros((history, 0, size, size, 3), np.uint8)
    actions = np.zeros((history - 1, 0), np.int64)
    turned = np.zeros((3, 0, size, size, 3), np.uint8)
    tried = 0
    recent: list[Frames] = []
    for t, game, now in truth.play(LEAD - history):
        recent = [*recent, now][-history:]
        if len(recent) < history or (t - LEAD + 1) % EVERY or frames.shape[1] >= starts:
            continue
        here, quarters = game.snapshot(), []
        for step in range(1, times + 1):
            game.step(held)
            if step in (times // 4, times // 2, 3 * times // 4):
                quarters.append(game.render(size))
        back = np.flatnonzero((game.render(size) == now).all(axis=(1, 2, 3)))[: starts - frames.shape[1]]
        game.restore(here)
        tried += batch
        frames = np.concatenate([frames, np.stack(recent)[:, back]], axis=1)
        actions = np.concatenate([actions, truth.actions[t + 1 - history : t, back]], axis=1)
        turned = np.concatenate([turned, np.stack(quarters)[:, back]], axis=1)
        if frames.shape[1] >= starts:
            break
    return Starts(frames, actions, turned, tried)
