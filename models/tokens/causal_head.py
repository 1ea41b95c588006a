"""A small causal transformer that predicts the tokens of the next frame in order, each from those before it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.layers import RelativeBias, feed, feed_forward


class CausalLayer(nn.Module):
    """Masked self-attention over the positions, then a feed-forward block."""

    def __init__(self, width: int, heads: int, grid: tuple[int, int], experts: int = 0) -> None:
        """experts: of the feed-forward block; 0 for one that all games share."""
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.bias = RelativeBias(heads, grid)
        self.feed_forward = feed_forward(width, 2, experts)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, P, width) to query, key, value, each (N, heads, P, width / heads)."""
        n, p, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, p, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        return q, k, v

    def attend(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        """bias: (heads, queries, keys), -inf where a query must not look. Returns (N, queries, width)."""
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias
        mixed = scores.softmax(-1) @ v
        n, h, p, d = mixed.shape
        return self.out(mixed.transpose(1, 2).reshape(n, p, h * d))

    def forward(self, x: Tensor, mask: Tensor, games: Tensor | None = None) -> Tensor:
        q, k, v = self.project(x)
        x = x + self.attend(q, k, v, self.bias() + mask)
        return x + feed(self.feed_forward, x, games)


class CausalHead(nn.Module):
    """Predicts position i of the next frame from the trunk's output and the next frame's tokens before i.

    The token of position i - 1 is added to the trunk's output at position i, and attention is masked to positions
    <= i. So position i never sees its own token or a later one.
    """

    def __init__(
        self, vocabulary: int, hidden: int, width: int, layers: int, heads: int, grid: tuple[int, int], experts: int = 0
    ) -> None:
        """hidden: features of the trunk's output. width: its own. experts: of its feed-forward blocks, 0 for none."""
        super().__init__()
        positions = grid[0] * grid[1]
        self.start = nn.Parameter(torch.zeros(width))
        self.previous = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.previous.weight, std=0.02)
        self.position = nn.Parameter(torch.randn(positions, width) * 0.02)
        self.input = nn.Linear(hidden, width)
        self.layers = nn.ModuleList(CausalLayer(width, heads, grid, experts) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        mask = torch.full((positions, positions), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        self.mask: Tensor

    def forward(self, hidden: Tensor, tokens: Tensor, table: Tensor, games: Tensor | None = None) -> Tensor:
        """All positions at once.

        hidden: (N, S, hidden), the trunk's output. tokens: (N, S) int64, the next frame's tokens; position i is
        predicted from those before i. table: (vocabulary, width), the vectors of the tokens before. games: as in
        `models.layers.feed`. Returns features (N, S, width).
        """
        previous = F.embedding(tokens[:, :-1], table)  # (N, S-1, width)
        previous = torch.cat([self.start.expand(tokens.shape[0], 1, -1).to(previous.dtype), previous], dim=1)
        x = self.input(hidden) + previous + self.position
        for layer in self.layers:
            x = layer(x, self.mask, games)
        return self.norm(x)
