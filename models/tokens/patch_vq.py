"""The tokenizer from v1.1 on: vector quantisation of 8x8 patches, where a code is the picture of a patch.

Each patch gets the nearest code, whatever its neighbours are. So a token changes only when a pixel of its own patch
changes (`token_flicker` is 0 by construction), which makes the next token predictable. Lloyd 1982, "Least squares
quantization in PCM"; Linde, Buzo and Gray 1980, "An algorithm for vector quantizer design".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from reverie.schema import Within

GREY = 128
"""Pixels are counted from here, so that a patch is a vector of whole numbers from -128 to 127.

Their products stay below 2 ** 24 for patches of up to 16x16 pixels: float32 computes them exactly, on every machine,
and a patch that has a code of its own always gets it. What float16 stores of a code is exact too.
"""


@dataclass(frozen=True)
class PatchVQConfig:
    """Sizes of a `PatchVQ`.

    vocabulary: number of codes.
    patch: edge of a patch in pixels.
    grid: rows and columns of patches in a frame.
    """

    vocabulary: Annotated[int, Within(2, 2**16)] = 512
    patch: Annotated[int, Within(1, 64)] = 8
    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (8, 8)


def nearest(patches: Tensor, codes: Tensor) -> Tensor:
    """Return the index of the code (V, pixels) nearest to each patch (..., pixels), the first of equally near ones."""
    return (patches @ codes.T - codes.square().sum(-1) / 2).argmax(-1)


class PatchVQ(nn.Module):
    """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64 and back."""

    def __init__(self, config: PatchVQConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("codebook", torch.randint(-GREY, GREY, (config.vocabulary, 3 * config.patch**2)).float())
        self.codebook: Tensor

    def patches(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to (N, h * w, patch * patch * 3) float32 of whole numbers, row-major."""
        (h, w), p = self.config.grid, self.config.patch
        x = frames.reshape(-1, h, p, w, p, 3).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(-1, h * w, p * p * 3).float() - GREY

    def nearest(self, patches: Tensor) -> Tensor:
        """Return the index of the nearest code of each patch (..., patch * patch * 3), int64."""
        return nearest(patches, self.codebook)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to tokens (N, h * w) int64."""
        return self.nearest(self.patches(frames))

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, h * w) int64 to frames (N, H, W, 3) uint8."""
        (h, w), p = self.config.grid, self.config.patch
        x = (self.codebook[tokens] + GREY).to(torch.uint8)
        return x.reshape(-1, h, w, p, p, 3).permute(0, 1, 3, 2, 4, 5).reshape(-1, h * p, w * p, 3)

    def code_pictures(self) -> Tensor:
        """Return the picture of each code: (vocabulary, patch * patch * 3) float32 in [0, 1]."""
        return (self.codebook + GREY) / 255
