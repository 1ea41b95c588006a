"""After a lost heart there is a moment of grace, in the rules and in the picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.evaluation.subjects.readers import reader_of
from reverie.games import registry
from reverie.games.base import Ints
from reverie.games.kit.state import GRACE
from reverie.games.real import ReadableGame

NAMES = [name for name in registry.names() if registry.get(name).RULES >= 2]
HELD_OUT = 1_000_000
pytestmark = pytest.mark.parametrize("name", NAMES)


def _lost(game: Any, keys: Ints) -> NDArray[np.bool_]:
    """(B,): who loses a heart under these keys (B,); a point won in the same tick would hide it in the reward."""
    before = game.state.hearts.copy()
    _, ended = game.step(keys)
    return np.asarray((game.state.hearts < before) | ended)


def _gaps(lost: NDArray[np.bool_]) -> list[int]:
    """Ticks from one lost heart to the next, of all trajectories."""
    return [b - a for row in lost.T for a, b in pairwise(np.flatnonzero(row).tolist())]


@pytest.mark.parametrize("vary", [False, True])
def test_no_two_hearts_are_lost_within_the_grace_whatever_keys_are_pressed(name: str, vary: bool) -> None:
    """Keys held for ever, for long and for short, from many beginnings."""
    batch, ticks, actions = 240, 500, len(registry.get(name).actions)
    rng = np.random.default_rng(1)
    for hold in (1, 4, 16, ticks):
        keys = rng.integers(0, actions, (-(-ticks // hold), batch)).repeat(hold, axis=0)[:ticks]
        game = registry.get(name)(batch)
        game.reset(np.arange(batch), vary=vary)
        lost = np.stack([_lost(game, row) for row in keys])
        assert lost.any()
        assert min(_gaps(lost), default=ticks) > GRACE
        if not vary:
            assert not lost[:GRACE].any(), "a round begins with grace"


def test_a_player_that_seeks_what_costs_a_heart_loses_no_two_within_the_grace(name: str) -> None:
    """Each tick every key is tried for some ticks ahead; the one is pressed that costs the most hearts soonest."""
    batch, actions = 24, len(registry.get(name).actions)
    game, ahead = registry.get(name)(batch), registry.get(name)(batch)
    game.reset(np.arange(batch), vary=True)
    lost = []
    for _ in range(160):
        cost = np.zeros((actions, batch))
        for action in range(actions):
            ahead.restore(game.snapshot())
            for tick in range(8):
                cost[action] += _lost(ahead, np.full(batch, action)) * (9 - tick)
        cost += np.random.default_rng(len(lost)).random(cost.shape) / 10
        lost.append(_lost(game, cost.argmax(axis=0)))
    gaps = _gaps(np.stack(lost))
    assert gaps
    assert min(gaps) > GRACE


def test_what_costs_a_heart_at_other_times_has_the_same_consequences_in_the_grace(name: str) -> None:
    """Below the strip, and left of the column that comes into sight in the runner, the pictures go on alike."""
    batch, spared = 256, 0
    game: Any = registry.get(name)(batch)
    game.reset(np.arange(batch), vary=True)
    policy = registry.policy(name, "explore", batch, 7)
    for _ in range(60):
        keys = policy.act(game)
        game.state.hearts[:], game.state.grace[:] = 3, GRACE
        snapshot = game.snapshot()
        game.step(keys)
        graced = game.render(64)[:, 8:, :56]
        assert (game.state.hearts == 3).all()
        game.restore(snapshot)
        game.state.grace[:] = 0
        spared += int(_lost(game, keys).sum())
        assert np.array_equal(game.render(64)[:, 8:, :56], graced)
    assert spared > 5


def test_by_the_first_rules_there_is_no_grace_and_no_bar(name: str) -> None:
    batch = 64
    game: Any = registry.get(name)(batch, rules=1)
    game.reset(np.arange(batch))
    policy = registry.policy(name, "explore", batch, 3)
    blank, lost = game.render(64)[0, :8, 24:40], 0
    for _ in range(400):
        lost += int(_lost(game, policy.act(game)).sum())
        assert not game.state.grace.any()
        assert (game.render(64)[:, :8, 24:40] == blank).all()
    assert lost > 20


def test_the_bar_counts_the_ticks_in_which_no_heart_is_lost(name: str) -> None:
    batch = 64
    game: Any = registry.get(name)(batch)
    game.reset(HELD_OUT + np.arange(batch))
    assert (game.state.grace == GRACE).all()
    policy, hearts = registry.policy(name, "explore", batch, 2), 0
    for _ in range(200):
        before = game.state.grace.copy()
        lost = _lost(game, policy.act(game))
        assert not (lost & (before > 0)).any()
        assert (game.state.grace == np.where(lost, GRACE, np.maximum(before - 1, 0))).all()
        hearts += int(lost.sum())
    assert hearts > 5


@pytest.mark.parametrize("size", [64, 128])
def test_the_bar_is_read_exactly_and_adds_eight_kinds_of_tiles(name: str, size: int) -> None:
    batch, reader = 2 * GRACE + 2, reader_of(name, size)
    game: Any = registry.get(name)(batch)
    game.reset(HELD_OUT + np.arange(batch), vary=True)
    policy = registry.policy(name, "explore", batch, 2)
    for _ in range(30):
        game.step(policy.act(game))
    game.state.grace = np.arange(batch) % (GRACE + 1)
    frames, p = game.render(size), size // 8
    assert reader.exact(frames, game).all()
    assert reader.read(frames, reader.rooms(game)).valid.all()
    assert len({cell.tobytes() for row in frames for cell in (row[:p, 3 * p : 4 * p], row[:p, 4 * p : 5 * p])}) == 9
    game.state.grace = (game.state.grace + 1) % (GRACE + 1)
    assert not reader.exact(frames, game).any()


def test_the_real_game_goes_on_with_the_grace_that_the_picture_shows(name: str) -> None:
    game: Any = registry.get(name)(16)
    game.reset(np.arange(16))
    for _ in range(5):
        game.step(np.zeros(16, np.int64))
    for frame in game.render(64):
        for rules in (1, 2):
            world = ReadableGame(name, 64, rules)
            assert np.array_equal(world.restore_from(frame[None]), frame)
            state: Any = world.snapshot()
            assert state.grace[0] == GRACE - 5
            for _ in range(GRACE - 5):
                world.step(0)
            state = world.snapshot()
            assert state.grace[0] == 0
