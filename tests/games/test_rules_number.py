"""Every rule change has a number: what was trained by older rules plays on by them, picture for picture."""

from __future__ import annotations

import hashlib
from typing import Any

import gymnasium
import numpy as np
import pytest

from reverie.games import registry
from reverie.games.base import Ints
from reverie.games.real import RealGame
from reverie.games.rng import bits
from reverie.games.worlds import named, open_world

FIRST_RULES = {
    "garden": "4fb727d6524bc663f57ae51963e2a31f7f0fdedff6f603a7bea59ee5886f4335",
    "bricks": "08e4ca347135f81949e4ae0589e6f3d02802605b425c701283226446d858cc06",
    "duel": "e18882af420965a9f2738d4d32ae551714ad6a8bd88fd55fac4b1ae98c54f188",
    "crossing": "249bca2aba30aa5162710bfbba9aad0c2e989f41d3e903c02047d2ee6dfb0128",
    "runner": "a3f97a30fe42a7efdb38defdc7dc98dd5804ebd628687979ce84f2517307c320",
    "crypt": "1afd816b9af5085d00cbdb5dd6390b6c285fb06f098f638933407c4a9616c359",
}
"""SHA-256 of `_digest` before there were other rules."""


def _held_keys(batch: int, tick: int, actions: int) -> Ints:
    """Random keys (B,), each held for five ticks."""
    return (bits(np.arange(batch), tick // 5) % np.uint64(actions)).astype(np.int64)


def _digest(game: Any) -> str:
    """Of 300 ticks of 8 trajectories: pictures of both sizes, rewards and ends.

    Of the crypt's pictures only the strip counts: how a first-person view is rounded differs between processors.
    """
    sha = hashlib.sha256()
    game.reset(np.arange(8), vary=True)
    for tick in range(300):
        reward, ended = game.step(_held_keys(8, tick, len(game.actions)))
        frames = game.render(128 if tick % 10 == 0 else 64)
        if game.name == "crypt":
            frames = frames[:, : frames.shape[1] // 8]
        for part in (frames, reward, ended):
            sha.update(np.ascontiguousarray(part).tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("name", registry.names())
def test_the_first_rules_still_give_the_same_pictures_byte_for_byte(name: str) -> None:
    assert _digest(registry.get(name)(8, rules=1)) == FIRST_RULES[name]


@pytest.mark.parametrize("name", registry.names())
def test_a_game_is_played_by_its_newest_rules_where_nothing_else_is_said(name: str) -> None:
    newest = registry.get(name).RULES
    assert registry.get(name)(1).rules == newest
    assert RealGame(name).game.rules == newest
    assert RealGame(name, rules=1).game.rules == 1
    world = open_world(named(name), rules=1)
    assert isinstance(world, RealGame)
    assert world.game.rules == 1
    env: Any = gymnasium.make(f"reverie.games.gym_adapter:reverie/{name.capitalize()}-v0", rules=1).unwrapped
    assert env._world.game.rules == 1


@pytest.mark.parametrize("name", registry.names())
def test_rules_that_there_are_not_are_refused_with_one_sentence(name: str) -> None:
    for rules in (0, registry.get(name).RULES + 1):
        with pytest.raises(ValueError, match=rf"{name} is played by rules 1.*, not by rules {rules}\.$"):
            registry.get(name)(1, rules)
