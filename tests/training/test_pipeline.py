"""The one command for a bare machine: a recording, a run and its parts, in as many sessions as it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reverie.export.tokens.networks import read_run
from reverie.training.pack import join
from reverie.training.pipeline import main
from reverie.training.tokens.extra_rollouts import play_extra_rollouts

ROOT = Path(__file__).parents[2]
RECIPE = """
kind = "v2"
decoder_share = 0.2
extra_rollouts = 640
[tokenizer]
vocabulary = 32
[dynamics]
vocabulary = 32
layers = 1
width = 32
heads = 2
causal_layers = 1
causal_width = 16
rewards = [-1.0, 0.0, 1.0]
[decoder]
vocabulary = 32
patch = 8
widths = [8, 16]
conditioning = 8
[dynamics_training]
window = 3
batch = 4
still_share = 1.0
[decoder_training]
batch = 4
"""


def test_play_extra_rollouts_that_fails_ends_and_waits_for_nobody() -> None:
    def encode(frames: np.ndarray) -> np.ndarray:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        play_extra_rollouts("garden", 1, 64, 9 * 4096, 3, encode, 1)


def test_play_extra_rollouts_is_the_same_however_many_play_it() -> None:
    def encode(frames: np.ndarray) -> np.ndarray:
        return frames[:, ::16, ::16, 0].reshape(len(frames), -1)

    said: list[int] = []
    one, two = (play_extra_rollouts("garden", 1, 64, 40, 3, encode, workers, said.append) for workers in (1, 2))
    assert len(one.tokens) == said[-1] == 48, "rounded up to whole episodes"
    assert one.lengths.tolist() == [3] * 16
    for a, b in zip(vars(one).values(), vars(two).values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_system_without_alarms_or_affinities_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    monkeypatch.delattr("signal.setitimer", raising=False)
    monkeypatch.setattr("sys.argv", ["reverie.training.pipeline", "tiny", "-o", str(tmp_path), "--session", "1"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_one_command_records_trains_stops_goes_on_and_packs(tmp_path: Path) -> None:
    recipe = tmp_path / "toy.toml"
    recipe.write_text(RECIPE)
    # A finder that lets nobody find what a bare machine lacks.
    bare = "import sys; sys.modules.update(dict.fromkeys(('safetensors', 'onnx', 'tyro', 'PIL', 'pygame', 'rich')))"
    code = f"{bare}; from reverie.training.pipeline import main; main()"

    def command(*more: str) -> str:
        words = [sys.executable, "-c", code, str(recipe), "-o", str(tmp_path / "out"), "--frames", "2048", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = command("--minutes", "100", "--session", "0.5")
    assert "the same command goes on" in first
    last = command("--minutes", "0.1")
    assert "done: 1 parts" in last
    join(tmp_path / "out" / "parts", tmp_path / "arrived")
    run = read_run(tmp_path / "arrived")
    assert run.decoder is not None
    assert run.record["recipe"] == "toy"
