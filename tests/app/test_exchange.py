"""Play that comes from elsewhere, and goes there, without a pixel or a key lost."""

from __future__ import annotations

import json
import sys
import warnings
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reverie.app.cli import main
from reverie.app.own.game_folder import read_game
from reverie.app.own.video_log import pictures, read_timing
from reverie.app.own.video_times import Frames
from reverie.app.play.capture import save
from reverie.games.picture import letterbox
from reverie.training.data.recording import Recording, Rows
from reverie.training.tokens.windows import Windows, tokenize

pytest.importorskip("gymnasium")

import gymnasium

from tests.games.toy import Toy

ACTIONS = ["right", "right", "noop", "up", "left", "down", "noop"]


@pytest.fixture
def frames() -> list[np.ndarray]:
    """Eight pictures, each with another corner, so that none can be taken for its neighbour."""
    env = Toy()
    first, _ = env.reset(seed=1)
    shown = [first, *(env.step(env.action_names.index(action))[0] for action in ACTIONS)]
    for number, frame in enumerate(shown):
        frame[:4, :4] = 30 * number
    return shown


def put_gif(path: Path, frames: list[np.ndarray]) -> None:
    path.parent.mkdir(exist_ok=True)
    images = [Image.fromarray(frame) for frame in frames]
    images[0].save(path, save_all=True, append_images=images[1:], duration=100, loop=0)


def put_video(path: Path, frames: list[np.ndarray]) -> None:
    av = pytest.importorskip("av")
    path.parent.mkdir(exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264rgb", rate=12)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "rgb24"
        stream.options = {"qp": "0"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def test_a_video_and_a_csv_become_a_recording(
    tmp_path: Path, frames: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    put_video(tmp_path / "in" / "a.mkv", frames)
    lines = ["action,reward,ended", *(f"{action},0.5,{int(i == 6)}" for i, action in enumerate(ACTIONS))]
    (tmp_path / "in" / "a.csv").write_text("\n".join(lines))
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 0
    assert f"next: reverie train {tmp_path / 'game'}" in capsys.readouterr().err
    recording = Recording(tmp_path / "game")
    assert (recording.world, recording.fps, recording.size) == ("game", 12, 64)
    assert recording.actions == ("noop", "right", "up", "left", "down")
    rows = recording.rows(recording.episodes[0])
    assert [recording.actions[a] for a in rows.actions] == [*ACTIONS, "noop"]
    assert rows.rewards.tolist() == [0.5] * 7 + [0]
    assert rows.ended.tolist() == [False] * 6 + [True, False]
    assert not (rows.frames[:, :10]).any(), "letterboxed"
    for stored, source in zip(rows.frames, frames, strict=True):
        np.testing.assert_array_equal(stored, letterbox(source, 64))
    text = (tmp_path / "game" / "game.toml").read_text()
    assert '"right" = ["right", "d"]' in text
    assert "source" not in text


def test_videos_are_not_taken_for_a_built_in_game(
    tmp_path: Path, frames: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames)
    (tmp_path / "in" / "a.csv").write_text("\n".join(["action", *ACTIONS]))
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "duel")]) == 2
    assert "duel is the name of a built-in game" in capsys.readouterr().err
    assert not (tmp_path / "duel").exists()


