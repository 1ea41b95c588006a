"""Latent diffusion dynamics: a trunk that runs once a frame, and a denoiser that runs a few times on its output.

Between them, convolutions move the newest frame's latents to where the trunk says, as a first guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.limits import MOST_ACTIONS, MOST_GAMES
from reverie.models.latent.autoencoder import limited
from reverie.models.latent.layers import ConditionedLayer, TrunkLayer, turned
from reverie.models.latent.motion import Motion
from reverie.schema import Within

FINEST = 8
"""Denoising steps of the finest schedule. Steps of 1, 2, 4 and 8 eighths are learnt."""
CONTEXT_NOISE = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of noise that a frame of the past can have. A dream says 0 of its own frames, because it adds none: a share of
more promises latents that are smaller by as much, and every frame would be made larger than the one before."""
GUESS_ERROR = 0.2
"""Mean square error of the first guess that `trust` begins with; a latent's own mean square is 1."""
MOST_REWARDS = 64
"""Values that a reward can have at most."""


@dataclass(frozen=True)
class LatentDynamicsConfig:
    """Sizes of a `LatentDynamics`.

    grid: rows and columns of latents in a frame.
    channels: numbers in a latent.
    merge: edge of the square of latents that becomes one position of the trunk and of the denoiser.
    actions: number of actions, no-op included.
    games: number of games; a model of several takes the game as an input.
    history: frames that a prediction can look at, the newest included; the family has no dream without a past.
    width, layers, heads: of the trunk.
    past_every: one layer of the trunk in so many looks at the frames before, the last one included.
    motion_width, motion_blocks: of the convolutions that move the newest frame's latents.
    denoiser_width, denoiser_layers, denoiser_heads: of the denoiser.
    whole: the trunk itself denoises, with all frames of the past before it, and there is no other denoiser. It costs as
        much at every denoising step as a small denoiser does not.
    rewards: the values a reward can have; with any, the model predicts the reward and the end of the round too.
    """

    grid: tuple[Annotated[int, Within(1, 64)], Annotated[int, Within(1, 64)]] = (4, 4)
    channels: Annotated[int, Within(1, 1024)] = 32
    merge: Annotated[int, Within(1, 16)] = 1
    actions: Annotated[int, Within(1, MOST_ACTIONS)] = 5
    games: Annotated[int, Within(1, MOST_GAMES)] = 1
    history: Annotated[int, Within(2, 256)] = 25
    width: Annotated[int, Within(1, 4096)] = 320
    layers: Annotated[int, Within(1, 64)] = 6
    heads: Annotated[int, Within(1, 64)] = 5
    past_every: Annotated[int, Within(1, 64)] = 2
    motion_width: Annotated[int, Within(1, 4096)] = 192
    motion_blocks: Annotated[int, Within(0, 64)] = 4
    denoiser_width: Annotated[int, Within(1, 4096)] = 256
    denoiser_layers: Annotated[int, Within(1, 64)] = 4
    denoiser_heads: Annotated[int, Within(1, 64)] = 4
    whole: bool = False
    rewards: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where the sizes do not fit one another."""
        for width, heads in ((self.width, self.heads), (self.denoiser_width, self.denoiser_heads)):
            if width % heads or width // heads % 2:
                raise ValueError(f"a width must be an even multiple of its heads, not {width} with {heads} heads")
        if self.grid[0] % self.merge or self.grid[1] % self.merge:
            raise ValueError(f"merge must divide the grid of {self.grid[0]} x {self.grid[1]}, not be {self.merge}")
        if len(self.rewards) > MOST_REWARDS:
            raise ValueError(f"a reward has at most {MOST_REWARDS} values, not {len(self.rewards)}")

    @property
    def positions(self) -> int:
        """Positions of the trunk in a frame, P."""
        return self.grid[0] * self.grid[1] // self.merge**2

    @property
    def features(self) -> int:
        """Numbers in a position, F."""
        return self.channels * self.merge**2

    @property
    def told(self) -> int:
        """Numbers that say of a position what is known of the next frame: the trunk's, then the first guess."""
        return self.width + self.features

    @property
    def hidden(self) -> int:
        """Numbers that the denoiser reads of a position; where it is the trunk, the past is among them."""
        return self.told + (2 * sum(self.past) * self.history * self.width + self.history + 1 if self.whole else 0)

    @property
    def past(self) -> tuple[bool, ...]:
        """Which layers of the trunk look at the past."""
        return tuple((self.layers - 1 - number) % self.past_every == 0 for number in range(self.layers))


