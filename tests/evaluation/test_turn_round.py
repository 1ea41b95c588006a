"""A first-person dream turns once round, and is asked for the view that it began with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reverie.evaluation.metrics.turn_round import find_starts, turn_round
from reverie.evaluation.subjects.truth import PlayedTruth, record_play
from reverie.games import registry
from reverie.games.crypt.rules import Crypt
from reverie.games.crypt.view import TURNS
from tests.evaluation.fakes import FakeSubject

ACTION, TIMES = Crypt.turn_round


@pytest.fixture(scope="module")
def truth() -> PlayedTruth:
    return record_play(Crypt, registry.policy("crypt", "explore", 6, 1), 64, np.arange(6) + 1_000_000, 64)


class TurningDream:
    """Keeps its first frame and shows it again after a whole turn, if it was shown a past; else it shows grey."""

    def __init__(self, first: np.ndarray, remembers: bool) -> None:
        self.first, self.remembers, self.turns = first, remembers, 0

    def step(self, actions: np.ndarray) -> np.ndarray:
        assert (actions == ACTION).all()
        self.turns += 1
        return self.first if self.remembers and self.turns == TURNS else np.full_like(self.first, 60)


class TurningSubject(FakeSubject):
    game, actions = "crypt", Crypt.actions

    def __init__(self) -> None:
        super().__init__(history=4)
        self.begun: list[Any] = []

    def dream(self, frames: np.ndarray, actions: np.ndarray, seed: int) -> Any:
        self.begun.append((frames, actions))
        return TurningDream(frames[-1], len(frames) > 1)

    def encode(self, frames: np.ndarray) -> Any:
        return frames

    def decode(self, z: Any) -> np.ndarray:
        return z


def test_starts_are_those_from_which_the_game_itself_comes_back(truth: PlayedTruth) -> None:
    found = find_starts(truth, ACTION, TIMES, 5, 4)
    assert found.frames.shape == (4, 5, 64, 64, 3)
    assert found.actions.shape == (3, 5)
    assert found.tried >= 5
    real = {frame.tobytes() for frame in truth.frames(0, 65).reshape(-1, 64, 64, 3)}
    assert {frame.tobytes() for frame in found.frames[-1]} <= real
    assert (found.turned[1] != found.frames[-1]).mean() > 0.3


def test_what_comes_back_is_told_from_what_was_never_seen(truth: PlayedTruth) -> None:
    subject = TurningSubject()
    figures = turn_round(subject, truth, ACTION, TIMES, 5, seed=0)
    assert figures["turn_round_psnr_db"] == figures["turn_round_reconstruction_psnr_db"] == 60
    assert figures["turn_round_unrelated_psnr_db"] < 20
    assert figures["turn_round_forgotten_psnr_db"] < 20
    assert figures["turn_round_starts"] == 5
    (history, keys), (half, none) = subject.begun
    assert (len(history), len(keys), len(half), len(none)) == (4, 3, 1, 0)


def test_where_no_turn_comes_back_nothing_is_measured(truth: PlayedTruth) -> None:
    figures = turn_round(TurningSubject(), truth, ACTION, TIMES - 1, 5, seed=0)
    assert figures["turn_round_psnr_db"] is None
    assert figures["turn_round_starts"] == 0
    assert figures["turn_round_tried"] > 5
