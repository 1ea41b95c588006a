"""Where the latents of a frame move to: convolutions over the newest frame, steered by the trunk.

A camera that turns shifts every latent to its neighbours. Convolutions learn that from far fewer frames than attention
between large squares does, and keep its detail.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MotionBlock(nn.Module):
    """A 3x3 and a 1x1 convolution, added to their input. A condition scales and shifts what is between them.

    Perez et al. 2018, "FiLM: visual reasoning with a general conditioning layer".
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, 3, padding=1)
        self.condition = nn.Conv2d(width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        self.condition.weight.data.mul_(0.3)
        self.out.weight.data.mul_(0.3)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x, condition: (N, width, h, w)."""
        scale, shift = self.condition(condition).chunk(2, 1)
        return x + self.out(F.silu(self.mix(F.silu(x)) * (1 + scale) + shift))


class Motion(nn.Module):
    """The newest frame's latents, and what the trunk knows of the next frame, to a first guess of its latents."""

    def __init__(self, grid: tuple[int, int], channels: int, width: int, blocks: int) -> None:
        """grid: rows and columns of latents. channels: numbers in a latent."""
        super().__init__()
        self.latents = nn.Conv2d(channels, width, 3, padding=1)
        self.place = nn.Parameter(torch.randn(width, *grid) * 0.1)
        self.blocks = nn.ModuleList(MotionBlock(width) for _ in range(blocks))
        self.out = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.out.weight)  # the newest frame itself, at first
        assert self.out.bias is not None
        nn.init.zeros_(self.out.bias)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, latents: Tensor, known: Tensor) -> Tensor:
        """latents: (N, S, channels). known: (N, S, width), what the trunk says. Returns (N, S, channels)."""
        grid = self.place.shape[1:]
        x = latents.transpose(1, 2).unflatten(2, grid).contiguous(memory_format=torch.channels_last)
        told = known.transpose(1, 2).unflatten(2, grid).contiguous(memory_format=torch.channels_last) + self.place
        condition = F.silu(told)
        y = self.latents(x) + told  # (N, width, h, w)
        for block in self.blocks:
            y = block(y, condition)
        return latents + self.out(F.silu(y)).flatten(2).transpose(1, 2).float()
