"""The diffusion decoder of latents learns what the autoencoder's picture lacks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reverie.models.latent.diffusion_decoder import LatentDecoder, LatentDecoderConfig
from reverie.training.correction.frames import split_frames
from reverie.training.data.recording import Recording, RecordingWriter, Rows
from reverie.training.latent.decoder_stage import LatentDecoderStage, LatentDecoderTraining, faintness
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.trainer import Trainer

CONFIG = LatentDecoderConfig(channels=3, patch=8, grid=(2, 2), widths=(16, 32), conditioning=16)
TRAINING = LatentDecoderTraining(batch=8, warmup_steps=10, learning_rate=5e-3, average=0.9, noise=0.02)
TILES = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)


class Blurry:
    """An autoencoder whose latents are the mean colours of tiles."""

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, 16, 16, 3) uint8 to latents (N, 4, 3)."""
        return frames.reshape(-1, 2, 8, 2, 8, 3).float().mean((2, 4)).flatten(1, 2) / 127.5 - 1

    def decode(self, z: Tensor) -> Tensor:
        """Latents (N, 4, 3) to frames (N, 16, 16, 3) uint8."""
        colours = ((z + 1) * 127.5).clamp(0, 255).to(torch.uint8).reshape(-1, 2, 2, 3)
        return colours.repeat_interleave(8, 1).repeat_interleave(8, 2)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> LatentDecoderStage:
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("tiles")
    frames = TILES[rng.integers(4, size=(96, 4))].reshape(96, 2, 2, 8, 8, 3).swapaxes(2, 3).reshape(96, 16, 16, 3)
    rows = Rows(frames, np.zeros(96, np.uint8), np.zeros(96, np.float32), np.zeros(96, bool))
    RecordingWriter(folder, "tiles", ("noop",), 16).write(rows, [32] * 3, [0, 1, 2])
    torch.manual_seed(0)
    return LatentDecoderStage(LatentDecoder(CONFIG), Blurry(), *split_frames(Recording(folder)), TRAINING, 1.0, 0)


def test_the_size_of_corrections_is_measured(stage: LatentDecoderStage) -> None:
    lacks = ((TILES - TILES.mean((1, 2), keepdims=True)) / 127.5).std()
    assert float(stage.network.spread) == pytest.approx(lacks, rel=0.05)


def test_the_error_falls_and_every_number_of_steps_beats_the_picture_it_began_with(stage: LatentDecoderStage) -> None:
    trainer = Trainer(stage, DeviceContext(precision=torch.float32))
    errors = [float(trainer.step(i / 120)["visible_error"]) for i in range(120)]
    assert np.mean(errors[-20:]) < 0.3 * np.mean(errors[:20])
    figures = stage.held_out(trainer.target)
    for steps in (1, 2, 4):
        assert figures[f"steps_{steps}_psnr_db"] > figures["autoencoder_psnr_db"] + 3
        assert figures[f"steps_{steps}_ssim"] > figures["autoencoder_ssim"] + 0.2


def test_latents_have_errors_of_many_sizes_which_the_picture_shows(stage: LatentDecoderStage) -> None:
    batch, again = stage.batch(3), stage.batch(3)
    assert torch.equal(batch.error, again.error)
    sizes = batch.error.flatten(1).std(1)
    assert sizes.max() <= 1.5 * TRAINING.noise
    assert sizes.min() < 0.5 * sizes.max()
    z, picture = stage.see(batch)
    torch.testing.assert_close(z - batch.error, Blurry().encode(batch.frames))
    assert torch.equal(picture, Blurry().decode(z))


def test_errors_count_more_where_there_is_little_contrast() -> None:
    frames = torch.full((1, 16, 32, 3), 100, dtype=torch.uint8)
    frames[:, ::2, 16:] = 200
    weight = faintness(frames)
    assert weight.shape == (1, 16, 32, 1)
    assert weight.mean() == pytest.approx(1)
    assert weight[0, :, :8].min() > 5 * weight[0, :, 24:].max()
