"""A few diffusion steps add the details that a decoder's picture lacks: the diffusion decoder of every family.

The diffusion models the correction only: the true picture minus the decoder's picture. Yue et al. 2023, "ResShift:
efficient diffusion model for image super-resolution by residual shifting", do the same with a blurred picture. The
noise process is that of Ho et al. 2020, "Denoising diffusion probabilistic models", on a cosine schedule (Nichol and
Dhariwal 2021, "Improved denoising diffusion probabilistic models") in continuous time (Salimans and Ho 2022,
"Progressive distillation for fast sampling of diffusion models"). The network predicts the clean correction, not the
noise: most corrections are far smaller than the noise, and a small network cannot reproduce noise exactly. The sampler
is DDIM (Song et al. 2021, "Denoising diffusion implicit models").

Still parts of the picture must not flicker. DDIM is deterministic, and every frame begins with the same field of noise,
so a picture depends on its representation alone. A decoder that also saw the previous frame flickered more: it kept
correcting its own output.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.schema import Within

LONGEST_PLAIN = 1 / 16
"""Steps up to this long are plain DDIM; longer ones are learnt from two of half their length."""
WAVES = 8
"""Frequencies by which the network sees a noise level and the length of a step."""


@dataclass(frozen=True)
class CorrectionConfig:
    """Sizes of a `Correction`.

    patch: edge in pixels of the square that one place of the representation stands for.
    grid: rows and columns of places in a frame.
    widths: features of each level of the U-Net. The last level is the grid, each one before it has twice the rows and
        columns of the next; blocks of pixels are folded into the first.
    blocks: residual blocks of a level, on the way down and again on the way up.
    conditioning: features that encode the noise level and the length of the step.
    spread: initial scale of the corrections, in units of a picture in [-1, 1], until it is measured.
    """

    patch: Annotated[int, Within(1, 64)] = 8
    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (8, 8)
    widths: tuple[Annotated[int, Within(1, 2048)], ...] = (128, 256)
    blocks: Annotated[int, Within(1, 16)] = 1
    conditioning: Annotated[int, Within(1, 2048)] = 128
    spread: Annotated[float, Within(1e-4, 2)] = 0.2

    def __post_init__(self) -> None:
        """Raises ValueError where the squares of a frame do not divide into the levels."""
        if not self.widths or self.patch % 2 ** (len(self.widths) - 1):
            raise ValueError(f"a patch of {self.patch} pixels does not divide into {len(self.widths)} levels")

    @property
    def fold(self) -> int:
        """Edge in pixels of the block that becomes one position of the first level."""
        return self.patch >> (len(self.widths) - 1)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of a frame in pixels."""
        return self.grid[0] * self.patch, self.grid[1] * self.patch


def signal(level: Tensor) -> Tensor:
    """Return the factor of the clean correction at a noise level in [0, 1], of the same shape as the level."""
    return (level * (math.pi / 2)).cos()


def sigma(level: Tensor) -> Tensor:
    """Return the standard deviation of the noise at a noise level in [0, 1]. signal ** 2 + sigma ** 2 is 1."""
    return (level * (math.pi / 2)).sin()


def ddim(noisy: Tensor, clean: Tensor, level: Tensor, target: Tensor) -> Tensor:
    """Return the noisy correction at the lower level `target`, given that at `level` and the clean correction.

    noisy, clean: (N, H, W, 3). level, target: (N,). At target 0 the result is `clean`.
    """
    level, target = level[:, None, None, None], target[:, None, None, None]
    return signal(target) * clean + sigma(target) / sigma(level) * (noisy - signal(level) * clean)


class Block(nn.Module):
    """A 3x3 and a 1x1 convolution around a skip connection, conditioned on the noise level and the length of the step.

    Perez et al. 2018, "FiLM: visual reasoning with a general conditioning layer". One 3x3 convolution in a block is
    enough. Nothing is normalised over the whole picture, so a moving creature cannot change a wall far away.
    """

    def __init__(self, width: int, conditioning: int) -> None:
        super().__init__()
        self.neighbours = nn.Conv2d(width, width, 3, padding=1)
        self.condition = nn.Linear(conditioning, 2 * width)
        self.mix = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.mix.weight)

    def forward(self, x: Tensor, conditioning: Tensor) -> Tensor:
        """x: (N, width, h, w). conditioning: (N, conditioning)."""
        scale, shift = self.condition(conditioning)[:, :, None, None].chunk(2, 1)
        return x + self.mix(F.silu(self.neighbours(F.silu(x)) * (1 + scale) + shift))


class Blocks(nn.ModuleList):
    """Blocks one after the other."""

    def __init__(self, count: int, width: int, conditioning: int) -> None:
        super().__init__(Block(width, conditioning) for _ in range(count))

    def forward(self, x: Tensor, conditioning: Tensor) -> Tensor:
        """x: (N, width, h, w). conditioning: (N, conditioning)."""
        for block in self:
            x = block(x, conditioning)
        return x


