"""A judge tells what can be told, and not real play from real play."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

from reverie.evaluation.metrics.arithmetic import auc
from reverie.evaluation.metrics.clips import EACH, Clips
from reverie.evaluation.metrics.judge import Judge, judged
from reverie.evaluation.metrics.recorded_rollout import recorded_rollout
from reverie.evaluation.subjects.truth import PlayedTruth, record_play
from tests.evaluation.fakes import DotGame, FakeSubject, RandomKeys


class FlickerDream:
    """Every second frame is a little darker."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.number = frames, 0

    def step(self, actions: np.ndarray) -> np.ndarray:
        self.number += 1
        return self.frames // 4 * 3 if self.number % 4 < 2 else self.frames


class FlickerSubject(FakeSubject):
    def dream_from(self, frames: np.ndarray) -> Any:
        return FlickerDream(frames)

    def encode(self, frames: np.ndarray) -> Any:
        return frames

    def decode(self, z: Any) -> np.ndarray:
        return z // 2


@pytest.fixture(scope="module")
def truth() -> PlayedTruth:
    return record_play(DotGame, RandomKeys(8), 64, 3 * np.arange(8), 80)


def test_area_under_roc_is_counted_by_pairs() -> None:
    labels = np.array([True, True, False, False])
    assert auc(np.array([3, 2, 1, 0]), labels) == 1.0
    assert auc(np.array([3, 0, 1, 2]), labels) == 0.5
    assert auc(np.array([1, 1, 1, 1]), labels) == 0.5
    assert auc(np.array([1, 2]), np.array([True, True])) is None


def test_clips_are_every_second_frame_of_every_segment_that_is_reached(truth: PlayedTruth) -> None:
    clips = Clips(FlickerSubject(), 40)
    counted = truth.uncut(40)
    counted[20:, 3] = False
    recorded_rollout(FlickerSubject(), truth, 40, 0, [clips])
    dream, episodes, segments = clips.of("dream", counted)
    assert dream.shape == (len(episodes), 4, 64, 64, 3)
    assert np.bincount(segments).tolist() == [8 * EACH, 7 * EACH]
    assert 3 not in episodes[segments == 1]
    bright = dream.max(axis=(2, 3, 4))
    assert (np.abs(np.diff(bright.astype(int), axis=1)) > 30).all()  # every second frame, so each differs from the last
    real, raw = clips.of("real", counted)[0], clips.of("raw", counted)[0]
    np.testing.assert_array_equal(real, raw // 2)
    np.testing.assert_array_equal(raw[:8, 0], truth.frames(16, 17)[0])


def test_what_flickers_is_told_and_real_play_is_not(truth: PlayedTruth) -> None:
    clips = Clips(FlickerSubject(), 40)
    recorded_rollout(FlickerSubject(), truth, 40, 0, [clips])
    found = judged(clips, truth.uncut(40), seed=0, steps=15)["judge"]
    assert found["1-16"]["auc"] > 0.9
    assert found["1-16"]["clips"] == 4 * EACH
    assert 0 <= found["17-64"]["real"] < 0.9
    assert found["65-256"] == {"auc": None, "raw": None, "real": None, "clips": 0}


def test_the_same_seed_judges_alike() -> None:
    rng = np.random.default_rng(0)
    clips, labels = rng.integers(0, 256, (20, 4, 16, 16, 3), np.uint8), np.arange(20) % 2 == 0
    scores = []
    for _ in range(2):
        judge = Judge(3)
        judge.train(clips, labels, 2)
        scores.append(judge.score(clips))
    np.testing.assert_array_equal(*scores)
