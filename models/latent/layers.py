"""The layers of the latent dynamics: attention within a frame or over all that went before, and conditioned layers."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.layers import FeedForward


class TrunkLayer(nn.Module):
    """Attention and feed-forward over the positions of a frame; with `past`, over those of earlier frames too.

    Attention to the past in a few layers alone costs less and is learnt better (Hafner et al. 2025, "Training agents
    inside of scalable world models").
    """

    def __init__(self, width: int, heads: int, past: bool) -> None:
        super().__init__()
        self.heads, self.past = heads, past
        self.norm = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.feed_forward = FeedForward(width, 4)
        for linear in (self.out, self.feed_forward.down):  # a layer starts as nearly nothing
            linear.weight.data.mul_(0.3)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, S, width) to query, key, value (N, heads, S, head_dim)."""
        n, s, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(n, s, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        return q, k, v

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Residual connections: x (N, S, width), mixed (N, heads, S, head_dim)."""
        x = x + self.out(mixed.transpose(1, 2).flatten(2))
        return x + self.feed_forward(x)

    def forward(self, x: Tensor, mask: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A whole window at once.

        x: (B, W, S, width). mask: (W * S, W * S) bool, what may be looked at. turns: (W * S, head_dim // 2) complex
        angles as cosine and sine (2, W * S, head_dim // 2), of each position's frame.
        Returns the layer's output, and the keys, turned, and values that it looked at.
        """
        b, w, s, c = x.shape
        x = x.reshape(b, w * s, c) if self.past else x.reshape(b * w, s, c)
        q, k, v = self.project(x)
        if self.past:
            q, k = turned(q, turns[0], turns[1]), turned(k, turns[0], turns[1])
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask if self.past else None)
        return self.finish(x, mixed).reshape(b, w, s, c), k, v

    def step(self, x: Tensor) -> Tensor:
        """One frame of a layer that does not look at the past. x: (B, S, width)."""
        q, k, v = self.project(x)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        return self.finish(x, weights @ v)

    def step_with_past(
        self, x: Tensor, keys: Tensor, values: Tensor, age: Tensor, frequencies: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One frame, with the cached keys and values of the frames before it.

        x: (B, S, width). keys, values: (B, heads, slots, S, head_dim). age: (B, slots) int64, 0 where a slot is empty.
        Returns the layer's output and this frame's own keys and values (B, heads, S, head_dim).
        """
        q, k, v = self.project(x)
        angle = age[:, None, :, None, None] * -frequencies  # (B, 1, slots, 1, head_dim // 2), back into the past
        keys = turned(keys, angle.cos(), angle.sin()).flatten(2, 3)  # (B, heads, slots * S, head_dim)
        scores = q @ torch.cat([keys, k], 2).transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, heads, S, slots * S + S)
        empty = torch.where(age > 0, 0.0, float("-inf"))[:, :, None].expand(-1, -1, k.shape[2]).flatten(1)
        shown = torch.cat([empty, torch.zeros_like(k[:, 0, :, 0])], 1)  # (B, slots * S + S)
        weights = (scores + shown[:, None, None]).softmax(-1)
        return self.finish(x, weights @ torch.cat([values.flatten(2, 3), v], 2)), k, v

    def step_ahead(self, x: Tensor, keys: Tensor, values: Tensor, shown: Tensor, angle: Tensor) -> Tensor:
        """One frame that nothing is kept of, with the keys and values of the frames before it.

        x: (N, S, width). keys, values: (N, heads, frames * S, head_dim), the keys turned. shown: (N, frames * S), 0 for
        what may be looked at and -inf for the rest. angle: (N, head_dim // 2), of this frame.
        """
        q, k, v = self.project(x)
        cosine, sine = angle.cos()[:, None, None], angle.sin()[:, None, None]
        q, k = turned(q, cosine, sine), turned(k, cosine, sine)
        past = q @ keys.transpose(-1, -2) / math.sqrt(q.shape[-1]) + shown[:, None, None]
        own = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        weights = torch.cat([past, own], -1).softmax(-1)
        return self.finish(x, weights @ torch.cat([values, v], 2))


class ConditionedLayer(nn.Module):
    """A layer over the positions of one frame whose norms are scaled and shifted by a condition.

    Peebles and Xie 2022, "Scalable diffusion models with transformers", without the gates.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.condition = nn.Linear(width, 4 * width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.condition.weight.data.mul_(0.1)
        nn.init.zeros_(self.condition.bias)
        for linear in (self.out, self.down):
            linear.weight.data.mul_(0.3)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x: (N, S, width). condition: (N, width)."""
        n, s, c = x.shape
        scale, shift, wide_scale, wide_shift = self.condition(condition)[:, None].chunk(4, -1)
        y = self.qkv(self.norm(x) * (1 + scale) + shift)
        q, k, v = y.reshape(n, s, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).flatten(2))
        return x + self.down(F.relu(self.up(self.norm(x) * (1 + wide_scale) + wide_shift)).square())


def turned(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Rotate pairs of features by an angle: x (..., D), cosine and sine (..., D // 2).

    Su et al. 2021, "RoFormer: enhanced transformer with rotary position embedding".
    """
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1)
