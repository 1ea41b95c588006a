"""Many dreams as one vector environment: the same as single ones, side by side, in one run of each graph."""

from __future__ import annotations

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402

import reverie.agents as agents  # noqa: E402
from reverie.engine.bundle import Bundle  # noqa: E402
from tests.games.test_gym_vector import SEEDS, assert_alike  # noqa: E402


@pytest.mark.parametrize("mode", ["parallel", "ar"])
def test_a_vector_of_dreams_is_that_many_single_ones(bundle: Bundle, mode: str) -> None:
    made = {"num_envs": len(SEEDS), "bundle": bundle, "mode": mode, "max_episode_steps": 6}
    native = gymnasium.make_vec(agents.DREAM, vectorization_mode="vector_entry_point", **made)
    assert native.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    single = gymnasium.make_vec(agents.DREAM, vectorization_mode="sync", **made)
    assert isinstance(single, SyncVectorEnv)
    assert_alike(native, single, ticks=80, restarts=60)


def test_a_tick_runs_the_dynamics_once_for_all(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    env = gymnasium.make_vec(agents.DREAM, num_envs=4, bundle=bundle)
    env.reset(seed=1)
    run, batches = bundle.runtime.run, []

    def counted(graph: str, inputs: list[np.ndarray]) -> list[np.ndarray]:
        batches.extend([len(inputs[0])] * (graph == "dynamics"))
        return run(graph, inputs)

    monkeypatch.setattr(bundle.runtime, "run", counted)
    env.step(np.zeros(4, np.int64))
    assert batches == [4]


def test_the_registered_limit_of_time_holds_for_a_vector_too(bundle: Bundle) -> None:
    env = gymnasium.make_vec(agents.DREAM, num_envs=2, bundle=bundle)
    assert env.max_episode_steps == agents.LIMIT
    assert gymnasium.make_vec(agents.DREAM, num_envs=2, bundle=bundle, max_episode_steps=-1).max_episode_steps is None


def test_a_vector_of_dreams_tells_what_it_dreams(bundle: Bundle) -> None:
    env = gymnasium.make_vec(agents.DREAM, num_envs=2, bundle=bundle)
    assert env.metadata["game"] == "garden"
    assert env.metadata["bundle"] == "fake"
    assert env.get_action_meanings() == ["noop", "up", "down", "left", "right"]
    assert env.predicts_rewards
    frames, info = env.reset(seed=3, options={"start": 2})
    assert np.array_equal(frames, bundle.starts.frames[[2, 2], -1])
    assert info["start"].tolist() == [2, 2]
    with pytest.raises(ValueError, match="no start 9"):
        env.reset(options={"start": 9})


def test_many_dreams_of_a_bundles_second_game_begin_again_in_that_game(two_games: Bundle) -> None:
    made = {"num_envs": len(SEEDS), "bundle": two_games, "game": "duel", "max_episode_steps": 4}
    native = gymnasium.make_vec(agents.DREAM, **made)
    assert native.metadata["game"] == "duel"
    assert_alike(native, gymnasium.make_vec(agents.DREAM, vectorization_mode="sync", **made), ticks=30, restarts=12)
