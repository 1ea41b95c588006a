"""The world model from v1.1 on: a context of several frames, and a parallel and a causal head for the next one."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.models.layers import FeedForward, at_once
from reverie.models.tokens.causal_head import CausalHead
from reverie.models.tokens.code_features import CodeFeatures, picture_features
from reverie.models.tokens.outcome_head import OutcomeHead
from reverie.models.tokens.trunk import TrunkLayer, WorldModelConfig

ABSENT = -1000.0
"""Added to the logit of a code that a game never shows. It is finite, so that no NaN can come of it."""


class TemporalVisualWorldModel(nn.Module):
    """Predicts the distribution of the next frame's tokens from the tokens of the last frames and the actions.

    A block-causal trunk runs once per frame. One pass adds frame t to the ring of keys and values and predicts frame
    t + 1. The trunk has two heads: a linear one predicts all positions independently (parallel), and a small causal
    transformer predicts them in order (autoregressive).
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
        self.causal_head = (
            CausalHead(
                config.vocabulary,
                c,
                narrow,
                config.causal_layers,
                config.causal_heads,
                config.grid,
                config.expert_count,
            )
            if config.causal_layers
            else None
        )
        self.fine_head = FeedForward(c, 2) if config.fine and config.causal_layers else None
        self.causal_to_code = nn.Linear(narrow, c) if config.causal_layers else None
        self.code = nn.Parameter(torch.randn(config.vocabulary, c) * 0.05)
        self.code_bias = nn.Parameter(torch.zeros(config.vocabulary))
        self.register_buffer("absent", torch.zeros(config.games, config.vocabulary))
        self.absent: Tensor
        self.outcome_head = OutcomeHead(config.vocabulary, c, len(config.rewards)) if config.rewards else None
        uses = {"token": self.token.weight.shape[1], "code": c, "previous": narrow}
        self.code_features = (
            CodeFeatures(config.vocabulary, config.code_features, uses) if config.code_features else None
        )
        for layer in self.layers:
            assert isinstance(layer, TrunkLayer)
            for linear in (layer.out, layer.feed_forward.down):  # a layer starts close to the identity
                linear.weight.data.mul_(0.3)

    @torch.no_grad()
    def init_from_patches(self, pictures: Tensor) -> None:
        """Initialise the vectors of codes from their pictures, so that similar codes begin with similar vectors.

        A rare code, such as a patch that two creatures share, then profits at once from similar common ones.
        pictures: (vocabulary, pixels) float.
        """
        features = picture_features(pictures)
        for table in (self.token.weight, self.code, *([self.causal_head.previous.weight] if self.causal_head else [])):
            turn = torch.randn(features.shape[1], table.shape[1])
            mixed = features @ turn
            table.copy_(mixed / mixed.std() * table.std())

    def table(self, use: str, some: Tensor | None = None) -> Tensor:
        """Return the vectors of all codes, or of `some` (N,) int64 of them: (codes, width of that use).

        use: `token`, the input of the trunk; `previous`, the input of the causal head; `code`, the output of both.
        """
        match use:
            case "token":
                own = self.token.weight
            case "code":
                own = self.code
            case _:
                own = self.head.previous.weight
        own = own if some is None else own.index_select(0, some)
        return own if self.code_features is None else own + self.code_features.table(use, some)

    def few(self, use: str, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return tokens (..., S) int64 and the table they index, on a processor only of the codes that occur."""
        if self.code_features is None or at_once(tokens):
            return tokens, self.table(use)
        some, index = tokens.unique(return_inverse=True)
        return index, self.table(use, some)

    @torch.no_grad()
    def fold(self) -> None:
        """Add the vectors computed from pictures to the learnt ones, for good. Call it once, after training."""
        if self.code_features is None:
            return
        uses = ("token", "code", *(("previous",) if self.causal_head is not None else ()))
        tables = [self.table(use) for use in uses]
        self.code_features = None
        for use, table in zip(uses, tables, strict=True):
            self.table(use).copy_(table)
        self.config = replace(self.config, code_features=0)

    @torch.no_grad()
    def mask_codes(self, shown: Tensor) -> None:
        """Mask the codes that a game never shows, so that a dream of it never samples them.

        shown: (games, vocabulary) bool. Without it, rare codes that look alike appear in the wrong game.
        """
        self.absent.copy_(torch.where(shown, 0.0, ABSENT))

    def embed(self, tokens: Tensor, actions: Tensor, games: Tensor | None = None) -> Tensor:
        """tokens (..., S), actions (...,) and games (...,) int64 to (..., P, width), P positions of the trunk.

        Raises ValueError where the model dreams several games and `games` is None.
        """
        x = F.embedding(*self.few("token", tokens))
        if self.config.fine:
            coarse = self.config.trunk_positions
            x = torch.cat([x[..., :coarse, :], self.gather(x[..., coarse:, :], self.config.fine)], -1)
        elif self.config.merge > 1:
            x = self.gather(x, self.config.merge)
        condition = self.action(actions)
        if self.game is not None:
            if games is None:
                raise ValueError(f"this model dreams {self.config.games} games: say which one")
            condition = condition + self.game(games)
        return self.join(x) + self.position + condition[..., None, :]

    def gather(self, x: Tensor, edge: int) -> Tensor:
        """Join squares of edge x edge neighbours to a position: (..., P * edge ** 2, e) to (..., P, edge ** 2 * e)."""
        h, w = self.config.trunk_grid
        return x.unflatten(-2, (h, edge, w, edge)).transpose(-3, -4).flatten(-3).flatten(-3, -2)

    def scatter(self, x: Tensor, edge: int) -> Tensor:
        """The inverse of `gather`."""
        h, w = self.config.trunk_grid
        return x.unflatten(-1, (edge, edge, -1)).unflatten(-4, (h, w)).transpose(-3, -4).flatten(-5, -2)

    def spread(self, hidden: Tensor) -> Tensor:
        """Split the trunk's output (..., P, width) into one vector for each token: (..., S, width)."""
        c = self.config.width
        if self.config.fine:
            x = self.part(hidden)
            return torch.cat([x[..., :c], self.scatter(x[..., c:], self.config.fine)], -2)
        return self.scatter(self.part(hidden), self.config.merge) if self.config.merge > 1 else hidden

    def trunk(self, tokens: Tensor, actions: Tensor, games: Tensor | None = None) -> Tensor:
        """A window of frames at once.

        tokens (B, W, S), actions (B, W) int64: actions[:, t] leads from frame t to t + 1. games: (B,) int64, for a
        model of several.

        Returns hidden (B, W, S, width): at frame t the prediction of frame t + 1.
        """
        x = self.embed(tokens, actions, None if games is None else games[:, None])
        for layer in self.layers:
            x = layer(x, games)
        return self.spread(self.norm(x))

    def parallel_logits(self, hidden: Tensor, games: Tensor | None = None) -> Tensor:
        """Predict each position independently: (N, ..., width) to (N, ..., vocabulary). games: (N,) int64."""
        return self._over_codes(self.to_code(hidden), games)

    def causal_logits(self, hidden: Tensor, tokens: Tensor, games: Tensor | None = None) -> Tensor:
        """Predict each position i from the tokens before it.

        hidden: (N, S, width). tokens: (N, S) int64, the next frame's. games: (N,) int64, where there are several.
        Returns (N, S, vocabulary).
        """
        return self.causal_code(self.causal_features(hidden, tokens, games), games)

    def causal_features(self, hidden: Tensor, tokens: Tensor, games: Tensor | None = None) -> Tensor:
        """Return the features that `causal_logits` are computed from: (N, S, width of the head).

        Fine tokens depend on the coarse one above them. games: (M,) int64, each that of N / M frames in a row, where
        there are experts.
        """
        if self.fine_head is None:
            return self.head(hidden, *self.few("previous", tokens), games)
        coarse = self.config.trunk_positions
        features = self.head(hidden[:, :coarse], *self.few("previous", tokens[:, :coarse]), games)
        return torch.cat([features, self.fine_features(hidden, tokens[:, :coarse])], 1)

    def fine_features(self, hidden: Tensor, coarse: Tensor) -> Tensor:
        """hidden (N, S, width) and the next frame's coarse tokens (N, P) to features (N, S - P, width)."""
        assert self.fine_head is not None
        above = F.embedding(*self.few("previous", coarse))
        above = self.scatter(above.repeat(1, 1, self.config.fine**2), self.config.fine)
        x = hidden[:, coarse.shape[1] :] + above
        return x + self.fine_head(x)

    def causal_code(self, features: Tensor, games: Tensor | None = None) -> Tensor:
        """Features (N, ..., width) of the causal head to logits over the codes. games: (N,) int64."""
        if self.causal_to_code is None:
            raise ValueError("this model has no causal head: causal_layers is 0")
        return self._over_codes(self.causal_to_code(features), games)

    def _over_codes(self, features: Tensor, games: Tensor | None) -> Tensor:
        logits = features @ self.table("code").T + self.code_bias
        if games is None:
            return logits + self.absent[0]
        return logits + self.absent[games].reshape(-1, *[1] * (logits.ndim - 2), logits.shape[-1])

    def outcome(self, hidden: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Predict the reward and the end of the step that leads to the next frame, given that frame.

        hidden: (N, S, width). tokens: (N, S) int64, of the next frame.
        Returns logits over `config.rewards` (N, R) and the logit of the round's end (N,). Raises ValueError where the
        model has no such head.
        """
        if self.outcome_head is None:
            raise ValueError("this model predicts no outcome: rewards is empty")
        rewards, ended = self.outcome_head(hidden, tokens)
        return rewards, ended

    @property
    def head(self) -> CausalHead:
        """Return the causal head. Raises ValueError if the model has none."""
        if self.causal_head is None:
            raise ValueError("this model has no causal head: causal_layers is 0")
        return self.causal_head

    def forward(
        self, frame_history: Tensor, action: Tensor, next_tokens: Tensor | None = None, game: Tensor | None = None
    ) -> Tensor:
        """Logits (B, S, vocabulary) of the next frame.

        frame_history: (B, T, S) int64, oldest first. action: (B,) int64 for the newest frame, or (B, T) for each frame.
        next_tokens: (B, S) int64 turns the causal mask on: position i is then predicted from the history and the
        next_tokens before i. Without them every position is predicted independently. game: (B,) int64, for a model of
        several games.
        """
        if action.ndim == 1:
            unknown = action.new_full(frame_history.shape[:2], self.config.actions)
            action = torch.cat([unknown[:, :-1], action[:, None]], dim=1)
        hidden = self.trunk(frame_history, action, game)[:, -1]
        if next_tokens is None:
            return self.parallel_logits(hidden, game)
        return self.causal_logits(hidden, next_tokens, game)

    def step(
        self,
        tokens: Tensor,
        action: Tensor,
        keys: Tensor,
        values: Tensor,
        age: Tensor,
        game: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Predict from one frame and the cached frames before it; the engine runs this.

        tokens (B, S), action (B,), age (B, slots) int64; keys, values (B, layers, heads, slots, P, head_dim). game:
        (B,) int64, for a model of several. Where there are experts, all of a batch are of its first one's game, so that
        the experts of one game are taken, once.
        Returns logits (B, S, vocabulary) of the next frame, hidden (B, S, width), and this frame's keys and values
        (B, layers, heads, P, head_dim).
        """
        x = self.embed(tokens, action, game)
        one = None if game is None else game[:1]
        new_keys, new_values = [], []
        for number, layer in enumerate(self.layers):
            assert isinstance(layer, TrunkLayer)
            x, k, v = layer.step(x, keys[:, number], values[:, number], age, one)
            new_keys.append(k)
            new_values.append(v)
        hidden = self.spread(self.norm(x))
        return self.parallel_logits(hidden, game), hidden, torch.stack(new_keys, 1), torch.stack(new_values, 1)

    def step_alone(self, tokens: Tensor, action: Tensor, game: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Predict from one frame, where that is the whole history. The arguments are those of `step`.

        Returns logits (B, S, vocabulary) of the next frame, and hidden (B, S, width).
        """
        x = self.embed(tokens, action, game)
        for layer in self.layers:
            assert isinstance(layer, TrunkLayer)
            x = layer.alone(x, None if game is None else game[:1])
        hidden = self.spread(self.norm(x))
        return self.parallel_logits(hidden, game), hidden
