"""A dream lives as long as its frames look and move as real ones do."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reverie.evaluation.metrics.alive import (
    KINDS,
    STRETCH,
    Alive,
    Bank,
    Limits,
    alive_by,
    alive_for_long,
    lifetimes,
    luminance,
    movement,
)
from reverie.evaluation.metrics.recorded_rollout import recorded_rollout
from reverie.evaluation.sizes import AliveSizes
from reverie.evaluation.subjects.truth import LEAD, PlayedTruth, record_play
from tests.evaluation.fakes import DotGame, FakeSubject, RandomKeys, draw

FRAMES = 120


class NoisyDream:
    """Shows real frames of other play until frame `at`, and noise from there on."""

    def __init__(self, frames: np.ndarray, at: int) -> None:
        self.others = played(len(frames), FRAMES + LEAD, 500).frames(LEAD, LEAD + FRAMES)
        self.at, self.number, self.rng = at, 0, np.random.default_rng(0)

    def step(self, actions: np.ndarray) -> np.ndarray:
        self.number += 1
        real = self.others[(self.number - 1) % FRAMES]
        return real if self.number < self.at else self.rng.integers(0, 256, real.shape, np.uint8)


class NoisySubject(FakeSubject):
    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def dream_from(self, frames: np.ndarray) -> Any:
        return NoisyDream(frames, self.at)


def played(episodes: int, ticks: int, first_seed: int) -> PlayedTruth:
    return record_play(DotGame, RandomKeys(5, first_seed), 64, first_seed + np.arange(episodes), ticks)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(played(40, 150, 900).frames(0, 151), 2000, seed=0)


@pytest.fixture(scope="module")
def truth() -> PlayedTruth:
    return played(6, FRAMES + LEAD, 100)


def test_luminance_is_that_of_squares() -> None:
    frames = np.zeros((2, 3, 66, 66, 3), np.uint8)
    frames[1, 2, :4, 4:8] = (255, 0, 0)
    seen = luminance(frames)
    assert seen.shape == (2, 3, 256)
    assert seen[1, 2, 1] == pytest.approx(0.299 * 255)
    assert seen.sum() == pytest.approx(0.299 * 255)


def test_movement_is_the_mean_change_over_two_seconds() -> None:
    seen = np.zeros((STRETCH + 3, 2, 256), np.float32)
    seen[5:, 1] = 80
    moved = movement(seen)
    assert np.isnan(moved[:STRETCH]).all()
    assert moved[STRETCH:].tolist() == [[0, 2]] * 3


def test_the_nearest_frame_is_found_whatever_the_size_of_the_picture(bank: Bank) -> None:
    assert len(bank) == 2000
    real = draw(np.array([[30, 30]]), np.array([2]))
    assert bank.distance(luminance(real))[0] < 20
    large = real.repeat(2, axis=1).repeat(2, axis=2)
    assert bank.distance(luminance(large)) == pytest.approx(bank.distance(luminance(real)))
    assert bank.distance(luminance(255 - real))[0] > 100


def test_a_dream_dies_where_its_noise_begins_and_real_play_lives(bank: Bank, truth: PlayedTruth) -> None:
    alive = Alive(bank)
    entry = recorded_rollout(NoisySubject(71), truth, FRAMES, 0, [alive])
    assert entry["alive"] == {"64": 1.0, "256": None, "512": None, "1024": None}
    assert entry["alive_real"]["64"] == 1.0
    assert entry["alive_dreams"] == 6
    assert entry["alive_out_of_place"]["strange"] == pytest.approx(50 / FRAMES, abs=0.02)
    early = Alive(bank)
    assert recorded_rollout(NoisySubject(50), truth, FRAMES, 0, [early])["alive"]["64"] == 0.0


def test_a_picture_that_stands_still_dies(bank: Bank, truth: PlayedTruth) -> None:
    seen = luminance(truth.frames(LEAD, LEAD + FRAMES))
    limits = Limits(bank, seen, truth.uncut(FRAMES))
    frozen = np.repeat(seen[:1], FRAMES, axis=0)
    assert set(limits.out_of_place(seen)) == set(KINDS)
    assert lifetimes(limits.out_of_place(frozen)) == [STRETCH] * 6
    assert None in lifetimes(limits.out_of_place(seen))


def test_a_grey_picture_dies_however_near_it_is_to_real_ones(bank: Bank, truth: PlayedTruth) -> None:
    seen = luminance(truth.frames(LEAD, LEAD + FRAMES))
    out = Limits(bank, seen, truth.uncut(FRAMES)).out_of_place(np.full_like(seen, 30))
    assert not out["strange"].any()
    assert out["flat"].all()
    assert lifetimes(out) == [0] * 6


def test_few_real_frames_or_none_are_no_mistake(bank: Bank, truth: PlayedTruth) -> None:
    seen, counted = luminance(truth.frames(LEAD, LEAD + FRAMES)), truth.uncut(FRAMES)
    counted[STRETCH:] = False
    out = Limits(bank, seen, counted).out_of_place(seen)
    assert not out["still"].any()
    assert not out["wild"].any()
    alive = Alive(bank)
    recorded_rollout(FakeSubject(), truth, 3, 0, [alive])
    assert Alive(bank).result(np.zeros((3, 6), np.bool_)) == {}


def test_few_dreams_are_followed_for_long_until_all_are_dead(bank: Bank, truth: PlayedTruth) -> None:
    limits = Limits(bank, luminance(truth.frames(LEAD, LEAD + FRAMES)), truth.uncut(FRAMES))
    sizes = AliveSizes(dreams=2, frames=3000)
    dead = alive_for_long(NoisySubject(600), truth, limits, sizes, 0, 60.0)
    assert dead == {"alive_long": 0.0, "alive_long_frames": 3000, "alive_long_dreams": 2}
    lives = alive_for_long(NoisySubject(9999), truth, limits, AliveSizes(dreams=2, frames=1030), 0, 60.0)
    assert lives == {"alive_long": 1.0, "alive_long_frames": 1030, "alive_long_dreams": 2}
    hurry = alive_for_long(NoisySubject(600), truth, limits, sizes, 0, 0.0)
    assert hurry == {"alive_long": None, "alive_long_frames": 0, "alive_long_dreams": 0}


def test_a_share_counts_those_that_die_later() -> None:
    assert alive_by([None, 40, 64, 63], 64) == 0.5
