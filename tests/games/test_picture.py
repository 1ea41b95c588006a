"""What an environment shows: pictures, stacks of them, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.games.picture import PictureReader


def grey(moment: int) -> NDArray[np.uint8]:
    """A picture (16, 20) of a spot that moves on every third moment."""
    picture = np.full((16, 20), 40, np.uint8)
    picture[5:8, moment // 3 : moment // 3 + 3] = 200
    return picture


def history(moment: int, count: int) -> list[NDArray[np.uint8]]:
    """The last pictures, the newest last, the first one repeated before the beginning."""
    return [grey(max(0, moment - back)) for back in reversed(range(count))]


STACKS: dict[str, Callable[[int], NDArray[np.uint8]]] = {
    "three, last axis": lambda t: np.stack(history(t, 3), -1),
    "four, last axis": lambda t: np.stack(history(t, 4), -1),
    "three, first axis": lambda t: np.stack(history(t, 3)),
    "five, first axis": lambda t: np.stack(history(t, 5)),
    "four, newest first": lambda t: np.stack(history(t, 4)[::-1], -1),
    "four in colour": lambda t: np.stack([np.stack([x] * 3, -1) for x in history(t, 4)]),
}


def read_all(shown: Callable[[int], object], moments: int = 12) -> tuple[PictureReader, list[object]]:
    """A reader that has looked at an episode, and the pictures that it finds there afterwards."""
    reader = PictureReader()
    reader.begin()
    for moment in range(moments):
        reader.look(shown(moment))
    return reader, [reader.picture(shown(moment)) for moment in range(moments)]


@pytest.mark.parametrize("name", STACKS)
def test_of_stacked_frames_the_newest_is_the_picture(name: str) -> None:
    _, pictures = read_all(STACKS[name])
    for moment, picture in enumerate(pictures):
        np.testing.assert_array_equal(picture, np.stack([grey(moment)] * 3, -1))


def test_a_picture_in_colour_is_not_taken_for_a_stack() -> None:
    _, pictures = read_all(lambda t: np.stack([grey(t), grey(t + 3), grey(0)], -1))
    np.testing.assert_array_equal(pictures[4], np.stack([grey(4), grey(7), grey(0)], -1))
    _, pictures = read_all(lambda t: np.stack([grey(t)] * 3 + [np.full((16, 20), 255, np.uint8)], -1))
    np.testing.assert_array_equal(pictures[4], np.stack([grey(4)] * 3, -1))


def test_a_round_that_begins_anew_does_not_hide_a_stack() -> None:
    reader = PictureReader()
    for moment in (0, 0, 0):
        reader.begin()
        reader.look(STACKS["four, last axis"](moment))
        reader.look(STACKS["four, last axis"](moment + 1))
    for moment in range(2, 8):
        reader.look(STACKS["four, last axis"](moment))
    np.testing.assert_array_equal(reader.picture(STACKS["four, last axis"](8)), np.stack([grey(8)] * 3, -1))


@pytest.mark.parametrize(
    "value",
    [
        {"camera": np.full((16, 20, 3), 99, np.uint8), "place": np.zeros(2)},
        {"state": {"text": "hello", "eye": np.full((16, 20, 3), 99, np.uint8)}},
        (np.full((16, 20, 3), 99, np.uint8), np.zeros(2)),
        [np.zeros((16, 20, 3), np.uint8), np.full((16, 20, 3), 99, np.uint8)],
    ],
)
def test_the_picture_is_found_among_other_parts(value: object) -> None:
    picture = PictureReader().picture(value)
    assert picture is not None
    assert picture.shape == (16, 20, 3)
    assert (picture == 99).all()


@pytest.mark.parametrize(
    "shown",
    [
        lambda t: np.random.default_rng(t).integers(0, 250, (10, 10, 6)).astype(np.uint8),
        lambda t: np.zeros((10, 10, 4), bool),
        lambda t: np.zeros((7, 7, 3), np.uint8),
        lambda t: (np.zeros(3), "text", None),
        lambda t: [],
        lambda t: np.zeros((0, 0, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_not_taken_for_one(shown: Callable[[int], object]) -> None:
    _, pictures = read_all(shown)
    assert pictures[-1] is None


def test_a_grid_of_small_numbers_is_told_from_a_picture() -> None:
    assert read_all(lambda t: np.full((16, 16, 3), t % 10, np.uint8))[0].is_dim
    assert not read_all(lambda t: np.zeros((16, 16, 3), np.uint8))[0].is_dim
    assert not read_all(STACKS["four, last axis"])[0].is_dim
    assert not read_all(lambda t: np.full((16, 16), t / 20, np.float32))[0].is_dim
