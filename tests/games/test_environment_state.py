"""A real game goes back by a copy of its state where there is one, and never by a long replay."""

from __future__ import annotations

import time

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.app.errors import Mistake
from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.games.environment import Environment
from reverie.games.errors import UnsuitableGame
from reverie.games.gymnasium_world import GymWorld


def world_of(source: str, **options: object) -> GymWorld:
    return GymWorld(Environment(source, options=options))


def session_of(source: str, **options: object) -> Session:
    session = Session(Choice(real=True, environment=Environment(source, options=options)))
    session.remembers = True
    return session


@pytest.mark.parametrize(
    ("source", "needs"),
    [
        ("tests.games.toy:Toy", "gymnasium"),
        ("tests.games.toy:Bare", "gymnasium"),
        ("tests.games.toy:Remade", "gymnasium"),
        ("reverie-tests/Toy-v0", "gymnasium"),
        ("CartPole-v1", "gymnasium"),
        ("MiniGrid-Empty-8x8-v0", "minigrid"),
        ("ALE/Freeway-v5", "ale_py"),
    ],
)
def test_a_copied_state_goes_on_exactly_and_can_be_used_twice(source: str, needs: str) -> None:
    pytest.importorskip(needs)
    world = world_of(source)
    world.reset(4)
    rng = np.random.default_rng(0)
    for action in rng.integers(len(world.actions), size=12):
        world.step(int(action))
    snapshot = world.snapshot()
    assert snapshot.state is not None
    actions = rng.integers(len(world.actions), size=12).tolist()
    first = [world.step(action) for action in actions]
    for _ in range(2):
        np.testing.assert_array_equal(world.restore(snapshot), snapshot.frame)
        for action, before in zip(actions, first, strict=True):
            again = world.step(action)
            np.testing.assert_array_equal(again.frame, before.frame)
            assert (again.reward, again.ended) == (before.reward, before.ended)


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("tests.games.toy:Locked", {}),
        ("tests.games.toy:Remade", {"inside": True}),
        ("tests.games.toy:Outside", {}),
    ],
)
def test_what_a_copy_would_not_hold_is_not_copied(source: str, options: dict[str, object]) -> None:
    assert world_of(source, **options).snapshot().state is None


def test_a_short_play_without_copies_is_played_again_and_a_long_one_is_not() -> None:
    world = world_of("tests.games.toy:Locked")
    world.reset(3)
    shown = [world.step(4).frame for _ in range(20)]
    short = world.snapshot()
    world.step(1)
    np.testing.assert_array_equal(world.restore(short), shown[-1])
    long = short._replace(played=short.played * 10**5)  # type: ignore[operator]
    before = world.step(2).frame
    with pytest.raises(UnsuitableGame, match="goes back no further"):
        world.restore(long)
    np.testing.assert_array_equal(world.snapshot().frame, before)


@pytest.mark.parametrize(("source", "needs"), [("ALE/Freeway-v5", "ale_py"), ("MiniGrid-Empty-8x8-v0", "minigrid")])
def test_rewind_and_the_kept_moment_take_no_longer_after_a_long_play(source: str, needs: str) -> None:
    pytest.importorskip(needs)
    session = session_of(source)
    session.save_moment()
    for _ in range(200):
        session.step(1)
    for _ in range(10):
        assert session.rewind()
    began = time.perf_counter()
    session.play_on()
    session.load_moment()
    assert time.perf_counter() - began < 0.1


def test_a_game_that_cannot_go_back_says_so_and_plays_on() -> None:
    session = session_of("tests.games.toy:Locked")
    world = session.game.real
    assert isinstance(world, GymWorld)
    for _ in range(10):
        session.step(1)
    world._stepping_seconds = 1000.0 * world._steps  # so slow are its steps
    for _ in range(10):
        session.step(1)
    frame = session.frame
    assert not session.rewind()
    assert "cannot be copied" in session.game.end_of_way_back
    with pytest.raises(Mistake, match="cannot be copied"):
        session.save_moment()
    session.play_on()
    np.testing.assert_array_equal(session.frame, frame)


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("step", "KeyError: 'a door that is not there'"),
        ("render", "IndexError: list index out of range"),
        ("leave", "SystemExit: enough"),
    ],
)
def test_a_class_that_raises_is_told_with_its_line_and_message(verb: str, words: str) -> None:
    world = world_of("tests.games.toy:Failing", verb=verb)
    for _ in range(10 - world.env.count):
        world.step(1)
    with pytest.raises(UnsuitableGame) as told:
        world.step(1)
    assert str(told.value).startswith("tests.games.toy:Failing failed at ")
    assert "(toy.py, line " in str(told.value)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_class_that_raises_before_the_first_picture_is_told_alike() -> None:
    with pytest.raises(
        UnsuitableGame, match=r"failed at reset \(toy.py, line \d+\): RuntimeError: no more rooms at all"
    ):
        world_of("tests.games.toy:Failing", verb="reset")
