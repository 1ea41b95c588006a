"""Many real rounds as one vector environment: the same as single ones, side by side."""

from __future__ import annotations

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv  # noqa: E402

import reverie.games.gym_adapter  # noqa: E402, F401 - registers the environments

SEEDS = [3, 4, 5]


def assert_alike(native: VectorEnv, single: VectorEnv, ticks: int, restarts: int) -> None:
    """Both vector environments play the same from the same seeds, `restarts` or more new rounds included."""
    frames, told = native.reset(seed=SEEDS[0])
    other, other_told = single.reset(seed=SEEDS[0])
    assert np.array_equal(frames, other)
    rng, begun = np.random.default_rng(0), 0
    for _ in range(ticks):
        assert told.keys() == other_told.keys()
        assert all(np.array_equal(told[key], other_told[key]) for key in told)
        actions = rng.integers(len(native.actions), size=len(SEEDS))
        frames, *brought, told = native.step(actions)
        other, *other_brought, other_told = single.step(actions)
        assert np.array_equal(frames, other)
        assert all(np.array_equal(a, b) for a, b in zip(brought, other_brought, strict=True))
        begun += int(told.get("_seed", np.zeros(1)).sum())
    assert begun >= restarts


def test_a_vector_of_rounds_is_that_many_single_ones():
    made = {"num_envs": len(SEEDS), "game": "garden", "max_episode_steps": 150}
    native = gymnasium.make_vec("reverie/Garden-v0", **made)
    assert not isinstance(native, SyncVectorEnv)
    assert native.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert native.single_observation_space.shape == (64, 64, 3)
    assert native.get_action_meanings() == ["noop", "up", "down", "left", "right"]
    single = gymnasium.make_vec("reverie/Garden-v0", vectorization_mode="sync", **made)
    assert_alike(native, single, ticks=400, restarts=len(SEEDS) * 2 + 1)


def test_a_new_beginning_takes_a_tick_that_brings_nothing():
    env = gymnasium.make_vec("reverie/Garden-v0", num_envs=2, max_episode_steps=3, render_mode="rgb_array")
    env.reset(seed=[7, 8])
    for _ in range(3):
        frames, _, ended, cut, _ = env.step(np.array([1, 1]))
    assert cut.all()
    assert not ended.any()
    begun, rewards, ended, cut, info = env.step(np.array([1, 1]))
    assert not np.array_equal(begun, frames)
    assert np.array_equal(np.stack(env.render()), begun)
    assert [x.any() for x in (rewards, ended, cut)] == [False] * 3
    assert info["_seed"].all()
    again, _ = env.reset(seed=info["seed"].tolist())
    assert np.array_equal(again, begun)


def test_mistakes_are_sentences():
    with pytest.raises(ValueError, match="at least one"):
        gymnasium.make_vec("reverie/Duel-v0", num_envs=0)
    env = gymnasium.make_vec("reverie/Duel-v0", num_envs=2)
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="as many seeds, not 3"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(ValueError, match="no option 'start'; there are none"):
        env.reset(options={"start": 1})
    env.reset()
    with pytest.raises(ValueError, match="as many actions"):
        env.step(np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="rgb_array"):
        gymnasium.make_vec("reverie/Duel-v0", render_mode="human")
