"""A two-level tokenizer: coarse tokens of the downsampled frame, and fine tokens of the residual.

Razavi et al. 2019, "Generating diverse high-fidelity images with VQ-VAE-2". The fine level codes the residual, as in
Lee et al. 2022, "Autoregressive image generation using residual quantization". Each token depends on one tile only, so
it changes only when a pixel of that tile changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.tokens.patch_vq import PatchVQ, PatchVQConfig
from reverie.schema import Within


@dataclass(frozen=True)
class TwoLevelVQConfig:
    """Sizes of a `TwoLevelVQ`; its frames are grid * patch * fine pixels wide.

    level_vocabulary: number of codes of each level.
    patch: edge of a patch in pixels: of the frame for the fine level, of the frame made `fine` times smaller for the
    coarse one. grid: rows and columns of coarse tokens. fine: edge of the square of fine tokens below a coarse one.
    """

    level_vocabulary: Annotated[int, Within(2, 2**15)] = 1024
    patch: Annotated[int, Within(1, 64)] = 8
    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (8, 8)
    fine: Annotated[int, Within(1, 8)] = 2


class TwoLevelVQ(nn.Module):
    """Frames (N, H, W, 3) uint8 to tokens (N, S) int64 and back.

    The coarse tokens come first, row by row, then the fine ones, row by row. Fine codes are numbered from
    `level_vocabulary` on.
    """

    def __init__(self, config: TwoLevelVQConfig) -> None:
        super().__init__()
        self.config = config
        (h, w), f = config.grid, config.fine

        def level(grid: tuple[int, int]) -> PatchVQ:
            return PatchVQ(PatchVQConfig(config.level_vocabulary, config.patch, grid))

        self.coarse, self.fine = level((h, w)), level((h * f, w * f))

    def downsampled(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 made `fine` times smaller, uint8."""
        x = frames.permute(0, 3, 1, 2).float()
        return F.avg_pool2d(x, self.config.fine).round().to(torch.uint8).permute(0, 2, 3, 1)

    def enlarged(self, coarse: Tensor) -> Tensor:
        """The picture of coarse tokens (N, h * w) at full size: (N, H, W, 3) uint8."""
        f = self.config.fine
        return self.coarse.decode(coarse).repeat_interleave(f, 1).repeat_interleave(f, 2)

    def residual(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 minus the picture of their coarse tokens, halved and shifted into uint8."""
        shown = self.enlarged(self.coarse.encode(self.downsampled(frames)))
        return ((frames.float() - shown.float()) / 2 + 128).round().clamp(0, 255).to(torch.uint8)

    def encode(self, frames: Tensor) -> Tensor:
        """Frames (N, H, W, 3) uint8 to tokens (N, S) int64."""
        coarse = self.coarse.encode(self.downsampled(frames))
        return torch.cat([coarse, self.fine.encode(self.residual(frames)) + self.config.level_vocabulary], 1)

    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens (N, S) int64 to frames (N, H, W, 3) uint8.

        A dream may sample a code of the wrong level. It counts as the first code of the right level.
        """
        positions, codes = self.config.grid[0] * self.config.grid[1], self.config.level_vocabulary
        coarse, fine = tokens[:, :positions], tokens[:, positions:] - codes
        shown = self.enlarged(torch.where(coarse < codes, coarse, 0)).float()
        lacking = self.fine.decode(fine.clamp(min=0)).float() - 128
        return (shown + 2 * lacking).clamp(0, 255).to(torch.uint8)

    def code_pictures(self) -> Tensor:
        """Return the picture of each code in its level: (2 * level_vocabulary, patch * patch * 3) float32 in [0, 1]."""
        return torch.cat([self.coarse.code_pictures(), self.fine.code_pictures()])
