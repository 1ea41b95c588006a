"""The autoencoder of the latent family: a picture becomes a small grid of continuous latents, and back.

Convolutions at full size are what a processor is slow at. So squares of pixels are folded into channels first
(space-to-depth), and every layer works on the small grid.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.limits import MOST_SIDE
from reverie.schema import Within

LIMIT = 6.0
"""Largest size of a number in a latent, whose mean square is about 1."""


@dataclass(frozen=True)
class AutoencoderConfig:
    """Sizes of an `Autoencoder`.

    size: side of a picture in pixels. patch: edge of the square of pixels that becomes one latent.
    channels: numbers in a latent. width: features of the network between them.
    encoder_blocks, decoder_blocks: residual blocks on either side.
    """

    size: Annotated[int, Within(8, MOST_SIDE)] = 64
    patch: Annotated[int, Within(1, 64)] = 8
    channels: Annotated[int, Within(1, 1024)] = 32
    width: Annotated[int, Within(1, 4096)] = 256
    encoder_blocks: Annotated[int, Within(0, 64)] = 3
    decoder_blocks: Annotated[int, Within(0, 64)] = 5

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        if self.size % self.patch:
            raise ValueError(f"a picture of {self.size} pixels cannot be divided into squares of {self.patch}")
        if self.channels > 3 * self.patch**2:
            raise ValueError(f"a latent of {self.channels} numbers is larger than the {self.patch} pixels square")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of latents."""
        return self.size // self.patch, self.size // self.patch

    @property
    def positions(self) -> int:
        """Latents in a picture."""
        return self.grid[0] * self.grid[1]


class WideBlock(nn.Module):
    """A 3x3 and a 1x1 convolution, added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.out = nn.Conv2d(width, width, 1)
        self.out.weight.data.mul_(0.3)

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, width, h, w)."""
        return x + self.out(F.silu(self.mix(F.silu(x))))


class Autoencoder(nn.Module):
    """Frames (N, H, W, 3) uint8 to latents (N, S, channels) and back.

    A linear map of each square of pixels carries most of the picture (`init_from_squares`). A network beside it, which
    sees the neighbours, adds what no linear map can. Latents are limited to `LIMIT`.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        pixels, width, channels = 3 * config.patch**2, config.width, config.channels
        self.analysis = nn.Conv2d(pixels, channels, 1)
        self.encoder_in = nn.Conv2d(pixels, width, 3, padding=1)
        self.encoder = nn.ModuleList(WideBlock(width) for _ in range(config.encoder_blocks))
        self.to_latent = nn.Conv2d(width, channels, 1)
        self.synthesis = nn.Conv2d(channels, pixels, 1)
        self.decoder_in = nn.Conv2d(channels, width, 3, padding=1)
        self.decoder = nn.ModuleList(WideBlock(width) for _ in range(config.decoder_blocks))
        self.to_pixels = nn.Conv2d(width, pixels, 3, padding=1)
        for last in (self.to_latent, self.to_pixels):  # the linear map alone, at first
            nn.init.zeros_(last.weight)
            assert last.bias is not None
            nn.init.zeros_(last.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.no_grad()
    def init_from_squares(self, squares: Tensor) -> None:
        """Begin with the principal components of squares of pixels, (N, pixels) as `F.pixel_unshuffle` orders them.

        A component of standard deviation s fills its number of the latent with one of about the root of s: the
        largest components stand out of the noise of training, and the smallest do not drown in it.
        """
        mean = squares.mean(0)
        variance, vectors = torch.linalg.eigh(torch.cov((squares - mean).T))
        count = self.config.channels
        basis = vectors[:, -count:].T  # (channels, pixels)
        deviation = variance[-count:].clamp(min=1e-8).sqrt()
        wanted = deviation.sqrt() / deviation.mean().sqrt()  # of each number of a latent
        scale = wanted / deviation
        weight = basis * scale[:, None]
        self.analysis.weight.copy_(weight[..., None, None])
        assert self.analysis.bias is not None
        assert self.synthesis.bias is not None
        self.analysis.bias.copy_(-weight @ mean)
        self.synthesis.weight.copy_((basis / scale[:, None]).T[..., None, None])
        self.synthesis.bias.copy_(mean)

    def embed(self, pixels: Tensor) -> Tensor:
        """Pixels (N, 3, H, W) from -1 to 1 to latents (N, S, channels)."""
        x = F.pixel_unshuffle(pixels, self.config.patch).contiguous(memory_format=torch.channels_last)
        y = self.encoder_in(x)  # (N, width, h, w)
        for block in self.encoder:
            y = block(y)
        latents = self.analysis(x) + self.to_latent(F.silu(y))  # (N, channels, h, w)
        return limited(latents.flatten(2).transpose(1, 2).float())

    def draw(self, latents: Tensor) -> Tensor:
        """Latents (N, S, channels) to pixels (N, 3, H, W), about -1 to 1."""
        x = latents.transpose(1, 2).unflatten(2, self.config.grid).contiguous(memory_format=torch.channels_last)
        y = self.decoder_in(x)  # (N, width, h, w)
        for block in self.decoder:
            y = block(y)
        return F.pixel_shuffle(self.synthesis(x) + self.to_pixels(F.silu(y)), self.config.patch)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to latents (N, S, channels) float32."""
        return self.embed(to_pixels(frames))

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (N, S, channels) to frames (N, H, W, 3) uint8."""
        return to_frames(self.draw(latents))


def limited(latents: Tensor) -> Tensor:
    """Keep latents within what the dynamics know."""
    return latents.clamp(-LIMIT, LIMIT)


def to_pixels(frames: Tensor) -> Tensor:
    """Frames (N, H, W, 3) uint8 to pixels (N, 3, H, W) float32 from -1 to 1."""
    return frames.permute(0, 3, 1, 2).float() / 127.5 - 1


def to_frames(pixels: Tensor) -> Tensor:
    """Pixels (N, 3, H, W), about -1 to 1, to frames (N, H, W, 3) uint8."""
    x = (pixels.float() * 127.5 + 128).clamp(0, 255)  # half a step more, because uint8 cuts off
    return x.permute(0, 2, 3, 1).to(torch.uint8)