def test_a_sparse_log_holds_its_keys_and_numbers_are_actions(tmp_path: Path, frames: list[np.ndarray]) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames)
    log = [{"frame": 0, "action": 2}, {"frame": 3, "action": 0, "reward": 1}, {"frame": 5, "action": 1}]
    (tmp_path / "in" / "a.jsonl").write_text("\n".join(map(json.dumps, log)))
    (tmp_path / "game").mkdir()
    (tmp_path / "game" / "game.toml").write_text('title = "Mine"\nsize = 128\n[actions]\njump = ["space"]\n')
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 0
    recording = Recording(tmp_path / "game")
    assert recording.actions == ("noop", "jump", "action2")
    assert recording.size == 128
    rows = recording.rows(recording.episodes[0])
    assert rows.actions.tolist() == [2, 2, 2, 0, 0, 1, 1, 0]
    assert rows.rewards.tolist() == [0, 0, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("keys", "named", "stored"),
    [
        (["", "1", "3"], ["action1", "action2", "action3"], [0, 1, 3]),
        (["noop", "2", "3"], ["action1", "action2", "action3"], [0, 2, 3]),
        (["none", "", "noop"], [], [0, 0, 0]),
        (["w", "1", "0"], ["w", "1", "0"], [1, 2, 3]),  # names of keys
        (["²", "1", "2"], ["²", "1", "2"], [1, 2, 3]),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_blanks_are_no_key_and_numbers_beside_names_are_names(
    ending: str, keys: list[str], named: list[str], stored: list[int], tmp_path: Path, frames: list[np.ndarray]
) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames[:4])
    lines = ["action", *keys] if ending == "csv" else [json.dumps({"action": key}) for key in keys]
    (tmp_path / "in" / f"a.{ending}").write_text("\n".join(lines) + "\n")
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 0
    recording = Recording(tmp_path / "game")
    assert recording.actions == ("noop", *named)
    assert recording.rows(recording.episodes[0]).actions.tolist() == [*stored, 0]


@pytest.mark.parametrize(
    ("name", "log", "says"),
    [
        ("b.csv", "action\nup\n", "has no log of the actions beside it"),
        ("a.csv", "key\nup\n", "has no 'action' in every line"),
        ("a.csv", "action\nup\nup\n", "has 2 lines, and a.gif has 8 frames"),
        ("a.csv", "frame,action\n0,up\n99,up\n", "speaks of frame 99"),
        ("a.csv", "frame,action\n3,up\n2,up\n", "line 3: the frames must count upwards"),
        ("a.csv", "action,reward\nup,nan\n", "line 2, column reward: frame and reward must be numbers"),
        ("a.jsonl", "{", "cannot be read"),
        ("a.csv", "", "holds no lines"),
        ("a.csv", "frame,action\n0,256\n", "number the actions from 0 to 255"),
    ],
)
def test_what_does_not_fit_together_is_said_and_nothing_is_written(
    name: str, log: str, says: str, tmp_path: Path, frames: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames)
    (tmp_path / "in" / name).write_text(log)
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "game").exists()


