"""Layers that several networks share: position biases, grid attention and the feed-forward block."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def at_once(x: Tensor) -> bool:
    """Return whether to compute everything in one dense operation. True on a GPU and under a compiler."""
    return x.is_cuda or torch.compiler.is_compiling()


def relative_index(grid: tuple[int, int]) -> Tensor:
    """(S, S) int64: for each pair of grid positions the index of their offset in a (2h-1)*(2w-1) table."""
    h, w = grid
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    y, x = y.flatten(), x.flatten()
    dy = y[:, None] - y[None, :] + h - 1
    dx = x[:, None] - x[None, :] + w - 1
    return dy * (2 * w - 1) + dx


class RelativeBias(nn.Module):
    """A learned attention bias for each head and each 2-D offset between two grid positions.

    It starts as a Gaussian around offset zero, sharp in the first heads and flat in the last, because the next content
    of a patch depends mostly on its neighbours.
    """

    def __init__(self, heads: int, grid: tuple[int, int]) -> None:
        super().__init__()
        h, w = grid
        dy = torch.arange(-(h - 1), h).float()[:, None]
        dx = torch.arange(-(w - 1), w).float()[None, :]
        distance2 = (dy**2 + dx**2).flatten()  # ((2h-1)(2w-1),)
        sigma = torch.logspace(0, 3, heads, base=2.0)  # 1 .. 8 positions
        self.table = nn.Parameter(-distance2[None, :] / (2 * sigma[:, None] ** 2))
        self.register_buffer("index", relative_index(grid).flatten(), persistent=False)
        self.index: Tensor
        self.positions = h * w

    def forward(self) -> Tensor:
        """(heads, S, S): bias from query position (row) to key position (column)."""
        # The gradient of index_select is an index_add, which is faster than the index_put of plain indexing.
        return self.table.index_select(1, self.index).unflatten(1, (self.positions, self.positions))


class FeedForward(nn.Module):
    """LayerNorm, a wider linear layer, squared ReLU, a linear layer back. The caller adds the result to the input.

    So et al. 2021, "Primer: searching for efficient transformers". On a processor, squared ReLU is cheaper than GELU.
    """

    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, factor * width)
        self.down = nn.Linear(factor * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.relu(self.up(self.norm(x))).square())


class ExpertLinear(nn.Module):
    """A linear layer for each expert. The input of each is multiplied by its own matrix and by no other."""

    def __init__(self, experts: int, features: int, out: int) -> None:
        """All experts begin alike."""
        super().__init__()
        one = nn.Linear(features, out)
        # Columns, and not rows, belong to an output: a graph then multiplies by the matrix as it is stored.
        self.weight = nn.Parameter(one.weight.detach().T.repeat(experts, 1, 1))  # (experts, features, out)
        self.bias = nn.Parameter(one.bias.detach().repeat(experts, 1))  # (experts, out)

    def forward(self, x: Tensor, experts: Tensor) -> Tensor:
        """x: (N, P, features) to (N, P, out). experts: (M,) int64, each the one of N / M entries in a row."""
        y = x.reshape(len(experts), -1, x.shape[-1])
        y = y @ self.weight.index_select(0, experts) + self.bias.index_select(0, experts)[:, None]
        return y.reshape(*x.shape[:-1], -1)


class Experts(nn.Module):
    """A `FeedForward` of several experts, of which each input has one that is named, so that there is no gate to learn.

    Shazeer et al. 2017, "Outrageously large neural networks: the sparsely-gated mixture-of-experts layer"; routed by
    task as in Kudugunta et al. 2021, "Beyond distillation: task-level mixture-of-experts for efficient inference". The
    normalisation is shared: its factors could as well be part of each expert's first matrix.
    """

    def __init__(self, width: int, factor: int, experts: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, bias=False)
        self.up = ExpertLinear(experts, width, factor * width)
        self.down = ExpertLinear(experts, factor * width, width)

    def forward(self, x: Tensor, experts: Tensor) -> Tensor:
        """x: (N, P, width). experts: (M,) int64, each the one of N / M entries in a row."""
        return self.down(F.relu(self.up(self.norm(x), experts)).square(), experts)


def feed_forward(width: int, factor: int, experts: int) -> FeedForward | Experts:
    """Make a feed-forward block, of several experts if there are any."""
    return Experts(width, factor, experts) if experts else FeedForward(width, factor)


def feed(block: FeedForward | Experts, x: Tensor, experts: Tensor | None) -> Tensor:
    """Run a feed-forward block on (N, P, width). experts: as `Experts` takes them, where the block has any.

    Raises ValueError where it has some and none are named.
    """
    if not isinstance(block, Experts):
        return block(x)
    if experts is None:
        raise ValueError("this model has an expert for each game: say which game it is")
    return block(x, experts)


class LocalMixing(nn.Module):
    """A depthwise 3x3 convolution over the grid: one rule for all positions, which attention alone learns slowly.

    Chu et al. 2021, "Conditional positional encodings for vision transformers".
    """

    def __init__(self, width: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.conv = nn.Conv2d(width, width, 3, padding=1, groups=width)
        nn.init.normal_(self.conv.weight, std=0.1)
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """x: (N, S, width)."""
        n, s, c = x.shape
        h, w = self.grid
        image = x.reshape(n, h, w, c).permute(0, 3, 1, 2)
        return self.conv(image).permute(0, 2, 3, 1).reshape(n, s, c)
