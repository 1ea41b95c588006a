"""Recordings of several games as one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from reverie.games import registry
from reverie.models.tokens.world_model import ABSENT
from reverie.training import recipe as recipes
from reverie.training.data.mixture import Mixture, open_recording
from reverie.training.data.record import record
from reverie.training.data.recording import Recording, RecordingError, RecordingWriter, Rows
from reverie.training.data.starts import fresh_starts, start_histories
from reverie.training.errors import RunError
from reverie.training.run import rewards_of, train
from reverie.training.runs import read_record
from reverie.training.tokens.encode import read_tokens, split_episodes
from reverie.training.tokens.windows import TokenEpisodes, Windows, tokenize

GAMES = ("garden", "bricks", "duel")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of each game in a folder of its own."""
    folder = tmp_path_factory.mktemp("mixed")
    for game, steps in zip(GAMES, (2560, 1280, 2560), strict=True):
        record(game, folder / game, steps, policy="explore", workers=1, size=64)
    return folder


def _tokens(recording: Recording) -> TokenEpisodes:
    return tokenize(recording, lambda frames: frames[:, ::16, ::16, 0].reshape(len(frames), -1).astype(np.int64))


def test_a_folder_of_recordings_is_their_mixture(folder: Path) -> None:
    mixed = open_recording(folder)
    assert isinstance(mixed, Mixture)
    assert list(mixed.games) == ["garden", "bricks", "duel"]
    assert mixed.actions == ("noop", "up", "down", "left", "right", "a")
    assert mixed.games["bricks"] == ("noop", "left", "right", "a")
    assert len(mixed) == sum(len(Recording(folder / game)) for game in GAMES)
    assert type(open_recording(folder / "duel")) is Recording


def test_an_action_of_a_mixture_means_the_same_in_every_game(folder: Path) -> None:
    mixed = open_recording(folder)
    for number, (game, own) in enumerate(mixed.games.items()):
        alone = Recording(folder / game)
        theirs = [episode for episode in mixed.episodes if mixed.game_of(episode) == number]
        assert len(theirs) == len(alone.episodes)
        for mine, before in zip(theirs, alone.episodes, strict=True):
            names = [mixed.actions[action] for action in mixed.rows(mine).actions]
            assert names == [own[action] for action in alone.rows(before).actions]
            np.testing.assert_array_equal(mixed.rows(mine).frames, alone.rows(before).frames)


def test_every_game_is_among_what_is_held_out(folder: Path) -> None:
    episodes = _tokens(open_recording(folder))
    many = TokenEpisodes(  # as many episodes as a real recording has
        *(np.concatenate([x] * 12) for x in (episodes.tokens, episodes.actions, episodes.rewards, episodes.ended)),
        np.arange(12 * len(episodes.starts)) * episodes.lengths[0],
        *(np.concatenate([x] * 12) for x in (episodes.lengths, episodes.games)),
    )
    train, held_out = split_episodes(many, 5)
    assert set(held_out.games) == set(train.games) == {0, 1, 2}
    assert len(train.tokens) + len(held_out.tokens) == len(many.tokens)
    np.testing.assert_array_equal(held_out.tokens, many.tokens[len(train.tokens) :])
    assert held_out.starts[0] == 0


def test_the_codes_of_each_game_are_known_by_what_its_episodes_hold(folder: Path) -> None:
    mixed = open_recording(folder)
    episodes = _tokens(mixed)
    shown = episodes.codes_shown(3, 256)
    for number, game in enumerate(mixed.games):
        wanted = np.unique(_tokens(Recording(folder / game)).tokens)
        np.testing.assert_array_equal(np.flatnonzero(shown[number]), wanted)


def test_games_are_drawn_by_their_weights_and_each_from_its_own_episodes(folder: Path) -> None:
    episodes = _tokens(open_recording(folder))
    windows = Windows(episodes, 5, rare_share=0.5, weights=(1.0, 3.0, 0.0))
    drawn = windows.draw(2000, np.random.default_rng(0))
    assert abs((drawn.games == 1).mean() - 0.75) < 0.05
    assert not (drawn.games == 2).any()
    for game, allowed in ((0, {0, 1, 2, 3, 4}), (1, {0, 3, 4, 5})):
        assert set(np.unique(drawn.actions[drawn.games == game])) <= allowed
    alike = Windows(episodes, 5).draw(3000, np.random.default_rng(0)).games
    assert np.abs(np.bincount(alike) / 3000 - 1 / 3).max() < 0.05, "a game with fewer frames is drawn as often"


def test_starts_are_of_every_game_in_its_own_actions(folder: Path) -> None:
    starts = start_histories(open_recording(folder), 4)
    assert starts["frames"].shape == (48, 4, 64, 64, 3)
    assert np.bincount(starts["games"]).tolist() == [16, 16, 16]
    assert starts["seeds"].shape == (48,)


@pytest.mark.parametrize("name", registry.names())
def test_whoever_opens_a_dream_has_a_second_before_anything_is_lost(name: str) -> None:
    starts = fresh_starts(name, 64, 4, registry.get(name).RULES)
    game = registry.get(name)(len(starts["seeds"]))
    game.reset(starts["seeds"])
    nothing = np.zeros(game.batch, np.int64)
    for seen in np.moveaxis(starts["frames"], 1, 0):
        np.testing.assert_array_equal(game.render(64), seen)
        game.step(nothing)
    for _ in range(20):
        assert (game.step(nothing)[0] >= 0).all()


