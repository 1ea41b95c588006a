"""The diffusion decoder learns, goes on exactly where it stopped, and loses nothing to Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from reverie.models.tokens.diffusion_decoder import DiffusionDecoder, DiffusionDecoderConfig
from reverie.training.correction.figures import decoder_figures, psnr_db, ssim
from reverie.training.correction.frames import Frames, encode_decode, place_means, split_frames
from reverie.training.correction.stage import draw_levels, mix, two_halves
from reverie.training.data.recording import Recording, RecordingWriter, Rows
from reverie.training.errors import RunError
from reverie.training.loop.checkpoint import load_state, save_state
from reverie.training.loop.device_context import DeviceContext
from reverie.training.loop.train import run_stage
from reverie.training.loop.trainer import Trainer
from reverie.training.tokens.decoder_stage import DecoderStage, DecoderTraining, code_statistics

CONFIG = DiffusionDecoderConfig(vocabulary=8, patch=8, grid=(2, 2), widths=(32, 64), conditioning=32, spread=0.5)
TRAINING = DecoderTraining(batch=8, warmup_steps=10, learning_rate=5e-3, average=0.9, long_share=0.5)
TILES = np.random.default_rng(0).integers(64, 192, (8, 8, 8, 3), dtype=np.uint8)


class Blurry:
    """A tokenizer that knows eight tiles and draws of each its mean colour alone."""

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, 16, 16, 3) uint8 to tokens (N, 4) int64."""
        x = frames.reshape(-1, 2, 8, 2, 8, 3).transpose(2, 3).reshape(-1, 4, 1, 192).float()
        distance = (x - torch.from_numpy(TILES).reshape(8, 192).float()).square().sum(-1)
        return distance.argmin(-1)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, 4) int64 to frames (N, 16, 16, 3) uint8."""
        colours = torch.from_numpy(TILES.mean((1, 2)).astype(np.uint8))[tokens]
        image = colours.reshape(-1, 2, 2, 3)
        return image.repeat_interleave(8, 1).repeat_interleave(8, 2)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Four episodes of 32 frames, in which one of four tiles changes at a time."""
    rng, folder = np.random.default_rng(1), tmp_path_factory.mktemp("tiles")
    tokens = np.zeros((128, 4), np.int64)
    for t in range(1, 128):
        tokens[t] = tokens[t - 1]
        tokens[t, rng.integers(4)] = rng.integers(8)
    frames = TILES[tokens].reshape(128, 2, 2, 8, 8, 3).swapaxes(2, 3).reshape(128, 16, 16, 3)
    rows = Rows(frames, np.zeros(128, np.uint8), np.zeros(128, np.float32), np.zeros(128, bool))
    RecordingWriter(folder, "tiles", ("noop",), 16).write(rows, [32] * 4, [0, 1, 2, 3])
    return Recording(folder)


def _stage(recording: Recording, minutes: float = 1.0) -> DecoderStage:
    torch.manual_seed(0)
    return DecoderStage(DiffusionDecoder(CONFIG), Blurry(), *split_frames(recording), TRAINING, minutes, 0)


def _trainer(recording: Recording) -> Trainer[Any, Any]:
    return Trainer(_stage(recording), DeviceContext(precision=torch.float32))


def test_frames_are_numbered_through_and_the_last_episode_is_held_out(recording: Recording) -> None:
    train, held_out = split_frames(recording)
    rows = recording.shard("00-00000").frames
    assert (len(train), len(held_out)) == (96, 32)
    np.testing.assert_array_equal(train.take(np.arange(96)), rows[:96])
    np.testing.assert_array_equal(held_out.take(np.array([31, 0])), rows[[127, 96]])
    np.testing.assert_array_equal(train.spread(1000), [i for i in range(96) if i % 32 != 31])
    assert len(train.spread(10)) == 10


def test_the_error_falls_and_the_picture_beats_the_one_it_began_with(recording: Recording) -> None:
    trainer = _trainer(recording)
    errors = [float(trainer.step(i / 240)["visible_error"]) for i in range(240)]
    assert np.mean(errors[-20:]) < 0.2 * np.mean(errors[:20])
    figures = decoder_figures(trainer.target, Blurry(), split_frames(recording)[1], "vq")
    for name in ("steps_1", "steps_2", "steps_4", "steps_8"):
        assert figures[f"{name}_psnr_db"] > figures["vq_psnr_db"] + 6, name
        assert figures[f"{name}_ssim"] > figures["vq_ssim"] + 0.2, name
    assert figures["vq_flicker"] == 0
    assert figures["steps_1_flicker"] < 4


def test_steps_after_a_resume_are_those_of_a_run_that_never_stopped(recording: Recording, tmp_path: Path) -> None:
    straight, stopped, resumed = _trainer(recording), _trainer(recording), _trainer(recording)
    shares = [0.1, 0.2, 0.45, 0.55, 0.6, 0.9]  # plain steps first, then long ones too
    errors = [straight.step(share)["loss"] for share in shares]
    for share in shares[:3]:
        stopped.step(share)
    save_state(tmp_path / "state", stopped.state())
    resumed.restore(load_state(tmp_path / "state"))
    assert [resumed.step(share)["loss"] for share in shares[3:]] == errors[3:]
    for one, other in ((straight.network, resumed.network), (straight.target, resumed.target)):
        for a, b in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b)


