"""What an agent sees and does at one decision."""

from __future__ import annotations

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

import reverie.agents as agents  # noqa: E402, F401 - registers the environments
from reverie.agents.held import HeldKeys, small  # noqa: E402
from reverie.games import registry  # noqa: E402

SEEDS = [3, 4]


def garden(hold: int, **made: int) -> HeldKeys:
    return HeldKeys(gymnasium.make_vec("reverie/Garden-v0", num_envs=len(SEEDS), **made), hold)


def test_a_key_is_held_and_all_that_it_earned_is_counted() -> None:
    env, game = garden(hold=4), registry.get("garden")(2)
    game.reset(np.array(SEEDS))
    looks = env.reset(SEEDS)
    assert looks.shape == (2, 6, 32, 32)
    rng = np.random.default_rng(0)
    for _ in range(60):
        before = looks
        actions = rng.integers(5, size=2)
        looks, rewards, over = env.step(actions)
        assert not over.any()
        assert rewards.tolist() == sum(game.step(actions)[0] for _ in range(4)).tolist()
        assert np.array_equal(looks[:, :3], small(game.render(64)))
        assert np.array_equal(looks[:, 3:], before[:, :3])


def test_a_new_round_does_not_remember_the_one_before() -> None:
    env = garden(hold=4, max_episode_steps=6)
    env.reset(SEEDS)
    assert not env.step(np.ones(2, np.int64))[2].any()
    looks, _, over = env.step(np.ones(2, np.int64))
    assert over.all()
    assert np.array_equal(looks[:, :3], looks[:, 3:])


def test_a_small_picture_has_the_mean_of_the_large_ones_pixels() -> None:
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[0, 2, 5, 1] = 200
    looks = small(frames)
    assert looks[0, 1, 1, 2] == 50
    assert looks.sum() == 50


def test_pictures_that_cannot_be_made_small_are_refused() -> None:
    env = gymnasium.make_vec("reverie/Garden-v0", num_envs=1)
    env.single_observation_space = gymnasium.spaces.Box(0, 255, (40, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="multiple of 32 pixels"):
        HeldKeys(env, 4)