def test_upper_case_and_hidden_files_and_other_files_are_told_apart(
    tmp_path: Path, frames: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    put_gif(tmp_path / "in" / "A.gif", frames)
    (tmp_path / "in" / "A.gif").rename(tmp_path / "in" / "A.GIF")
    (tmp_path / "in" / "A.CSV").write_text("\n".join(["Action", *ACTIONS, "", "", ""]))
    (tmp_path / "in" / "._A.GIF").write_bytes(b"\0\5\x16\7")
    (tmp_path / "in" / "metadata.json").write_text('{"game": "example"}')
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 0
    said = capsys.readouterr().err
    assert "columns used: action" in said
    assert "not read: metadata.json" in said
    recording = Recording(tmp_path / "game")
    rows = recording.rows(recording.episodes[0])
    assert [recording.actions[a] for a in rows.actions] == [*ACTIONS, "noop"]


def test_after_a_limit_of_time_an_episode_of_its_own_begins(tmp_path: Path, frames: list[np.ndarray]) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames)
    log = ["action,truncated", *(f"{action},{int(i == 3)}" for i, action in enumerate(ACTIONS))]
    (tmp_path / "in" / "a.csv").write_text("\n".join(log))
    assert main(["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]) == 0
    recording = Recording(tmp_path / "game")
    parts = [recording.rows(episode) for episode in recording.episodes]
    assert [len(rows.frames) for rows in parts] == [4, 4]
    assert [[recording.actions[a] for a in rows.actions[:-1]] for rows in parts] == [ACTIONS[:3], ACTIONS[4:]]
    np.testing.assert_array_equal(parts[1].frames[0], letterbox(frames[4], 64))


@pytest.mark.parametrize("ending", ["gif", "mp4"])
@pytest.mark.parametrize("content", [b"", b"no video at all", b"GIF89a"])
def test_a_broken_video_is_said_in_one_sentence(
    content: bytes, ending: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    if ending == "mp4":
        pytest.importorskip("av")
    (tmp_path / f"a.{ending}").write_bytes(content)
    (tmp_path / "a.csv").write_text("action\nup\nup\n")
    assert main(["import", str(tmp_path), "-o", str(tmp_path / "game")]) == 2
    assert capfd.readouterr().err == (
        f"reverie: {tmp_path / 'a'}.{ending} cannot be read as a video; leave it out, or save it again.\n"
    )
    assert not (tmp_path / "game").exists()


def test_a_video_without_pyav_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / "a.csv").write_text("action\nup\nup\n")
    assert main(["import", str(tmp_path), "-o", str(tmp_path / "game")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert 'a.mp4 needs PyAV, which is not installed: `pip install -c constraints.txt ".[video]"`' in said


def test_play_is_not_imported_over_other_play(
    tmp_path: Path, frames: list[np.ndarray], capsys: pytest.CaptureFixture[str]
) -> None:
    put_gif(tmp_path / "in" / "a.gif", frames)
    (tmp_path / "in" / "a.csv").write_text("\n".join(["action", *ACTIONS]))
    words = ["import", str(tmp_path / "in"), "-o", str(tmp_path / "game")]
    assert main(words) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "game").rglob("*.*")}
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "holds a recording already; move it away, or import into another folder" in said
    assert said.count("\n") == 1
    assert {path: path.read_bytes() for path in (tmp_path / "game").rglob("*.*")} == before


def test_a_recording_goes_to_minari_and_comes_back_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    minari = pytest.importorskip("minari")
    pytest.importorskip("pyarrow")
    made = ["record", "tests.games.toy:Toy", "-o", str(tmp_path / "game"), "--steps", "150"]
    assert main(made) == 0
    sets = tmp_path / "sets"
    monkeypatch.chdir(tmp_path)
    assert main(["export", "game", "--minari", "mine/toy-v0", "-o", "sets"]) == 0
    assert main(["export", "game", "--minari", "mine/toy-v0", "-o", "sets"]) == 2
    for outside in ("../toy-v0", str(tmp_path / "toy-v0"), "mine/../../toy-v0"):
        assert main(["export", "game", "--minari", outside, "-o", "sets"]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["game", "sets"]
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(sets))
    data = minari.load_dataset("mine/toy-v0")
    assert data.storage.FORMAT == "arrow"
    assert not data.storage.jpeg_encoding
    for source, name in (("mine/toy-v0", "by-name"), (str(sets / "mine" / "toy-v0"), "by-folder")):
        assert main(["import", source, "-o", str(tmp_path / name)]) == 0
        before, after = Recording(tmp_path / "game"), Recording(tmp_path / name)
        assert (after.world, after.actions, after.size, after.fps) == (before.world, before.actions, 64, 30)
        assert after.environment == before.environment
        assert [e.seed for e in after.episodes] == [e.seed for e in before.episodes]
        for one, other in zip(before.episodes, after.episodes, strict=True):
            for kind, array in vars(before.rows(one)).items():
                np.testing.assert_array_equal(array, getattr(after.rows(other), kind))
    assert main(["import", "no/such-v0", "-o", str(tmp_path / "none")]) == 2
    assert "get one with: minari download no/such-v0" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def put_rounds(folder: Path, monkeypatch: pytest.MonkeyPatch, ends: list[str]) -> Path:
    """A dataset made with Minari alone: each picture has a colour of its own, 10 * round + step, the last ones too."""
    minari = pytest.importorskip("minari")
    pytest.importorskip("pyarrow")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(folder))
    steps, buffers = 5, []
    for number, end in enumerate(ends):
        colours = 10 * number + np.arange(steps + 1)
        last = np.arange(steps) == steps - 1
        frames = np.broadcast_to(colours[:, None, None, None], (steps + 1, 64, 64, 3)).astype(np.uint8)
        frames[:, -1] = 255  # pictures are not as dark as grids of numbers
        buffers.append(
            minari.data_collector.EpisodeBuffer(
                observations=frames,
                actions=np.arange(steps) % 2,
                rewards=np.full(steps, number, np.float32),
                terminations=last & (end == "lost"),
                truncations=last & (end == "cut"),
            )
        )
    space = gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
    options = {"action_space": gymnasium.spaces.Discrete(2), "observation_space": space, "data_format": "arrow"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Minari misses an author
        made = minari.create_dataset_from_buffers("other/game-v0", buffers, jpeg_encoding=False, **options)
    return Path(made.storage.data_path).parent


def describe(source: Path, **metadata: object) -> None:
    path = source / "data" / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **metadata}))


def colours_of(rows: Rows) -> list[int]:
    return rows.frames[:, 0, 0, 0].tolist()


