"""Spaces of actions that can be played, and sentences for those that cannot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium import spaces

from reverie.games.action_space import playable_actions, together
from reverie.games.errors import UnsuitableGame

SPACES = [
    spaces.Discrete(4),
    spaces.Discrete(3, start=-1),
    spaces.MultiBinary(3),
    spaces.MultiBinary((2, 2)),
    spaces.MultiDiscrete([3, 2]),
    spaces.MultiDiscrete([3, 2], start=[1, -1]),
    spaces.MultiDiscrete([[2, 3], [2, 2]]),
    spaces.Tuple([spaces.Discrete(3), spaces.MultiBinary(2)]),
    spaces.Dict({"move": spaces.Discrete(5, start=1), "fire": spaces.Discrete(2)}),
    spaces.Dict({"pad": spaces.Tuple([spaces.Discrete(2), spaces.Discrete(2)]), "a": spaces.MultiBinary(1)}),
]


def stored(space: Any, codes: list[Any]) -> Any:
    """Actions as Minari stores those of one episode."""
    if isinstance(space, spaces.Dict):
        return {name: stored(part, [code[name] for code in codes]) for name, part in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(stored(part, [code[i] for code in codes]) for i, part in enumerate(space.spaces))
    return np.stack(codes)


@pytest.mark.parametrize("space", SPACES, ids=str)
def test_every_action_is_one_of_the_space_and_is_found_again(space: Any) -> None:
    actions = playable_actions(space, "game")
    assert len(set(actions.names)) == len(actions.names) == len(actions.codes)
    assert all(code in space for code in actions.codes)
    np.testing.assert_array_equal(actions.numbers(stored(space, list(actions.codes))), np.arange(len(actions.names)))
    np.testing.assert_array_equal(actions.numbers(stored(space, [actions.codes[-1]] * 2)), len(actions.names) - 1)


def test_combinations_are_named_by_what_is_pressed() -> None:
    class Console:
        buttons = ("LEFT", None, "A")

    actions = playable_actions(spaces.MultiBinary(3), "game", Console())
    assert actions.names == ("noop", "a", "button1", "button1+a", "left", "left+a", "left+button1", "left+button1+a")
    np.testing.assert_array_equal(actions.codes[5], [1, 0, 1])
    table = spaces.Dict({"fire": spaces.Discrete(2), "move": spaces.Discrete(3)})
    assert playable_actions(table, "game").names == (
        "noop", "move_1", "move_2", "fire", "fire+move_1", "fire+move_2"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.MultiBinary(12), "4,096 combinations"),
        (spaces.MultiBinary(100_000), "100,000 actions at once"),
        (spaces.MultiDiscrete([9, 9]), "81 combinations"),
        (spaces.Tuple([spaces.Discrete(40), spaces.Discrete(2)]), "80 combinations"),
        (spaces.Discrete(256), "256 actions"),
        (spaces.Box(-1, 1, (2,)), "only Discrete"),
        (spaces.Dict({"wheel": spaces.Box(-1, 1, (1,)), "a": spaces.Discrete(2)}), "only Discrete"),
        (spaces.Text(5), "only Discrete"),
        (None, "only Discrete"),
    ],
    ids=str,
)
def test_what_cannot_be_played_is_said_in_one_sentence(space: Any, message: str) -> None:
    with pytest.raises(UnsuitableGame, match=message) as caught:
        playable_actions(space, "game")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_an_action_outside_its_space_is_refused() -> None:
    with pytest.raises(ValueError, match="outside"):
        playable_actions(spaces.Discrete(3, start=1), "game").numbers(np.array([1, 4]))


def test_keys_that_are_held_together_play_the_largest_combination_that_there_is() -> None:
    actions = ("noop", "left", "a", "b", "left+a", "left+a+b")
    assert together("a", ("left", "a"), actions) == "left+a"
    assert together("a", ("left", "b", "a"), actions) == "left+a+b"
    assert together("b", ("left", "b"), actions) == "b"
    assert together("left", ("left",), actions) == "left"
