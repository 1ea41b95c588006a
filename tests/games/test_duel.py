"""The rules of the comet duel."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.duel.rules import DOWN, UP, Duel
from reverie.games.duel.view import FARTHEST, NEAREST

NOOP = 0


def duel(comet: tuple[int, int] = (30, 34), across: int = -1, climb: int = 0, mine: int = 30, theirs: int = 30) -> Duel:
    """One duel with a comet on its way."""
    game = Duel(1)
    s = game.state
    s.comet[0], s.across[0], s.climb[0], s.mine[0], s.theirs[0] = comet, across, climb, mine, theirs
    s.grace[0] = 0
    return game


def press(game: Duel, *keys: int) -> tuple[float, bool]:
    """Play those keys, one a tick; the reward and end of the last."""
    reward, ended = 0.0, False
    for key in keys:
        rewards, ends = game.step(np.array([key]))
        reward, ended = float(rewards[0]), bool(ends[0])
    return reward, ended


def at(game: Duel) -> tuple[int, int]:
    x, y = game.state.comet[0]
    return int(x), int(y)


def test_the_station_goes_up_and_down_and_stops_at_the_rims():
    game = duel()
    press(game, UP, UP, DOWN)
    assert game.state.mine[0] == 28
    press(game, *[UP] * 20)
    assert game.state.mine[0] == 8
    game = duel()
    press(game, *[DOWN] * 20)
    assert game.state.mine[0] == 52


@pytest.mark.parametrize(("climb", "rows"), [(0, [34, 34, 34, 34]), (2, [36, 38, 40, 42]), (-1, [34, 32, 32, 30])])
def test_a_comet_climbs_steeply_slowly_or_not_at_all(climb: int, rows: list[int]):
    game = duel(climb=climb)
    seen = []
    for _ in range(4):
        press(game, NOOP)
        seen.append(at(game)[1])
    assert seen == rows


def test_a_comet_turns_at_the_rims():
    game = duel(comet=(30, 8), climb=-2)
    press(game, NOOP, NOOP)
    assert at(game) == (26, 10)


@pytest.mark.parametrize(("mine", "climb"), [(30, 0), (28, 1), (32, -1), (26, 2), (24, 2), (36, -2)])
def test_where_the_station_is_met_decides_the_way(mine: int, climb: int):
    game = duel(comet=(NEAREST, 34), mine=mine)
    assert press(game, NOOP) == (0.0, False)
    assert (game.state.across[0], game.state.climb[0]) == (1, climb)
    assert at(game) == (NEAREST, 34)


def test_a_comet_that_passes_costs_a_heart_and_another_comes_from_the_middle():
    game = duel(comet=(NEAREST, 34), mine=8)
    assert press(game, NOOP) == (-1.0, False)
    assert game.state.hearts[0] == 2
    assert at(game)[0] == 30
    assert game.state.across[0] == -1


def test_a_comet_that_passes_the_other_is_a_point():
    game = duel(comet=(FARTHEST, 34), across=1, theirs=8)
    assert press(game, NOOP) == (1.0, False)
    assert game.state.score[0] == 1
    assert game.state.hearts[0] == 3
    assert at(game)[0] == 30


def test_with_the_last_heart_the_duel_is_lost_and_starts_again():
    game = duel(comet=(NEAREST, 34), mine=8)
    game.state.hearts[0], game.state.score[0] = 1, 12
    assert press(game, NOOP) == (-1.0, True)
    assert (game.state.hearts[0], game.state.score[0]) == (3, 0)


def test_the_other_follows_a_comet_that_comes_and_goes_back_to_the_middle():
    game = duel(comet=(30, 52), across=1, theirs=30)
    press(game, *[NOOP] * 11)
    assert game.state.theirs[0] > 34
    game = duel(comet=(30, 52), across=-1, theirs=52)
    press(game, *[NOOP] * 10)
    assert game.state.theirs[0] < 50


def test_everything_stays_on_its_lattice_and_in_the_picture():
    game = Duel(64)
    game.reset(np.arange(64), vary=True)
    policy = registry.policy("duel", "explore", 64, 2)
    for _ in range(300):
        game.step(policy.act(game))
        s = game.state
        assert (s.comet % 2 == 0).all()
        assert (s.comet >= (NEAREST, 8)).all()
        assert (s.comet <= (FARTHEST, 60)).all()
        assert ((s.mine >= 8) & (s.mine <= 52) & (s.theirs >= 8) & (s.theirs <= 52)).all()
