"""The rules of the garden."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.garden.rules import Garden
from tests.games.rooms import DOWN_KEY, NOOP, RIGHT, UP, at, garden, press


def test_a_tap_moves_the_player_two_px_and_letting_go_stops_it_at_once():
    game = garden()
    press(game, RIGHT)
    assert at(game) == (2, 8)
    press(game, NOOP, NOOP)
    assert at(game) == (2, 8)


def test_a_wall_stops_the_player_but_turns_its_face():
    game = garden(player=(8, 8))
    press(game, DOWN_KEY)
    assert at(game) == (8, 8)
    assert game.state.facing[0] == DOWN_KEY - 1
    press(game, UP)
    assert at(game) == (8, 8), "the edge of the screen is solid"
    assert game.state.facing[0] == UP - 1


def test_the_player_cannot_enter_an_archway():
    game = garden("P.A....S .#.#.#.. ........ .#.#.#.. ........ .#.#.#.. S......S", player=(8, 8))
    press(game, RIGHT, RIGHT)
    assert at(game) == (8, 8)


@pytest.mark.parametrize(
    ("x", "tile", "why"),
    [
        (2, 0, "nearer"),
        (6, 8, "nearer"),
        (4, 0, "the way down is open only there"),
        (12, 16, "likewise on the other side"),
    ],
)
def test_a_turn_between_two_tiles_slides_to_the_corner_and_then_turns(x: int, tile: int, why: str):
    game = garden(player=(x, 24))
    slides = abs(x - tile) // 2
    press(game, *[DOWN_KEY] * slides)
    assert at(game) == (tile, 24), why
    press(game, DOWN_KEY)
    assert at(game) == ((tile, 26) if tile % 16 == 0 else (tile, 24))


def test_the_next_picture_follows_from_the_picture_and_the_key_alone():
    """Two players who came to the same place by other ways go on alike."""
    one, two = garden(player=(4, 24)), garden(player=(0, 24))
    press(two, RIGHT, RIGHT)
    press(one, NOOP, NOOP, DOWN_KEY)
    press(two, DOWN_KEY)
    assert at(one) == at(two)
    assert np.array_equal(one.render(64), two.render(64))


def test_a_berry_is_worth_a_point_and_another_grows_elsewhere():
    game = garden(player=(50, 8), score=41)
    before = set(game.state.berries[0].tolist())
    assert press(game, RIGHT) == (0.0, False)
    assert press(game, RIGHT) == (1.0, False)
    assert game.state.score[0] == 42
    after = set(game.state.berries[0].tolist())
    assert len(after) == 2
    assert 15 in before
    assert 15 not in after


def test_the_score_stays_at_99():
    game = garden(player=(52, 8), score=99)
    assert press(game, RIGHT) == (1.0, False)
    assert game.state.score[0] == 99


def test_a_touch_costs_a_heart_and_puts_the_player_on_the_pad():
    game = garden(player=(56, 40))
    rewards = [press(game, NOOP)[0] for _ in range(6)]
    assert -1.0 in rewards
    assert game.state.hearts[0] == 2
    assert at(game) == (0, 8)


def test_with_the_last_heart_the_round_is_lost_and_starts_again_in_the_same_room():
    game = garden(player=(56, 40), hearts=1, score=37)
    room = game.state.tiles.copy()
    ends = [press(game, NOOP)[1] for _ in range(6)]
    assert sum(ends) == 1
    assert game.state.hearts[0] == 3
    assert game.state.score[0] == 0
    assert at(game) == (0, 8)
    assert np.array_equal(game.state.tiles, room)


def test_the_pad_is_safe():
    game = garden(player=(0, 8))
    game.state.creatures[0] = (8, 8)
    game.state.heading[0] = 2
    assert all(press(game, NOOP) == (0.0, False) for _ in range(40))


def test_a_beetle_goes_straight_and_turns_back_where_the_way_is_blocked():
    game = garden()
    rows = []
    for _ in range(40):
        press(game, NOOP)
        rows.append(int(game.state.creatures[0, 0, 1]))
    assert rows[:24] == list(range(54, 7, -2))
    assert rows[24:] == list(range(10, 42, 2))


def test_a_creature_passes_behind_an_archway_and_comes_out_again():
    game = garden("P......S .#.#.#.. .......A .#.#.#.. ........ .#.#.#.. S.....S.")
    game.state.creatures[0, 1:] = (0, 40)
    bare = garden("P......S .#.#.#.. .......A .#.#.#.. ........ .#.#.#.. S.....S.")
    bare.state.creatures[0] = (0, 40)
    game.state.heading[0], bare.state.heading[0] = 0, 0
    seen = []
    for _ in range(24):
        bare.state.creatures[0] = game.state.creatures[0, 1]
        seen.append(bool((game.render(64) != bare.render(64)).any()))
        game.step(np.array([0]))
        game.state.creatures[0, 1:] = (0, 40)
    assert seen[0]
    assert not all(seen)
    assert seen[-1]


def test_which_way_a_creature_goes_is_not_to_be_seen_in_one_picture():
    game, other = garden(), garden()
    game.state.creatures[0] = other.state.creatures[0] = (56, 36)
    other.state.heading[0] = 1
    game.state.heading[0] = 0
    assert np.array_equal(game.render(64), other.render(64))
    press(game, NOOP)
    press(other, NOOP)
    assert not np.array_equal(game.render(64), other.render(64))


def test_everything_stays_on_its_lane_and_there_are_always_two_berries():
    game = Garden(32)
    game.reset(np.arange(32), vary=True)
    policy = registry.policy("garden", "explore", 32, seed=3)
    for _ in range(400):
        game.step(policy.act(game))
        state = game.state
        for position, is_open in ((state.player[:, None], state.player_open), (state.creatures, state.creature_open)):
            assert ((position % 8 > 0).sum(axis=2) <= 1).all()
            for corner in (position // 8, (position + 7) // 8):
                assert np.take_along_axis(is_open, (corner[..., 1] + 1) * 10 + corner[..., 0] + 1, axis=1).all()
        assert (state.berries[:, 0] != state.berries[:, 1]).all()
        assert (state.berries[:, :, None] == state.planters[:, None]).any(axis=2).all()


def _play(seeds: list[int], keys: np.ndarray) -> np.ndarray:
    game = Garden(len(seeds))
    game.reset(np.array(seeds), vary=True)
    pictures = []
    for row in keys:
        game.step(np.full(len(seeds), row))
        pictures.append(game.render(64))
    return np.stack(pictures)


def test_a_trajectory_does_not_depend_on_the_batch_it_is_played_in():
    keys = np.random.default_rng(0).integers(0, 5, 300)
    alone, among = _play([7], keys), _play([3, 7, 11, 1_000_000], keys)
    assert np.array_equal(alone[:, 0], among[:, 1])


def test_reset_where_leaves_the_others_alone():
    game = Garden(3)
    game.reset(np.array([1, 2, 3]))
    for _ in range(9):
        game.step(np.array([4, 4, 4]))
    before = game.render(64)
    game.reset_where(np.array([False, True, False]), np.array([9, 9, 9]))
    after = game.render(64)
    assert np.array_equal(before[[0, 2]], after[[0, 2]])
    fresh = Garden(1)
    fresh.reset(np.array([9]))
    assert np.array_equal(after[1], fresh.render(64)[0])


def test_a_snapshot_brings_everything_back_and_a_branch_changes_only_the_luck():
    game = Garden(8)
    game.reset(np.arange(8))
    snapshot = game.snapshot()

    def future(salt: int | None) -> np.ndarray:
        game.restore(snapshot)
        if salt is not None:
            game.branch(salt)
        pictures = [game.render(64)]
        for _ in range(60):
            game.step(np.full(8, 4))
            pictures.append(game.render(64))
        return np.stack(pictures)

    assert np.array_equal(future(None), future(None))
    assert np.array_equal(future(1), future(1))
    assert np.array_equal(future(1)[0], future(2)[0])
    assert not np.array_equal(future(1), future(2))


@pytest.mark.parametrize("actions", [[0], [0, 5], [-1, 0]])
def test_illegal_actions_are_refused_with_one_sentence(actions: list[int]):
    with pytest.raises(ValueError, match=r"action"):
        Garden(2).step(np.array(actions))


def test_a_size_the_garden_is_not_drawn_at_is_refused():
    with pytest.raises(ValueError, match="64, 128, 256"):
        Garden(1).render(96)
