"""Who plays when nobody does."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.real import RealGame
from reverie.games.self_player import LOST, SelfPlayer
from reverie.games.world import Frame


@pytest.mark.parametrize("game", ["bricks", "runner"])
@pytest.mark.parametrize("waits", [True, False])
def test_a_built_in_game_is_played_by_its_pictures_alone(game: str, waits: bool) -> None:
    real, player = RealGame(game), SelfPlayer(game, len(registry.get(game).actions), waits=waits)
    frames: list[Frame] = [real.reset(3)]
    earned, actions = 0.0, set()
    for _ in range(120):
        action = player.act(frames)
        actions.add(action)
        step = real.step(action)
        frames = [*frames[-8:], step.frame]
        earned += step.reward
        if not waits:
            time.sleep(0.005)
    assert earned > 0
    assert len(actions) > 1


def test_who_does_not_wait_answers_before_the_pictures_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read = registry.state_from_frames

    def slowly(*given: object) -> object:
        time.sleep(0.3)
        return read(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(registry, "state_from_frames", slowly)
    player, frame = SelfPlayer("bricks", 4, waits=False), RealGame("bricks").reset(1)
    began = time.perf_counter()
    assert player.act([frame]) == 0  # nothing is known yet
    assert time.perf_counter() - began < 0.2


@pytest.mark.parametrize("waits", [True, False])
def test_pictures_of_no_game_are_met_with_no_key(waits: bool) -> None:
    player = SelfPlayer("garden", 5, waits=waits)
    grey = np.full((64, 64, 3), 99, np.uint8)
    actions = []
    for _ in range(LOST + 3):
        actions.append(player.act([grey]))
        time.sleep(0.02)
    assert set(actions) == {0}


def test_a_game_that_nobody_knows_is_played_with_held_random_keys() -> None:
    player = SelfPlayer("somebody/Elses-v0", 6, seed=1)
    actions = [player.act([np.zeros((64, 64, 3), np.uint8)]) for _ in range(200)]
    assert set(actions) == set(range(6))
    assert sum(a == b for a, b in pairwise(actions)) > 100, "keys are held"
