"""From a picture to a game that goes on from it."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games.garden.handover import state_from_frames
from reverie.games.garden.rules import Garden
from reverie.games.real import ReadableGame
from tests.games.test_reader import played


def _frames(game: Garden, size: int, count: int = 4) -> np.ndarray:
    frames = [game.render(size)]
    for _ in range(count - 1):
        game.step(np.full(game.batch, 4))
        frames.append(game.render(size))
    return np.stack(frames, axis=1)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_the_real_game_goes_on_just_as_the_frames_would_have(size: int):
    game = played(16, 21)
    frames = _frames(game, size)
    alike = 0
    for n in range(16):
        state, truth = state_from_frames(frames[n]), game.state
        assert np.array_equal(state.tiles[0], truth.tiles[n])
        assert np.array_equal(state.player[0], truth.player[n])
        assert state.facing[0] == truth.facing[n]
        assert (state.hearts[0], state.score[0]) == (truth.hearts[n], truth.score[n])
        assert set(state.berries[0]) == set(truth.berries[n])
        ways = {(tuple(truth.creatures[n, i]), int(truth.heading[n, i])) for i in range(2)}
        alike += {(tuple(state.creatures[0, i]), int(state.heading[0, i])) for i in range(2)} == ways
    assert alike >= 15, "beetles go on the way they went"


def test_one_frame_is_enough_to_go_on_from():
    game = played(8, 30)
    for frame in game.render(64):
        world = ReadableGame("garden", 64)
        shown = world.restore_from(frame[None])
        assert np.array_equal(shown, frame)
        for action in (1, 2, 3, 4) * 10:
            world.step(action)


def test_the_same_frames_and_seed_give_the_same_game():
    frames = _frames(played(1, 12), 64)[0]
    one, two = ReadableGame("garden", 64), ReadableGame("garden", 64)
    one.restore_from(frames, seed=5)
    two.restore_from(frames, seed=5)
    for action in (4, 4, 2, 2, 0) * 12:
        assert np.array_equal(one.step(action).frame, two.step(action).frame)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((2, 64, 64, 3), np.uint8),
        np.full((1, 64, 64, 3), 255, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((0, 64, 64, 3), np.uint8),
        np.zeros((1, 96, 96, 3), np.uint8),
    ],
)
def test_frames_that_show_no_garden_are_refused_with_one_sentence(frames: np.ndarray):
    with pytest.raises(ValueError, match=r"\.$"):
        ReadableGame("garden", 64).restore_from(frames)
