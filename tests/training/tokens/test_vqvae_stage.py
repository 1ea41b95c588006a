"""v1's tokenizer is trained in three phases, goes on exactly where it stopped, and ends with a codebook of halves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reverie.models.v1.vqvae import VQVAE, VQVAEConfig
from reverie.training.data.recording import Recording, RecordingWriter, Rows
from reverie.training.loop.checkpoint import load_state, save_state
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.trainer import Trainer
from reverie.training.tokens.vqvae_stage import VQVAEStage, VQVAETraining

CONFIG = VQVAEConfig(vocabulary=16, code_width=8, width=16, encoder_blocks=1, decoder_blocks=1)
SHARES = [0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Twenty frames of coloured patches."""
    folder, rng = tmp_path_factory.mktemp("patches"), np.random.default_rng(0)
    colours = rng.integers(0, 256, (12, 3), np.uint8)[rng.integers(12, size=(20, 8, 8))]
    frames = colours.repeat(8, 1).repeat(8, 2)
    rows = Rows(frames, np.zeros(20, np.uint8), np.zeros(20, np.float32), np.zeros(20, bool))
    RecordingWriter(folder, "garden", ("noop",), 64).write(rows, [10, 10], [0, 1])
    return Recording(folder)


def _trainer(recording: Recording) -> Trainer[Any, Any]:
    torch.manual_seed(0)
    stage = VQVAEStage(VQVAE(CONFIG), recording, VQVAETraining(batch=4), 1, 0, torch.device("cpu"))
    return Trainer(stage, DeviceContext(precision=torch.float32))


def test_steps_after_a_resume_are_those_of_a_run_that_never_stopped(recording: Recording, tmp_path: Path) -> None:
    straight, stopped, resumed = _trainer(recording), _trainer(recording), _trainer(recording)
    curve = [float(straight.step(share)["loss"]) for share in SHARES]
    for share in SHARES[:4]:
        stopped.step(share)
    save_state(tmp_path / "state", stopped.state())
    resumed.restore(load_state(tmp_path / "state"))
    assert [float(resumed.step(share)["loss"]) for share in SHARES[4:]] == curve[4:]


def test_in_the_last_phase_the_decoder_alone_learns(recording: Recording) -> None:
    trained = _trainer(recording)
    for share in SHARES[:6]:
        trained.step(share)
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    assert torch.equal(before["codebook"], before["codebook"].half().float())
    trained.step(0.9)
    changed = {
        name.split(".")[0] for name, x in trained.network.state_dict().items() if not torch.equal(x, before[name])
    }
    assert changed == {"from_code", "decoder", "up"}