class LatentOutcomeHead(nn.Module):
    """Predicts the reward of a step and whether it ends the round, from what is known of the next frame and from it."""

    def __init__(self, features: int, hidden: int, inner: int, rewards: int) -> None:
        """rewards: how many values a reward can have."""
        super().__init__()
        self.latent = nn.Linear(features, inner)
        self.hidden = nn.Linear(hidden, inner)
        self.mix = nn.Linear(inner, inner)
        self.out = nn.Linear(2 * inner, rewards + 1)

    def forward(self, hidden: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
        """hidden (N, P, hidden), latents (N, P, features). Returns logits of reward (N, rewards) and end (N,)."""
        x = F.relu(self.mix(F.relu(self.hidden(hidden) + self.latent(latents))))
        y = self.out(torch.cat([x.amax(1), x.mean(1)], -1))
        return y[:, :-1], y[:, -1]


class LatentDynamics(nn.Module):
    """Latents of the last frames and an action in, the latents of the next frame out, by denoising.

    The trunk commits frame t to the ring of keys and values and describes frame t + 1 in the same pass. `Motion` makes
    a first guess of it, which regression has learnt and which blends what chance may bring. The denoiser turns noise
    into the latents of frame t + 1 in 1, 2, 4 or 8 steps. It predicts the clean latents and is told the step's size
    (Frans et al. 2024, "One step diffusion via shortcut models"; Hafner et al. 2025, "Training agents inside of
    scalable world models").
    """

    def __init__(self, config: LatentDynamicsConfig) -> None:
        super().__init__()
        self.config = config
        c, d = config.width, config.width if config.whole else config.denoiser_width
        self.latent = nn.Linear(config.features, c)
        self.action = nn.Embedding(config.actions, c)
        self.game = nn.Embedding(config.games, c) if config.games > 1 else None
        self.noise_share = nn.Embedding(len(CONTEXT_NOISE), c)
        self.position = nn.Parameter(torch.randn(config.positions, c) * 0.1)
        self.layers = nn.ModuleList(TrunkLayer(c, config.heads, past) for past in config.past)
        self.norm = nn.LayerNorm(c, bias=False)
        self.steer = nn.Linear(c, config.motion_width * config.merge**2)
        self.motion = Motion(config.grid, config.channels, config.motion_width, config.motion_blocks)
        self.noisy = nn.Linear(config.features, d)
        self.hidden = nn.Linear(config.told, d)
        self.place = nn.Parameter(torch.randn(config.positions, d) * 0.1)
        self.level = nn.Embedding(FINEST, d)
        self.size = nn.Embedding(int(math.log2(FINEST)) + 1, d)
        small = () if config.whole else range(config.denoiser_layers)
        self.denoiser = nn.ModuleList(ConditionedLayer(d, config.denoiser_heads) for _ in small)
        self.last = nn.LayerNorm(d, bias=False)
        self.clean = nn.Linear(d, config.features)
        self.clean.weight.data.mul_(0.1)
        self.trust = nn.Embedding(FINEST, config.features)
        level = torch.arange(FINEST)[:, None] / FINEST
        trust = GUESS_ERROR * level / (GUESS_ERROR * level**2 + (1 - level) ** 2)  # of least squares
        self.trust.weight.data.copy_(trust.expand(FINEST, config.features))
        self.outcome_head = (
            LatentOutcomeHead(config.features, config.told, c // 2, len(config.rewards)) if config.rewards else None
        )
        for embedding in (self.action, self.noise_share, self.level, self.size, self.game):
            if embedding is not None:
                nn.init.normal_(embedding.weight, std=0.5)
        head_dim = c // config.heads
        # From a quarter turn a frame down to a quarter turn over the whole history.
        slowest = torch.linspace(0, 1, head_dim // 2)
        self.register_buffer("frequencies", math.pi / 2 * float(config.history) ** -slowest, persistent=False)
        self.frequencies: Tensor

    def fold(self, latents: Tensor) -> Tensor:
        """Merge squares of latents: (..., S, c) to (..., P, merge**2 * c)."""
        (h, w), m, c = self.config.grid, self.config.merge, latents.shape[-1]
        if m == 1:
            return latents
        x = latents.reshape(*latents.shape[:-2], h // m, m, w // m, m, c).transpose(-4, -3)
        return x.reshape(*latents.shape[:-2], h * w // m**2, m**2 * c)

    def unfold(self, features: Tensor) -> Tensor:
        """Divide positions into their latents: (..., P, merge**2 * c) to (..., S, c)."""
        (h, w), m = self.config.grid, self.config.merge
        c = features.shape[-1] // m**2
        if m == 1:
            return features
        x = features.reshape(*features.shape[:-2], h // m, w // m, m, m, c).transpose(-4, -3)
        return x.reshape(*features.shape[:-2], h * w, c)

    def embed(self, latents: Tensor, actions: Tensor, shares: Tensor, games: Tensor | None) -> Tensor:
        """latents (..., S, channels), actions, shares, games (...,) int64 to (..., P, width).

        shares: indices into `CONTEXT_NOISE`. Raises ValueError where the model dreams several games and `games` is
        None.
        """
        condition = self.action(actions) + self.noise_share(shares)
        if self.game is not None:
            if games is None:
                raise ValueError(f"this model dreams {self.config.games} games: say which one")
            condition = condition + self.game(games)
        return self.latent(self.fold(latents)) + self.position + condition[..., None, :]

    def trunk(self, latents: Tensor, actions: Tensor, shares: Tensor, games: Tensor | None = None) -> Tensor:
        """A window of frames at once.

        latents: (B, W, S, channels). actions: (B, W) int64, actions[:, t] leads from frame t to t + 1. shares: (B, W)
        int64, how noisy each frame is. games: (B,) int64.
        Returns hidden (B, W, P, hidden): at frame t what is known of frame t + 1, see `first_guess`.
        """
        cached: list[Tensor] = []
        w, s = latents.shape[1], self.config.positions
        frame = torch.arange(w, device=latents.device).repeat_interleave(s)
        age = frame[:, None] - frame[None]
        mask = (age >= 0) & (age < self.config.history)  # (W * P, W * P)
        angle = frame[:, None] * self.frequencies
        turns = torch.stack([angle.cos(), angle.sin()])
        x = self.embed(latents, actions, shares, None if games is None else games[:, None].expand_as(actions))
        for layer, past in zip(self.layers, self.config.past, strict=True):
            x, k, v = layer(x, mask, turns)
            if past:
                cached += [k, v]
        hidden = self.describe(self.norm(x).flatten(0, 1), latents.flatten(0, 1))
        hidden = hidden.unflatten(0, latents.shape[:2])
        return torch.cat([hidden, self._pasts(cached, w)], -1) if self.config.whole else hidden

    def _pasts(self, cached: list[Tensor], w: int) -> Tensor:
        """What `denoise` needs of the past of each frame in a window of W frames.

        cached: keys, turned by the number of their frame, and values of every layer with past, each (B, heads, W * P,
        head_dim). Returns (B, W, P, -1).
        """
        h, p = self.config.history, self.config.positions
        parts = []
        for one in cached:
            frames = F.pad(one.unflatten(2, (w, p)), (0, 0, 0, 0, h - 1, 0))  # (B, heads, h - 1 + W, P, head_dim)
            parts.append(
                frames.unfold(2, h, 1).permute(0, 2, 1, 5, 3, 4).flatten(2)
            )  # (B, W, heads * h * P * head_dim)
        number = torch.arange(w, device=parts[0].device)
        there = torch.arange(1 - h, 1, device=number.device) + number[:, None] >= 0  # (W, h)
        known = torch.cat([there.float(), number[:, None].float()], -1)[:, None].expand(-1, p, -1)
        past = torch.cat(parts, -1).unflatten(-1, (p, -1))
        return torch.cat([past.float(), known.expand(len(past), -1, -1, -1)], -1)

    def describe(self, known: Tensor, latents: Tensor) -> Tensor:
        """Add the first guess to what the trunk says.

        known: (N, P, width), of the next frame. latents: (N, S, channels), the newest frame. Returns (N, P, hidden).
        """
        guess = self.motion(latents, self.unfold(self.steer(known)))
        return torch.cat([known.float(), self.fold(guess)], -1)

    def first_guess(self, hidden: Tensor) -> Tensor:
        """Return the guess that a description holds: (..., P, hidden) to latents (..., S, channels)."""
        return self.unfold(hidden[..., self.config.width : self.config.told])

    def step(
        self,
        latents: Tensor,
        action: Tensor,
        keys: Tensor,
        values: Tensor,
        age: Tensor,
        game: Tensor | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One frame of a dream, and the cached frames before it.

        latents (B, S, channels); action (B,), age (B, slots) int64, 0 where a slot is empty; keys, values (B, layers
        with past, heads, slots, P, head_dim). game: (B,) int64, for a model of several.
        Returns hidden (B, P, hidden), and this frame's keys and values (B, layers with past, heads, P, head_dim).
        """
        x = self.embed(latents, action, torch.zeros_like(action), game)
        new_keys: list[Tensor] = []
        new_values: list[Tensor] = []
        for layer in self.layers:
            assert isinstance(layer, TrunkLayer)
            if layer.past:
                number = len(new_keys)
                x, k, v = layer.step_with_past(x, keys[:, number], values[:, number], age, self.frequencies)
                new_keys.append(k)
                new_values.append(v)
            else:
                x = layer.step(x)
        hidden, k, v = self.describe(self.norm(x), latents), torch.stack(new_keys, 1), torch.stack(new_values, 1)
        if self.config.whole:
            angle = age[:, None, None, :, None, None] * -self.frequencies
            keys = turned(keys, angle.cos(), angle.sin())
            pairs = torch.stack([torch.cat([keys, k[:, :, :, None]], 3), torch.cat([values, v[:, :, :, None]], 3)], 2)
            past = pairs.flatten(1).unflatten(1, (self.config.positions, -1))
            there = torch.cat(
                [(age > 0).float(), torch.ones_like(age[:, :1]).float(), torch.zeros_like(age[:, :1])], -1
            )
            hidden = torch.cat([hidden, past, there[:, None].expand(-1, self.config.positions, -1)], -1)
        return hidden, k, v

    def denoise(self, hidden: Tensor, noisy: Tensor, level: Tensor, size: Tensor) -> Tensor:
        """Predict the clean latents of the next frame.

        hidden: (N, P, hidden). noisy: (N, S, channels), level / FINEST of the clean latents and the rest noise. level:
        (N,) int64. size: (N,) int64, the step's size is 2 ** size / FINEST.
        Returns (N, S, channels).
        """
        condition = self.level(level) + self.size(size)  # (N, d)
        told, past = hidden[..., : self.config.told], hidden[..., self.config.told :]
        noisy, guess = self.fold(noisy), told[..., self.config.width :]  # (N, P, features)
        x = self.noisy(noisy) + self.hidden(told) + self.place
        if self.config.whole:
            x = self._through_trunk(x + condition[:, None], past)
        for layer in self.denoiser:
            x = layer(x, condition)
        between = guess + self.trust(level)[:, None] * (noisy - guess)
        return self.unfold(between + self.clean(self.last(x)).float())

    def _through_trunk(self, x: Tensor, past: Tensor) -> Tensor:
        """Run the trunk over a frame (N, P, width) that is not there yet. past: (N, P, -1), see `_pasts`."""
        c, h = self.config, self.config.history
        there, number = past[:, 0, -h - 1 : -1], past[:, 0, -1:]
        shown = torch.where(there > 0, 0.0, float("-inf"))[..., None].expand(-1, -1, c.positions).flatten(1)
        angle = (number + 1) * self.frequencies
        cached = past[..., : -h - 1].flatten(1).unflatten(1, (sum(c.past), 2, c.heads, h * c.positions, -1))
        looking = 0
        for layer in self.layers:
            assert isinstance(layer, TrunkLayer)
            if layer.past:
                x = layer.step_ahead(x, cached[:, looking, 0], cached[:, looking, 1], shown, angle)
                looking += 1
            else:
                x = layer.step(x)
        return x

    def sample(self, hidden: Tensor, noise: Tensor, steps: int) -> Tensor:
        """Denoise in equal steps: hidden (N, P, hidden), noise (N, S, channels) to latents (N, S, channels).

        steps: 1, 2, 4 or 8.
        """
        x, number = noise, len(noise)
        size = torch.full((number,), int(math.log2(FINEST // steps)), device=noise.device)
        for step in range(steps):
            level = torch.full_like(size, step * (FINEST // steps))
            x = x + (self.denoise(hidden, x, level, size) - x) / (steps - step)
        return limited(x)

    def outcome(self, hidden: Tensor, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Predict reward and end of the step to the next frame, given that frame.

        hidden: (N, P, hidden). latents: (N, S, channels), of the next frame.
        Returns logits over `config.rewards` (N, R) and the logit of the round's end (N,). Raises ValueError where the
        model has no such head.
        """
        if self.outcome_head is None:
            raise ValueError("this model predicts no outcome: rewards is empty")
        rewards, ended = self.outcome_head(hidden[..., : self.config.told], self.fold(latents))
        return rewards, ended
