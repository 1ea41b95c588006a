"""One folder and one short file: record, train, export, verify and play, each saying what comes next."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reverie.app.cli import main
from reverie.app.errors import Mistake
from reverie.app.own.game_folder import read_game
from reverie.app.play.choice import Choice
from reverie.app.play.session import Session
from reverie.app.window.game_keys import keys_for, keys_of_game
from reverie.app.window.keys import load_keys
from reverie.app.window.window import Window
from reverie.engine.bundle import Bundle
from reverie.games.environment import Environment
from reverie.training.data.recording import Recording, RecordingError

pytest.importorskip("gymnasium")

TOY = "tests.games.toy:Toy"


@pytest.fixture(autouse=True)
def own_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CONFIG", str(tmp_path))


def write(folder: Path, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "game.toml").write_text(text)
    return folder


def test_recording_an_environment_begins_a_game_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "toy"
    words = ["record", TOY, "-o", str(folder), "--steps", "60", "--frame-skip", "2", "--actions", "right,left"]
    assert main(words) == 0
    assert f"next: reverie train {folder}" in capsys.readouterr().err
    game = read_game(folder)
    assert (game.source, game.size, game.fps, game.recipe) == (TOY, 64, 15, "auto")
    assert game.environment == Environment(TOY, ("right", "left"), frame_skip=2, fps=15)
    assert {"steps = 100000", "minutes = 240"} <= set((folder / "game.toml").read_text().splitlines())
    assert game.keys == {"right": ("right", "d"), "left": ("left", "a")}
    before = len(Recording(folder))
    assert main(["record", str(folder), "--steps", "40", "--seed", "1"]) == 0
    recording = Recording(folder)
    assert len(recording) == before + 40
    assert recording.actions == ("noop", "right", "left")
    assert Environment.from_json(recording.environment or {}) == game.environment


def test_a_game_folder_is_recorded_up_to_its_steps_and_further_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "toy", f'source = "{TOY}"\nsteps = 60\n')
    for more, frames in (["--steps", "20"], 20), ([], 60), ([], 60), (["--steps", "10"], 70):
        assert main(["record", str(folder), *more]) == 0
        assert len(Recording(folder)) == frames
    said = capsys.readouterr().err
    assert f"holds 60 frames, all that game.toml asks for; to add more: reverie record {folder} --steps N\n" in said
    assert said.count(f"next: reverie train {folder}\n") == 4


@pytest.mark.parametrize(("more", "go_on"), [([], ""), (["--steps", "50"], " --steps 50")])
def test_after_ctrl_c_a_game_folder_says_how_its_recording_goes_on(
    more: list[str], go_on: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "toy", f'source = "{TOY}"\n')
    monkeypatch.setattr("reverie.training.data.record.record", interrupted)
    assert main(["record", str(folder), *more]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == f"to go on: reverie record {folder}{go_on}"


def test_after_ctrl_c_a_game_folder_says_how_its_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    folder = write(tmp_path / "toy", f'source = "{TOY}"\nrecipe = "own"\n')
    (folder / "recording").mkdir()
    (folder / "recording" / "index-00.json").touch()
    monkeypatch.setattr("reverie.training.run.train", interrupted)
    assert main(["train", str(folder)]) == 130
    given = "--from v1.1 --seed 3 --devices cpu --precision fp32 --anyway"
    assert main(["train", str(folder), *given.split()]) == 130
    plain, full = capsys.readouterr().out.splitlines()
    assert (plain, full) == (f"to go on: reverie train {folder}", f"to go on: reverie train {folder} {given}")


def interrupted(*what: object, **more: object) -> None:
    raise KeyboardInterrupt


def test_a_recording_that_fails_says_one_sentence_and_closes_what_it_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*what: object) -> None:
        raise RecordingError("a recording process died.")

    closed = []
    monkeypatch.setattr("reverie.training.data.record.record", fails)
    monkeypatch.setattr("reverie.games.gymnasium_world.GymWorld.close", lambda world: closed.append(world.name))
    assert main(["record", TOY, "-o", str(tmp_path / "toy")]) == 2
    assert capsys.readouterr().err == "reverie: a recording process died.\n"
    assert closed == [TOY]


def test_what_comes_next_is_what_is_missing_or_older_than_what_it_is_made_of(tmp_path: Path) -> None:
    game = read_game(write(tmp_path / "game", f'source = "{TOY}"\n'))

    def made(path: Path, at: int) -> None:
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (at, at))

    folder = game.folder
    assert game.next_step() == f"next: reverie record {folder}"
    made(game.recording / "index-00.json", 10)
    assert game.next_step() == f"next: reverie train {folder}"
    made(game.run / "data.npz", 20)
    made(game.run / "dynamics.safetensors", 30)
    assert game.next_step() == f"next: reverie export {folder}"
    made(game.dream / "manifest.json", 40)
    assert game.next_step() == f"next: reverie play {folder}"
    made(game.run / "dynamics.safetensors", 50)
    assert game.next_step() == f"next: reverie export {folder}"
    made(game.recording / "index-00.json", 60)
    old = folder / "old-run"
    assert game.next_step() == f"next: rename {game.run} to {old}, then: reverie train {folder} --from {old}"


def test_a_recipe_beside_the_game_toml_comes_first(tmp_path: Path) -> None:
    folder = write(tmp_path / "game", 'recipe = "own.toml"\n')
    assert read_game(folder).recipe == "own.toml"
    (folder / "own.toml").touch()
    assert read_game(folder).recipe == str(folder / "own.toml")


def test_two_workers_record_different_play(tmp_path: Path) -> None:
    assert main(["record", TOY, "-o", str(tmp_path / "toy"), "--steps", "80", "--workers", "2"]) == 0
    first, second = Recording(tmp_path / "toy").episodes
    assert first.seed != second.seed


def test_an_episode_does_not_cross_a_limit_of_time(tmp_path: Path) -> None:
    folder = write(tmp_path / "toy", f'source = "{TOY}"\n[options]\nlimit = 10\n')
    assert main(["record", str(folder), "--steps", "100"]) == 0
    recording = Recording(folder)
    assert {episode.length for episode in recording.episodes} == {10}
    assert len({episode.shard for episode in recording.episodes}) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("title = ", "is not valid TOML"),
        ("speed = 3", "has an unknown key 'speed'; there are title, source"),
        ("size = 65", "size must be 64 or 128, not 65"),
        ('size = "big"', "size must be a whole number, not 'big'"),
        ("fps = 0", "fps must be 1 to 240, not 0"),
        ("[actions]\njump = 3", "the keys of the action 'jump' must be a list"),
        ('source = ""', "is no game"),
        ("minutes = nan", "minutes must be a number, not nan"),
        ("steps = 1979-05-27", "steps must be a whole number, not datetime.date"),
        ("fps = " + "9" * 5000, "is not valid TOML"),
        ("title = " + "[" * 5000, "is not valid TOML"),
        ("steps = 9999999999999999999", "steps must be 1 to 1,000"),
        ("[options]\nday = 1979-05-27", "options.day must be a text, a number"),
        ("[options]\nspeed = inf", "options.speed must be a text, a number"),
        ('source = "garden"\nframe_skip = 2', "garden is built in and played as it is; leave frame_skip out"),
        ('source = "garden"\n[actions]\nfly = ["f"]', "garden has no action 'fly'"),
        ('source = "x:Y"\ncolour_order = "gbr"', "colour_order must be rgb or bgr"),
    ],
)
def test_a_mistake_in_the_file_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(Mistake, match=says) as caught:
        read_game(write(tmp_path / "game", text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["record", TOY], "Say where to record to"),
        (["record", "tests.games.toy:Missing", "-o", "OUT"], "has no class 'Missing'"),
        (["record", "tests.games.toy:Wheel", "-o", "OUT"], "only Discrete"),
        (["record", "Nothing-v3", "-o", "OUT"], "There is no environment 'Nothing-v3'"),
        (["record", TOY, "-o", "OUT", "--actions", "fly"], "no action 'fly'"),
        (["record", "garden", "-o", "OUT", "--frame-skip", "2"], "belong to Gymnasium environments"),
        (["record", TOY, "-o", "OUT", "--size", "256"], "a game folder takes 64 or 128"),
        (["record", "GAME", "-o", "OUT"], "leave the options out"),
        (["train", "GAME"], "holds no recording"),
        (["eval", "GAME"], "holds no dream yet; next: reverie"),
        (["bench", "GAME"], "holds no dream yet; next: reverie"),
        (["train", "v1"], "Say where the recording is"),
        (["train", "GAME", "--data", "OUT"], "leave --data and -o out"),
        (["train", "tiny", "--data", "NOWHERE", "-o", "OUT"], "NOWHERE"),  # though a folder is called tiny as well
        (["export", "GAME"], "next: reverie record GAME"),
        (["export", "OUT"], "Say where the bundle goes"),
        (["verify", "GAME"], "holds no dream yet"),
        (["play", "GAME", "--headless", "--frames", "2"], "holds no dream yet; next: reverie record GAME"),
    ],
)
def test_a_step_too_early_or_askew_says_what_to_do(
    words: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "GAME", f'source = "{TOY}"\n')
    (tmp_path / "tiny").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert main(words) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_every_action_gets_a_key_and_no_key_has_two_meanings() -> None:
    actions = ("noop", "up", "fire", "upright", "move_left", "left", "jump", "open_door")
    keys = keys_for(actions, {"jump": ("j",)})
    assert keys["jump"] == ("j",)
    assert keys["left"] == ("left", "a")
    assert keys["fire"] == ("space",)
    flat = [key for names in keys.values() for key in names]
    assert len(set(flat)) == len(flat)
    assert all(keys[action] for action in actions[1:])
    pygame = pytest.importorskip("pygame")
    does = keys_of_game(load_keys(), actions, {"jump": ("j",)}).does
    assert does[pygame.K_SPACE] == "fire"
    assert does[pygame.K_p] == "pause"
    assert keys_of_game(load_keys(), ("noop", "up", "down", "left", "right")).does[pygame.K_SPACE] == "pause"


def test_what_is_pressed_together_needs_a_key_only_where_its_parts_have_none() -> None:
    keys = keys_for(("noop", "left", "a", "left+a", "a+jump"))
    assert keys["left"]
    assert keys["left+a"] == ()
    assert keys["a+jump"] == ("space",)


def dream_of(bundle: Bundle, world: str, actions: tuple[str, ...], **training: object) -> Bundle:
    manifest = replace(bundle.manifest, games=(world,), actions=actions, training=training)
    return replace(bundle, manifest=manifest)


def test_a_dream_of_an_environment_hands_over_to_it_and_back(bundle: Bundle) -> None:
    actions = ("noop", "up", "down", "left", "right")
    dream = dream_of(bundle, "reverie-tests/Toy-v0", actions, environment=Environment("reverie-tests/Toy-v0").to_json())
    import tests.games.toy  # noqa: F401 - registers it

    session = Session(Choice(), dream)
    session.step(4)
    assert session.hand_over() == "the real game begins anew"
    assert session.is_real
    assert session.step(4).frame.shape == (64, 64, 3)
    assert session.hand_over() == "the dream goes on from here"


def test_a_dream_never_chooses_code_to_run(bundle: Bundle) -> None:
    session = Session(Choice(), dream_of(bundle, TOY, bundle.manifest.actions))
    with pytest.raises(ValueError, match="only made from its own game folder"):
        session.hand_over()
    own = Session(Choice(environment=Environment(TOY)), dream_of(bundle, TOY, bundle.manifest.actions))
    assert own.hand_over() == "the real game begins anew"


def test_a_dream_of_a_game_that_is_not_here_can_be_played_all_the_same(bundle: Bundle) -> None:
    session = Session(Choice(), dream_of(bundle, "my-videos", bundle.manifest.actions))
    session.step(1)
    with pytest.raises(ValueError, match="There is no environment 'my-videos'"):
        session.hand_over()
    assert not session.is_real
    session.step(1)


def test_a_real_game_that_stops_begins_an_episode(tmp_path: Path) -> None:
    environment = Environment("tests.games.toy:Toy", options={"limit": 3})
    session = Session(Choice(real=True, environment=environment))
    broken: list[int] = []

    class TransitionRecorder:
        def reset(self, frame: np.ndarray, seed: int) -> None:
            broken.append(len(session.game.history))

        def step(self, action: int, frame: np.ndarray, reward: float, ended: bool) -> None:
            pass

    session.recorder = TransitionRecorder()
    for _ in range(6):
        session.step(0)
    assert broken == [1, 1]


def test_a_person_plays_an_environment_in_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pygame = pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    folder = tmp_path / "toy"
    run = Window.run

    def run_with_a_key_down(window: Window) -> None:
        # Both are there before the first frame: the press is answered by one frame, whenever the window wakes.
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_RIGHT))
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.K_RIGHT))
        run(window)

    monkeypatch.setattr(Window, "run", run_with_a_key_down)
    try:
        assert main(["record", TOY, "-o", str(folder), "--human", "--steps", "12"]) == 0
    finally:
        pygame.display.quit()
    recording = Recording(folder)
    assert (len(recording), recording.world, recording.fps) == (13, TOY, 30)
    rows = recording.rows(recording.episodes[0])
    right = recording.actions.index("right")
    [pressed] = np.flatnonzero(rows.actions)
    assert rows.actions[pressed] == right
    assert (rows.frames[pressed] != rows.frames[pressed + 1])[..., 0].any(), "the red square moves as it is pressed"
    assert main(["record", str(folder), "--steps", "20"]) == 0, "other play is added to it"
    assert len(Recording(folder)) == 33


@pytest.mark.slow
def test_the_whole_way_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    folder = write(
        tmp_path / "my-toy", f'title = "Toy"\nsource = "{TOY}"\nrecipe = "tiny"\nsteps = 1500\nminutes = 0.1\n'
    )
    assert main(["record", str(folder)]) == 0
    assert main(["train", str(folder)]) == 0
    assert f"next: reverie export {folder}" in capsys.readouterr().out
    assert main(["train", str(folder), "--minutes", "0.15"]) == 0, "it goes on by itself"
    assert main(["export", str(folder), "--precision", "fp32"]) == 0
    assert f"next: reverie verify {folder}" in capsys.readouterr().out
    assert main(["verify", str(folder)]) == 0
    assert f"next: reverie play {folder}" in capsys.readouterr().out
    manifest = Bundle.load(folder / "dream").manifest
    assert (manifest.name, manifest.games, manifest.fps) == ("my-toy", (TOY,), 30)
    assert manifest.training["environment"]["source"] == TOY
    for more in ([], ["--real"]):
        words = ["play", str(folder), "--headless", "--unpaced", "--frames", "5", "--report", str(tmp_path / "r.json")]
        assert main([*words, *more]) == 0


def test_a_broken_recording_is_not_trained_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch")
    folder = write(tmp_path / "game", f'source = "{TOY}"\nrecipe = "tiny"\ncolour_order = "bgr"\n')
    assert main(["record", str(folder), "--steps", "1500"]) == 0
    assert main(["train", str(folder)]) == 1
    said = capsys.readouterr().err
    assert "Red and blue are swapped" in said
    assert "train with --anyway" in said
    assert not (folder / "run").exists()


def test_recordings_of_other_settings_are_not_mixed(tmp_path: Path) -> None:
    folder = write(tmp_path / "game", f'source = "{TOY}"\n')
    assert main(["record", str(folder), "--steps", "20"]) == 0
    write(folder, f'source = "{TOY}"\nframe_skip = 2\n')
    assert main(["record", str(folder), "--steps", "20"]) == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_files_that_would_never_end_are_refused_and_not_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "game"
    (folder / "recording").mkdir(parents=True)
    for name in ("game.toml", "recording/index-00.json", "keys.json", "script.txt", "recipe.toml"):
        os.mkfifo(folder / name)
    with pytest.raises(Mistake, match="it is not a file"):
        read_game(folder)
    with pytest.raises(RecordingError, match="it is not a file"):
        Recording(folder)
    with pytest.raises(Mistake, match="it is not a file"):
        load_keys(folder / "keys.json")
    assert main(["play", "v1.1", "--headless", "--frames", "2", "--script", str(folder / "script.txt")]) == 2
    assert main(["train", str(folder / "recipe.toml"), "--data", str(folder), "-o", str(tmp_path / "run")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "game", "")
    os.truncate(folder / "game.toml", 1 << 33)
    with pytest.raises(Mistake, match="larger than 1 MiB"):
        read_game(folder)
    (folder / "index-00.json").touch()
    os.truncate(folder / "index-00.json", 1 << 33)
    with pytest.raises(RecordingError, match="larger than 256 MiB"):
        Recording(folder)
