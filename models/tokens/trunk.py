"""The configuration of a world model, and the layer of its trunk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.limits import MOST_ACTIONS, MOST_GAMES
from reverie.models.layers import LocalMixing, RelativeBias, feed, feed_forward
from reverie.schema import Within

MOST_REWARDS = 64
"""Values that a reward can have at most."""


@dataclass(frozen=True)
class WorldModelConfig:
    """Sizes of a `TemporalVisualWorldModel`.

    vocabulary: number of codes of its tokenizer.
    grid: rows and columns of tokens in a frame; of the coarse ones where there are two levels.
    actions: number of actions, no-op included.
    history: frames in the context, the newest included.
    width: features per position.
    layers: layers of the trunk.
    heads: attention heads of trunk and causal head; a narrower head has fewer, of the same size.
    causal_layers: layers of the causal head; 0 leaves it out.
    causal_width: features per position of the causal head, which runs several times a frame; 0 takes the trunk's width.
    merge: edge of the square of tokens that share one position of the trunk (latent downsampling).
    fine: edge of the square of fine tokens below each coarse one; 0 for tokens of one level. Of two-level tokens the
        coarse ones come first, row by row, then the fine ones, row by row.
    axial: attention within a frame goes along its rows in one layer and along its columns in the next (sparse
        attention; Ho et al. 2019, "Axial attention in multidimensional transformers").
    rewards: the values a reward can have; with any, the model predicts the reward and the end of the round too.
    games: number of games; a model of several takes the game as an input.
    experts: each feed-forward block of the trunk and of the causal head has a copy for each game, which its frames
        alone go through (`models.layers.Experts`). All else is shared.
    inner: features inside a feed-forward block of the trunk, as a multiple of width. The causal head runs several times
        a frame; its blocks have twice its width.
    code_features: features between the picture of a code and its vectors (`code_features.py`); 0 leaves them out.
    """

    vocabulary: Annotated[int, Within(2, 2**16)] = 512
    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (8, 8)
    actions: Annotated[int, Within(1, MOST_ACTIONS)] = 5
    history: Annotated[int, Within(1, 256)] = 4
    width: Annotated[int, Within(1, 4096)] = 256
    layers: Annotated[int, Within(1, 64)] = 4
    heads: Annotated[int, Within(1, 64)] = 8
    causal_layers: Annotated[int, Within(0, 16)] = 2
    causal_width: Annotated[int, Within(0, 4096)] = 0
    merge: Annotated[int, Within(1, 8)] = 1
    fine: Annotated[int, Within(0, 8)] = 0
    axial: bool = False
    rewards: tuple[float, ...] = ()
    games: Annotated[int, Within(1, MOST_GAMES)] = 1
    experts: bool = False
    inner: Annotated[int, Within(1, 64)] = 4
    code_features: Annotated[int, Within(0, 4096)] = 0

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, not {self.width} with {self.heads} heads")
        if self.causal_width % self.causal_heads:
            raise ValueError(f"causal_width must be a multiple of its {self.causal_heads} heads")
        if self.fine and self.causal_width not in (0, self.width):
            raise ValueError("the heads of two-level tokens share one width: causal_width must be 0")
        if len(self.rewards) > MOST_REWARDS:
            raise ValueError(f"a reward has at most {MOST_REWARDS} values, not {len(self.rewards)}")
        _ = self.trunk_grid

    @property
    def expert_count(self) -> int:
        """Experts of a feed-forward block; 0 where all games share it."""
        return self.games if self.experts and self.games > 1 else 0

    @property
    def members(self) -> int:
        """Tokens that share a position of the trunk."""
        return 1 + self.fine**2 if self.fine else self.merge**2

    @property
    def causal_heads(self) -> int:
        """Attention heads of the causal head. A narrower head has fewer heads of the trunk's head size."""
        return max(1, self.heads * self.causal_width // self.width) if self.causal_width else self.heads

    @property
    def trunk_grid(self) -> tuple[int, int]:
        """Rows and columns of the trunk's positions. Raises ValueError if they are not whole numbers."""
        h, w = self.grid
        if self.fine and self.merge > 1:
            raise ValueError("tokens of two levels share their positions already: merge must be 1")
        if h % self.merge or w % self.merge:
            raise ValueError(f"a grid of {h} x {w} tokens cannot be merged {self.merge} x {self.merge}")
        return h // self.merge, w // self.merge

    @property
    def trunk_positions(self) -> int:
        """Positions of the trunk, for which keys and values are cached."""
        return self.trunk_grid[0] * self.trunk_grid[1]

    @property
    def positions(self) -> int:
        """Tokens in a frame, S."""
        return self.trunk_positions * self.members


class TrunkLayer(nn.Module):
    """Local mixing; attention over the frame's own positions and the same position's past; feed-forward.

    Each position attends to all positions of its own frame (of its row or column in an axial model) and to itself in
    the previous frames. The past of its neighbours reaches it one layer later. This costs a quarter of attention to
    every position of every frame.
    """

    def __init__(self, config: WorldModelConfig, number: int) -> None:
        """number: index of the layer; it decides between rows and columns."""
        super().__init__()
        c, self.heads, self.grid = config.width, config.heads, config.trunk_grid
        h, w = self.grid
        self.by_row, self.by_column = config.axial and number % 2 == 0, config.axial and number % 2 == 1
        self.local = LocalMixing(c, self.grid)
        self.norm = nn.LayerNorm(c, bias=False)
        self.qkv = nn.Linear(c, 3 * c, bias=False)
        self.out = nn.Linear(c, c, bias=False)
        self.bias = RelativeBias(config.heads, (1, w) if self.by_row else (h, 1) if self.by_column else self.grid)
        # Temporal positions are relative to the present frame (row a: a frames ago) and separate from the spatial ones.
        # So cached keys and values stay valid as the ring turns.
        head_dim = c // config.heads
        self.age_key = nn.Parameter(torch.randn(config.history, config.heads, head_dim) * 0.02)
        self.age_value = nn.Parameter(torch.zeros(config.history, config.heads, head_dim))
        self.age_bias = nn.Parameter(torch.zeros(config.history, config.heads))
        self.feed_forward = feed_forward(c, config.inner, config.expert_count)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., S, width) to query, key, value (..., heads, S, head_dim)."""
        *lead, s, c = x.shape
        y = self.qkv(self.norm(x)).reshape(*lead, s, 3, self.heads, c // self.heads)
        y = y.movedim(-3, 0).transpose(-2, -3)
        return y[0], y[1], y[2]

    def lines(self, x: Tensor) -> Tensor:
        """Reshape (N, heads, S, D) to (N, heads, lines, L, D); a line is a row or a column.

        The positions of a line attend to one another. Without axial attention, the result has no axis of lines.
        """
        if not (self.by_row or self.by_column):
            return x
        x = x.unflatten(2, self.grid)
        return x.transpose(2, 3) if self.by_column else x

    def positions(self, x: Tensor) -> Tensor:
        """The inverse of `lines`."""
        if not (self.by_row or self.by_column):
            return x
        return (x.transpose(2, 3) if self.by_column else x).flatten(2, 3)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        """Of this frame's positions for one another: (N, heads, [lines,] L, L). q, k: (N, heads, S, head_dim)."""
        line = self.lines(k)  # (N, heads, lines, L, head_dim)
        bias = self.bias()[:, None] if line.ndim > k.ndim else self.bias()
        return self.lines(q) @ line.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias

    def weigh(self, q: Tensor, k: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Take one softmax over the positions of this frame and over the same position in the A cached frames.

        q, k: (N, heads, S, head_dim). before: (N, heads, S, A), the scores of the past; -inf where no frame is.
        Returns the weights of this frame's positions (N, heads, [lines,] L, L) and those of the past (N, heads, S, A).
        """
        here = self.scores(q, k)
        weights = torch.cat([here, self.lines(before)], dim=-1).softmax(-1)
        length = here.shape[-1]
        return weights[..., :length], self.positions(weights[..., length:])

    def finish(self, x: Tensor, mixed: Tensor, games: Tensor | None) -> Tensor:
        """Residual connections: x (N, S, width), mixed (N, heads, S, head_dim). games: as in `models.layers.feed`."""
        n, s, c = x.shape
        x = x + self.out(mixed.transpose(1, 2).reshape(n, s, c))
        return x + feed(self.feed_forward, x, games)

    def forward(self, x: Tensor, games: Tensor | None = None) -> Tensor:
        """Run a window at once. Each frame attends to at most history - 1 previous frames.

        x: (B, W, S, width). games: (B,) int64, where there are experts.
        """
        b, w, s, c = x.shape
        x = x.reshape(b * w, s, c)
        if len(self.age_key) == 1:
            return self.alone(x, games).reshape(b, w, s, c)
        x = x + self.local(x)
        q, k, v = self.project(x)  # (B * W, heads, S, head_dim)
        ages = range(1, len(self.age_key))
        past = [(_earlier(k, age, b), _earlier(v, age, b)) for age in ages]
        before = torch.stack([(q * past_k).sum(-1) for past_k, _ in past], -1)
        before = before + torch.einsum("nhsd,ahd->nhsa", q, self.age_key[1:])
        before = before / math.sqrt(q.shape[-1]) + self.age_bias[1:].T[:, None]
        frame = torch.arange(w, device=x.device)
        missing = frame[:, None] < torch.tensor(ages, device=x.device)  # (W, A)
        before = before.masked_fill(missing.repeat(b, 1)[:, None, None], float("-inf"))
        here, weight = self.weigh(q, k, before)
        mixed = self.positions(here @ self.lines(v))
        for number, (_, past_v) in enumerate(past):
            mixed = mixed + weight[..., number, None] * past_v
        mixed = mixed + torch.einsum("nhsa,ahd->nhsd", weight, self.age_value[1:])
        return self.finish(x, mixed, games).reshape(b, w, s, c)

    def alone(self, x: Tensor, games: Tensor | None = None) -> Tensor:
        """Run frames that look at no other frame, as those of a history of 1 do: x (N, S, width).

        games: as in `models.layers.feed`.
        """
        x = x + self.local(x)
        q, k, v = self.project(x)
        weights = self.scores(q, k).softmax(-1)
        return self.finish(x, self.positions(weights @ self.lines(v)), games)

    def step(
        self, x: Tensor, keys: Tensor, values: Tensor, age: Tensor, games: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Run one frame, with the cached keys and values of the previous frames.

        x: (B, S, width). keys, values: (B, heads, slots, S, head_dim). age: (B, slots) int64, 0 where a slot is empty.
        games: as in `models.layers.feed`.
        Returns the layer's output and this frame's own keys and values (B, heads, S, head_dim).
        """
        x = x + self.local(x)
        q, k, v = self.project(x)
        # The same result as in `forward`, with fewer operations: a frame takes hundreds of small ones.
        keys, values = keys + self._by_age(self.age_key, age), values + self._by_age(self.age_value, age)
        before = (q[:, :, None] * keys).sum(-1) / math.sqrt(q.shape[-1])  # (B, heads, slots, S)
        bias = F.embedding(age, self.age_bias) + torch.where(age > 0, 0.0, float("-inf"))[:, :, None]
        here, weight = self.weigh(q, k, (before + bias.transpose(1, 2)[..., None]).transpose(2, 3))
        mixed = self.positions(here @ self.lines(v)) + (weight.transpose(2, 3)[..., None] * values).sum(2)
        return self.finish(x, mixed, games), k, v

    def _by_age(self, table: Tensor, age: Tensor) -> Tensor:
        """Rows of a table (history, heads, head_dim) by age (B, slots): (B, heads, slots, 1, head_dim)."""
        return F.embedding(age, table.flatten(1)).unflatten(2, table.shape[1:]).transpose(1, 2)[:, :, :, None]


def _earlier(x: Tensor, age: int, batch: int) -> Tensor:
    """Shift windows (batch * W, ...) by `age` frames into the past; zeros before a window."""
    y = x.unflatten(0, (batch, -1))
    shift = min(age, y.shape[1])
    return torch.cat([torch.zeros_like(y[:, :shift]), y[:, : y.shape[1] - shift]], 1).flatten(0, 1)
