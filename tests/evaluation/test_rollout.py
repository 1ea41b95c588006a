"""The figures of dreams whose figures are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.evaluation.metrics.actions import action_follow
from reverie.evaluation.metrics.rollout import drift_free_frames, rollout
from reverie.evaluation.sizes import ActionSizes, RolloutSizes
from reverie.evaluation.subjects.truth import LEAD, Truth
from tests.evaluation.fakes import DotReader, ErasedSubject, FakeSubject, PerfectSubject

SIZES = RolloutSizes(horizon=300, short=64, long_episodes=4, drift_rollouts=3, drift_cap=340)


def test_a_dream_that_plays_by_the_rules_scores_one_everywhere(truth: Truth) -> None:
    table, drifted = rollout(PerfectSubject(), truth, DotReader(), SIZES, seed=0)
    for segment in table.values():
        assert segment["state_fidelity"] == segment["validity"] == segment["state_fidelity_ceiling"] == 1.0
    assert drifted == [None] * 4


def test_segments_hold_the_frames_they_say(truth: Truth) -> None:
    table, _ = rollout(FakeSubject(), truth, DotReader(), SIZES, seed=0)
    frames = {name: segment["frames"] for name, segment in table.items()}
    assert frames == {"1-16": 6 * 16, "17-64": 6 * 48, "65-256": 4 * 192, "257-1024": 4 * 44}


def test_a_segment_beyond_the_horizon_is_empty_and_not_zero(truth: Truth) -> None:
    table, _ = rollout(FakeSubject(), truth, DotReader(), RolloutSizes(horizon=32, short=16), seed=0)
    assert table["65-256"] == {
        "psnr_db": None,
        "state_fidelity": None,
        "state_fidelity_ceiling": None,
        "validity": None,
        "frames": 0,
    }


def test_a_frozen_dream_is_legal_but_unfaithful(truth: Truth) -> None:
    table, _ = rollout(FakeSubject(), truth, DotReader(), SIZES, seed=0)
    assert table["65-256"]["validity"] == 1.0
    assert table["65-256"]["state_fidelity"] < 0.3
    assert table["1-16"]["state_fidelity"] > table["65-256"]["state_fidelity"]


def test_a_dream_that_loses_its_player_is_neither_legal_nor_faithful_from_then_on(truth: Truth) -> None:
    table, drifted = rollout(ErasedSubject(), truth, DotReader(), SIZES, seed=0)
    assert table["1-16"]["validity"] == 1.0
    assert table["17-64"]["validity"] == pytest.approx((39 - 16) / 48)
    assert table["65-256"]["validity"] == table["65-256"]["state_fidelity"] == 0.0
    assert drifted == [39] * 4


def test_psnr_is_taken_against_the_true_frame_of_the_same_tick(truth: Truth) -> None:
    """The dream that knows the rules differs from the game in the lamp alone."""
    table, _ = rollout(PerfectSubject(), truth, DotReader(), SIZES, seed=0)
    assert table["1-16"]["psnr_db"] > 20 * np.log10(255 / 120 * 8)


def test_the_median_drift_is_known_when_most_long_rollouts_drifted(truth: Truth) -> None:
    result = drift_free_frames(ErasedSubject(), truth, DotReader(), [39, 39, 50, None], SIZES, 0, seconds=60)
    assert result == {"drift_free_frames": 44.5, "drift_rollouts": 4, "drift_capped_at": 300}


def test_dreams_that_stay_legal_are_followed_to_the_cap(truth: Truth) -> None:
    result = drift_free_frames(PerfectSubject(), truth, DotReader(), [None] * 4, SIZES, 0, seconds=60)
    assert result == {"drift_free_frames": 340.0, "drift_rollouts": 3, "drift_capped_at": 340}


def test_no_time_left_means_the_horizon_is_what_is_known(truth: Truth) -> None:
    result = drift_free_frames(PerfectSubject(), truth, DotReader(), [None] * 4, SIZES, 0, seconds=0)
    assert result == {"drift_free_frames": 300.0, "drift_rollouts": 4, "drift_capped_at": 300}


def test_a_dream_by_the_rules_follows_every_action(truth: Truth) -> None:
    result = action_follow(PerfectSubject(), truth, DotReader(), ActionSizes(moments=3, every=20), seed=0)
    assert result["action_follow"] == 1.0
    assert result["action_follow_cases"] == 3 * 5 * truth.batch
    assert set(result["action_follow_by_action"].values()) == {1.0}


def test_a_frozen_dream_follows_only_doing_nothing_and_walls(truth: Truth) -> None:
    result = action_follow(FakeSubject(), truth, DotReader(), ActionSizes(moments=3, every=20), seed=0)
    assert result["action_follow_by_action"]["noop"] == 1.0
    assert result["action_follow"] < 0.6


def test_a_dream_without_a_player_follows_nothing(truth: Truth) -> None:
    class Erased(ErasedSubject):
        at = 1

    result = action_follow(Erased(), truth, DotReader(), ActionSizes(moments=2, every=20), seed=0)
    assert result["action_follow"] == 0.0


def test_a_replay_gives_the_same_frames_whatever_the_batch(truth: Truth) -> None:
    whole = truth.frames(LEAD, LEAD + 5)
    assert (truth.head(2).frames(LEAD, LEAD + 5) == whole[:, :2]).all()


def test_the_episodes_are_held_out(truth: Truth) -> None:
    assert truth.seeds.min() >= 1_000_000
