"""The built-in games by name, their policies, and the game as a World."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.base import ACTIONS
from reverie.games.errors import UnknownGame, UnknownPolicy
from reverie.games.garden.rules import Garden
from reverie.games.real import RealGame
from reverie.games.world import World


def test_the_garden_is_found_by_its_name():
    assert registry.names()[0] == "garden"
    assert registry.get("garden") is Garden
    assert Garden.actions == ("noop", "up", "down", "left", "right")


@pytest.mark.parametrize("name", registry.names())
def test_every_game_takes_its_actions_from_the_one_vocabulary_in_its_order(name: str):
    actions = registry.get(name).actions
    assert actions[0] == "noop"
    assert actions == tuple(action for action in ACTIONS if action in actions)


def test_an_unknown_game_gets_one_sentence_that_lists_what_there_is():
    with pytest.raises(UnknownGame, match=r"'pong'; there is garden, .*\.$"):
        registry.get("pong")
    with pytest.raises(UnknownGame):
        RealGame("pong")
    with pytest.raises(UnknownPolicy, match=r"random and explore\.$"):
        registry.policy("garden", "clever", 1)


def test_the_exploring_policy_meets_every_kind_of_event_often():
    batch, ticks = 64, 700
    game = Garden(batch)
    game.reset(np.arange(batch), vary=True)
    policy = registry.policy("garden", "explore", batch, seed=1)
    rewards, ends, keys, faces, digits = [], 0, [], set(), set()
    for _ in range(ticks):
        actions = policy.act(game)
        reward, ended = game.step(actions)
        rewards.append(reward)
        keys.append(actions)
        ends += int(ended.sum())
        faces |= set(game.state.facing.tolist())
        digits |= {(place, digit) for score in game.state.score.tolist() for place, digit in enumerate(f"{score:02}")}
    frames = batch * ticks
    reward = np.concatenate(rewards)
    assert frames / (reward > 0).sum() < 110, "ticks to a berry"
    assert frames / (reward < 0).sum() < 260, "ticks to a hit"
    assert ends > 20
    assert faces == {0, 1, 2, 3}
    assert len(digits) == 20
    share = np.bincount(np.concatenate(keys), minlength=5) / frames
    assert 0.10 < share[0] < 0.25
    assert share[1:].min() > 0.1


def test_policies_repeat_themselves_from_the_same_seed():
    for kind in registry.POLICIES:
        played = []
        for _ in range(2):
            game = Garden(4)
            game.reset(np.arange(4))
            policy = registry.policy("garden", kind, 4, seed=9)
            keys = []
            for _ in range(50):
                keys.append(policy.act(game))
                game.step(keys[-1])
            played.append(np.stack(keys))
        assert np.array_equal(played[0], played[1])


def test_the_random_policy_holds_its_keys():
    policy = registry.policy("garden", "random", 32, seed=0)
    game = Garden(32)
    keys = np.stack([policy.act(game) for _ in range(200)])
    assert 0.6 < (keys[1:] == keys[:-1]).mean() < 0.95
    assert set(keys.reshape(-1).tolist()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("size", [64, 128, 256])
def test_a_real_game_is_a_world(size: int):
    world = RealGame("garden", size)
    assert isinstance(world, World)
    first = world.reset(3)
    assert first.shape == (size, size, 3)
    snapshot = world.snapshot()
    steps = [world.step(4) for _ in range(10)]
    assert np.array_equal(world.restore(snapshot), first)
    again = [world.step(4) for _ in range(10)]
    assert all(np.array_equal(a.frame, b.frame) and a[1:] == b[1:] for a, b in zip(steps, again, strict=True))
    with pytest.raises(ValueError, match="from 0 to 4"):
        world.step(5)
