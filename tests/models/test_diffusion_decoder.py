"""The diffusion decoder draws what its tokens say, in as many steps as it is given, and stays calm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from export.graphs import Graph
from export.onnx_export import export_program, to_onnx
from models.diffusion_decoder import Condition, DiffusionDecoder, DiffusionDecoderConfig, ddim, sigma, signal

CONFIG = DiffusionDecoderConfig(vocabulary=16, patch=8, grid=(2, 3), widths=(8, 16), told=16)
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


def _condition(config: DiffusionDecoderConfig, batch: int = 2) -> Condition:
    generator = torch.Generator().manual_seed(1)
    shape, positions = (batch, *config.size, 3), config.grid[0] * config.grid[1]
    vq, previous = (torch.randint(256, shape, generator=generator).to(torch.uint8) for _ in range(2))
    tokens = torch.randint(config.vocabulary, (batch, positions), generator=generator)
    return Condition(tokens, vq, previous, torch.rand(batch, positions, generator=generator) < 0.5)


def _noise(config: DiffusionDecoderConfig, seed: int = 0) -> Tensor:
    return torch.randn(*config.size, 3, generator=torch.Generator().manual_seed(seed))


def test_an_untrained_decoder_shows_the_vq_picture_and_what_stood_still() -> None:
    decoder, condition = DiffusionDecoder(CONFIG), _condition(CONFIG)
    frames = decoder.sample(condition, _noise(CONFIG), 2)
    (h, w), p = CONFIG.grid, CONFIG.patch
    assert frames.dtype == torch.uint8
    assert frames.shape == (2, h * p, w * p, 3)
    for i in range(h * w):
        y, x = i // w * p, i % w * p
        for n in range(2):
            source = condition.previous if condition.still[n, i] else condition.vq
            assert torch.equal(frames[n, y : y + p, x : x + p], source[n, y : y + p, x : x + p])


@torch.no_grad()
def test_one_step_of_the_sampler_is_what_the_network_predicts(decoder: DiffusionDecoder) -> None:
    condition, noise = _condition(decoder.config), _noise(decoder.config)
    ones = torch.ones(2)
    clean = decoder(noise.expand(2, -1, -1, -1), ones, ones, condition)
    assert clean.shape == (2, *decoder.config.size, 3)
    assert torch.equal(decoder.sample(condition, noise, 1), decoder.corrected(decoder.base(condition), clean))
    assert not torch.equal(decoder.sample(condition, noise, 1), decoder.base(condition))


def test_the_same_noise_and_tokens_give_the_same_picture(decoder: DiffusionDecoder) -> None:
    condition, noise = _condition(decoder.config), _noise(decoder.config)
    frames = decoder.sample(condition, noise, 4)
    assert torch.equal(frames, decoder.sample(condition, noise, 4))
    one = decoder.sample(Condition(*(part[1:] for part in condition)), noise, 4)
    assert (frames[1:].int() - one.int()).abs().max() <= 1, "whatever else is in the batch"
    assert not torch.equal(frames, decoder.sample(condition, _noise(decoder.config, 1), 4))
    other = condition._replace(tokens=(condition.tokens + 1) % decoder.config.vocabulary)
    assert not torch.equal(frames, decoder.sample(other, noise, 4))


def test_the_frame_before_counts_only_where_the_token_stayed(decoder: DiffusionDecoder) -> None:
    condition, noise = _condition(decoder.config), _noise(decoder.config)
    frames = decoder.sample(condition, noise, 1)
    inverted = 255 - condition.previous
    still = decoder.pixels(condition.still)
    elsewhere = condition._replace(previous=torch.where(still, condition.previous, inverted))
    assert torch.equal(frames, decoder.sample(elsewhere, noise, 1))
    assert not torch.equal(frames, decoder.sample(condition._replace(previous=inverted), noise, 1))
    alone = Condition.alone(condition.tokens, condition.vq)
    unseen = condition._replace(still=torch.zeros_like(condition.still))
    assert torch.equal(decoder.sample(alone, noise, 1), decoder.sample(unseen, noise, 1))


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
    condition, noise = _condition(decoder.config), _noise(decoder.config)
    many, more, few = (decoder.sample(condition, noise, steps).float() for steps in (64, 128, 2))
    assert (many - more).abs().mean() < 1
    assert (many - more).abs().mean() < 0.2 * (few - more).abs().mean()


class _Step(nn.Module):
    """`denoise_step` with flat inputs, as a graph has them."""

    def __init__(self, decoder: DiffusionDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, noisy: Tensor, level: Tensor, target: Tensor, tokens: Tensor, vq: Tensor, previous: Tensor, still: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.decoder.denoise_step(noisy, level, target, Condition(tokens, vq, previous, still))


@torch.no_grad()
def test_an_exported_step_computes_what_the_network_does(decoder: DiffusionDecoder) -> None:
    names = ("noisy", "level", "target", *Condition._fields)
    graph = Graph(_Step(decoder).eval(), names, ("next_noisy", "frames"))

    def inputs(batch: int) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(batch)
        level = 0.3 + 0.7 * torch.rand(batch, generator=generator)
        noisy = torch.randn(batch, *decoder.config.size, 3, generator=generator)
        target = torch.where(torch.arange(batch) % 2 == 0, level - 0.3, level - 0.01)
        return noisy, level, target, *_condition(decoder.config, batch)

    model = to_onnx(graph, export_program(graph, inputs(2)))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for batch in (1, 3):
        given = inputs(batch)
        wanted = graph.module(*given)
        got = session.run(None, {name: tensor.numpy() for name, tensor in zip(names, given, strict=True)})
        np.testing.assert_allclose(got[0], wanted[0].numpy(), atol=1e-3)
        assert got[1].dtype == np.uint8
        assert np.abs(got[1].astype(int) - wanted[1].numpy().astype(int)).max() <= 1
