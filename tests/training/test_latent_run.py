"""`reverie train` of the latent family: parts that come later, and runs that have only some of their parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reverie.models.latent.dynamics import LatentDynamics
from reverie.training.data.recording import RecordingWriter, Rows
from reverie.training.errors import RunError
from reverie.training.loop import train as loop
from reverie.training.run import train
from reverie.training.runs import read_run

RECIPE = """
kind = "latent"
[autoencoder]
patch = 16
channels = 8
width = 8
encoder_blocks = 1
decoder_blocks = 1
[autoencoder_training]
batch = 4
[dynamics]
grid = [4, 4]
channels = 8
history = 3
width = 16
layers = 1
heads = 2
motion_width = 8
motion_blocks = 1
denoiser_width = 16
denoiser_layers = 1
denoiser_heads = 2
[dynamics_training]
window = 4
batch = 2
own_frames = 2
"""
DECODER = """
[decoder]
patch = 16
grid = [4, 4]
channels = 8
widths = [8, 8]
conditioning = 8
[decoder_training]
batch = 4
"""
PARTS = ("autoencoder.safetensors", "dynamics.safetensors")


def quiet(line: str) -> None:
    """No log."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng, count = np.random.default_rng(0), 60
    frames = rng.integers(0, 256, (count, 64, 64, 3), np.uint8)
    rows = Rows(frames, np.zeros(count, np.uint8), np.zeros(count, np.float32), np.zeros(count, bool))
    RecordingWriter(tmp_path / "data", "toy", ("noop", "up"), 64).write(rows, [20, 20, 20], [0, 1, 2])
    return tmp_path / "data"


def test_a_trunk_that_denoises_itself_learns_like_the_other(data: Path, tmp_path: Path) -> None:
    """Windows longer than the history, and the model's own frames from the beginning."""
    recipe, out = tmp_path / "mine.toml", tmp_path / "run"
    content = RECIPE.replace("layers = 1\nheads", "layers = 2\nwhole = true\nheads")
    recipe.write_text(content.replace("own_frames = 2", "own_frames = 2\nown_from = 0.0"))
    train(str(recipe), data, out, 0.05, log=quiet)
    dynamics = read_run(out).networks["dynamics"]
    assert isinstance(dynamics, LatentDynamics)
    assert dynamics.config.whole
    assert all(torch.isfinite(weight).all() for weight in dynamics.parameters())


def test_a_finished_run_gains_a_decoder_and_its_other_parts_stay(data: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "mine.toml", tmp_path / "run"
    recipe.write_text(RECIPE)
    train(str(recipe), data, out, 0.02, log=quiet)
    before = {name: (out / name).read_bytes() for name in PARTS}
    assert set(read_run(out).networks) == {"autoencoder", "dynamics"}

    recipe.write_text(RECIPE.replace('"latent"', '"latent"\ndecoder_steps = 3') + DECODER)
    train(str(recipe), data, out, 0.01, resume=True, log=quiet)
    run = read_run(out)
    assert set(run.networks) == {"autoencoder", "dynamics", "decoder"}
    assert {name: (out / name).read_bytes() for name in PARTS} == before
    assert run.record["decoder_steps"] == 3
    assert run.record["training"]["minutes"] == 0.02
    assert {"autoencoder_ssim", "steps_2_ssim", "steps_4_psnr_db"} <= set(run.record["metrics"]["decoder"])
    assert 0.01 < float(run.networks["decoder"].spread) < 1  # measured, not the default

    recipe.write_text(RECIPE)
    with pytest.raises(RunError, match="made with another recipe"):
        train(str(recipe), data, out, 0.02, resume=True, log=quiet)
    recipe.write_text(RECIPE.replace("layers = 1", "layers = 2") + DECODER)
    with pytest.raises(RunError, match="made with another recipe"):
        train(str(recipe), data, out, 0.02, resume=True, log=quiet)


def test_a_run_begins_with_the_parts_that_another_one_has(data: Path, tmp_path: Path) -> None:
    recipe, first, said = tmp_path / "mine.toml", tmp_path / "first", []
    recipe.write_text(RECIPE)
    train(str(recipe), data, first, 0.01, log=quiet)
    (first / "dynamics.safetensors").unlink()  # as if it had been stopped before
    train(str(recipe), data, tmp_path / "second", 0.01, begin=read_run(first, whole=False), log=said.append)
    assert (tmp_path / "second" / PARTS[0]).read_bytes() == (first / PARTS[0]).read_bytes()
    assert "dynamics: begun with the weights of the other run" not in said
    (first / PARTS[0]).unlink()
    with pytest.raises(RunError, match="first holds no trained network yet"):
        train(str(recipe), data, tmp_path / "third", 0.01, begin=read_run(first, whole=False), log=quiet)


def test_an_autoencoder_that_is_taken_over_leaves_its_time_to_the_dynamics(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe, first, second, given = tmp_path / "mine.toml", tmp_path / "first", tmp_path / "second", []

    def run_stage(stage: Any, *others: Any) -> Any:
        given.append((stage.name, round(stage.minutes, 4)))
        return loop.run_stage(stage, *others)

    monkeypatch.setattr("reverie.training.run.run_stage", run_stage)
    recipe.write_text(RECIPE)
    train(str(recipe), data, first, 0.01, log=quiet)
    own, trained = given[0][1], given[1][1]
    assert own > 0
    assert own + trained == pytest.approx(0.01)
    given.clear()
    train(str(recipe), data, second, 0.01, begin=read_run(first, whole=False), log=quiet)
    train(str(recipe), data, second, 0.02, resume=True, log=quiet)
    assert given == [("autoencoder", 0.0), ("dynamics", 0.01), ("autoencoder", 0.0), ("dynamics", 0.02)]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (DECODER.replace("patch = 16", "patch = 8"), "decoder's patch, grid and channels must be those of the auto"),
        (DECODER.replace("channels = 8", "channels = 9"), "decoder's patch, grid and channels"),
        (DECODER + "share = 0.75", "leave the dynamics no training time"),
        ("decoder_steps = 9\n", "unknown key"),
    ],
)
def test_a_decoder_that_does_not_fit_is_one_sentence(more: str, said: str, data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(RECIPE + more)
    with pytest.raises(RunError, match=said):
        train(str(recipe), data, tmp_path / "run", 1, log=quiet)
