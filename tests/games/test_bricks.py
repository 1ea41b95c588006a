"""The rules of the stained glass."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.bricks.rules import LAUNCH, LEFT, RIGHT, Bricks

NOOP = 0


def glass(spark: tuple[int, int] = (20, 44), way: tuple[int, int] = (1, 1), steep: int = 0, mirror: int = 26) -> Bricks:
    """One window of a single row of panes on top, with a spark in flight."""
    game = Bricks(1)
    s = game.state
    s.panes[:], s.panes[0, 0] = 0, 1
    s.spark[0], s.held[0], s.mirror[0] = spark, 0, mirror
    s.across[0], s.down[0], s.steep[0], s.grace[0] = *way, steep, 0
    return game


def press(game: Bricks, *keys: int) -> tuple[float, bool]:
    """Play those keys, one a tick; the reward and end of the last."""
    reward, ended = 0.0, False
    for key in keys:
        rewards, ends = game.step(np.array([key]))
        reward, ended = float(rewards[0]), bool(ends[0])
    return reward, ended


def at(game: Bricks) -> tuple[int, int]:
    x, y = game.state.spark[0]
    return int(x), int(y)


def test_the_spark_rests_on_the_mirror_until_it_is_launched():
    game = Bricks(1)
    press(game, RIGHT, RIGHT, LEFT)
    assert at(game) == (game.state.mirror[0] + 4, 54)
    press(game, LAUNCH)
    assert at(game)[1] == 52
    assert game.state.held[0] == 0


def test_the_mirror_stops_at_both_walls():
    game = Bricks(1)
    press(game, *[LEFT] * 40)
    assert game.state.mirror[0] == 0
    press(game, *[RIGHT] * 60)
    assert game.state.mirror[0] == 64 - 12


def test_a_steep_spark_goes_sideways_every_other_tick():
    game = glass(steep=1)
    places = []
    for _ in range(4):
        press(game, NOOP)
        places.append(at(game))
    assert places == [(22, 46), (22, 48), (24, 50), (24, 52)]


def test_the_spark_turns_at_walls_and_ceiling():
    game = glass(spark=(60, 30))
    press(game, NOOP, NOOP)
    assert at(game) == (58, 34)
    game = glass(spark=(20, 8), way=(1, -1))
    game.state.panes[0, 0] = 0
    game.state.panes[0, 5, 7] = 1
    press(game, NOOP, NOOP)
    assert at(game) == (24, 10)


@pytest.mark.parametrize(
    ("mirror", "across", "steep"),
    [(16, 1, 0), (20, 1, 1), (22, 1, 1), (24, -1, 1), (28, -1, 0)],
)
def test_where_the_mirror_is_met_decides_the_way(mirror: int, across: int, steep: int):
    game = glass(spark=(22, 52), mirror=mirror)
    press(game, NOOP, NOOP)
    assert game.state.down[0] == -1
    assert (game.state.across[0], game.state.steep[0]) == (across, steep)


def test_a_pane_is_worth_a_point_and_turns_the_spark():
    game = glass(spark=(18, 20), way=(1, -1))
    reward, _ = press(game, NOOP)
    assert reward == 1.0
    assert game.state.score[0] == 1
    assert game.state.panes[0, 0].tolist() == [1, 1, 0, 1, 1, 1, 1, 1]
    assert game.state.down[0] == 1


def test_two_panes_at_once_are_worth_two():
    game = glass(spark=(12, 20), way=(1, -1))
    assert press(game, NOOP)[0] == 2.0


def test_a_lost_spark_costs_a_heart_and_rests_on_the_mirror_again():
    game = glass(spark=(50, 52), mirror=0)
    rewards = [press(game, NOOP)[0] for _ in range(3)]
    assert rewards == [0.0, 0.0, -1.0]
    assert game.state.hearts[0] == 2
    assert game.state.held[0] == 1
    assert at(game) == (4, 54)
    assert game.state.panes[0].sum() == 8, "the window stays as it is"


def test_with_the_last_heart_the_window_is_whole_again():
    game = glass(spark=(50, 56), mirror=0)
    game.state.hearts[0], game.state.score[0] = 1, 40
    reward, ended = press(game, NOOP)
    assert (reward, ended) == (-1.0, True)
    assert (game.state.hearts[0], game.state.score[0]) == (3, 0)
    fresh = Bricks(1)
    assert np.array_equal(game.state.panes, fresh.state.panes)


def test_a_broken_window_gives_way_to_a_new_one():
    game = glass(spark=(18, 20), way=(1, -1))
    game.state.panes[0, 0] = 0
    game.state.panes[0, 0, 2] = 1
    assert press(game, NOOP)[0] == 1.0
    assert game.state.panes[0].sum() >= 8
    assert game.state.held[0] == 1


def test_everything_stays_on_its_lattice_and_in_the_picture():
    game = Bricks(64)
    game.reset(np.arange(64), vary=True)
    policy = registry.policy("bricks", "explore", 64, 2)
    for _ in range(400):
        game.step(policy.act(game))
        s = game.state
        assert (s.spark % 2 == 0).all()
        assert (s.spark >= (0, 8)).all()
        assert (s.spark <= (60, 56)).all()
        assert s.panes.any(axis=(1, 2)).all()
        held = s.held == 1
        assert (s.spark[held, 0] == s.mirror[held] + 4).all()
