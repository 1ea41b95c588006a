"""Any environment with the Gymnasium interface is a World: framed, named, seeded, and its ends are told apart."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from reverie.games.environment import SEARCH, Environment
from reverie.games.errors import UnsuitableGame
from reverie.games.picture import as_picture, letterbox
from reverie.games.world import World
from reverie.games.worlds import environment_of, may_be_environment, named, open_world
from tests.games.toy import Toy

TOY = "tests.games.toy:Toy"


def open_toy(source: str = TOY, size: int = 64, **settings: object):
    return open_world(Environment(source, **settings), size)


def test_a_class_and_a_registered_id_are_the_same_world() -> None:
    own, registered = open_toy(), open_toy("reverie-tests/Toy-v0")
    assert isinstance(own, World)
    assert own.actions == registered.actions == ("noop", "up", "down", "left", "right")
    assert (own.fps, own.name, own.size) == (30, TOY, 64)
    for world in (own, registered):
        world.reset(3)
    for action in (4, 4, 1, 0, 2, 3):
        first, second = own.step(action), registered.step(action)
        np.testing.assert_array_equal(first.frame, second.frame)


def test_a_seed_gives_the_same_play_and_a_snapshot_goes_back_exactly() -> None:
    world, rng = open_toy(), np.random.default_rng(0)
    world.reset(5)
    actions = rng.integers(5, size=40)
    first = [world.step(int(action)).frame for action in actions]
    world.reset(5)
    snapshot = None
    for t, action in enumerate(actions):
        if t == 20:
            snapshot = world.snapshot()
        np.testing.assert_array_equal(world.step(int(action)).frame, first[t])
    np.testing.assert_array_equal(world.restore(snapshot), first[19])
    np.testing.assert_array_equal(world.step(int(actions[20])).frame, first[20])


def test_a_wide_picture_is_letterboxed_and_keeps_its_colours() -> None:
    world = open_toy(size=48)
    frame = world.reset(0)
    assert frame.shape == (48, 48, 3)
    assert not frame[:8].any()
    assert not frame[40:].any()
    np.testing.assert_array_equal(frame[8:40], Toy.render(world.env))
    swapped = open_toy(size=48, colour_order="bgr").reset(0)
    np.testing.assert_array_equal(swapped, frame[..., ::-1])


def test_a_picture_is_made_smaller_by_the_mean_of_its_areas() -> None:
    picture = np.zeros((210, 160, 3), np.uint8)
    picture[:, 80:] = 200
    frame = letterbox(picture, 64)
    assert frame.shape == (64, 64, 3)
    assert not frame[:, :7].any()
    assert abs(frame[:, 7:56].mean() - 100) < 4
    assert (letterbox(np.full((10, 10, 3), 7, np.uint8), 64) == 7).all()


@pytest.mark.parametrize(
    "value",
    [
        np.full((3, 16, 20), 9, np.uint8),
        np.full((16, 20), 9, np.uint8),
        np.full((16, 20, 1), 9, np.uint8),
        np.full((16, 20, 4), 9, np.uint8),
        np.full((16, 20, 3), 9 / 255, np.float32),
        {"text": "hello", "screen": np.full((16, 20, 3), 9, np.uint8)},
    ],
)
def test_pictures_come_in_many_forms(value: object) -> None:
    picture = as_picture(value)
    assert picture is not None
    assert picture.shape == (16, 20, 3)
    assert (picture == 9).all()


@pytest.mark.parametrize("value", [np.zeros(4), np.zeros((16, 20, 3), np.int64), np.full((16, 20), -1.0), None, {}])
def test_what_is_no_picture_is_not_taken_for_one(value: object) -> None:
    assert as_picture(value) is None


def test_a_subset_of_the_actions_keeps_its_order_after_noop() -> None:
    world = open_toy(actions=("right", "noop", "left"))
    assert world.actions == ("noop", "right", "left")
    world.reset(0)
    before = world.env.me[1]
    world.step(1)
    assert world.env.me[1] == before + 1


@pytest.mark.parametrize("name", ["Bare", "Shown"])
def test_a_class_with_nothing_but_what_a_game_needs_is_played_and_closed(name: str) -> None:
    world = open_toy(f"tests.games.toy:{name}")
    frame = world.reset(3)
    assert world.step(1).frame.shape == frame.shape == (64, 64, 3)
    world.close()


def test_a_world_without_a_noop_waits() -> None:
    world = open_toy("tests.games.toy:NoRest")
    assert world.actions == ("noop", "up", "down", "left", "right")
    first = world.reset(0)
    step = world.step(0)
    assert world.env.steps == 0
    np.testing.assert_array_equal(step.frame, first)
    world.step(4)
    assert world.env.me == [4, 3]


def test_an_action_is_held_for_as_many_steps_as_are_skipped() -> None:
    world = open_toy(frame_skip=3)
    world.reset(0)
    world.step(4)
    assert (world.env.steps, world.env.me) == (3, [4, 5])
    assert world.fps == 10


def test_a_lost_round_ends_and_a_stopped_one_is_cut() -> None:
    world = open_toy(options={"limit": 5})
    world.reset(0)
    steps = [world.step(0) for _ in range(5)]
    assert [step.ended for step in steps] == [False] * 5
    assert world.cut
    assert world.env.steps == 0
    assert not (world.step(0), world.cut)[1]
    world = open_toy()
    world.reset(0)
    world.env.other = [4, 3]
    world.env._move = lambda place, by: place.__setitem__(slice(None), [4, 3])  # both meet
    step = world.step(0)
    assert step.ended
    assert not world.cut
    assert world.env.steps == 0


@pytest.mark.parametrize(
    ("source", "settings", "message"),
    [
        ("tests.games.toy:Missing", {}, "has no class 'Missing'"),
        ("no_such_module:Game", {}, "There is no Python module 'no_such_module'"),
        ("reverie-tests/Tooy-v0", {}, "There is no environment 'reverie-tests/Tooy-v0'; there is reverie-tests/Toy-v0"),
        (TOY, {"actions": ("jump",)}, "no action 'jump'; it has noop, up"),
        (TOY, {"options": {"speed": 3}}, "cannot be made"),
        (TOY, {"frame_skip": 0}, "frame_skip must be at least 1"),
        (TOY, {"colour_order": "yuv"}, "colour_order must be rgb or bgr"),
        ("tests.games.toy:Numbers", {}, "no picture to learn from"),
        ("tests.games.toy:Wheel", {}, "only Discrete"),
        ("tests.games.toy:Grid", {}, "a grid of small numbers"),
        ("reverie.games.registry:get", {}, "cannot be made"),
        ("tests.games.toy:NoSeed", {}, "does not reset as Gymnasium's environments do"),
    ],
)
def test_what_cannot_be_played_is_said_in_one_sentence(source: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(UnsuitableGame, match=message) as caught:
        open_toy(source, **settings)
    assert "\n" not in str(caught.value)


def test_buttons_are_pressed_together_and_of_stacked_frames_the_newest_is_shown() -> None:
    world = open_toy("tests.games.toy:Console")
    assert world.actions == ("noop", "jump", "right", "right+jump")
    world.reset(0)
    for _ in range(3):
        step = world.step(world.actions.index("right+jump"))
    assert world.env.pressed == [[1, 1]] * 3
    assert (step.frame[24:32] == 255).all()
    assert not step.frame[:24].any()


def test_a_game_with_one_action_and_a_grid_that_a_person_takes_for_a_picture_are_played() -> None:
    assert open_toy("tests.games.toy:OneAction").actions == ("noop", "action0")
    assert open_toy("tests.games.toy:Grid", picture="observation").reset(0).any()


@pytest.mark.parametrize("name", ["OldStep", "NoReward", "NoNumber"])
def test_a_step_that_is_not_gymnasiums_is_said_in_one_sentence(name: str) -> None:
    world = open_toy(f"tests.games.toy:{name}")
    with pytest.raises(UnsuitableGame, match="does not step as Gymnasium's environments do") as caught:
        world.step(1)
    assert "\n" not in str(caught.value)


def test_a_module_beside_the_game_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_game.py").write_text("from tests.games.toy import Toy\n\nclass Mine(Toy):\n    pass\n")
    monkeypatch.setattr("reverie.games.gymnasium_world.SEARCH", [tmp_path])
    assert open_toy("my_own_game:Mine").actions[0] == "noop"
    assert tmp_path not in SEARCH


def test_an_id_of_a_module_is_registered_by_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "import gymnasium\ngymnasium.register(id='strangers/Toy-v3', entry_point='tests.games.toy:Toy')\n"
    (tmp_path / "strangers_module.py").write_text(text)
    monkeypatch.setattr("reverie.games.gymnasium_world.SEARCH", [tmp_path])
    with pytest.raises(UnsuitableGame, match="is named PACKAGE:strangers/Toy-v3"):
        open_toy("strangers/Toy-v3")
    world = open_toy("strangers_module:strangers/Toy-v3")
    assert world.actions == open_toy().actions
    assert world.name == "strangers_module:strangers/Toy-v3"
    with pytest.raises(UnsuitableGame, match=r"no environment 'strangers_module:strangers/Toy-v4'; there is strangers"):
        open_toy("strangers_module:strangers/Toy-v4")
    with pytest.raises(UnsuitableGame, match="There is no Python module 'no_such_module'"):
        open_toy("no_such_module:Toy-v0")


@pytest.mark.parametrize(
    "world", ["somebodys_module:Game", "somebodys_module:Game-v0", "somebodys_module:their/Game-v0"]
)
def test_a_bundle_by_itself_has_no_module_imported(world: str) -> None:
    written = Environment(world).to_json()
    for training in (None, {"environment": written}, {"environments": {world: written}}):
        with pytest.raises(UnsuitableGame, match="only made from its own game folder"):
            environment_of(world, ("noop",), training)
    assert environment_of("ALE/Freeway-v5", ("noop",)).source == "ALE/Freeway-v5"


def test_each_game_of_a_dream_of_several_is_made_as_it_was_recorded() -> None:
    made = [Environment(f"Game{i}-v0", ("noop", "up"), frame_skip=i) for i in (1, 2)]
    training = {"environments": {one.source: one.to_json() for one in made}}
    for one in made:
        assert environment_of(one.source, ("noop", "up"), training) == one
    assert environment_of("Game3-v0", ("noop", "up"), training) == Environment("Game3-v0", ("noop", "up"))


@pytest.mark.parametrize(
    "change",
    [
        {"frame_skip": "2"}, {"actions": 5}, {"actions": [5]}, {"actions": "noop"}, {"options": []}, {"fps": 2.5},
        {"frame_skip": True}, {"picture": None}, {"colour_order": 1}, {"source": 3}, {"speed": 1},
    ],
)  # fmt: skip
def test_what_describes_no_environment_is_refused_in_one_sentence(change: dict[str, object]) -> None:
    good = Environment(TOY, ("noop", "up"), options={"limit": 3})
    assert Environment.from_json(good.to_json()) == good
    with pytest.raises(UnsuitableGame, match="does not describe an environment"):
        Environment.from_json(good.to_json() | change)


def test_names_of_environments_are_told_from_typing_errors() -> None:
    known = ("ALE/Freeway-v5", "CartPole-v1", "my_game:Game", "a.b:C", "ale_py:ALE/Freeway-v5", "a.b:C-v0")
    assert all(map(may_be_environment, known))
    assert not any(map(may_be_environment, ("garden", "chess", "v1.1", "runs/freeway", "Game", "./run-v1", "a:/b-v1")))
    assert named("garden", ("noop", "up")).actions == ()


@pytest.mark.parametrize(
    ("package", "source", "actions"),
    [
        ("ale_py", "ALE/Freeway-v5", ("noop", "up", "down")),
        ("vizdoom", "VizdoomBasic-v1", ("noop", "attack", "move_right", "move_left")),
        ("minigrid", "MiniGrid-Dynamic-Obstacles-5x5-v0", ("noop", "left", "right", "forward")),
    ],
)
def test_well_known_games_name_their_actions(package: str, source: str, actions: tuple[str, ...]) -> None:
    try:
        importlib.import_module(package)
    except ImportError:
        pytest.skip(f"{package} is not installed")
    world = open_toy(source)
    assert world.actions == actions
    frame = world.reset(0)
    assert frame.shape == (64, 64, 3)
    assert frame.std() > 5
    again = [world.step(len(actions) - 1).frame for _ in range(5)]
    world.reset(0)
    np.testing.assert_array_equal(world.step(len(actions) - 1).frame, again[0])
