"""The rules of the way home."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.crossing.rules import HOME, Crossing, drowns, lanes_of, run_over
from reverie.games.crossing.view import CODES, FAST, GRASS, KINDS, TAKEN, WATER, WAY

NOOP, UP, DOWN, LEFT, RIGHT = range(5)


def code(water: bool, fast: bool, way: int) -> int:
    """The first pattern of that kind of lane."""
    return next(i for i, lane in enumerate(KINDS) if lane and (lane.water, lane.fast, lane.way) == (water, fast, way))


def crossing(lane: int, offset: int = 0, player: tuple[int, int] = HOME) -> Crossing:
    """One crossing of five lanes alike, with the apple in the far corner."""
    game = Crossing(1)
    s = game.state
    s.lanes[0], s.offset[0], s.player[0], s.apple[0], s.grace[0] = lane, offset, player, (0, 8), 0
    return game


def press(game: Crossing, *keys: int) -> tuple[float, bool]:
    """Play those keys, one a tick; the reward and end of the last."""
    reward, ended = 0.0, False
    for key in keys:
        rewards, ends = game.step(np.array([key]))
        reward, ended = float(rewards[0]), bool(ends[0])
    return reward, ended


def at(game: Crossing) -> tuple[int, int]:
    x, y = game.state.player[0]
    return int(x), int(y)


def test_the_hedgehog_goes_where_it_is_sent_and_stops_at_the_rims():
    game = crossing(GRASS)
    press(game, UP, UP, LEFT)
    assert at(game) == (30, 52)
    press(game, *[LEFT] * 20, *[DOWN] * 9)
    assert at(game) == (0, 56)
    press(game, *[RIGHT] * 40, *[UP] * 40)
    assert at(game) == (56, 8)


@pytest.mark.parametrize(("fast", "way", "moved"), [(True, 1, [2, 4, 6, 8]), (False, -1, [62, 62, 60, 60])])
def test_lanes_move_every_tick_or_every_other(fast: bool, way: int, moved: list[int]):
    game = crossing(code(False, fast, way))
    seen = []
    for _ in range(4):
        press(game, NOOP)
        seen.append(int(game.state.offset[0, 0]))
    assert seen == moved


def test_what_leaves_at_one_side_comes_in_at_the_other():
    game = crossing(code(False, True, 1))
    before = game.render(64)
    press(game, *[NOOP] * 32)
    assert np.array_equal(game.render(64), before)


def test_a_car_costs_a_heart_and_the_hedgehog_is_home_again():
    game = crossing(code(False, False, 1), player=(16, 48))
    rewards = [press(game, NOOP)[0] for _ in range(12)]
    assert rewards.count(-1.0) == 1
    assert game.state.hearts[0] == 2
    assert at(game) == HOME


def test_beside_a_car_all_is_well():
    assert press(crossing(code(False, True, 1), player=(10, 48)), NOOP) == (0.0, False)


def test_water_costs_a_heart():
    game = crossing(code(True, False, 1), player=(26, 50))
    assert press(game, UP)[0] == -1.0
    assert at(game) == HOME


@pytest.mark.parametrize(("fast", "way"), [(True, 1), (True, -1), (False, 1), (False, -1)])
def test_a_log_carries_the_hedgehog_along(fast: bool, way: int):
    game = crossing(code(True, fast, way), offset=24, player=(32, 40))
    for _ in range(6):
        before = at(game)[0] - int(game.state.offset[0, 0])
        assert press(game, NOOP) == (0.0, False)
        assert at(game)[0] - int(game.state.offset[0, 0]) == before
    assert at(game)[0] == 32 + way * (12 if fast else 6)


def test_an_apple_is_worth_a_point_and_the_next_lies_on_the_other_bank():
    game = crossing(GRASS, player=(0, 12))
    assert press(game, UP) == (1.0, False)
    assert game.state.score[0] == 1
    assert game.state.apple[0, 1] == 56
    assert game.state.apple[0, 0] % 8 == 0


def test_with_the_last_heart_the_round_is_lost_and_starts_again_on_the_same_lanes():
    game = crossing(code(True, False, 1), player=(26, 50))
    game.state.hearts[0], game.state.score[0] = 1, 7
    lanes = game.state.lanes.copy()
    assert press(game, UP) == (-1.0, True)
    assert (game.state.hearts[0], game.state.score[0]) == (3, 0)
    assert np.array_equal(game.state.lanes, lanes)


def test_every_seed_has_roads_and_rivers_and_all_lanes_occur():
    lanes = lanes_of(np.arange(2000))
    assert (WATER[lanes].sum(axis=1) >= 2).all()
    assert ((lanes != GRASS) & ~WATER[lanes]).sum(axis=1).min() >= 2
    assert set(lanes.ravel().tolist()) == set(range(CODES))


def test_no_lane_looks_like_another_or_like_itself_before_its_round_is_over():
    seen = set()
    for i in range(1, CODES):
        for shift in range(8):
            seen.add((bool(WATER[i]), bool(FAST[i]), int(WAY[i]), np.roll(TAKEN[i], shift).tobytes()))
    assert len(seen) == (CODES - 1) * 8


def test_everything_stays_on_its_lattice_and_whoever_is_shown_is_safe():
    game = Crossing(64)
    game.reset(np.arange(64), vary=True)
    policy = registry.policy("crossing", "explore", 64, 2)
    for _ in range(200):
        game.step(policy.act(game))
        s = game.state
        assert (s.player % 2 == 0).all()
        assert ((s.player >= (0, 8)) & (s.player <= 56)).all()
        assert not drowns(s).any()
        assert not run_over(s).any()


def test_a_picture_always_shows_the_apple():
    """Nobody is sent home onto one, or begins on one: what is hidden cannot be read, nor learnt."""
    game = Crossing(128)
    game.reset(np.arange(128), vary=True)
    policy, reader = registry.policy("crossing", "random", 128, 3), registry.reader("crossing", 64)
    for _ in range(20):
        assert not reader.read(game.render(64)).missing.any()
        for _ in range(20):
            game.step(policy.act(game))
