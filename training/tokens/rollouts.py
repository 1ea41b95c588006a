"""Rollouts in training: what the model itself dreams from true frames. Play has its own sampler, in the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.schema import Within


@dataclass(frozen=True)
class Sampling:
    """How the next frame is sampled.

    temperature, min_p: as in `reverie.training.tokens.recipe.SamplingChoice`. passes: over a frame; 1 samples every
    position by itself, and each further one asks the causal head, as in the parallel mode.
    """

    temperature: Annotated[float, Within(0.01, 10)] = 1.0
    min_p: Annotated[float, Within(0, 1)] = 0.02
    passes: Annotated[int, Within(1, 64)] = 1


@torch.no_grad()
def sample_frame(
    model: TemporalVisualWorldModel,
    hidden: Tensor,
    games: Tensor,
    sampling: Sampling,
    generator: torch.Generator,
) -> Tensor:
    """Sample the next frame's tokens (N, S) from the trunk's output (N, S, width).

    games: (N,) int64. generator: of the processor, wherever the model is. One noise serves all passes, so that a
    position changes only where the others tell it something new.
    """
    logits = model.parallel_logits(hidden, games)
    noise = -torch.empty(logits.shape).exponential_(generator=generator).log().to(logits.device)  # Gumbel
    tokens = _draw(logits, noise, sampling)
    for _ in range(sampling.passes - 1 if model.causal_head is not None else 0):
        better = _draw(model.causal_logits(hidden, tokens, games), noise, sampling)
        if torch.equal(better, tokens):
            break
        tokens = better
    return tokens


def _draw(logits: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
    logits = logits.float() / sampling.temperature
    if sampling.min_p:
        unlikely = logits < logits.amax(-1, keepdim=True) + math.log(sampling.min_p)
        logits = logits.masked_fill(unlikely, float("-inf"))
    return (logits + noise).argmax(-1)


@torch.no_grad()
def roll_out(
    model: TemporalVisualWorldModel,
    context: Tensor,
    actions: Tensor,
    game: int,
    sampling: Sampling,
    generator: torch.Generator,
) -> Tensor:
    """Dream on from true frames of one game: (N, frames, S).

    context: (N, W, S) int64. actions: (N, W + frames - 1) int64, the one at each frame, those of the context first.
    """
    n, w, _ = context.shape
    config = model.config
    slots, head_dim = config.history - 1, config.width // config.heads
    keys = torch.zeros(n, config.layers, config.heads, slots, config.trunk_positions, head_dim, device=context.device)
    values = torch.zeros_like(keys)
    games = torch.full((n,), game, device=context.device)
    dreamt: list[Tensor] = []
    for t in range(actions.shape[1]):
        tokens = context[:, t] if t < w else dreamt[-1]
        age = torch.arange(slots, 0, -1, device=context.device)  # the oldest slot first
        age = torch.where(age <= t, age, 0).expand(n, slots)
        _, hidden, key, value = model.step(tokens, actions[:, t], keys, values, age, games)
        if t >= w - 1:
            dreamt.append(sample_frame(model, hidden, games, sampling, generator))
        keys = torch.cat([keys[:, :, :, 1:], key[:, :, :, None]], 3)[:, :, :, :slots]
        values = torch.cat([values[:, :, :, 1:], value[:, :, :, None]], 3)[:, :, :, :slots]
    return torch.stack(dreamt, 1)


@torch.compiler.disable
@torch.no_grad()
def dream_past(
    model: TemporalVisualWorldModel,
    past: Tensor,
    actions: Tensor,
    games: Tensor,
    own: Tensor,
    sampling: Sampling,
    luck: int,
) -> Tensor:
    """Replace the last `own` frames of some windows by what the model itself dreams from the frames before them.

    A dream sees its own frames, so this is the past that play will show (scheduled sampling; Bengio et al. 2015).
    past: (B, W, S) int64. actions: (B, W), games, own: (B,) int64; own is 0 for windows that stay as they are, and at
    most W - 1. luck: decides what chance does. Returns the new past.
    """
    most = int(own.max())
    if not most:
        return past
    chosen = own.nonzero()[:, 0]
    past, w = past.clone(), past.shape[1]
    mine, done, game, left = past[chosen], actions[chosen], games[chosen], own[chosen]
    generator = torch.Generator().manual_seed(luck)
    reach = model.config.history + 1
    for t in range(w - most, w):
        before = slice(max(0, t - reach), t)
        hidden = model.trunk(mine[:, before], done[:, before], game)[:, -1]
        made = sample_frame(model, hidden, game, sampling, generator)
        mine[:, t] = torch.where((left >= w - t)[:, None], made, mine[:, t])
    past[chosen] = mine
    return past
