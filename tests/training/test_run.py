"""`reverie train` as a whole: what it keeps out of training, and what it refuses before time is spent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reverie.engine.bundle import Bundle
from reverie.engine.dream import Dream
from reverie.engine.verify import verify
from reverie.export.run_export import export_run
from reverie.games import registry
from reverie.training.data.recording import RecordingWriter, Rows
from reverie.training.errors import RunError
from reverie.training.loop.device_context import find_device_context
from reverie.training.loop.train import AGREE_EVERY
from reverie.training.run import train
from reverie.training.runs import read_run
from reverie.training.tokens.encode import split_episodes
from reverie.training.tokens.extra_rollouts import frames_played
from reverie.training.tokens.windows import TokenEpisodes, Windows

ROOT = Path(__file__).parents[2]
RECIPE = """
kind = "v2"
[tokenizer]
vocabulary = 32
[dynamics]
history = 2
vocabulary = 32
layers = 1
width = 32
heads = 2
causal_layers = 0
[dynamics_training]
window = 4
batch = 4
"""


def _recorded(folder: Path, lengths: list[int], world: str = "toy") -> Path:
    """A recording of episodes of these lengths, added to what is there."""
    count, rng = sum(lengths), np.random.default_rng(len(lengths))
    frames = rng.integers(0, 2, (count, 8, 1, 8, 1, 1), np.uint8) * np.full((8, 1, 8, 3), 255, np.uint8)
    rows = Rows(
        frames.reshape(count, 64, 64, 3), np.zeros(count, np.uint8), np.zeros(count, np.float32), np.zeros(count, bool)
    )
    actions = registry.get(world).actions if world in registry.names() else ("noop", "up")
    RecordingWriter(folder, world, actions, 64).write(rows, lengths, list(range(len(lengths))))
    return folder


def _recipe(folder: Path, more: str = "") -> str:
    path = folder / "mine.toml"
    path.write_text(more + RECIPE)
    return str(path)


def _episodes(lengths: list[int], games: list[int]) -> TokenEpisodes:
    sizes, count = np.array(lengths), sum(lengths)
    starts = np.cumsum(sizes) - sizes
    tokens = np.arange(count, dtype=np.uint16)[:, None]
    nothing = np.zeros(count, np.uint8)
    return TokenEpisodes(
        tokens, nothing, nothing.astype(np.float32), nothing.astype(bool), starts, sizes, np.array(games)
    )


@pytest.mark.parametrize(
    ("lengths", "games", "held_out"),
    [
        ([20] * 10, [0] * 10, 1),
        ([20] * 100, [0] * 100, 2),
        ([20, 20, 20, 3, 2], [0] * 5, 3),  # people gave up early
        ([20, 20, 20, 20], [0, 1, 0, 0], None),  # the only episode of a game is needed for training
        ([20, 20, 20, 20, 20], [0, 1, 1, 0, 0], 3),
        ([3, 20, 3], [0] * 3, None),
        ([20], [0], None),
    ],
)
def test_every_game_has_a_long_enough_episode_in_both_parts(
    lengths: list[int], games: list[int], held_out: int | None
) -> None:
    episodes = _episodes(lengths, games)
    parts = split_episodes(episodes, 5)
    if held_out is None:
        assert parts == (episodes, episodes)
    else:
        assert [len(part.starts) for part in parts] == [len(lengths) - held_out, held_out]
        np.testing.assert_array_equal(np.concatenate([part.tokens for part in parts]), episodes.tokens)
    for part in parts:
        assert set(Windows(part, 5).draw(200, np.random.default_rng(0)).games) == set(games)


def test_a_recording_whose_last_episodes_are_short_is_trained_on_and_resumed(tmp_path: Path) -> None:
    data, said = _recorded(tmp_path / "data", [20, 20, 20, 2, 3]), []
    recipe, out = _recipe(tmp_path), tmp_path / "run"
    train(recipe, data, out, 0.01, log=said.append)
    train(recipe, data, out, 0.015, resume=True, log=said.append)
    assert sum(line.startswith("done: ") for line in said) == 2


def test_a_recording_of_short_episodes_alone_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = _recorded(tmp_path / "data", [4, 3, 4])
    with pytest.raises(RunError, match=r"episode of toy in .* has 4 frames, .* 5 at a time; record longer ones"):
        train(_recipe(tmp_path), data, tmp_path / "run", 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("world", "more"), [("toy", ""), ("garden", "extra_rollouts = 40\n")])
def test_a_run_does_not_go_on_with_a_recording_that_has_grown(world: str, more: str, tmp_path: Path) -> None:
    data, recipe, out = tmp_path / "data", _recipe(tmp_path, more), tmp_path / "run"
    _recorded(data, [20, 20], world)
    train(recipe, data, out, 0.01, log=lambda line: None)
    train(recipe, data, out, 0.02, resume=True, log=lambda line: None)
    before = (out / "run.json").read_text()
    _recorded(data, [30], world)
    with pytest.raises(RunError, match=r"begun with 40 frames and .* now holds 70; train into a new folder"):
        train(recipe, data, out, 0.03, resume=True, log=lambda line: None)
    assert (out / "run.json").read_text() == before


@pytest.mark.parametrize("history", [1, 2, 6])
def test_a_run_of_any_history_becomes_a_dream_of_that_history(history: int, tmp_path: Path) -> None:
    """The starts of a bundle hold as many frames as its dynamics look at, whatever the recipe says."""
    recipe = Path(_recipe(tmp_path))
    recipe.write_text(recipe.read_text().replace("history = 2", f"history = {history}"))
    train(str(recipe), _recorded(tmp_path / "data", [20, 20, 20]), tmp_path / "run", 0.01, log=lambda line: None)
    out = export_run(tmp_path / "run", tmp_path / "dream", "fp16", log=lambda line: None)
    assert verify(out) == []
    dream = Dream(Bundle.load(out, threads=1))
    assert dream.bundle.manifest.history == history
    for _ in range(8):
        dream.step(1)
    assert dream.history_fill == history


@pytest.mark.slow
def test_two_processes_train_one_run_and_the_first_alone_speaks(tmp_path: Path) -> None:
    pytest.importorskip("lightning_fabric")
    data, recipe, out = _recorded(tmp_path / "data", [20, 20, 20]), _recipe(tmp_path), tmp_path / "run"
    words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*words, __file__, recipe, data, out], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("done: reverie export") == 1
    record = read_run(out).record
    assert record["metrics"]["dynamics"]["steps"] % AGREE_EVERY == 0, "they stop after the same step"
    assert record["training"]["recorded_frames"] == 60


def test_extra_rollouts_are_counted_as_they_are_played() -> None:
    assert [frames_played(frames) for frames in (0, 1, 40, 4096, 4097)] == [0, 32, 48, 4096, 8192]


if __name__ == "__main__":
    train(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), 0.02, context=find_device_context("cpu:2", "fp32"))