def test_somebody_elses_rounds_become_play_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = put_rounds(tmp_path / "sets", monkeypatch, ["lost", "cut", "lost", "lost"])
    assert main(["import", str(source), "-o", str(tmp_path / "game")]) == 0
    recording = Recording(tmp_path / "game")
    assert recording.actions == ("noop", "action0", "action1")
    first, second = map(recording.rows, recording.episodes)
    # 5, 25 and 35 are last pictures of lost rounds; 15 follows from 14 by the action, and nothing follows from it.
    assert colours_of(first) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15]
    assert np.flatnonzero(first.ended).tolist() == [4]
    assert first.actions.tolist() == [1, 2, 1, 2, 1, 1, 2, 1, 2, 1, 0]
    assert first.rewards.tolist() == [0] * 5 + [1] * 5 + [0]
    assert colours_of(second) == [20, 21, 22, 23, 24, 30, 31, 32, 33, 34, 0]
    assert np.flatnonzero(second.ended).tolist() == [4, 9]

    # What training draws of it: every transition is one of the dataset's, or an end and the first picture after it.
    played = tokenize(recording, lambda frames: frames[:, 0, 0, :1])
    drawn = Windows(played, 7, rare_share=0.5).draw(400, np.random.default_rng(0))
    before, after, ended = drawn.tokens[:, :-1, 0], drawn.tokens[:, 1:, 0], drawn.ended[:, :-1]
    assert ended.any(axis=1).mean() > 0.5
    assert (after[~ended] == before[~ended] + 1).all()
    assert (before[ended] % 10 == 4).all()
    assert (after[ended] % 10 == 0).all()


def put_dataset(folder: Path, observations: Any, actions: Any, spaces: tuple[Any, Any]) -> Path:
    """A dataset of one round whose observations and actions are of these spaces."""
    minari = pytest.importorskip("minari")
    steps = len(next(iter(actions.values())) if isinstance(actions, dict) else actions)
    buffer = minari.data_collector.EpisodeBuffer(
        observations=observations,
        actions=actions,
        rewards=np.zeros(steps, np.float32),
        terminations=np.zeros(steps, bool),
        truncations=np.arange(steps) == steps - 1,
    )
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("MINARI_DATASETS_PATH", str(folder))
        made = minari.create_dataset_from_buffers(
            "other/space-v0",
            [buffer],
            observation_space=spaces[0],
            action_space=spaces[1],
            data_format="arrow",
            jpeg_encoding=False,
        )
    return Path(made.storage.data_path).parent


def test_datasets_of_nested_observations_and_combined_actions_are_understood(tmp_path: Path) -> None:
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("pyarrow")
    box, pair = gymnasium.spaces.Box, gymnasium.spaces.Box(-9, 9, (2,))
    eye = box(0, 255, (16, 20, 3), np.uint8)
    pictures = np.random.default_rng(0).integers(0, 255, (4, 16, 20, 3)).astype(np.uint8)
    places = np.zeros((4, 2), np.float32)
    nested = gymnasium.spaces.Dict({"place": pair, "seen": gymnasium.spaces.Tuple([eye, pair])})
    observations = {"place": places, "seen": (pictures, places)}
    buttons = np.array([[0, 1], [1, 1], [0, 0]], np.int8)
    source = put_dataset(tmp_path / "a", observations, buttons, (nested, gymnasium.spaces.MultiBinary(2)))
    assert main(["import", str(source), "-o", str(tmp_path / "nested")]) == 0
    recording = Recording(tmp_path / "nested")
    assert recording.actions == ("noop", "button1", "button0", "button0+button1")
    rows = recording.rows(recording.episodes[0])
    assert rows.actions.tolist() == [1, 3, 0, 0]
    np.testing.assert_array_equal(rows.frames[2], letterbox(pictures[2], 64))

    shifted = gymnasium.spaces.Discrete(3, start=1)
    source = put_dataset(tmp_path / "b", pictures, np.array([1, 3, 2]), (eye, shifted))
    assert main(["import", str(source), "-o", str(tmp_path / "shifted")]) == 0
    recording = Recording(tmp_path / "shifted")
    assert recording.actions == ("noop", "action0", "action1", "action2")
    assert recording.rows(recording.episodes[0]).actions.tolist() == [1, 3, 2, 0]