class Correction(nn.Module, ABC):
    """Turns a representation and a decoder's picture of it into a better picture. Untrained, it changes nothing.

    z: (N, S, ...), the representation. picture: (N, H, W, 3) uint8, what the plain decoder draws of it. A correction is
    (N, H, W, 3) float32, scaled by the typical correction of its place.
    """

    config: CorrectionConfig

    def __init__(self, config: CorrectionConfig) -> None:
        super().__init__()
        self.config = config
        widths, conditioning = config.widths, config.conditioning
        steps = list(pairwise(widths))
        self.condition = nn.Sequential(nn.Linear(4 * WAVES, conditioning), nn.SiLU())
        self.enter = nn.Conv2d(6, widths[0], config.fold, stride=config.fold)
        self.before = nn.ModuleList(Blocks(config.blocks, width, conditioning) for width in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in steps)
        self.middle = Blocks(2 * config.blocks, widths[-1], conditioning)
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in steps)
        self.after = nn.ModuleList(Blocks(config.blocks, width, conditioning) for width in widths[:-1])
        self.leave = nn.Conv2d(widths[0], 3 * config.fold**2, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    @abstractmethod
    def levels(self, z: Tensor) -> Tensor:
        """Return the size of a correction of 1 in grey levels of a pixel: (N, H, W, 1) float32, or with fewer axes."""

    @abstractmethod
    def features(self, z: Tensor) -> Tensor:
        """Return what the last level of the network is told of the representation: (N, widths[-1], h, w)."""

    def correction(self, frames: Tensor, z: Tensor, picture: Tensor) -> Tensor:
        """Return the correction from the picture to `frames`, both (N, H, W, 3) uint8."""
        return (frames.float() - picture.float()) / self.levels(z)

    def corrected(self, correction: Tensor, z: Tensor, picture: Tensor) -> Tensor:
        """Return the picture with a correction added, (N, H, W, 3) uint8."""
        x = picture.float() + correction * self.levels(z)
        return x.round().clamp(0, 255).to(torch.uint8)

    def forward(self, noisy: Tensor, level: Tensor, length: Tensor, z: Tensor, picture: Tensor) -> Tensor:
        """Predict the clean correction from a noisy one.

        noisy: (N, H, W, 3) float32, the correction at noise level `level`, (N,) in [0, 1]; standard normal at 1.
        length: (N,), length of the sampling step that uses the result; 0 asks for the mean over all clean corrections.
        """
        x = self.enter(torch.cat([noisy, picture.float() / 127.5 - 1], 3).permute(0, 3, 1, 2))
        conditioning = self.condition(self._waves(torch.stack([level, length], 1)))
        passed = []
        for blocks, down in zip(self.before, self.down, strict=True):
            x = blocks(x, conditioning)
            passed.append(x)
            x = down(x)
        x = self.middle(x + self.features(z), conditioning)
        for blocks, up in zip(reversed(self.after), reversed(self.up), strict=True):
            x = blocks(up(x) + passed.pop(), conditioning)
        return F.pixel_shuffle(self.leave(F.silu(x)), self.config.fold).permute(0, 2, 3, 1).float()

    def _waves(self, numbers: Tensor) -> Tensor:
        """Encode numbers (N, 2) in [0, 1] as sines and cosines of several frequencies, (N, 4 * WAVES)."""
        angles = numbers[:, :, None] * torch.arange(1, WAVES + 1, device=numbers.device) * (math.pi / 2)
        return torch.cat([angles.cos(), angles.sin()], 1).flatten(1)

    def denoise_step(
        self, noisy: Tensor, level: Tensor, target: Tensor, z: Tensor, picture: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Take one sampler step. Return the correction at the lower level `target`, and the current picture.

        noisy: (N, H, W, 3) float32. level, target: (N,) in [0, 1]. Returns (N, H, W, 3) float32 and (N, H, W, 3) uint8.
        """
        length = level - target
        clean = self(noisy, level, torch.where(length > LONGEST_PLAIN, length, 0.0), z, picture)
        return ddim(noisy, clean, level, target), self.corrected(clean, z, picture)

    @torch.no_grad()
    def sample(self, z: Tensor, picture: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Draw frames (N, H, W, 3) uint8 in `steps` equal steps, at least 1.

        noise: (H, W, 3) standard normal, the same for every frame of a dream.
        """
        noisy, frames = noise.expand(len(z), -1, -1, -1), picture
        levels = torch.linspace(1, 0, steps + 1, device=noise.device)[:, None].expand(-1, len(z))
        for level, target in pairwise(levels):
            noisy, frames = self.denoise_step(noisy, level, target, z, picture)
        return frames


class DenoiseStep(nn.Module):
    """One step of the sampler -> the noisy correction at `target` (B, H, W, 3), frames (B, H, W, 3) uint8."""

    def __init__(self, decoder: Correction) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self, noisy: Tensor, level: Tensor, target: Tensor, z: Tensor, picture: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self.decoder.denoise_step(noisy, level, target, z, picture)
