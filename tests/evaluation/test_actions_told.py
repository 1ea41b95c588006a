"""Actions that show in the dream as often as in the game are all told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reverie.evaluation.metrics.actions_told import TOLD_FRAMES, ActionsTold
from reverie.evaluation.metrics.recorded_rollout import Moment

ACTIONS = np.array([1, 2, 1, 0])


class Written:
    """Reads the action off the first pixel of the later frame."""

    def predict(self, before: np.ndarray, after: np.ndarray) -> Any:
        assert before.shape == after.shape
        return after[:, 0, 0, 0].astype(np.int64)


def frames(actions: list[int]) -> np.ndarray:
    made = np.zeros((4, 8, 8, 3), np.uint8)
    made[:, 0, 0] = np.array(actions)[:, None]
    return made


def watched(dreamt: list[int], late: list[int]) -> tuple[ActionsTold, np.ndarray]:
    """The real game always shows three of four actions."""
    told, blank, real = ActionsTold(Written()), frames([9] * 4), frames([1, 2, 1, 9])  # type: ignore[arg-type]
    for number in range(1, 301):
        shown = frames(dreamt if number <= TOLD_FRAMES else late)
        told.see(Moment(number, ACTIONS, blank, shown, blank, real, None))
    return told, np.ones((300, 4), np.bool_)


def test_the_ratio_is_that_of_the_dream_to_the_game_over_the_first_frames() -> None:
    told, counted = watched([1, 2, 9, 9], late=[9, 9, 9, 9])
    entry = told.result(counted)
    assert entry["actions_told"] == pytest.approx((2 / 4) / (3 / 4))
    assert entry["action_accuracy"] == pytest.approx(2 / 4 * TOLD_FRAMES / 300)
    assert entry["action_accuracy_real"] == 3 / 4
    assert entry["action_accuracy_most_common"] == 2 / 4
    assert told.segment(slice(256, 1024), counted)["actions_told"] == 0


def test_frames_that_are_not_counted_change_nothing() -> None:
    told, counted = watched([1, 2, 1, 9], late=[9, 9, 9, 9])
    counted[TOLD_FRAMES:] = False
    assert told.result(counted)["action_accuracy"] == 3 / 4
    assert told.segment(slice(256, 1024), counted)["actions_told"] is None
