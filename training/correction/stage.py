"""The stage that trains a diffusion decoder on a trained codec: first plain DDPM, then long steps too.

The target of a long step is two steps of half its length, taken by the running mean of the network. That is progressive
distillation (Salimans and Ho 2022) with one network for all lengths, which takes the length as an input (Frans et al.
2024, "One step diffusion via shortcut models").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from reverie.models.correction import LONGEST_PLAIN, Correction, sigma, signal
from reverie.schema import Within
from reverie.training.correction.figures import decoder_figures
from reverie.training.correction.frames import Codec, Frames, encode_decode
from reverie.training.errors import RunError
from reverie.training.loop.stage import GradientStage, Losses, OptimizerConfig

C = TypeVar("C", bound=Correction)

LOWEST = 0.01
"""The lowest noise level in training."""


@dataclass(frozen=True)
class CorrectionTraining(OptimizerConfig):
    """How a diffusion decoder is trained.

    batch: frames in a step.
    learning_rate: of AdamW, at its highest.
    weight_decay: of all weights.
    average: decay of the running mean of the weights, which is exported and teaches the long steps.
    long_share: share of a batch that is long steps.
    plain_share: first share of the time, in which the target of a long step is the true correction, not two half steps.
    """

    batch: Annotated[int, Within(1, 65536)] = 16
    long_share: Annotated[float, Within(0, 0.99)] = 0.25
    plain_share: Annotated[float, Within(0, 1)] = 0.5


class DecoderBatch(NamedTuple):
    """Frames (B, H, W, 3) uint8, noise (B, H, W, 3) float32, noise levels and lengths of steps (B,) float32.

    The first `long_share` of the examples are long steps; the length of the others is 0. error: (B, ...) float32, what
    is added to the representation, of the shape `error_of` of the stage.
    """

    frames: Tensor
    noise: Tensor
    level: Tensor
    length: Tensor
    error: Tensor


class CorrectionStage(GradientStage[C, DecoderBatch]):
    """Trains a diffusion decoder in two phases: plain targets, then long steps that the running mean teaches.

    plain: what the plain decoder is called in the figures.
    """

    name = "decoder"
    single_process = True
    plain = "plain"
    config: CorrectionTraining

    def __init__(
        self,
        network: C,
        codec: Codec,
        train: Frames,
        held_out: Frames,
        config: CorrectionTraining,
        minutes: float,
        seed: int,
    ) -> None:
        """network, codec: on the device; the codec is trained and stays as it is.

        Raises RunError where frames, codec and decoder do not fit one another.
        """
        self.network, self.codec, self.frames, self.held_out_frames = network, codec, train, held_out
        self.config, self.minutes, self.seed, self.phases = config, minutes, seed, (0.0, config.plain_share)
        first, sizes = train.take(np.array([0])), network.config
        if tuple(first.shape[1:3]) != sizes.size:
            raise RunError(f"the recording holds frames of {first.shape[1]} pixels; the decoder draws {sizes.size[0]}.")
        places = encode_decode(codec, first.to(next(network.parameters()).device))[0].shape[1]
        if places != sizes.grid[0] * sizes.grid[1]:
            raise RunError(
                f"a frame has {places} places; the decoder takes {sizes.grid[0] * sizes.grid[1]}, one a square."
            )
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster

    def draw_error(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw what is added to the representations of a batch (count, ...); nothing, as it is here."""
        return torch.zeros(count, 0)

    def see(self, batch: DecoderBatch) -> tuple[Tensor, Tensor]:
        """Return the representations z of a batch, with their errors, and the plain decoder's picture of them."""
        return encode_decode(self.codec, batch.frames)

    def weighted(self, error: Tensor, z: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the error as it is seen, of squared errors (B, H, W, 3) of clean corrections."""
        raise NotImplementedError

    def batch(self, step: int) -> DecoderBatch:
        """Frames of a step, the noise to put on their corrections, and its levels."""
        rng, n = np.random.default_rng([self.seed, step]), self.config.batch
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        frames = self.frames.take(rng.integers(len(self.frames), size=n))
        noise = torch.randn(frames.shape, generator=generator)
        levels = draw_levels(n, self.long_steps, generator)
        return DecoderBatch(frames, noise, *levels, self.draw_error(n, generator))

    @property
    def long_steps(self) -> int:
        """Number of a batch's examples that are long steps."""
        return round(self.config.batch * self.config.long_share)

    def loss(self, network: C, target: C, batch: DecoderBatch, phase: int) -> Losses:
        """Mean squared error of the clean correction, weighted. The figure is the error as it is seen."""
        with torch.autocast(batch.frames.device.type, enabled=False):  # the representation is computed exactly
            z, picture = self.see(batch)  # (B, S, ...), (B, H, W, 3)
        clean = network.correction(batch.frames, z, picture)  # (B, H, W, 3)
        noisy = mix(clean, batch.noise, batch.level)
        if phase == 1 and self.long_steps:
            few = (x[: self.long_steps] for x in (noisy, batch.level, batch.length, z, picture))
            clean = torch.cat([two_halves(target, *few), clean[self.long_steps :]])
        predicted = network(noisy, batch.level, batch.length, z, picture)
        loss, seen = self.weighted((predicted - clean).square(), z, batch.frames)
        return {"error": loss}, {"visible_error": seen.detach()}

    def held_out(self, network: C) -> dict[str, float]:
        """PSNR, SSIM and flicker by number of steps, beside the plain decoder's."""
        return decoder_figures(network, self.codec, self.held_out_frames, self.plain)


def mix(clean: Tensor, fresh: Tensor, level: Tensor) -> Tensor:
    """Put noise `fresh` on corrections `clean`, both (N, H, W, 3), at levels (N,)."""
    level = level[:, None, None, None]
    return signal(level) * clean + sigma(level) * fresh


@torch.no_grad()
def two_halves(decoder: Correction, noisy: Tensor, level: Tensor, length: Tensor, z: Tensor, picture: Tensor) -> Tensor:
    """Return the clean correction that leads as far in one step of `length` as two steps of half of it.

    noisy: (N, H, W, 3) at `level`, (N,). length: (N,), no longer than level. Returns (N, H, W, 3).
    """
    middle, target = level - length / 2, level - length
    half, _ = decoder.denoise_step(noisy, level, middle, z, picture)
    end, _ = decoder.denoise_step(half, middle, target, z, picture)
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
