"""Recordings line up, survive being cut off, and windows never cross an episode's end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reverie.games import registry
from reverie.training.data.record import EpisodeRecorder, play_shard, record
from reverie.training.data.recording import Recording, RecordingError, RecordingWriter, Rows
from reverie.training.tokens.windows import TokenEpisodes, Windows, seldom, tokenize


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recording")
    record("garden", out, steps=640, policy="explore", seed=5)
    return out


def test_the_action_of_a_row_turned_its_frame_into_the_next(folder: Path) -> None:
    recording = Recording(folder)
    episodes = recording.episodes
    game = registry.get("garden")(len(episodes))
    game.reset(np.array([episode.seed for episode in episodes]), vary=True)
    rows = [recording.rows(episode) for episode in episodes]
    for t in range(episodes[0].length - 1):
        np.testing.assert_array_equal(game.render(64), np.stack([row.frames[t] for row in rows]))
        reward, ended = game.step(np.array([row.actions[t] for row in rows], np.int64))
        np.testing.assert_array_equal(reward, [row.rewards[t] for row in rows])
        np.testing.assert_array_equal(ended, [row.ended[t] for row in rows])


def test_training_never_sees_a_held_out_seed(folder: Path) -> None:
    assert max(episode.seed for episode in Recording(folder).episodes) < 1_000_000


def test_windows_stay_inside_an_episode(folder: Path) -> None:
    recording = Recording(folder)
    owner = np.repeat(np.arange(len(recording.episodes)), [episode.length for episode in recording.episodes])
    counter = iter(range(10**6))
    episodes = tokenize(recording, lambda frames: np.array([[next(counter)] for _ in frames]))
    windows = Windows(episodes, 5, rare_share=0.5)
    tokens, actions, rewards, ended, other_time, games = windows.draw(500, np.random.default_rng(0))
    assert tokens.shape == other_time.shape == (500, 5, 1)
    assert not games.any()
    np.testing.assert_array_equal(np.diff(tokens[..., 0], axis=1), 1)
    rows = tokens[..., 0]
    assert (owner[rows] == owner[rows[:, :1]]).all()
    assert (owner[other_time[..., 0]] == owner[rows[:, :1]]).all(), "another time of the same episode"
    assert (other_time != tokens).any()
    np.testing.assert_array_equal(actions, episodes.actions[rows])
    np.testing.assert_array_equal(rewards, episodes.rewards[rows])
    np.testing.assert_array_equal(ended, episodes.ended[rows])


def test_windows_around_rare_events_are_drawn_more_often() -> None:
    rewards = np.zeros(1000, np.float32)
    rewards[500] = 1
    tokens = np.arange(1000, dtype=np.uint16)[:, None]
    one = np.array([0]), np.array([1000]), np.array([0])
    episodes = TokenEpisodes(tokens, np.zeros(1000, np.uint8), rewards, np.zeros(1000, bool), *one)
    tokens = Windows(episodes, 5, rare_share=0.5).draw(400, np.random.default_rng(0)).tokens
    holds = ((tokens[:, :-1, 0] == 500).any(1)).mean()
    assert 0.4 < holds < 0.65


def test_frames_with_the_rarest_tokens_are_seldom() -> None:
    tokens = np.tile(np.arange(10, dtype=np.uint16), (1000, 1))
    tokens[::20, 3] = 77
    tokens[5, 3] = 99
    assert np.flatnonzero(seldom(tokens, 0.01)).tolist() == [5]
    assert set(np.flatnonzero(seldom(tokens, 0.1)).tolist()) == {5, *range(0, 1000, 20)}
    assert not seldom(tokens[1:5]).any(), "where all frames are alike none is"


def test_an_unfinished_shard_is_no_part_of_the_recording(folder: Path, tmp_path: Path) -> None:
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    rows = Rows(frames, np.zeros(4, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool))
    writer = RecordingWriter(tmp_path, "toy", ("noop",), 8)
    writer.write(rows, [4], [1])
    (tmp_path / "frames-00-00001.npy.part").write_bytes(b"half")
    np.save(tmp_path / "frames-00-00001.npy", frames)
    recording = Recording(tmp_path)
    assert len(recording) == 4
    again = RecordingWriter(tmp_path, "toy", ("noop",), 8)
    again.write(rows, [4], [2])
    assert len(Recording(tmp_path)) == 8


def test_two_recorders_in_one_folder_both_count(tmp_path: Path) -> None:
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    writers = [RecordingWriter(tmp_path, "toy", ("noop", "go"), 8) for _ in range(2)]
    for number, writer in enumerate(writers):  # in turn, as two processes would
        rows = Rows(frames + number, np.full(4, number, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool))
        writer.write(rows, [4], [number])
    recording = Recording(tmp_path)
    assert sorted(episode.seed for episode in recording.episodes) == [0, 1]
    for episode in recording.episodes:
        rows = recording.rows(episode)
        assert (rows.frames == episode.seed).all()
        assert (rows.actions == episode.seed).all()
    writers[0].close()
    assert RecordingWriter(tmp_path, "toy", ("noop", "go"), 8).writer == 0, "a writer that is closed is free again"


def test_two_runs_into_one_folder_at_once_record_all_their_frames(tmp_path: Path) -> None:
    options = ("--steps", "640", "--policy", "random", "--workers", "1", "--seed", "5", "--out", str(tmp_path))
    command = [sys.executable, "-m", "reverie.app.cli", "record", "garden", *options]
    for run in [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]:
        assert run.wait(120) == 0
    recording = Recording(tmp_path)
    assert len(recording) == 1280
    assert len({episode.seed for episode in recording.episodes}) == len(recording.episodes), "no room is played twice"
    game = registry.get("garden")(len(recording.episodes))
    game.reset(np.array([episode.seed for episode in recording.episodes]), vary=True)
    rows = [recording.rows(episode) for episode in recording.episodes]
    for t in range(min(len(row.actions) for row in rows) - 1):
        np.testing.assert_array_equal(game.render(64), np.stack([row.frames[t] for row in rows]))
        game.step(np.array([row.actions[t] for row in rows], np.int64))


def test_two_worlds_do_not_share_a_folder(tmp_path: Path) -> None:
    rows = Rows(np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool))
    first, second = (RecordingWriter(tmp_path, world, ("noop",), 8) for world in ("toy", "other"))
    first.write(rows, [4], [1])
    with pytest.raises(RecordingError, match="another world"):
        second.write(rows, [4], [1])
    assert len(Recording(tmp_path)) == 4


def test_play_by_other_rules_is_not_mixed_in(tmp_path: Path) -> None:
    rows = Rows(np.zeros((4, 8, 8, 3), np.uint8), np.zeros(4, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool))
    RecordingWriter(tmp_path, "toy", ("noop",), 8, rules=2).write(rows, [4], [1])
    assert Recording(tmp_path).rules == {"toy": 2}
    with pytest.raises(RecordingError, match=r"by other rules; choose another folder\.$"):
        RecordingWriter(tmp_path, "toy", ("noop",), 8)
    index = json.loads((tmp_path / "index-00.json").read_text())
    (tmp_path / "index-01.json").write_text(json.dumps(index | {"rules": 1}))
    with pytest.raises(RecordingError, match="different worlds, sizes or rules"):
        Recording(tmp_path)


def test_the_rules_of_a_recorded_game_are_written_down(folder: Path) -> None:
    assert json.loads((folder / "index-00.json").read_text())["rules"] == registry.get("garden").RULES
    assert Recording(folder).rules == {"garden": registry.get("garden").RULES}


def test_a_full_disk_keeps_what_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = EpisodeRecorder(RecordingWriter(tmp_path, "toy", ("noop", "go"), 8))
    frame = np.zeros((8, 8, 3), np.uint8)
    recorder.reset(frame, seed=1)
    recorder.step(1, frame, 0.0, False)
    recorder.reset(frame, seed=2)
    recorder.step(1, frame, 0.0, False)

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(RecordingError, match="The disk is full: what was recorded so far is kept"):
        recorder.close()
    monkeypatch.undo()
    assert [episode.seed for episode in Recording(tmp_path).episodes] == [1]
    assert not list(tmp_path.glob("*.part"))


def test_what_could_not_be_listed_is_not_listed_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = RecordingWriter(tmp_path, "toy", ("noop",), 8)
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    rows = Rows(frames, np.zeros(4, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool))

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(RecordingError, match="The disk is full: what was recorded so far is kept"):
            writer.write(rows, [4], [1])
    writer.write(rows, [4], [2])
    assert [episode.seed for episode in Recording(tmp_path).episodes] == [2]


def test_a_damaged_shard_is_named(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shard = next(tmp_path.glob("frames-*.npy"))
    shard.write_bytes(shard.read_bytes()[:100_000])
    recording = Recording(tmp_path)
    with pytest.raises(RecordingError, match=r"frames-00-00000\.npy is missing or damaged"):
        recording.rows(recording.episodes[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "chess"}, "chess"),
        ({"policy": "clever"}, "clever"),
        ({"size": 65}, "65"),
        ({"steps": 0}, "at least 1"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    arguments: dict[str, object], message: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options: dict[str, object] = {"world": "garden", "out": out, "steps": 10} | arguments
    with pytest.raises(ValueError, match=message):
        record(**options)  # type: ignore[arg-type]
    assert not out.exists()


def test_another_worlds_recording_is_not_mixed_in(folder: Path) -> None:
    with pytest.raises(RecordingError, match="another world or size"):
        RecordingWriter(folder, "chess", ("noop",), 64)
    assert json.loads((folder / "index-00.json").read_text())["world"] == "garden"


def test_an_interrupted_recording_keeps_its_unfinished_episodes(tmp_path: Path) -> None:
    calls = iter(range(100))
    game = registry.get("garden")(2)
    rows = play_shard(
        game, registry.policy("garden", "random", 2), np.array([1, 2]), 50, 64, stop=lambda: next(calls) >= 10
    )
    assert len(rows.frames) == len(rows.actions) == 2 * 11
    assert not (rows.frames[10] == rows.frames[11]).all(), "the second trajectory follows the first"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"size": 0}, "size must be 1 to 512, not 0"),
        ({"size": "64"}, "size must be a whole number, not '64'"),
        ({"fps": 1.5}, "fps must be a whole number"),
        ({"world": None}, "world must be a text, not None"),
        ({"world": ""}, "world must have 1 to 300 characters"),
        ({"actions": "noop"}, "actions must be a list"),
        ({"actions": []}, "actions must have 1 to 256 entries"),
        ({"actions": ["noop", "noop"]}, "name each action once"),
        ({"episodes": [{"shard": "00-00000"}]}, r"episodes\[0\] lacks the key 'start'"),
        ({"episodes": [{"shard": "../x", "start": 0, "length": 4, "seed": 1}]}, "must be like 00-00000"),
        ({"episodes": [{"shard": "00-00000", "start": 0, "length": -1, "seed": 1}]}, r"episodes\[0\].length must be"),
        ({"episodes": {}}, "episodes must be a list"),
        ({"environment": {"source": 3}}, "does not describe an environment"),
        ({"speed": 1}, "unknown key 'speed'"),
        ({"format": 2}, "format 1"),
    ],
)
def test_what_is_wrong_in_an_index_is_said_by_file_and_key(
    change: dict[str, object], says: str, tmp_path: Path
) -> None:
    small_recording(tmp_path)
    path = tmp_path / "index-00.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(RecordingError, match=says) as caught:
        Recording(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("frames", np.zeros((4, 8, 8, 4), np.uint8)),
        ("frames", np.zeros((4, 8, 8, 3), np.float32)),
        ("frames", np.zeros((3, 8, 8, 3), np.uint8)),
        ("actions", np.full(4, 2, np.uint8)),
        ("actions", np.zeros((4, 1), np.uint8)),
        ("rewards", np.full(4, np.nan, np.float32)),
        ("ended", np.zeros((), bool)),
    ],
)
def test_a_shard_that_does_not_fit_its_index_is_said(kind: str, array: np.ndarray, tmp_path: Path) -> None:
    small_recording(tmp_path)
    np.save(tmp_path / f"{kind}-00-00000.npy", array)
    recording = Recording(tmp_path)
    with pytest.raises(RecordingError, match="record again"):
        recording.rows(recording.episodes[0])


def test_what_a_killed_writer_left_unfinished_is_removed_by_the_next(tmp_path: Path) -> None:
    small_recording(tmp_path)
    mine = [tmp_path / name for name in ("frames-00-00001.npy.part", "index-00.json.part")]
    others = [tmp_path / name for name in ("frames-01-00000.npy.part", "notes.part")]
    for path in (*mine, *others):
        path.write_bytes(b"half")
    RecordingWriter(tmp_path, "toy", ("noop", "go"), 8)
    assert not any(path.exists() for path in mine)
    assert all(path.exists() for path in others)


def small_recording(folder: Path) -> None:
    """Four frames of 8 x 8 pixels."""
    writer = RecordingWriter(folder, "toy", ("noop", "go"), 8)
    frames = np.zeros((4, 8, 8, 3), np.uint8)
    writer.write(Rows(frames, np.zeros(4, np.uint8), np.zeros(4, np.float32), np.zeros(4, bool)), [4], [1])
    writer.close()