def test_datasets_without_pictures_or_with_too_many_actions_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gymnasium = pytest.importorskip("gymnasium")
    pytest.importorskip("pyarrow")
    eye, grid = (gymnasium.spaces.Box(0, most, (16, 20, 3), np.uint8) for most in (255, 9))
    pictures = np.random.default_rng(0).integers(0, 255, (4, 16, 20, 3)).astype(np.uint8)
    one, many = gymnasium.spaces.Discrete(2), gymnasium.spaces.MultiBinary(7)
    source = put_dataset(tmp_path / "a", pictures % 10, np.array([1, 0, 1]), (grid, one))
    assert main(["import", str(source), "-o", str(tmp_path / "grid")]) == 2
    assert "grids of small numbers" in capsys.readouterr().err
    source = put_dataset(tmp_path / "b", pictures, np.ones((3, 7), np.int8), (eye, many))
    assert main(["import", str(source), "-o", str(tmp_path / "many")]) == 2
    assert "128 combinations" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_rounds_longer_than_an_episode_are_joined_at_their_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = put_rounds(tmp_path / "sets", monkeypatch, ["lost", "lost", "lost"])
    monkeypatch.setattr("reverie.games.gymnasium_minari.JOINED_STEPS", 5)
    assert main(["import", str(source), "-o", str(tmp_path / "game")]) == 0
    recording = Recording(tmp_path / "game")
    episodes = [colours_of(recording.rows(episode)) for episode in recording.episodes]
    assert episodes == [[0, 1, 2, 3, 4, 10], [10, 11, 12, 13, 14, 20], [20, 21, 22, 23, 24, 0]]
    assert all(recording.rows(episode).ended.tolist() == [False] * 4 + [True, False] for episode in recording.episodes)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"size": 32}, "has frames of 32 pixels a side; say --size 64 or 128"),
        ({"size": "big"}, "is not understood"),
        ({"fps": -1}, "is not understood"),
        ({"actions": ["noop"]}, "is not understood"),
        ({"actions": ["noop", "noop"]}, "is not understood"),
        ({"world": None}, "is not understood"),
        ({"environment": "Toy"}, "is not understood"),
        ({"environment": {"source": 3}}, "is not understood"),
        ({"environment": {"source": "CartPole-v1", "frame_skip": "two"}}, "is not understood"),
        ({"environment": {"source": "CartPole-v1", "options": {"map": None}}}, "game.toml, and import again"),
    ],
)
def test_a_dataset_that_describes_itself_askew_leaves_nothing_behind(
    about: dict, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = put_rounds(tmp_path / "sets", monkeypatch, ["lost"])
    good = {"world": "mine", "actions": ["noop", "up"], "size": 64, "fps": 20, "environment": None}
    describe(source, reverie=good | about)
    capsys.readouterr()
    assert main(["import", str(source), "-o", str(tmp_path / "game")]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "game").exists()


def test_code_that_a_dataset_names_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.py").write_text("raise SystemExit('run')")
    monkeypatch.setattr("reverie.games.gymnasium_world.SEARCH", [tmp_path])
    spec = gymnasium.envs.registration.EnvSpec(id="theirs:Game", entry_point="theirs:Game")
    source = put_rounds(tmp_path / "sets", monkeypatch, ["lost"])
    describe(source, env_spec=spec.to_json())
    assert main(["import", str(source), "-o", str(tmp_path / "game")]) == 0
    about = {"world": "theirs:Game", "actions": ["noop", "up"], "size": 64, "environment": {"source": "theirs:Game"}}
    describe(source, reverie=about)
    assert main(["import", str(source), "-o", str(tmp_path / "own")]) == 0
    assert read_game(tmp_path / "own").environment is None
    assert '# source = "theirs:Game"' in (tmp_path / "own" / "game.toml").read_text()


@pytest.mark.parametrize("fps", [10, 15, 20, 24, 30, 40, 50])
def test_a_gif_of_our_own_comes_back_frame_by_frame_however_long_a_picture_stayed(
    tmp_path: Path, frames: list[np.ndarray], fps: int
) -> None:
    played = [frames[0]] * 8 + [frames[1]] + [frames[2]] * 39 + [frames[3], frames[2]] + [frames[0]] * 2
    save(tmp_path / "a.gif", lambda: played, fps)
    timing = read_timing(tmp_path / "a.gif")
    assert timing.fps == fps
    seen = [picture[::5, ::5] for picture in pictures(tmp_path / "a.gif", Frames(timing, fps))]
    assert len(seen) == len(played)
    assert all(np.array_equal(one, other) for one, other in zip(seen, played, strict=True))


@pytest.mark.parametrize(
    ("durations", "shown", "fps"),
    [
        ([50, 50, 50], [1, 1, 1], 20),
        ([50, 150, 50, 1000], [1, 3, 1, 20], 20),
        ([30, 40, 30, 70], [1, 1, 1, 2], 30),
        ([0, 0, 300], [1, 1, 3], 10),
        ([500, 500], [1, 1], 2),
    ],
)
def test_a_picture_of_a_gif_is_repeated_for_as_long_as_it_is_shown(
    tmp_path: Path, frames: list[np.ndarray], durations: list[int], shown: list[int], fps: int
) -> None:
    images = [Image.fromarray(frame) for frame in frames[: len(durations)]]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=durations, optimize=False)
    timing = read_timing(tmp_path / "a.gif")
    assert timing.fps == fps
    taken = [picture[0, 0].tolist() for picture in pictures(tmp_path / "a.gif", Frames(timing, fps))]
    assert [len(list(same)) for _, same in groupby(taken)] == shown
