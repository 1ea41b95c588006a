"""The crypt: a view in depth, the same after a whole turn; doors, gems, a wraith, and hearts to lose."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from reverie.games import registry
from reverie.games.crypt import levels
from reverie.games.crypt.levels import DOOR, LEVER_LEFT, LEVER_RIGHT, SIDE, STEPS
from reverie.games.crypt.policy import UNREACHED, ExplorePolicy, distances
from reverie.games.crypt.rules import FORWARD, RIGHT, STRIKE, Crypt
from reverie.games.crypt.view import STRIP, TURNS
from reverie.games.real import ReadableGame
from reverie.games.worlds import named, open_world


def crypt(batch: int = 1, seed: int = 0) -> Crypt:
    game = Crypt(batch)
    game.reset(np.arange(batch) + seed)
    return game


@pytest.mark.parametrize("size", [64, 128])
def test_a_picture_has_a_strip_and_no_flat_colour_below_it(size: int) -> None:
    picture = crypt(4).render(size)
    assert picture.shape == (4, size, size, 3)
    assert picture.dtype == np.uint8
    for scene in picture[:, STRIP * size // 64 :]:
        colours = np.unique(scene.reshape(-1, 3), axis=0, return_counts=True)[1]
        assert len(colours) > 250
        assert colours.max() < 0.15 * scene.size / 3


def test_a_whole_turn_brings_back_the_same_view_and_half_a_turn_another() -> None:
    game = crypt(8)
    s = game.state
    s.gems[:], s.wraith[:] = 100, 100  # nothing that moves
    views = []
    for _ in range(TURNS):
        views.append(game.render(64))
        s.heading = (s.heading + 1) % TURNS
    assert np.array_equal(game.render(64), views[0])
    assert all((views[0][b] != views[TURNS // 2][b]).mean() > 0.3 for b in range(8))
    steps = [np.abs(a.astype(int) - b).mean() for a, b in itertools.pairwise(views)]
    assert max(steps) < 80, "a step turns by a few degrees"


def test_a_trajectory_does_not_depend_on_the_batch_it_is_played_in() -> None:
    keys = np.repeat(np.random.default_rng(0).integers(0, 6, 60), 4)

    def played(seeds: list[int]) -> np.ndarray:
        game = Crypt(len(seeds))
        game.reset(np.array(seeds), vary=True)
        for key in keys:
            game.step(np.full(len(seeds), key))
        return game.render(64)

    among = played([3, 7, 11])
    assert np.array_equal(played([7])[0], among[1])
    assert not np.array_equal(among[0], among[1])


def test_every_room_can_be_reached_whichever_door_is_closed() -> None:
    made = levels.levels(np.arange(64))
    grid = made.grid.copy()
    for _ in range(2):
        far = distances(grid, levels.CENTRES[0] + STEPS[1] * np.ones((64, 1), int))
        beside = levels.CENTRES + STEPS[1]
        assert (far[:, beside[:, 1], beside[:, 0]] < UNREACHED).all()
        assert ((grid == DOOR).sum(axis=(1, 2)) == 1).all()
        levels.pulled(grid, np.arange(64), made.doors, made.lever)
    assert np.array_equal(grid[:, 0], made.grid[:, 0])
    assert len({level.tobytes() for level in made.grid}) == 64
    assert (made.grid[:, [0, -1]] > 0).all()
    assert (made.grid[:, :, [0, -1]] > 0).all()


def test_the_lever_moves_the_doors_from_near_by_and_from_nowhere_else() -> None:
    game = crypt(32)
    s = game.state
    away = s.lever + 0.5 - (way := np.sign(SIDE // 2 - s.lever) * (np.abs(s.lever - SIDE // 2) > 3)) * -1.0
    s.place = away
    s.heading = (np.round(np.arctan2(-way[:, 1], -way[:, 0]) / (2 * np.pi) * TURNS).astype(int)) % TURNS
    before = s.grid.copy()
    game.step(np.full(32, STRIKE))
    changed = (s.grid != before).sum(axis=(1, 2))
    assert (changed == 3).all(), "the lever and both doors"
    assert ((s.grid == LEVER_LEFT) | (s.grid == LEVER_RIGHT)).sum() == 32
    far = crypt(32)
    before = far.state.grid.copy()
    far.state.heading = (far.state.heading + 2) % TURNS
    far.step(np.full(32, STRIKE))
    assert np.array_equal(far.state.grid, before)


def test_nobody_walks_through_walls_and_walks_slide_along_them() -> None:
    game = crypt(64)
    rng = np.random.default_rng(1)
    for _ in range(150):
        game.step(np.where(rng.random(64) < 0.7, FORWARD, RIGHT))
        cells = np.floor(game.state.place).astype(int)
        assert (game.state.grid[np.arange(64), cells[:, 1], cells[:, 0]] == 0).all()
    assert np.abs(game.state.place - crypt(64).state.place).max(axis=1).min() > 0


def test_a_gem_ahead_is_seen_and_one_behind_a_wall_is_not() -> None:
    game = crypt(1, seed=5)
    s = game.state
    s.gems[:], s.wraith[:], s.bat[:] = 100, 100, 100
    empty = game.render(64)
    ahead = np.array([np.cos(s.heading[0] * 2 * np.pi / TURNS), np.sin(s.heading[0] * 2 * np.pi / TURNS)])
    s.gems[0, 0] = s.place[0] + 0.7 * ahead
    assert (game.render(64) != empty).any(axis=-1).sum() > 50
    s.gems[0, 0] = s.place[0] + 12 * ahead
    assert np.array_equal(game.render(64), empty)


def test_a_gem_is_gathered_and_another_lies_elsewhere() -> None:
    game = crypt(1)
    s = game.state
    s.gems[0, 0] = s.place[0]
    reward, _ = game.step(np.array([0]))
    assert (reward[0], s.score[0]) == (1.0, 1)
    assert np.hypot(*(s.gems[0, 0] - s.place[0])) > 1


def test_the_wraith_costs_a_heart_and_leaves_a_moment_of_grace_and_the_third_heart_ends_the_round() -> None:
    game = crypt(1)
    s = game.state
    ends = []
    for heart in range(3):
        s.unhurt[:] = 0
        s.wraith = s.place.copy()
        reward, ended = game.step(np.array([0]))
        assert reward[0] == -1
        ends.append(bool(ended[0]))
        s.wraith = s.place.copy()
        assert game.step(np.array([0]))[0][0] == 0, "grace"
        assert s.hearts[0] == (2, 1, 3)[heart]
    assert ends == [False, False, True]


def test_the_policy_meets_everything() -> None:
    game, policy = Crypt(48), ExplorePolicy(48, 3)
    game.reset(np.arange(48) + 1_000_000, vary=True)
    gathered = struck = hurt = ended = pulled = turned = 0
    for _ in range(700):
        grid, hearts = game.state.grid.copy(), game.state.hearts.copy()
        turned += int((policy._turned == TURNS).sum())
        actions = policy.act(game)
        swings = (actions == STRIKE) & game._strikes() & (game.state.swing == 0)
        reward, end = game.step(actions)
        struck += int(((reward >= 1) & swings).sum())
        gathered += int(((reward >= 1) & ~swings).sum())
        hurt += int((game.state.hearts < hearts).sum())
        ended += int(end.sum())
        pulled += int((game.state.grid != grid).any(axis=(1, 2)).sum())
    assert min(gathered, struck, hurt, ended, pulled, turned) > 3, (gathered, struck, hurt, ended, pulled, turned)


def test_it_is_fast_enough_to_record() -> None:
    game = crypt(64)
    game.render(64)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        game.step(np.zeros(64, int))
        game.render(64)
        times.append(time.perf_counter() - began)
    assert 64 / min(times) > 500  # 2,200 on a quiet core; a busy machine may be slower


def test_its_state_cannot_be_read_off_a_picture_so_a_hand_over_begins_anew() -> None:
    assert not registry.has_reader("crypt")
    assert registry.has_reader("garden")
    assert not isinstance(open_world(named("crypt")), ReadableGame)
    assert isinstance(open_world(named("garden")), ReadableGame)
