"""Whether the dream obeys: from one history each action is held, in the dream and in the real game."""

from __future__ import annotations

from typing import Any

import numpy as np

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.sizes import ActionSizes
from reverie.evaluation.subjects.state import StateReader
from reverie.evaluation.subjects.subject import Subject
from reverie.evaluation.subjects.truth import LEAD, Truth

HELD_TICKS = 4
AGREE_PX_AT_64 = 1.0
"""The displacement agrees within this many pixels on each axis at 64x64, and twice that at 128x128."""

CONTINUATIONS = 8
"""Continuations of the real game, each with other luck, that show whether chance decides where the player ends up."""


def action_follow(
    subject: Subject,
    truth: Truth,
    reader: StateReader,
    sizes: ActionSizes,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """`action_follow`: share of cases in which the player's displacement in the dream is that in the real game.

    A case is one history and one action held for 4 ticks. A dream in which the reader does not find exactly one
    player at the end fails the case. Where the real game, continued 8 times with other luck, does not agree with
    itself (a wisp may or may not hit the player), no prediction can be right: such cases are left out and counted in
    `action_follow_left_to_chance`.
    """
    followed = arithmetic.Share()
    by_action = {name: arithmetic.Share() for name in subject.actions}
    chance = 0
    close = AGREE_PX_AT_64 * truth.size / 64 + 1e-6
    last = min(LEAD + sizes.moments * sizes.every, truth.ticks + 1)
    moments = range(LEAD - 1, last, sizes.every)[: sizes.moments]
    recent: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
    for t, game, frames in truth.play(LEAD - subject.history, last):
        recent = [*recent, frames][-subject.history :]
        if t not in moments:
            continue
        here = game.snapshot()
        before = truth.player[t]
        dream = subject.dream(np.stack(recent), truth.actions[t + 1 - subject.history : t], seed + t)
        start = dream.snapshot()
        for action, name in enumerate(subject.actions):
            held = np.full(truth.batch, action, np.int64)
            ends = []
            for salt in range(CONTINUATIONS):
                game.restore(here)
                if salt:
                    game.branch(salt)
                for _ in range(HELD_TICKS):
                    game.step(held)
                ends.append(reader.position(game) * truth.size / 64)
            settled = np.abs(np.stack(ends) - ends[0]).max(axis=(0, 2)) < close
            dream.restore(start)
            for _ in range(HELD_TICKS):
                dreamt = dream.step(held)
            seen = reader.read(dreamt)
            moved = np.where(seen.found[:, None], seen.player, np.inf) - before
            agrees = np.abs(moved - (ends[0] - before)).max(axis=1) <= close
            followed.add(agrees, settled)
            by_action[name].add(agrees, settled)
            chance += int((~settled).sum())
        game.restore(here)
        progress("actions", moments.index(t) + 1, len(moments))
    return {
        "action_follow": followed.value,
        "action_follow_by_action": {name: share.value for name, share in by_action.items()},
        "action_follow_cases": followed.of,
        "action_follow_left_to_chance": chance,
    }
