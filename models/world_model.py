"""v1.1: a world model that sees a history of frames, with a parallel and a causal way to predict the next one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.causal_head import CausalHead
from models.layers import FeedForward, LocalMixing, RelativeBias
from models.outcome_head import OutcomeHead


@dataclass(frozen=True)
class WorldModelConfig:
    """Sizes of a `TemporalVisualWorldModel`.

    vocabulary: number of codes of its tokenizer.
    grid: rows and columns of tokens in a frame; of the coarse ones where there are two levels.
    actions: number of actions, no-op included.
    history: frames that a prediction can look at directly, the newest included.
    width: features per position.
    layers: layers of the trunk.
    heads: attention heads of trunk and causal head; a narrower head has fewer, of the same size.
    causal_layers: layers of the causal head; 0 leaves it out.
    causal_width: features per position of the causal head, which runs several times a frame; 0 for those of the trunk.
    merge: edge of the square of tokens that share one position of the trunk (latent downsampling).
    fine: edge of the square of fine tokens below each coarse one (two-level tokens: those of all coarse positions come
        first, row by row, then the fine ones, row by row); 0 for tokens of one level.
    axial: attention within a frame goes along its rows in one layer and along its columns in the next (sparse
        attention; Ho et al. 2019, "Axial attention in multidimensional transformers").
    rewards: the values a reward can have; with any, the model predicts the reward and the end of the round too.
    games: number of games that it dreams; with more than one it is told which.
    """

    vocabulary: int = 512
    grid: tuple[int, int] = (8, 8)
    actions: int = 5
    history: int = 4
    width: int = 256
    layers: int = 4
    heads: int = 8
    causal_layers: int = 2
    causal_width: int = 0
    merge: int = 1
    fine: int = 0
    axial: bool = False
    rewards: tuple[float, ...] = ()
    games: int = 1

    @property
    def members(self) -> int:
        """Tokens that share a position of the trunk."""
        return 1 + self.fine**2 if self.fine else self.merge**2

    @property
    def causal_heads(self) -> int:
        """Attention heads of the causal head, of as many features as those of the trunk where it is narrower."""
        return max(1, self.heads * self.causal_width // self.width) if self.causal_width else self.heads

    @property
    def trunk_grid(self) -> tuple[int, int]:
        """Rows and columns of the trunk's positions. Raises ValueError where they do not come out whole."""
        h, w = self.grid
        if self.fine and self.merge > 1:
            raise ValueError("tokens of two levels share their positions already: merge must be 1")
        if h % self.merge or w % self.merge:
            raise ValueError(f"a grid of {h} x {w} tokens cannot be merged {self.merge} x {self.merge}")
        return h // self.merge, w // self.merge

    @property
    def trunk_positions(self) -> int:
        """Positions of the trunk: what the ring holds of a frame."""
        return self.trunk_grid[0] * self.trunk_grid[1]

    @property
    def positions(self) -> int:
        """Tokens in a frame, S."""
        return self.trunk_positions * self.members


