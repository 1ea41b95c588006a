"""The garden's pictures."""

from __future__ import annotations

import time

import numpy as np
import pytest

from reverie.games.garden.layout import FLOOR
from reverie.games.garden.rules import Garden
from tests.games.rooms import DOWN_KEY, LEFT, NOOP, RIGHT, UP, garden, press


@pytest.mark.parametrize("size", [64, 128, 256])
def test_pictures_are_rgb_of_the_size_asked_for(size: int):
    picture = Garden(3).render(size)
    assert picture.shape == (3, size, size, 3)
    assert picture.dtype == np.uint8
    assert picture.flags["C_CONTIGUOUS"]


def test_the_large_picture_shows_the_same_state_as_the_small_one():
    game = Garden(4)
    game.reset(np.arange(4), vary=True)
    small = game.render(64).astype(float)
    large = game.render(128).reshape(4, 64, 2, 64, 2, 3).mean(axis=(2, 4))
    assert np.abs(small - large).mean() < 12
    other = Garden(4)
    other.reset(np.arange(4) + 100, vary=True)
    assert np.abs(other.render(64) - large).mean() > 24, "and of no other state"


def test_the_large_picture_is_finer_than_the_small_one():
    large = garden(player=(8, 40)).render(128)[0]
    assert (large[::2, ::2] != large[1::2, 1::2]).any()


def test_what_stands_still_is_drawn_alike_in_every_picture():
    game = garden()
    game.state.creatures[0] = (56, 40)
    first = game.render(64)
    game.state.tick += np.uint64(17)
    assert np.array_equal(game.render(64), first)


@pytest.mark.parametrize("size", [64, 128, 256])
def test_all_floor_is_alike(size: int):
    game = Garden(2)
    game.reset(np.array([5, 6]))
    game.state.player[:], game.state.creatures[:] = (0, 8), (0, 8)
    tile = size // 8
    blocks = game.render(size).reshape(2, 8, tile, 8, tile, 3).transpose(0, 1, 3, 2, 4, 5)
    rows, y, x = np.nonzero(game.state.tiles == FLOOR)
    floor = [blocks[r, b, a] for r, b, a in zip(rows, y, x, strict=True) if (a, b) != (0, 1)]
    assert len(floor) > 30
    assert all(np.array_equal(one, floor[0]) for one in floor)


def test_the_face_shows_the_last_arrow_pressed():
    pictures = []
    for key in (UP, DOWN_KEY, LEFT, RIGHT):
        game = garden(player=(24, 24))
        press(game, key)
        game.state.player[0] = (24, 24)
        pictures.append(game.render(64)[0])
    assert len({picture.tobytes() for picture in pictures}) == 4


def test_the_walk_is_seen_while_moving_and_depends_on_the_place_only():
    game = garden(player=(16, 24))
    press(game, RIGHT)
    there = game.render(64)[0, 24:32, 18:26]
    press(game, RIGHT)
    assert not np.array_equal(game.render(64)[0, 24:32, 20:28], there)
    press(game, RIGHT, LEFT, LEFT, RIGHT, LEFT, NOOP, NOOP)
    facing_left = game.render(64)[0, 24:32, 18:26]
    press(game, LEFT, RIGHT)
    assert np.array_equal(game.render(64)[0, 24:32, 18:26], there), "back at the same place it looks the same"
    assert not np.array_equal(facing_left, there)


def test_every_score_and_every_number_of_hearts_looks_different():
    pictures = {garden(score=score, hearts=hearts).render(64).tobytes() for score in range(100) for hearts in (1, 2, 3)}
    assert len(pictures) == 300


def test_playing_and_drawing_is_fast():
    """The bar is 4,000 frames a second on a core; a third of it is asked for here, for the sake of busy machines."""
    game = Garden(64)
    keys = np.random.default_rng(0).integers(0, 5, (40, 64))
    game.step(keys[0])
    game.render(64)
    start = time.process_time()
    for row in keys:
        game.step(row)
        game.render(64)
    assert 40 * 64 / (time.process_time() - start) > 4000 / 3
