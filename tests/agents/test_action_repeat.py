"""What an agent sees and does at one decision."""

from __future__ import annotations

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

import reverie.agents as agents  # noqa: E402, F401 - registers the environments
from reverie.agents.action_repeat import ActionRepeat  # noqa: E402
from reverie.engine.agent import small  # noqa: E402
from reverie.games import registry  # noqa: E402

SEEDS = [3, 4]


def garden(repeat: int, **made: int) -> ActionRepeat:
    return ActionRepeat(gymnasium.make_vec("reverie/Garden-v0", num_envs=len(SEEDS), **made), repeat)


def test_a_key_is_held_and_all_that_it_earned_is_counted() -> None:
    env, game = garden(repeat=4), registry.get("garden")(2)
    game.reset(np.array(SEEDS))
    observations = env.reset(SEEDS)
    assert observations.shape == (2, 6, 32, 32)
    rng = np.random.default_rng(0)
    for _ in range(60):
        before = observations
        actions = rng.integers(5, size=2)
        observations, rewards, over = env.step(actions)
        assert not over.any()
        assert rewards.tolist() == sum(game.step(actions)[0] for _ in range(4)).tolist()
        assert np.array_equal(observations[:, :3], small(game.render(64)))
        assert np.array_equal(observations[:, 3:], before[:, :3])


def test_a_new_round_does_not_remember_the_one_before() -> None:
    env = garden(repeat=4, max_episode_steps=6)
    env.reset(SEEDS)
    assert not env.step(np.ones(2, np.int64))[2].any()
    observations, _, over = env.step(np.ones(2, np.int64))
    assert over.all()
    assert np.array_equal(observations[:, :3], observations[:, 3:])


def test_what_a_new_round_brings_within_one_repeat_is_not_counted() -> None:
    class Pays(gymnasium.vector.VectorEnv):
        """Pays 1 a tick, 100 in the second round, which the third tick begins; and never again."""

        num_envs, ticks = 2, 0
        single_action_space = gymnasium.spaces.Discrete(2)
        single_observation_space = gymnasium.spaces.Box(0, 255, (32, 32, 3), np.uint8)

        def step(self, actions):
            self.ticks += 1
            rewards, ended = np.full(2, 1.0), np.array([self.ticks == 2, False])
            rewards[0] = 100.0 if self.ticks > 2 else 1.0
            return np.zeros((2, 32, 32, 3), np.uint8), rewards, ended, np.zeros(2, bool), {}

    _, rewards, over = ActionRepeat(Pays(), 4).step(np.zeros(2, np.int64))
    assert rewards.tolist() == [2, 4]
    assert over.tolist() == [True, False]


def test_a_small_picture_has_the_mean_of_the_large_ones_pixels() -> None:
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[0, 2, 5, 1] = 200
    observations = small(frames)
    assert observations[0, 1, 1, 2] == 50
    assert observations.sum() == 50


def test_pictures_that_cannot_be_made_small_are_refused() -> None:
    env = gymnasium.make_vec("reverie/Garden-v0", num_envs=1)
    env.single_observation_space = gymnasium.spaces.Box(0, 255, (40, 40, 3), np.uint8)
    with pytest.raises(ValueError, match="multiple of 32 pixels"):
        ActionRepeat(env, 4)