def test_a_trained_decoder_is_in_its_file(recording: Recording, tmp_path: Path) -> None:
    stage = _stage(recording, minutes=0.01)
    figures = run_stage(stage, tmp_path, False, lambda line: None, DeviceContext())
    assert figures is not None
    assert figures["steps"] >= 1
    saved = load_file(tmp_path / "decoder.safetensors")
    assert all(torch.equal(saved[name], tensor) for name, tensor in stage.network.state_dict().items())


def test_a_recording_or_a_tokenizer_that_does_not_fit_is_refused(recording: Recording) -> None:
    decoder = DiffusionDecoder(DiffusionDecoderConfig(widths=(4,), conditioning=4))
    with pytest.raises(RunError, match="16 pixels"):
        DecoderStage(decoder, Blurry(), *split_frames(recording), TRAINING, 1, 0)
    decoder = DiffusionDecoder(DiffusionDecoderConfig(patch=4, grid=(4, 4), widths=(4,), conditioning=4))
    with pytest.raises(RunError, match="4 places"):
        DecoderStage(decoder, Blurry(), *split_frames(recording), TRAINING, 1, 0)


def test_a_long_step_is_taught_to_end_where_two_halves_do(recording: Recording) -> None:
    torch.manual_seed(0)
    decoder = DiffusionDecoder(CONFIG)
    for parameter in decoder.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    seen = encode_decode(Blurry(), Frames(recording, recording.episodes).take(np.arange(4)))
    noisy, length = torch.randn(4, 16, 16, 3), torch.tensor([1.0, 0.5, 0.25, 0.125])
    level = torch.tensor([1.0, 0.5, 0.8, 0.9])

    class Taught(DiffusionDecoder):
        def forward(self, *_: object) -> Tensor:
            return clean

    clean = two_halves(decoder, noisy, level, length, *seen)
    half, _ = decoder.denoise_step(noisy, level, level - length / 2, *seen)
    end, _ = decoder.denoise_step(half, level - length / 2, level - length, *seen)
    torch.testing.assert_close(Taught(CONFIG).denoise_step(noisy, level, level - length, *seen)[0], end)


def test_levels_and_lengths_stay_on_the_way(recording: Recording) -> None:
    level, length = draw_levels(1000, 250, torch.Generator().manual_seed(0))
    assert (length[:250] > 0).all()
    assert (length[250:] == 0).all()
    assert ((level > 0) & (level <= 1) & (level >= length)).all()
    clean, fresh = torch.randn(2, 2, 4, 4, 3)
    assert torch.equal(mix(clean, fresh, torch.zeros(2)), clean)


def test_a_seldom_token_counts_more_and_the_mean_is_one(recording: Recording) -> None:
    frames = split_frames(recording)[0]
    weight, spread = code_statistics(DiffusionDecoder(CONFIG), Blurry(), frames, 0.5)
    count = torch.bincount(Blurry().encode(frames.take(frames.spread(1000))).flatten(), minlength=8)
    assert weight[count.argmin()] > weight[count.argmax()]
    torch.testing.assert_close((weight * count).sum() / count.sum(), torch.tensor(1.0))
    # What the mean colour of a tile lacks is how its pixels differ from it.
    lacks = ((TILES - TILES.mean((1, 2), keepdims=True)) / 127.5).std((1, 2, 3))
    torch.testing.assert_close(spread.double(), torch.from_numpy(lacks), rtol=0.05, atol=0)


def test_a_code_that_lacks_nothing_or_was_never_seen_is_trusted_as_far_as_that_goes(recording: Recording) -> None:
    class Exact(Blurry):
        """Draws every tile as it is."""

        def decode(self, tokens: Tensor) -> Tensor:
            image = torch.from_numpy(TILES)[tokens].reshape(-1, 2, 2, 8, 8, 3)
            return image.transpose(2, 3).reshape(-1, 16, 16, 3)

    decoder = DiffusionDecoder(replace(CONFIG, vocabulary=9))
    _, spread = code_statistics(decoder, Exact(), split_frames(recording)[0], 0.5)
    assert (spread[:8] < 0.2 * CONFIG.spread).all()
    assert spread[8] == pytest.approx(CONFIG.spread)


def test_a_tiles_mean_is_over_its_own_pixels(recording: Recording) -> None:
    pixels = torch.arange(4.0).reshape(1, 2, 2, 1).repeat_interleave(8, 1).repeat_interleave(8, 2)
    assert torch.equal(place_means(pixels, 8), torch.arange(4.0)[None])


def test_figures_of_equal_and_of_different_pictures() -> None:
    a = torch.randint(256, (3, 16, 16, 3), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert (psnr_db(a, a) > 70).all()
    torch.testing.assert_close(ssim(a, a), torch.ones(3))
    shifted = (a // 2) + 60
    torch.testing.assert_close(psnr_db(shifted, shifted + 5), torch.full((3,), 34.151), rtol=0, atol=1e-2)
    assert (ssim(a, 255 - a) < 0).all()
