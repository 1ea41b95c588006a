"""The garden as a Gymnasium environment."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import reverie.games.gym_adapter  # noqa: E402 - registers the environments
from reverie.games import registry  # noqa: E402


@pytest.mark.parametrize(("game", "size"), [("Garden", 128), *((name.capitalize(), 64) for name in registry.names())])
def test_gymnasiums_own_checker_is_content(game: str, size: int):
    env = gymnasium.make(f"reverie/{game}-v0", size=size, render_mode="rgb_array")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


def test_a_lost_round_terminates_and_a_seed_names_the_room():
    env = gymnasium.make("reverie/Garden-v0", render_mode="rgb_array")
    first, info = env.reset(seed=4)
    assert info["seed"] == 4
    rng, lost = np.random.default_rng(0), False
    for _ in range(5000):
        frame, _, lost, cut, _ = env.step(int(rng.integers(5)))
        assert not cut
        if lost:
            break
    assert lost
    assert np.array_equal(env.render(), frame)
    again, _ = env.reset(seed=4)
    assert np.array_equal(first, again)
    other, _ = env.reset()
    assert not np.array_equal(other, again)


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match="rgb_array"):
        reverie.games.gym_adapter.BuiltinEnv(render_mode="human")
