"""The rules of the rooftop runner."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.runner.rules import Runner, next_column
from reverie.games.runner.view import CHIMNEY, GAP, HEIGHTS, HIGH_MOTH, LOW_MOTH, OWL, ROOF, ahead, caught, struck

NOOP, DUCK, JUMP = range(3)


def roof(**at: int) -> Runner:
    """One run on a free roof with things at those columns: `chimney=4`; column 4 is 14 px ahead of the runner."""
    game = Runner(1)
    kinds = {"chimney": CHIMNEY, "gap": GAP, "owl": OWL, "low": LOW_MOTH, "high": HIGH_MOTH}
    game.state.columns[:], game.state.grace[:] = ROOF, 0
    for name, column in at.items():
        game.state.columns[0, column] = kinds[name]
    return game


def press(game: Runner, *keys: int) -> tuple[float, bool]:
    """Play those keys, one a tick; the reward and end of the last."""
    reward, ended = 0.0, False
    for key in keys:
        rewards, ends = game.step(np.array([key]))
        reward, ended = float(rewards[0]), bool(ends[0])
    return reward, ended


def total(game: Runner, *keys: int) -> float:
    """The rewards of all those keys together."""
    return sum(press(game, key)[0] for key in keys)


def test_the_roof_comes_by_two_pixels_a_tick():
    game = roof(chimney=7)
    far = [int(ahead(game.state)[0, 7])]
    for _ in range(3):
        press(game, NOOP)
        far.append(int(ahead(game.state)[0, 7]))
    assert np.diff(far).tolist() == [-2, -2, -2]
    press(game, NOOP)
    assert game.state.phase[0] == 2
    assert game.state.columns[0, 6] == CHIMNEY


def test_a_jump_goes_up_and_down_and_ends_on_the_roof():
    game = roof()
    heights = []
    for key in [JUMP] + [NOOP] * 15:
        press(game, key)
        heights.append(int(HEIGHTS[game.state.air[0]]))
    assert heights[:14] == HEIGHTS[1:].tolist()
    assert heights[14:] == [0, 0]


def test_the_crouch_key_breaks_a_jump_off():
    game = roof()
    press(game, JUMP, NOOP, DUCK)
    assert HEIGHTS[game.state.air[0]] == 4, "down again from the height of two ticks"
    press(game, NOOP)
    assert game.state.air[0] == 0


def test_the_runner_crouches_as_long_as_the_key_is_held():
    game = roof()
    press(game, DUCK, DUCK)
    assert game.state.low[0] == 1
    press(game, NOOP)
    assert game.state.low[0] == 0


@pytest.mark.parametrize("what", ["chimney", "gap", "owl"])
def test_an_obstacle_costs_a_heart_and_the_roof_ahead_is_free_then(what: str):
    game = roof(**{what: 4})
    rewards = [press(game, NOOP)[0] for _ in range(12)]
    assert rewards.count(-1.0) == 1
    assert game.state.hearts[0] == 2
    game = roof(**{what: 4})
    while press(game, NOOP)[0] == 0:
        pass
    assert (game.state.columns == ROOF).all()


@pytest.mark.parametrize("what", ["chimney", "gap"])
def test_a_jump_in_time_clears_chimneys_and_gaps(what: str):
    assert total(roof(**{what: 4}), JUMP, *[NOOP] * 15) == 0


def test_a_jump_clears_a_gap_of_two_columns():
    game = roof(gap=4)
    game.state.columns[0, 5] = GAP
    assert total(game, NOOP, NOOP, NOOP, JUMP, *[NOOP] * 15) == 0


def test_who_crouches_passes_under_an_owl_and_who_jumps_runs_into_it():
    assert total(roof(owl=4), *[DUCK] * 14) == 0
    assert total(roof(owl=3), JUMP, *[NOOP] * 10) == -1


def test_moths_are_caught_at_their_height():
    assert total(roof(low=4), *[NOOP] * 12) == 1
    assert total(roof(high=4), *[NOOP] * 12) == 0
    assert total(roof(high=4), JUMP, *[NOOP] * 12) == 1


def test_with_the_last_heart_the_run_is_lost_and_starts_again():
    game = roof(chimney=3)
    game.state.hearts[0], game.state.score[0] = 1, 30
    ends = [press(game, NOOP)[1] for _ in range(8)]
    assert sum(ends) == 1
    assert (game.state.hearts[0], game.state.score[0]) == (3, 0)


def test_every_run_can_be_survived():
    """There are always five columns from one obstacle to the next, and no gap is wider than two."""
    luck = np.random.default_rng(0).random((4000, 16, 3))
    columns = np.zeros((16, 9), np.int64)
    track = []
    for row in luck:
        columns = np.concatenate([columns[:, 1:], next_column(columns, row, np.zeros(16, np.bool_))[:, None]], axis=1)
        track.append(columns[:, -1])
    roofs = np.stack(track, axis=1)
    assert set(roofs.ravel().tolist()) == set(range(6))
    for line in roofs:
        at = [i for i, kind in enumerate(line) if kind in (CHIMNEY, GAP, OWL)]
        apart = [b - a for a, b in itertools.pairwise(at) if not (b == a + 1 and line[a] == line[b] == GAP)]
        assert min(apart) >= 5
        assert not any((line[i : i + 3] == GAP).all() for i in at if i + 3 <= len(line))


def test_the_first_obstacle_of_a_round_is_at_least_twelve_columns_away():
    """That is: no obstacle is in sight at first, and the bar of the grace says that none comes into sight."""
    game = Runner(256)
    game.reset(np.arange(256))
    came = []
    for _ in range(60):
        dangers = np.isin(game.state.columns, (CHIMNEY, GAP, OWL))
        came.append(np.where(dangers.any(axis=1), dangers.argmax(axis=1), 99))
        game.step(np.zeros(256, np.int64))
    seen = np.stack(came)  # (T, B)
    assert (seen[:16] == 99).all()
    first = (seen < 99).argmax(axis=0)
    assert (first < 60).any()
    columns = seen[first, np.arange(256)] + first // 4
    assert columns[seen[first, np.arange(256)] < 99].min() >= 12


def test_whoever_is_shown_touches_nothing():
    game = Runner(64)
    game.reset(np.arange(64), vary=True)
    policy = registry.policy("runner", "explore", 64, 2)
    for _ in range(300):
        game.step(policy.act(game))
        assert not struck(game.state).any()
        assert not caught(game.state).any()
        assert set(np.unique(game.state.phase).tolist()) <= {2, 4, 6, 8}