class TrunkLayer(nn.Module):
    """Local mixing; attention over the frame's own positions and the same position's past; feed-forward.

    Each position looks at all positions of its own frame (or of its row or column, where the model is axial) and at
    itself in the frames before. What moved in from a
    neighbour reaches it through the neighbour's own past, one layer later, at a quarter of the price of looking at
    every position of every frame.
    """

    def __init__(self, config: WorldModelConfig, number: int) -> None:
        """number: of the layer, which decides between rows and columns."""
        super().__init__()
        c, self.heads, self.grid = config.width, config.heads, config.trunk_grid
        h, w = self.grid
        self.by_row, self.by_column = config.axial and number % 2 == 0, config.axial and number % 2 == 1
        self.local = LocalMixing(c, self.grid)
        self.norm = nn.LayerNorm(c, bias=False)
        self.qkv = nn.Linear(c, 3 * c, bias=False)
        self.out = nn.Linear(c, c, bias=False)
        self.bias = RelativeBias(config.heads, (1, w) if self.by_row else (h, 1) if self.by_column else self.grid)
        # Temporal positions, apart from the spatial ones and relative to now (row a: a frames ago), so that cached keys
        # and values stay right as the ring turns.
        head_dim = c // config.heads
        self.age_key = nn.Parameter(torch.randn(config.history, config.heads, head_dim) * 0.02)
        self.age_value = nn.Parameter(torch.zeros(config.history, config.heads, head_dim))
        self.age_bias = nn.Parameter(torch.zeros(config.history, config.heads))
        self.feed_forward = FeedForward(c, 4)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., S, width) to query, key, value (..., heads, S, head_dim)."""
        *lead, s, c = x.shape
        y = self.qkv(self.norm(x)).reshape(*lead, s, 3, self.heads, c // self.heads)
        y = y.movedim(-3, 0).transpose(-2, -3)
        return y[0], y[1], y[2]

    def lines(self, x: Tensor) -> Tensor:
        """(N, heads, S, D) to (N, heads, lines, positions of a line, D): what looks at one another stands in a line.

        Where all positions do, there is one line and no axis for it.
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

    def weigh(self, q: Tensor, k: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """One softmax over the positions of this frame and the A cached frames of the same position.

        q, k: (N, heads, S, head_dim). before: (N, heads, S, A), the scores of the past; -inf where no frame is.
        Returns the weights of this frame's positions (N, heads, [lines,] L, L) and those of the past (N, heads, S, A).
        """
        line = self.lines(k)  # (N, heads, lines, L, head_dim)
        bias = self.bias()[:, None] if line.ndim > k.ndim else self.bias()
        here = self.lines(q) @ line.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias
        weights = torch.cat([here, self.lines(before)], dim=-1).softmax(-1)
        length = line.shape[-2]
        return weights[..., :length], self.positions(weights[..., length:])

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """Residual connections: x (N, S, width), mixed (N, heads, S, head_dim)."""
        n, s, c = x.shape
        x = x + self.out(mixed.transpose(1, 2).reshape(n, s, c))
        return x + self.feed_forward(x)

    def forward(self, x: Tensor) -> Tensor:
        """A whole window at once, every frame looking back at most history - 1 frames. x: (B, W, S, width)."""
        b, w, s, c = x.shape
        x = x.reshape(b * w, s, c)
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
        return self.finish(x, mixed).reshape(b, w, s, c)

    def step(self, x: Tensor, keys: Tensor, values: Tensor, age: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One frame against the ring.

        x: (B, S, width). keys, values: (B, heads, slots, S, head_dim). age: (B, slots) int64, 0 where a slot is empty.
        Returns the layer's output and this frame's own keys and values (B, heads, S, head_dim).
        """
        x = x + self.local(x)
        q, k, v = self.project(x)
        # The same sums as in `forward`, in as few operations as can be: of small ones a frame has hundreds.
        keys, values = keys + self._by_age(self.age_key, age), values + self._by_age(self.age_value, age)
        before = (q[:, :, None] * keys).sum(-1) / math.sqrt(q.shape[-1])  # (B, heads, slots, S)
        bias = F.embedding(age, self.age_bias) + torch.where(age > 0, 0.0, float("-inf"))[:, :, None]
        here, weight = self.weigh(q, k, (before + bias.transpose(1, 2)[..., None]).transpose(2, 3))
        mixed = self.positions(here @ self.lines(v)) + (weight.transpose(2, 3)[..., None] * values).sum(2)
        return self.finish(x, mixed), k, v

    def _by_age(self, table: Tensor, age: Tensor) -> Tensor:
        """Rows of a table (history, heads, head_dim) by age (B, slots): (B, heads, slots, 1, head_dim)."""
        return F.embedding(age, table.flatten(1)).unflatten(2, table.shape[1:]).transpose(1, 2)[:, :, :, None]


def _earlier(x: Tensor, age: int, batch: int) -> Tensor:
    """Whole windows (batch * W, ...), each frame replaced by the one `age` before it; zeros before a window."""
    y = x.unflatten(0, (batch, -1))
    shift = min(age, y.shape[1])
    return torch.cat([torch.zeros_like(y[:, :shift]), y[:, : y.shape[1] - shift]], 1).flatten(0, 1)


class TemporalVisualWorldModel(nn.Module):
    """Tokens of the last frames and an action in, the distribution of the next frame's tokens out.

    A block-causal trunk runs once per frame: it commits frame t to the ring of keys and values and predicts frame t + 1
    in the same pass. On its output stand two heads: a linear one that predicts every position by itself (parallel),
    and a small causal transformer that predicts position after position (autoregressive).
    """

    def __init__(self, config: WorldModelConfig) -> None:
        super().__init__()
        self.config = config
        c = config.width
        members = config.members
        self.token = nn.Embedding(config.vocabulary, c if members == 1 else c // 2)
        self.join = nn.Linear(members * c // 2, c) if members > 1 else nn.Identity()
        self.part = nn.Linear(c, members * c) if members > 1 else nn.Identity()
        self.action = nn.Embedding(config.actions + 1, c)  # the last row stands for "not known"
        self.game = nn.Embedding(config.games, c) if config.games > 1 else None
        self.position = nn.Parameter(torch.randn(config.trunk_positions, c) * 0.02)
        nn.init.normal_(self.token.weight, std=0.5)
        nn.init.normal_(self.action.weight, std=0.5)
        if self.game is not None:
            nn.init.normal_(self.game.weight, std=0.5)
        self.layers = nn.ModuleList(TrunkLayer(config, number) for number in range(config.layers))
        self.norm = nn.LayerNorm(c, bias=False)
        self.to_code = nn.Linear(c, c)
        narrow = config.causal_width or c
        if config.fine and narrow != c:
            raise ValueError("the heads of two-level tokens share one width: causal_width must be 0")
        self.causal_head = (
            CausalHead(config.vocabulary, c, narrow, config.causal_layers, config.causal_heads, config.grid)
            if config.causal_layers
            else None
        )
        self.fine_head = FeedForward(c, 2) if config.fine and config.causal_layers else None
        self.causal_to_code = nn.Linear(narrow, c) if config.causal_layers else None
        self.code = nn.Parameter(torch.randn(config.vocabulary, c) * 0.05)
        self.code_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.outcome_head = OutcomeHead(config.vocabulary, c, len(config.rewards)) if config.rewards else None
        for layer in self.layers:
            assert isinstance(layer, TrunkLayer)
            for linear in (layer.out, layer.feed_forward.down):  # a layer starts as nearly nothing
                linear.weight.data.mul_(0.3)

    @torch.no_grad()
    def begin_with(self, pictures: Tensor) -> None:
        """Before training: codes that look alike begin with vectors that are alike, seen and predicted.

        What is learnt of a common code then holds for a rare one at once, such as a patch that two creatures share.
        pictures: (vocabulary, pixels) float, what each code looks like.
        """
        x = pictures - pictures.mean(0)
        u, s, _ = torch.linalg.svd(x, full_matrices=False)
        # Halfway to whitening: the eye of a creature should not drown in the colour of the floor.
        features = u * s.sqrt()
        for table in (self.token.weight, self.code, *([self.causal_head.previous.weight] if self.causal_head else [])):
            turn = torch.randn(features.shape[1], table.shape[1])
            mixed = features @ turn
            table.copy_(mixed / mixed.std() * table.std())

    def embed(self, tokens: Tensor, actions: Tensor, games: Tensor | None = None) -> Tensor:
        """tokens (..., S), actions (...,) and games (...,) int64 to (..., P, width), P positions of the trunk.

        Raises ValueError where the model dreams several games and is not told which.
        """
        x = self.token(tokens)
        if self.config.fine:
            coarse = self.config.trunk_positions
            x = torch.cat([x[..., :coarse, :], self.gather(x[..., coarse:, :], self.config.fine)], -1)
        elif self.config.merge > 1:
            x = self.gather(x, self.config.merge)
        condition = self.action(actions)
        if self.game is not None:
            if games is None:
                raise ValueError(f"this model dreams {self.config.games} games, and needs to be told which")
            condition = condition + self.game(games)
        return self.join(x) + self.position + condition[..., None, :]

    def gather(self, x: Tensor, edge: int) -> Tensor:
        """Squares of edge x edge neighbours become one position: (..., P * edge ** 2, e) to (..., P, edge ** 2 * e)."""
        h, w = self.config.trunk_grid
        return x.unflatten(-2, (h, edge, w, edge)).transpose(-3, -4).flatten(-3).flatten(-3, -2)

    def scatter(self, x: Tensor, edge: int) -> Tensor:
        """The inverse of `gather`."""
        h, w = self.config.trunk_grid
        return x.unflatten(-1, (edge, edge, -1)).unflatten(-4, (h, w)).transpose(-3, -4).flatten(-5, -2)

    def spread(self, hidden: Tensor) -> Tensor:
        """The trunk's output (..., P, width) to one vector for each token: (..., S, width)."""
        c = self.config.width
        if self.config.fine:
            x = self.part(hidden)
            return torch.cat([x[..., :c], self.scatter(x[..., c:], self.config.fine)], -2)
        return self.scatter(self.part(hidden), self.config.merge) if self.config.merge > 1 else hidden

    def trunk(self, tokens: Tensor, actions: Tensor, games: Tensor | None = None) -> Tensor:
        """A window of frames at once.

        tokens (B, W, S), actions (B, W) int64: actions[:, t] leads from frame t to t + 1. games: (B,) int64, for a
        model of several.

        Returns hidden (B, W, S, width): at frame t what is known of frame t + 1.
        """
        x = self.embed(tokens, actions, None if games is None else games[:, None])
        for layer in self.layers:
            x = layer(x)
        return self.spread(self.norm(x))

    def parallel_logits(self, hidden: Tensor) -> Tensor:
        """(..., S, width) to (..., S, vocabulary), every position by itself."""
        return self.to_code(hidden) @ self.code.T + self.code_bias

    def causal_logits(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """hidden (N, S, width) and the next frame's tokens (N, S) to (N, S, vocabulary): position i from tokens < i."""
        return self.causal_code(self.causal_features(hidden, tokens))

    def causal_features(self, hidden: Tensor, tokens: Tensor) -> Tensor:
        """What `causal_logits` are computed from: (N, S, width of the head).

        Fine tokens depend on the coarse one above them.
        """
        if self.fine_head is None:
            return self.head(hidden, tokens)
        coarse = self.config.trunk_positions
        features = self.head(hidden[:, :coarse], tokens[:, :coarse])
        return torch.cat([features, self.fine_features(hidden, tokens[:, :coarse])], 1)

    def fine_features(self, hidden: Tensor, coarse: Tensor) -> Tensor:
        """hidden (N, S, width) and the next frame's coarse tokens (N, P) to features (N, S - P, width)."""
        assert self.fine_head is not None
        above = self.scatter(self.head.previous(coarse).repeat(1, 1, self.config.fine**2), self.config.fine)
        x = hidden[:, coarse.shape[1] :] + above
        return x + self.fine_head(x)

    def causal_code(self, features: Tensor) -> Tensor:
        """Features of the causal head to logits over the codes."""
        if self.causal_to_code is None:
            raise ValueError("this model has no causal head: causal_layers is 0")
        return self.causal_to_code(features) @ self.code.T + self.code_bias

    def outcome(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """What the step to the next frame brings, given that frame: hidden (N, S, width), its tokens (N, S) int64.

        Returns logits over `config.rewards` (N, R) and the logit of the round's end (N,). Raises ValueError where the
        model has no such head.
        """
        if self.outcome_head is None:
            raise ValueError("this model predicts no outcome: rewards is empty")
        rewards, ended = self.outcome_head(hidden, tokens)
        return rewards, ended

    @property
    def head(self) -> CausalHead:
        """The causal head. Raises ValueError where the model has none."""
        if self.causal_head is None:
            raise ValueError("this model has no causal head: causal_layers is 0")
        return self.causal_head

    def forward(
        self, frame_history: Tensor, action: Tensor, next_tokens: Tensor | None = None, game: Tensor | None = None
    ) -> Tensor:
        """Logits (B, S, vocabulary) of the next frame.

        frame_history: (B, T, S) int64, oldest first. action: (B,) int64, what is done at the newest frame, or (B, T),
        what was done at each. next_tokens: (B, S) int64 turns the causal mask on: position i is then predicted from the
        history and next_tokens before i; without them every position is predicted by itself. game: (B,) int64, for a
        model of several.
        """
        if action.ndim == 1:
            unknown = action.new_full(frame_history.shape[:2], self.config.actions)
            action = torch.cat([unknown[:, :-1], action[:, None]], dim=1)
        hidden = self.trunk(frame_history, action, game)[:, -1]
        return self.parallel_logits(hidden) if next_tokens is None else self.causal_logits(hidden, next_tokens)

    def step(
        self,
        tokens: Tensor,
        action: Tensor,
        keys: Tensor,
        values: Tensor,
        age: Tensor,
        game: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One frame against the ring: what the engine runs.

        tokens (B, S), action (B,), age (B, slots) int64; keys, values (B, layers, heads, slots, P, head_dim). game:
        (B,) int64, for a model of several.
        Returns logits (B, S, vocabulary) of the next frame, hidden (B, S, width), and this frame's keys and values
        (B, layers, heads, P, head_dim).
        """
        x = self.embed(tokens, action, game)
        new_keys, new_values = [], []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, TrunkLayer)
            x, k, v = layer.step(x, keys[:, number], values[:, number], age)
            new_keys.append(k)
            new_values.append(v)
        hidden = self.spread(self.norm(x))
        return self.parallel_logits(hidden), hidden, torch.stack(new_keys, 1), torch.stack(new_values, 1)

    @torch.no_grad()
    def sample(self, hidden: Tensor, generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """The next frame position by position, with the causal head's own KV cache.

        hidden (N, S, width). Returns tokens (N, S) int64. The engine reaches the same distribution in fewer passes.
        """
        tokens: list[Tensor] = []
        cache: list[tuple[Tensor, Tensor]] = []

        def drawn(features: Tensor) -> Tensor:
            p = (self.causal_code(features).float() / temperature).softmax(-1)
            return torch.multinomial(p.flatten(0, -2), 1, generator=generator).reshape(p.shape[:-1])

        for i in range(self.config.trunk_positions if self.config.fine else hidden.shape[1]):
            features, cache = self.head.step(hidden[:, i], tokens[-1] if tokens else None, cache)
            tokens.append(drawn(features))
        first = torch.stack(tokens, 1)
        return torch.cat([first, drawn(self.fine_features(hidden, first))], 1) if self.config.fine else first
