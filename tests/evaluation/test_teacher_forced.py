"""The teacher-forced figures, of models whose figures are known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.evaluation.metrics.teacher_forced import teacher_forced
from reverie.evaluation.sizes import BranchSizes, TeacherSizes
from reverie.evaluation.subjects.truth import LEAD, Truth
from reverie.evaluation.tokens.ceiling import changed_token_ceiling
from tests.evaluation.fakes import STEP, CertainPrediction, DotReader, FakeSubject, draw


class RuleSubject(FakeSubject):
    """Knows the rules: moves the dot it sees, and guesses that the lamp is at its first level."""

    def teacher(self, batch: int) -> Any:
        return self

    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        self.seen = frames
        return super().encode(frames)

    def step(self, z: NDArray[np.int64], actions: NDArray[np.int64]) -> Any:
        player = DotReader().read(self.seen).player.astype(np.int64)
        player = np.clip(player + STEP[actions], [0, 8], [56, 56])
        return CertainPrediction(super().encode(draw(player, np.zeros(len(player), np.int64))), self.vocabulary)


def test_a_model_that_copies_the_last_frame_scores_copy_last_and_no_changed_token(truth: Truth) -> None:
    result = teacher_forced(FakeSubject(), truth, TeacherSizes(ticks=40))
    assert result["token_accuracy"] == result["copy_last_accuracy"]
    assert 0.9 < result["token_accuracy"] < 1.0
    assert result["changed_token_accuracy"] == 0.0
    assert result["teacher_forced_frames"] == 40 * truth.batch


def test_every_frame_is_predicted_from_the_frame_and_action_just_before_it(truth: Truth) -> None:
    """Who knows the rules is wrong about the lamp alone; one tick out of step would lose the dot as well."""
    result = teacher_forced(RuleSubject(), truth, TeacherSizes(ticks=40))
    lamp = np.stack([frames[:, 0, 0, 0] for _, _, frames in truth.play(LEAD - 1, LEAD + 40)])
    moved = lamp[1:] != lamp[:-1]
    wrong = lamp[1:] != 40
    assert result["token_accuracy"] == pytest.approx(1 - wrong.sum() / (wrong.size * 64))
    assert result["changed_tokens"] > moved.sum()
    lost = (wrong & moved).sum()
    assert result["changed_token_accuracy"] == pytest.approx(1 - lost / result["changed_tokens"])


class JudgeSubject(FakeSubject):
    """Says of every step what the lamp of the true next frame says, but never that a round ends."""

    def teacher(self, batch: int) -> Any:
        return self

    def step(self, z: NDArray[np.int64], actions: NDArray[np.int64]) -> Any:
        class Judged(CertainPrediction):
            def outcome(self, truth: NDArray[np.int64]) -> Any:
                level = truth[:, 0] // 40 - 1
                return (level - 1).clip(-1, 1).astype(np.float32), np.zeros(len(truth), bool)

        return Judged(z, self.vocabulary)


def test_rewards_and_ends_are_held_against_those_of_the_same_step(truth: Truth) -> None:
    result = teacher_forced(JudgeSubject(), truth, TeacherSizes(ticks=40))
    of = slice(LEAD - 1, LEAD + 39)
    assert result["reward_transitions"] == np.count_nonzero(truth.rewards[of]) > 40
    assert result["ended_transitions"] == truth.ended[of].sum() > 20
    # The dot may stand before the lamp; there is nothing else to be wrong about.
    assert 0.95 < result["reward_f1"] <= 1
    assert result["ended_f1"] == 0


def test_a_model_that_predicts_no_outcome_is_not_wrong_about_it(truth: Truth) -> None:
    result = teacher_forced(FakeSubject(), truth, TeacherSizes(ticks=20))
    assert (result["reward_f1"], result["ended_f1"]) == (None, None)


def test_a_tokenizer_that_sees_only_its_patch_does_not_flicker(truth: Truth) -> None:
    assert teacher_forced(FakeSubject(), truth, TeacherSizes(ticks=20))["token_flicker"] == 0.0


def test_a_tokenizer_that_sees_the_whole_picture_flickers(truth: Truth) -> None:
    class Wide(FakeSubject):
        def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
            tokens = super().encode(frames)
            return (tokens + tokens[:, :1]) % 256

    result = teacher_forced(Wide(), truth, TeacherSizes(ticks=40))
    assert result["token_flicker"] > 0.5


def test_pictures_of_the_prediction_are_held_against_the_next_frame(truth: Truth) -> None:
    result = teacher_forced(FakeSubject(), truth, TeacherSizes(ticks=40, picture_every=1))
    assert result["picture_frames"] == 40 * truth.batch
    assert result["one_step_psnr_db"] < result["reconstruction_psnr_db"]
    assert result["one_step_ssim"] <= result["reconstruction_ssim"] <= 1.0


def test_the_ceiling_is_what_chance_leaves(truth: Truth) -> None:
    """Of the changed tokens only the lamp's are chance, and a guess of it is right about one time in four."""
    result = changed_token_ceiling(FakeSubject(), truth, BranchSizes(moments=40, every=5, branches=16))
    lamp_moves = changed = 0
    before = None
    moments = set(range(LEAD, LEAD + 200, 5))
    for t, _, frames in truth.play(LEAD, LEAD + 201):
        tokens = FakeSubject().encode(frames)
        if before is not None:
            moved = tokens != before
            lamp_moves += int(moved[:, 0].sum())
            changed += int(moved.sum())
        before = tokens if t in moments else None
    assert result["changed_token_ceiling"] == pytest.approx(1 - 0.75 * lamp_moves / changed, abs=0.12)
    assert result["changed_token_ceiling_ar"] >= result["changed_token_ceiling"]


def test_a_game_without_chance_has_a_ceiling_of_one(truth: Truth) -> None:
    class Blind(FakeSubject):
        def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
            tokens = super().encode(frames)
            tokens[:, 0] = 0
            return tokens

    result = changed_token_ceiling(Blind(), truth, BranchSizes(moments=20, every=5, branches=6))
    assert result["changed_token_ceiling"] == 1.0
