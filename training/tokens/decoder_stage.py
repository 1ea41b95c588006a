"""The stage that trains the diffusion decoder on a trained tokenizer's tokens: first plain DDPM, then long steps too.

The target of a long step is two steps of half its length, taken by the running mean of the network. That is progressive
distillation (Salimans and Ho 2022) with one network for all lengths, which takes the length as an input (Frans et al.
2024, "One step diffusion via shortcut models").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor

from reverie.models.config import Range
from reverie.models.tokens.diffusion_decoder import LONGEST_PLAIN, DiffusionDecoder, sigma, signal
from reverie.training.errors import RunError
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig
from reverie.training.tokens.decoder_figures import decoder_figures
from reverie.training.tokens.decoder_frames import Codec, Frames, encode_decode, tile_means

LOWEST = 0.01
"""The lowest noise level in training."""
COUNTED = 8192
"""Frames over which tokens are counted and the errors of the VQ decoder are measured."""
LEAST_SPREAD = 0.1 / 127.5
"""Smallest size of a code's corrections: a tenth of a level of a pixel."""
DOUBT = 0.1
"""Tiles with large corrections that are added to the count of every code, so that rare codes are not trusted."""


@dataclass(frozen=True)
class DecoderTraining(OptimizerConfig):
    """How a diffusion decoder is trained.

    batch: frames in a step.
    learning_rate: of AdamW, at its highest.
    weight_decay: of all weights.
    average: decay of the running mean of the weights, which is exported and teaches the long steps.
    long_share: share of a batch that is long steps.
    plain_share: first share of the time, in which the target of a long step is the true correction, not two half steps.
    rarity: a tile counts as (the frequency of its token) ** -rarity, so that rare pictures are drawn right too.
    """

    batch: Annotated[int, Range(1, 65536)] = 16
    long_share: Annotated[float, Range(0, 0.99)] = 0.25
    plain_share: Annotated[float, Range(0, 1)] = 0.5
    rarity: Annotated[float, Range(0, 1)] = 0.4


class DecoderBatch(NamedTuple):
    """Frames (B, H, W, 3) uint8, noise (B, H, W, 3) float32, noise levels and lengths of steps (B,) float32.

    The first `long_share` of the examples are long steps; the length of the others is 0.
    """

    frames: Tensor
    noise: Tensor
    level: Tensor
    length: Tensor


class DecoderStage(GradientStage[DiffusionDecoder, DecoderBatch]):
    """Trains the diffusion decoder in two phases: plain targets, then long steps that the running mean teaches."""

    name = "decoder"
    single_process = True
    config: DecoderTraining

    def __init__(
        self,
        network: DiffusionDecoder,
        tokenizer: Codec,
        train: Frames,
        held_out: Frames,
        config: DecoderTraining,
        minutes: float,
        seed: int,
    ) -> None:
        """network, tokenizer: on the device; the tokenizer is trained and stays as it is.

        Raises RunError where frames, tokenizer and decoder do not fit one another.
        """
        self.network, self.tokenizer, self.frames, self.held_out_frames = network, tokenizer, train, held_out
        self.config, self.minutes, self.seed, self.phases = config, minutes, seed, (0.0, config.plain_share)
        first = train.take(np.array([0]))
        if tuple(first.shape[1:3]) != network.config.size:
            raise RunError(
                f"the recording holds frames of {first.shape[1]} pixels; the decoder draws {network.config.size[0]}."
            )
        (h, w), tokens = network.config.grid, encode_decode(tokenizer, first.to(network.spread.device))[0].shape[1]
        if tokens != h * w:
            raise RunError(f"the tokenizer makes {tokens} tokens of a frame; the decoder takes {h * w}, one a tile.")
        weight, spread = code_statistics(network, tokenizer, train, config.rarity)
        network.spread.copy_(spread)
        # Errors count as they are seen, in levels of a pixel, and not in units of each code.
        self.visible = (spread / network.config.spread).square()  # (vocabulary,)
        self.weight = weight * self.visible
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster

    def batch(self, step: int) -> DecoderBatch:
        """Frames of a step, the noise to put on their corrections, and its levels."""
        rng, n = np.random.default_rng([self.seed, step]), self.config.batch
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        frames = self.frames.take(rng.integers(len(self.frames), size=n))
        noise = torch.randn(frames.shape, generator=generator)
        return DecoderBatch(frames, noise, *draw_levels(n, self.long_steps, generator))

    @property
    def long_steps(self) -> int:
        """Number of a batch's examples that are long steps."""
        return round(self.config.batch * self.config.long_share)

    def loss(self, network: DiffusionDecoder, target: DiffusionDecoder, batch: DecoderBatch, phase: int) -> Losses:
        """Mean squared error of the clean correction, weighted by tile. The figure is the error as it is seen."""
        with torch.autocast(batch.frames.device.type, enabled=False):  # tokens are computed exactly
            tokens, vq = encode_decode(self.tokenizer, batch.frames)  # (B, S), (B, H, W, 3)
        clean = network.correction(batch.frames, tokens, vq)  # (B, H, W, 3)
        noisy = mix(clean, batch.noise, batch.level)
        if phase == 1 and self.long_steps:
            few = (x[: self.long_steps] for x in (noisy, batch.level, batch.length, tokens, vq))
            clean = torch.cat([two_halves(target, *few), clean[self.long_steps :]])
        predicted = network(noisy, batch.level, batch.length, tokens, vq)
        error = tile_means((predicted - clean).square(), network)  # (B, S)
        figures = {"visible_error": (error.detach() * self.visible[tokens]).mean()}
        return {"error": (error * self.weight[tokens]).mean()}, figures

    def held_out(self, network: DiffusionDecoder) -> dict[str, float]:
        """PSNR, SSIM and flicker by number of steps, beside the VQ decoder's."""
        return decoder_figures(network, self.tokenizer, self.held_out_frames)


