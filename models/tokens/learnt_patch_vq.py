"""The tokenizer of the shipped bundles v1.1 and v2: patches, encoded and decoded one by one by small networks. Frozen.

Recipes train none of these any more: `patch_vq.py` needs no training and is exact. van den Oord et al. 2017, "Neural
discrete representation learning"; the nearest code is the one of the largest product, as in Yu et al. 2022,
"Vector-quantized image modeling with improved VQGAN".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.schema import Within


@dataclass(frozen=True)
class LearntPatchVQConfig:
    """Sizes of a `LearntPatchVQ`.

    vocabulary: number of codes. code_width: numbers in a code.
    patch: edge of a patch in pixels. grid: rows and columns of patches in a frame.
    width: features between a patch and its code. decoder_width: the widest features between a code and its patch.
    """

    vocabulary: Annotated[int, Within(2, 2**16)] = 2048
    code_width: Annotated[int, Within(1, 1024)] = 32
    patch: Annotated[int, Within(1, 64)] = 8
    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (8, 8)
    width: Annotated[int, Within(1, 4096)] = 192
    decoder_width: Annotated[int, Within(1, 4096)] = 384


class LearntPatchVQ(nn.Module):
    """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64 and back."""

    def __init__(self, config: LearntPatchVQConfig) -> None:
        super().__init__()
        self.config = config
        pixels, width, wide = 3 * config.patch**2, config.width, config.decoder_width
        self.encoder = nn.Sequential(
            nn.Linear(pixels, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, config.code_width)
        )
        self.register_buffer("codebook", torch.randn(config.vocabulary, config.code_width))
        self.codebook: Tensor
        self.from_code = nn.Linear(config.code_width, width)
        self.decoder = nn.Sequential(nn.GELU(), nn.Linear(width, wide), nn.GELU(), nn.Linear(wide, pixels))

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64."""
        (h, w), p = self.config.grid, self.config.patch
        patches = frames.reshape(-1, h, p, w, p, 3).permute(0, 1, 3, 2, 4, 5)
        x = patches.reshape(-1, h * w, p * p * 3).float() / 127.5 - 1  # (N, h * w, pixels)
        z = F.normalize(self.encoder(x), dim=-1)  # (N, h * w, code_width)
        return (z @ self.codebook.T).argmax(-1)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, h * w) int64 to frames (N, H, W, 3) uint8."""
        (h, w), p = self.config.grid, self.config.patch
        patches = self.decoder(self.from_code(self.codebook[tokens]))  # (N, h * w, pixels)
        x = ((patches + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
        return x.reshape(-1, h, w, p, p, 3).permute(0, 1, 3, 2, 4, 5).reshape(-1, h * p, w * p, 3)
