"""The autoencoder of the latent family: a picture becomes a small grid of continuous latents, and back.

Convolutions at full size are what a processor is slow at, so pixels are first folded into channels (space-to-depth),
and the network is wide only where its grid is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.config import Range

Width = Annotated[int, Range(1, 4096)]
Count = Annotated[int, Range(0, 64)]


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of an `Autoencoder`.

    size: side of a picture in pixels.
    patch: edge of the square of pixels that is folded into channels first.
    widths: features at each level; each level has half the side of the one before it, and the last is the latents'.
    encoder_blocks, decoder_blocks: blocks at each level.
    channels: numbers in a latent.
    """

    size: Annotated[int, Range(8, 1024)] = 64
    patch: Annotated[int, Range(1, 64)] = 4
    widths: tuple[Width, ...] = (96, 192, 384)
    encoder_blocks: tuple[Count, ...] = (0, 2, 2)
    decoder_blocks: tuple[Count, ...] = (1, 2, 2)
    channels: Annotated[int, Range(1, 1024)] = 32

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        if not self.widths or {len(self.encoder_blocks), len(self.decoder_blocks)} != {len(self.widths)}:
            raise ValueError("widths, encoder_blocks and decoder_blocks must have one number for each level")
        if self.size % (self.patch << (len(self.widths) - 1)):
            raise ValueError(
                f"a picture of {self.size} pixels cannot be halved {len(self.widths) - 1} times after {self.patch}"
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of latents."""
        side = self.size // (self.patch << (len(self.widths) - 1))
        return side, side

    @property
    def positions(self) -> int:
        """Latents in a picture."""
        return self.grid[0] * self.grid[1]


class WideBlock(nn.Module):
    """A 3x3 and a 1x1 convolution, added to their input: for the larger grids, where channels are few."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(width, width, 1)
        self.out.weight.data.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, width, h, w)."""
        return x + self.out(F.silu(self.mix(F.silu(x))))


class DeepBlock(nn.Module):
    """A depthwise 3x3 convolution and a feed-forward network at each position: for the smallest grid.

    Liu et al. 2022, "A ConvNet for the 2020s".
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.down.weight.data.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, width, h, w)."""
        y = self.norm(self.mix(x).permute(0, 2, 3, 1))  # (N, h, w, width)
        return x + self.down(F.silu(self.up(y))).permute(0, 3, 1, 2)


class Autoencoder(nn.Module):
    """Frames (N, H, W, 3) uint8 to latents (N, S, channels) and back.

    Each latent has length sqrt(channels), so that its numbers have the size of unit noise, and so that what a dream
    made of it can be brought back to that length.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        widths, patch = config.widths, config.patch
        levels = list(zip(widths, config.encoder_blocks, strict=True))
        encoder: list[nn.Module] = [nn.Conv2d(3 * patch**2, widths[0], 3, padding=1)]
        for level, (width, blocks) in enumerate(levels):
            if level:
                encoder += [nn.SiLU(), nn.Conv2d(widths[level - 1], width, 2, stride=2)]
            encoder += [self._block(level, width) for _ in range(blocks)]
        self.encoder = nn.Sequential(*encoder)
        self.to_latent = nn.Linear(widths[-1], config.channels)
        self.from_latent = nn.Linear(config.channels, widths[-1])
        decoder: list[nn.Module] = []
        for level in reversed(range(len(widths))):
            decoder += [self._block(level, widths[level]) for _ in range(config.decoder_blocks[level])]
            if level:
                decoder += [nn.SiLU(), nn.Conv2d(widths[level], 4 * widths[level - 1], 1), nn.PixelShuffle(2)]
        decoder += [nn.SiLU(), nn.Conv2d(widths[0], 3 * patch**2, 3, padding=1), nn.PixelShuffle(patch)]
        self.decoder = nn.Sequential(*decoder)
        self.to(memory_format=torch.channels_last)

    def _block(self, level: int, width: int) -> nn.Module:
        return DeepBlock(width) if level == len(self.config.widths) - 1 else WideBlock(width)

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (N, 3, H, W) from -1 to 1 to latents (N, S, channels)."""
        x = F.pixel_unshuffle(pixels, self.config.patch).contiguous(memory_format=torch.channels_last)
        x = self.encoder(x)  # (N, width, h, w)
        return on_sphere(self.to_latent(x.flatten(2).transpose(1, 2)).float())

    def draw(self, latents: Tensor) -> Tensor:
        """Latents (N, S, channels) to pixels (N, 3, H, W), about -1 to 1."""
        x = self.from_latent(latents).transpose(1, 2).unflatten(2, self.config.grid)
        return self.decoder(x.contiguous(memory_format=torch.channels_last))

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to latents (N, S, channels) float32."""
        return self.embed(to_pixels(frames))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (N, S, channels) to frames (N, H, W, 3) uint8."""
        return to_frames(self.draw(latents))


def on_sphere(latents: Tensor) -> Tensor:
    """Bring each latent (..., channels) to length sqrt(channels)."""
    return latents * (latents.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def to_pixels(frames: Tensor) -> Tensor:
    """Frames (N, H, W, 3) uint8 to pixels (N, 3, H, W) float32 from -1 to 1."""
    return frames.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_frames(pixels: Tensor) -> Tensor:
    """Pixels (N, 3, H, W), about -1 to 1, to frames (N, H, W, 3) uint8."""
    x = (pixels.float() * 127.5 + 128).clamp(0, 255)  # half a step more, because uint8 cuts off
    return x.permute(0, 2, 3, 1).to(torch.uint8)