def test_a_model_of_several_games_is_told_which_codes_each_shows(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    train("tiny", folder, tmp_path / "run", minutes=0.05, log=said.append)
    assert any("exact_frames garden " in line for line in said)
    weights = load_file(tmp_path / "run" / "dynamics.safetensors")
    episodes, _ = split_episodes(read_tokens(tmp_path / "run" / "data.npz"), 5)
    shown = episodes.codes_shown(3, weights["code"].shape[0])
    assert not shown.all()
    np.testing.assert_array_equal(weights["absent"], np.where(shown, 0, ABSENT))


def test_a_recipe_takes_the_games_that_there_are(folder: Path) -> None:
    mixed, arcade = open_recording(folder), recipes.load("arcade")
    with pytest.raises(RunError, match=r"mixes in crossing, and there is no recording of it"):
        arcade.fitted(len(mixed.actions), 64, rewards_of(mixed), tuple(mixed.games))
    games = tuple(arcade.mix)
    plan = arcade.fitted(6, 64, (0.0, 1.0), games)
    assert plan.dynamics.games == 5  # type: ignore[union-attr]
    assert plan.dynamics_training.weights == tuple(arcade.mix.values())
    assert arcade.fitted(4, 64, (0.0, 1.0), ("bricks",)).dynamics.games == 1  # type: ignore[union-attr]
    with pytest.raises(RunError, match="v1 is for one game"):
        recipes.load("v1").fitted(6, 64, (), games)


def test_what_cannot_be_mixed_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "duel", tmp_path / "one")
    shutil.copytree(folder / "duel", tmp_path / "two")
    with pytest.raises(RecordingError, match=r"one and .*two are of duel"):
        open_recording(tmp_path)
    shutil.rmtree(tmp_path / "two")
    record("bricks", tmp_path / "large", 256, policy="random", workers=1, size=128)
    with pytest.raises(RecordingError, match="another size"):
        open_recording(tmp_path)


def test_a_mixture_keeps_the_rules_of_each_game(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "duel", tmp_path / "duel")
    shutil.copytree(folder / "bricks", tmp_path / "bricks")
    path = tmp_path / "duel" / "index-00.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rules": 1}))
    assert open_recording(tmp_path).rules == {"bricks": registry.get("bricks").RULES, "duel": 1}


def _own(folder: Path, world: str, actions: tuple[str, ...], fps: int) -> Path:
    """A game folder of somebody's own with a recording in which every action was taken in turn."""
    taken = np.arange(40, dtype=np.uint8) % len(actions)
    patches = np.random.default_rng(0).integers(0, 2, (40, 8, 8, 1), np.uint8) * np.uint8(255)
    frames = patches.repeat(8, 1).repeat(8, 2).repeat(3, 3)
    rows = Rows(frames, taken, np.zeros(40, np.float32), np.zeros(40, bool))
    environment = {"source": world, "actions": list(actions), "frame_skip": 2}
    RecordingWriter(folder / "recording", world, actions, 64, environment=environment, fps=fps).write(
        rows, [20, 20], [0, 1]
    )
    return folder


def test_game_folders_of_ones_own_are_mixed_and_bring_actions_of_their_own(tmp_path: Path) -> None:
    _own(tmp_path / "a", "Boat-v0", ("noop", "fire", "right", "left"), 15)
    _own(tmp_path / "b", "Cart-v0", ("noop", "horn", "left", "right"), 20)
    mixed = open_recording(tmp_path)
    assert isinstance(mixed, Mixture)
    assert mixed.actions == ("noop", "left", "right", "fire", "horn"), (
        "the shared names first, then others as they come"
    )
    assert mixed.games == {
        "Boat-v0": ("noop", "left", "right", "fire"), "Cart-v0": ("noop", "left", "right", "horn")
    }  # fmt: skip
    assert mixed.fps == 15
    assert [made["actions"] for made in mixed.environments.values()] == [list(own) for own in mixed.games.values()]
    for part, number in zip(mixed.parts, range(2), strict=True):
        mine = next(episode for episode in mixed.episodes if mixed.game_of(episode) == number)
        taken = [mixed.actions[action] for action in mixed.rows(mine).actions]
        assert taken == [part.actions[action] for action in part.rows(part.episodes[0]).actions]


def test_a_built_in_game_beside_ones_own_keeps_its_rate(tmp_path: Path) -> None:
    _own(tmp_path / "a", "Boat-v0", ("noop", "fire"), 60)
    record("duel", tmp_path / "duel", 200)
    assert open_recording(tmp_path).fps == registry.get("duel").fps
    (tmp_path / "alone").mkdir()
    for game in ("duel", "bricks"):
        record(game, tmp_path / "alone" / game, 200)
    assert open_recording(tmp_path / "alone").fps is None


def test_a_run_says_by_which_rules_it_was_played(folder: Path, tmp_path: Path) -> None:
    train("tiny", folder / "duel", tmp_path / "run", minutes=0.01, log=lambda line: None)
    assert read_record(tmp_path / "run")["rules"] == {"duel": 2}
    shutil.copytree(folder / "duel", tmp_path / "first")
    path = tmp_path / "first" / "index-00.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rules": 1}))
    with pytest.raises(RunError, match="another recipe or recording"):
        train("tiny", tmp_path / "first", tmp_path / "run", minutes=0.01, resume=True, log=lambda line: None)


def test_a_run_says_how_each_game_of_ones_own_is_made(tmp_path: Path) -> None:
    games = tmp_path / "games"
    _own(games / "a", "Boat-v0", ("noop", "fire"), 20)
    _own(games / "b", "Cart-v0", ("noop", "horn"), 20)
    train("tiny", games, tmp_path / "run", minutes=0.01, log=lambda line: None)
    record = read_record(tmp_path / "run")
    assert record["actions"] == ["noop", "fire", "horn"]
    assert {game: made["frame_skip"] for game, made in record["training"]["environments"].items()} == {
        "Boat-v0": 2, "Cart-v0": 2
    }  # fmt: skip
    assert "environment" not in record["training"]
