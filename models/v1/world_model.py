"""v1's dynamics: a transformer over the 64 tokens of one frame that predicts the 64 of the next at once. Frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.limits import MOST_ACTIONS
from reverie.schema import Within


@dataclass(frozen=True)
class VisualWorldModelConfig:
    """Sizes of v1's `VisualWorldModel`.

    vocabulary: number of codes of its tokenizer.
    actions: number of actions, no-op included.
    positions: tokens in a frame.
    width: features per position.
    layers: transformer layers.
    heads: attention heads.
    """

    vocabulary: Annotated[int, Within(2, 2**16)] = 128
    actions: Annotated[int, Within(1, MOST_ACTIONS)] = 5
    positions: Annotated[int, Within(64, 64)] = 64
    width: Annotated[int, Within(1, 4096)] = 256
    layers: Annotated[int, Within(1, 64)] = 6
    heads: Annotated[int, Within(1, 64)] = 8

    def __post_init__(self) -> None:
        """Raises ValueError where the heads do not share the width evenly."""
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, not {self.width} with {self.heads} heads")


class Layer(nn.Module):
    """Pre-norm self-attention over all positions, then a feed-forward block."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, s, c = x.shape
        qkv = self.qkv(self.attention_norm(x)).reshape(n, s, 3, self.heads, c // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (N, heads, S, head_dim)
        scores = q @ k.transpose(-1, -2) / math.sqrt(c // self.heads)
        mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, s, c)
        x = x + self.out(mixed)
        return x + self.down(F.gelu(self.up(self.mlp_norm(x)), approximate="tanh"))


class VisualWorldModel(nn.Module):
    """Tokens (B, 64) and action (B,) to logits (B, 64, vocabulary) of the next frame."""

    def __init__(self, config: VisualWorldModelConfig) -> None:
        super().__init__()
        self.config = config
        c = config.width
        self.token = nn.Embedding(config.vocabulary, c)
        self.action = nn.Embedding(config.actions, c)
        self.position = nn.Parameter(torch.randn(config.positions, c) * 0.02)
        nn.init.normal_(self.token.weight, std=0.5)
        nn.init.normal_(self.action.weight, std=0.5)
        self.layers = nn.ModuleList(Layer(c, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(c)
        self.code = nn.Linear(c, config.vocabulary)

    def forward(self, tokens: Tensor, action: Tensor) -> Tensor:
        """tokens (B, 64) int64, action (B,) int64."""
        x = self.token(tokens) + self.position + self.action(action)[:, None]
        for layer in self.layers:
            x = layer(x)
        return self.code(self.norm(x))
