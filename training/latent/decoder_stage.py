"""The stage that trains the diffusion decoder on a trained autoencoder's latents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.latent.diffusion_decoder import LatentDecoder
from reverie.schema import Within
from reverie.training.correction.frames import Codec, Frames, encode_decode
from reverie.training.correction.stage import CorrectionStage, CorrectionTraining, DecoderBatch

COUNTED = 512
"""Frames over which the errors of the autoencoder are measured."""
LEAST_SPREAD = 1e-3
"""Smallest size of corrections: an eighth of a level of a pixel."""
WINDOW = 8
"""Edge in pixels of the squares over which contrast is measured, as that of SSIM."""
FAINT = 0.03 * 255
"""Contrast in levels of a pixel below which errors count no more than there, as in SSIM."""


@dataclass(frozen=True)
class LatentDecoderTraining(CorrectionTraining):
    """How a diffusion decoder of latents is trained: see `CorrectionTraining`, and

    share: of the training time.
    noise: standard deviation, at most, of what is added to the latents, because a dream's have errors.
    faint: how much of the loss is taken in units of the contrast around a pixel, as SSIM does; the rest counts every
        level alike.
    """

    share: Annotated[float, Within(0.001, 0.9)] = 0.15
    noise: Annotated[float, Within(0, 1)] = 0.1
    faint: Annotated[float, Within(0, 1)] = 0.5


class LatentDecoderStage(CorrectionStage[LatentDecoder]):
    """Trains the diffusion decoder on latents with errors of many sizes."""

    plain = "autoencoder"
    config: LatentDecoderTraining

    def __init__(
        self,
        network: LatentDecoder,
        codec: Codec,
        train: Frames,
        held_out: Frames,
        config: LatentDecoderTraining,
        minutes: float,
        seed: int,
    ) -> None:
        """See `CorrectionStage`; the codec is an autoencoder."""
        super().__init__(network, codec, train, held_out, config, minutes, seed)
        network.spread.fill_(typical_correction(codec, train, network.spread.device))

    def draw_error(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw errors of latents (count, S, channels), of a size of its own in each frame."""
        sizes = self.network.config
        places = sizes.grid[0] * sizes.grid[1]
        size = self.config.noise * torch.rand(count, 1, 1, generator=generator)
        return size * torch.randn(count, places, sizes.channels, generator=generator)

    @torch.no_grad()
    def see(self, batch: DecoderBatch) -> tuple[Tensor, Tensor]:
        """See `CorrectionStage`."""
        z = self.codec.encode(batch.frames) + batch.error
        return z, self.codec.decode(z)

    def weighted(self, error: Tensor, z: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """See `CorrectionStage`: errors count more where the true picture has little contrast."""
        share = self.config.faint
        weight = share * faintness(frames) + 1 - share  # (B, H, W, 1)
        return (error * weight).mean(), error.mean() * self.network.spread.square()


@torch.no_grad()
def typical_correction(codec: Codec, frames: Frames, device: torch.device) -> float:
    """Return the root of the mean square of what the codec's pictures lack, in units of a picture in [-1, 1]."""
    numbers, squares = frames.spread(COUNTED), []
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        true = frames.take(part).to(device)
        _, picture = encode_decode(codec, true)
        squares.append(float(((true.float() - picture.float()) / 127.5).square().mean()))
    return max(float(np.mean(squares)) ** 0.5, LEAST_SPREAD)


def faintness(frames: Tensor) -> Tensor:
    """How much a squared error counts (B, H, W, 1), 1 on average: the less, the more contrast there is around it.

    frames: (B, H, W, 3) uint8.
    """
    x = frames.permute(0, 3, 1, 2).float()
    blocks = [F.avg_pool2d(part, WINDOW, 1, WINDOW // 2, count_include_pad=False) for part in (x, x * x)]
    variance = (blocks[1] - blocks[0].square()).clamp(min=0)[:, :, :-1, :-1].mean(1, keepdim=True)  # (B, 1, H, W)
    weight = 1 / (2 * variance + FAINT**2)
    return (weight / weight.mean()).permute(0, 2, 3, 1)
