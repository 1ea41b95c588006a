"""v1.1's tokenizer: a VQ-VAE whose encoder sees one 8x8 patch only, and whose decoder looks as wide as it likes.

A token can then only change when a pixel of its own patch does (`token_flicker` is 0 by construction), which is what
makes the next token predictable. van den Oord et al. 2017, "Neural discrete representation learning"; codebook by
exponential moving averages as in its appendix.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class PatchVQVAEConfig:
    """Sizes of a `PatchVQVAE`.

    vocabulary: number of codes.
    code_width: numbers in a code.
    patch: edge of a patch in pixels.
    grid: rows and columns of patches in a frame.
    width: features of the encoder and of the decoder.
    decoder_layers: residual 3x3 convolutions of the decoder, on the token grid.
    """

    vocabulary: int = 512
    code_width: int = 32
    patch: int = 8
    grid: tuple[int, int] = (8, 8)
    width: int = 192
    decoder_layers: int = 1


class PatchVQVAE(nn.Module):
    """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64 and back."""

    def __init__(self, config: PatchVQVAEConfig) -> None:
        super().__init__()
        self.config = config
        pixels, c = config.patch**2 * 3, config.width
        self.encoder = nn.Sequential(
            nn.Linear(pixels, c), nn.GELU(), nn.Linear(c, c), nn.GELU(), nn.Linear(c, config.code_width)
        )
        self.register_buffer("codebook", torch.randn(config.vocabulary, config.code_width))
        self.codebook: Tensor
        self.from_code = nn.Linear(config.code_width, c)
        self.wide = nn.ModuleList(nn.Conv2d(c, c, 3, padding=1) for _ in range(config.decoder_layers))
        self.decoder = nn.Sequential(nn.GELU(), nn.Linear(c, 2 * c), nn.GELU(), nn.Linear(2 * c, pixels))
        for conv in self.wide:
            assert isinstance(conv, nn.Conv2d)
            conv.weight.data.mul_(0.3)

    def patches(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to (N, h * w, patch * patch * 3) float32 in [-1, 1], row-major."""
        (h, w), p = self.config.grid, self.config.patch
        x = frames.reshape(-1, h, p, w, p, 3).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(-1, h * w, p * p * 3).float() / 127.5 - 1

    def embed(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to unit vectors (N, h * w, code_width), before quantisation."""
        return F.normalize(self.encoder(self.patches(frames)), dim=-1)

    def nearest(self, z: Tensor) -> Tensor:
        """Unit vectors (..., code_width) to the index of the nearest code, int64."""
        return (z @ self.codebook.T).argmax(-1)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64."""
        return self.nearest(self.embed(frames))

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes (N, h * w, code_width) to patches (N, h * w, pixels) in about [-1, 1]."""
        (h, w), c = self.config.grid, self.config.width
        x = self.from_code(codes).reshape(-1, h, w, c).permute(0, 3, 1, 2)
        for conv in self.wide:
            x = x + conv(F.gelu(x))
        return self.decoder(x.permute(0, 2, 3, 1).reshape(-1, h * w, c))

    def unpatch(self, patches: Tensor) -> Tensor:
        """Patches (N, h * w, pixels) in [-1, 1] to frames (N, H, W, 3) uint8."""
        (h, w), p = self.config.grid, self.config.patch
        x = ((patches + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return x.reshape(-1, h, w, p, p, 3).permute(0, 1, 3, 2, 4, 5).reshape(-1, h * p, w * p, 3)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, h * w) int64 to frames (N, H, W, 3) uint8."""
        return self.unpatch(self.decode_codes(self.codebook[tokens]))
