"""The diffusion decoder draws what its tokens say, in as many steps as it is given, the same way every time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor

from reverie.export.graph import Graph
from reverie.export.onnx_export import export_program, to_onnx
from reverie.models.correction import DenoiseStep, ddim, sigma, signal
from reverie.models.tokens.diffusion_decoder import DiffusionDecoder, DiffusionDecoderConfig

CONFIG = DiffusionDecoderConfig(vocabulary=16, patch=8, grid=(2, 3), widths=(8, 16), conditioning=16)
VARIANTS = {
    "two levels": CONFIG,
    "three levels": replace(CONFIG, widths=(4, 8, 16)),
    "large tiles": replace(CONFIG, patch=16, grid=(2, 2)),
    "one level": replace(CONFIG, widths=(16,), blocks=2),
}


@pytest.fixture(params=VARIANTS)
def decoder(request: pytest.FixtureRequest) -> DiffusionDecoder:
    return _trained_looking(VARIANTS[request.param])


def _trained_looking(config: DiffusionDecoderConfig) -> DiffusionDecoder:
    torch.manual_seed(0)
    decoder = DiffusionDecoder(config).eval()
    for parameter in decoder.parameters():  # nothing may hide behind a zero at initialisation
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    return decoder


def _seen(config: DiffusionDecoderConfig, batch: int = 2) -> tuple[Tensor, Tensor]:
    """Tokens and a picture of them."""
    generator = torch.Generator().manual_seed(1)
    vq = torch.randint(256, (batch, *config.size, 3), generator=generator).to(torch.uint8)
    return torch.randint(config.vocabulary, (batch, config.grid[0] * config.grid[1]), generator=generator), vq


def _noise(config: DiffusionDecoderConfig, seed: int = 0) -> Tensor:
    return torch.randn(*config.size, 3, generator=torch.Generator().manual_seed(seed))


def test_an_untrained_decoder_shows_the_vq_picture() -> None:
    tokens, vq = _seen(CONFIG)
    frames = DiffusionDecoder(CONFIG).sample(tokens, vq, _noise(CONFIG), 2)
    assert frames.dtype == torch.uint8
    assert torch.equal(frames, vq)


@torch.no_grad()
def test_one_step_of_the_sampler_is_what_the_network_predicts(decoder: DiffusionDecoder) -> None:
    (tokens, vq), noise, ones = _seen(decoder.config), _noise(decoder.config), torch.ones(2)
    clean = decoder(noise.expand(2, -1, -1, -1), ones, ones, tokens, vq)
    assert clean.shape == vq.shape
    frames = decoder.sample(tokens, vq, noise, 1)
    assert torch.equal(frames, decoder.corrected(clean, tokens, vq))
    assert not torch.equal(frames, vq)


def test_the_same_noise_and_tokens_give_the_same_picture(decoder: DiffusionDecoder) -> None:
    (tokens, vq), noise = _seen(decoder.config), _noise(decoder.config)
    frames = decoder.sample(tokens, vq, noise, 4)
    assert torch.equal(frames, decoder.sample(tokens, vq, noise, 4))
    alone = decoder.sample(tokens[1:], vq[1:], noise, 4)
    assert (frames[1:].int() - alone.int()).abs().max() <= 1, "whatever else is in the batch"
    assert not torch.equal(frames, decoder.sample(tokens, vq, _noise(decoder.config, 1), 4))
    assert not torch.equal(frames, decoder.sample((tokens + 1) % decoder.config.vocabulary, vq, noise, 4))


def test_a_picture_and_its_correction_give_the_true_one(decoder: DiffusionDecoder) -> None:
    (tokens, vq), (_, other) = _seen(decoder.config), _seen(decoder.config, 4)
    correction = decoder.correction(other[2:], tokens, vq)
    assert torch.equal(decoder.corrected(correction, tokens, vq), other[2:])


def test_a_tile_whose_code_needs_no_correction_is_left_as_it_is() -> None:
    decoder = _trained_looking(CONFIG)
    (tokens, vq), p = _seen(CONFIG), CONFIG.patch
    tokens[:, 0], tokens[:, 1:] = 3, 4
    decoder.spread[3] = 1e-4
    frames = decoder.sample(tokens, vq, _noise(CONFIG), 2)
    assert torch.equal(frames[:, :p, :p], vq[:, :p, :p])
    assert not torch.equal(frames[:, :p, p : 2 * p], vq[:, :p, p : 2 * p])


@torch.no_grad()
def test_a_tile_does_not_see_the_far_side_of_the_picture() -> None:
    decoder = _trained_looking(replace(CONFIG, grid=(2, 16)))
    (tokens, vq), noise = _seen(decoder.config), _noise(decoder.config)
    changed = tokens.clone()
    changed[:, [0, 16]] = (changed[:, [0, 16]] + 1) % 16  # the left column
    difference = decoder.sample(tokens, vq, noise, 1).int() - decoder.sample(changed, vq, noise, 1).int()
    assert (difference[:, :, :8] != 0).any()
    assert (difference[:, :, 5 * 8 :] == 0).all()


def test_with_a_right_prediction_any_number_of_steps_ends_in_it() -> None:
    generator = torch.Generator().manual_seed(0)
    clean, fresh = torch.randn(2, 1, 4, 4, 3, generator=generator)
    level, middle, target = torch.tensor([[0.9], [0.4], [0.1]])

    def at(t: Tensor) -> Tensor:
        return signal(t) * clean + sigma(t) * fresh

    torch.testing.assert_close(ddim(at(level), clean, level, target), at(target))
    torch.testing.assert_close(ddim(ddim(at(level), clean, level, middle), clean, middle, target), at(target))
    torch.testing.assert_close(ddim(at(level), clean, level, torch.zeros(1)), clean)


def test_many_small_steps_agree_with_twice_as_many(decoder: DiffusionDecoder) -> None:
    (tokens, vq), noise = _seen(decoder.config), _noise(decoder.config)
    many, more, few = (decoder.sample(tokens, vq, noise, steps).float() for steps in (64, 128, 2))
    assert (many - more).abs().mean() < 1
    assert (many - more).abs().mean() < 0.2 * (few - more).abs().mean()


@torch.no_grad()
def test_an_exported_step_computes_what_the_network_does(decoder: DiffusionDecoder) -> None:
    names = ("noisy", "level", "target", "tokens", "vq")
    graph = Graph(DenoiseStep(decoder).eval(), names, ("next_noisy", "frames"))

    def inputs(batch: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(batch)
        level = 0.3 + 0.7 * torch.rand(batch, generator=generator)
        target = torch.where(torch.arange(batch) % 2 == 0, level - 0.3, level - 0.01)
        noisy = torch.randn(batch, *decoder.config.size, 3, generator=generator)
        return noisy, level, target, *_seen(decoder.config, batch)

    model = to_onnx(graph, export_program(graph, inputs(2)))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        given = inputs(batch)
        wanted = graph.module(*given)
        got = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)})
        np.testing.assert_allclose(got[0], wanted[0].numpy(), atol=1e-3)
        assert got[1].dtype == np.uint8
        assert np.abs(got[1].astype(int) - wanted[1].numpy().astype(int)).max() <= 1