def mix(clean: Tensor, fresh: Tensor, level: Tensor) -> Tensor:
    """Put noise `fresh` on corrections `clean`, both (N, H, W, 3), at levels (N,)."""
    level = level[:, None, None, None]
    return signal(level) * clean + sigma(level) * fresh


@torch.no_grad()
def two_halves(
    decoder: DiffusionDecoder, noisy: Tensor, level: Tensor, length: Tensor, tokens: Tensor, vq: Tensor
) -> Tensor:
    """Return the clean correction that leads as far in one step of `length` as two steps of half of it.

    noisy: (N, H, W, 3) at `level`, (N,). length: (N,), no longer than level. Returns (N, H, W, 3).
    """
    middle, target = level - length / 2, level - length
    half, _ = decoder.denoise_step(noisy, level, middle, tokens, vq)
    end, _ = decoder.denoise_step(half, middle, target, tokens, vq)
    level, target = level[:, None, None, None], target[:, None, None, None]
    ratio = sigma(target) / sigma(level)
    return (end - ratio * noisy) / (signal(target) - ratio * signal(level))


def draw_levels(count: int, long: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw noise levels (count,) and lengths of steps (count,).

    The first `long` are long steps; the length of the others is 0. They are on the generator's device.
    """
    # Spread evenly, high levels more often than low ones: high levels decide what is drawn.
    device = generator.device
    even = torch.arange(count - long, device=device) + torch.rand(count - long, generator=generator, device=device)
    plain = (even / (count - long)).sqrt().clamp(min=LOWEST)
    length = LONGEST_PLAIN ** torch.rand(long, generator=generator, device=device)
    level = length + (1 - length) * torch.rand(long, generator=generator, device=device)
    return torch.cat([level, plain]), torch.cat([length, torch.zeros(count - long, device=device)])


@torch.no_grad()
def code_statistics(
    decoder: DiffusionDecoder, tokenizer: Codec, frames: Frames, rarity: float
) -> tuple[Tensor, Tensor]:
    """Return for every code the weight of a tile of it, and how large its corrections are: (vocabulary,) both.

    The first is (the frequency of the code) ** -rarity, 1 in the mean over tiles. The second is the root of the mean
    square of what the VQ decoder's tile lacks, in units of a picture in [-1, 1].
    """
    vocabulary, prior = decoder.config.vocabulary, decoder.config.spread
    device, numbers = decoder.spread.device, frames.spread(COUNTED)
    count, square = torch.zeros(2, vocabulary, device=device)
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        true = frames.take(part).to(device)
        tokens, vq = encode_decode(tokenizer, true)
        lacks = tile_means(((true.float() - vq.float()) / 127.5).square(), decoder)
        count += torch.bincount(tokens.flatten(), minlength=vocabulary)
        square.index_add_(0, tokens.flatten(), lacks.flatten())
    weight = count.clamp(min=1) ** -rarity
    weight = weight * count.sum() / (weight * count).sum()
    spread = ((square + DOUBT * prior**2) / (count + DOUBT)).sqrt()
    # Codes that were counted once or never must not outweigh all others.
    return weight.clamp(0.05, 20), spread.clamp(min=LEAST_SPREAD)
