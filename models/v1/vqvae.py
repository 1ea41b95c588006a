"""v1's tokenizer: a convolutional VQ-VAE with 128 codes, 64x64 pixels to 8x8 tokens. Frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.schema import Within


@dataclass(frozen=True)
class VQVAEConfig:
    """Sizes of v1's `VQVAE`.

    vocabulary: number of codes.
    code_width: numbers in a code.
    width: channels on the token grid.
    encoder_blocks: residual blocks of the encoder.
    decoder_blocks: residual blocks of the decoder.
    """

    vocabulary: Annotated[int, Within(2, 2**16)] = 128
    code_width: Annotated[int, Within(1, 1024)] = 64
    width: Annotated[int, Within(1, 2048)] = 256
    encoder_blocks: Annotated[int, Within(0, 64)] = 2
    decoder_blocks: Annotated[int, Within(0, 64)] = 3


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.second.weight.data.mul_(0.1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.gelu(self.first(F.gelu(x))))


class VQVAE(nn.Module):
    """Frames (N, 64, 64, 3) uint8 to tokens (N, 64) int64 and back; its encoder sees the whole frame."""

    def __init__(self, config: VQVAEConfig) -> None:
        super().__init__()
        self.config = config
        c = config.width
        self.down = nn.Conv2d(3, c, 8, stride=8)
        self.encoder = nn.Sequential(*[Residual(c) for _ in range(config.encoder_blocks)])
        self.to_code = nn.Conv2d(c, config.code_width, 1)
        self.register_buffer("codebook", torch.randn(config.vocabulary, config.code_width))
        self.codebook: Tensor
        self.from_code = nn.Conv2d(config.code_width, c, 1)
        self.decoder = nn.Sequential(*[Residual(c) for _ in range(config.decoder_blocks)])
        self.up = nn.Conv2d(c, 8 * 8 * 3, 1)

    def patches(self, frames: Tensor) -> Tensor:
        """Frames (N, 64, 64, 3) uint8 to (N, 64, 192) float32 in [-1, 1]: what `decode_codes` should give back."""
        x = frames.reshape(-1, 8, 8, 8, 8, 3).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(-1, 64, 192).float() / 127.5 - 1

    def embed(self, frames: Tensor) -> Tensor:
        """Frames (N, 64, 64, 3) uint8 to unit vectors (N, 64, code_width), before quantisation."""
        x = frames.permute(0, 3, 1, 2).float() / 127.5 - 1
        z = self.to_code(self.encoder(self.down(x)))
        return F.normalize(z.flatten(2).transpose(1, 2), dim=-1)

    def nearest(self, z: Tensor) -> Tensor:
        """Unit vectors (..., code_width) to the index of the nearest code, int64."""
        return (z @ self.codebook.T).argmax(-1)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, 64, 64, 3) uint8 to tokens (N, 64) int64."""
        return self.nearest(self.embed(frames))

    def decode_codes(self, codes: Tensor) -> Tensor:
        """Codes (N, 64, code_width) to patches (N, 64, 192) in about [-1, 1]."""
        x = self.from_code(codes.transpose(1, 2).reshape(-1, self.config.code_width, 8, 8))
        return self.up(F.gelu(self.decoder(x))).flatten(2).transpose(1, 2)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, 64) int64 to frames (N, 64, 64, 3) uint8."""
        x = ((self.decode_codes(self.codebook[tokens]) + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return x.reshape(-1, 8, 8, 8, 8, 3).permute(0, 1, 3, 2, 4, 5).reshape(-1, 64, 64, 3)
