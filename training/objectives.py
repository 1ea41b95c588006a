"""What the dynamics networks are trained on: a batch of windows in, losses and hits out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from models.v1.world_model import VisualWorldModel
from models.world_model import TemporalVisualWorldModel


@dataclass(frozen=True)
class HistoryNoise:
    """Mistakes put into the history, so that the model learns to go on from its own.

    share: share of windows that get any.
    rate: share of a window's tokens that are wrong, at most; each window draws its own rate below it.
    unknown_action: share of windows whose past actions are hidden.
    """

    share: float = 0.5
    rate: float = 0.05
    unknown_action: float = 0.05


def corrupt(tokens: Tensor, noise: HistoryNoise, vocabulary: int, generator: torch.Generator) -> Tensor:
    """Wrong tokens of three kinds: any code, the token of one frame before, the token of another place.

    tokens: (B, W, S) int64; returns the same shape.
    """
    b, w, s = tokens.shape
    rate = torch.rand(b, 1, 1, generator=generator) * noise.rate
    rate = rate * (torch.rand(b, 1, 1, generator=generator) < noise.share)
    wrong = torch.rand(b, w, s, generator=generator) < rate
    anything = torch.randint(vocabulary, (b, w, s), generator=generator)
    stale = torch.cat([tokens[:, :1], tokens[:, :-1]], 1)
    elsewhere = tokens.flatten()[torch.randint(tokens.numel(), (b, w, s), generator=generator)]
    kind = torch.randint(3, (b, w, s), generator=generator)
    mistake = torch.where(kind == 0, anything, torch.where(kind == 1, stale, elsewhere))
    return torch.where(wrong, mistake, tokens)


@dataclass
class Scores:
    """Sums over the positions of some windows.

    positions, changed: number of positions, and of those whose token changes. loss: mean nats by head.
    hits, changed_hits: by head, where the most likely token is the true one.
    """

    positions: int
    changed: int
    copied: int
    loss: dict[str, Tensor]
    hits: dict[str, int]
    changed_hits: dict[str, int]


def window_scores(
    model: torch.nn.Module,
    tokens: Tensor,
    actions: Tensor,
    noise: HistoryNoise | None = None,
    generator: torch.Generator | None = None,
    count_hits: bool = True,
) -> Scores:
    """Teacher-forced scores of every transition in windows: tokens (B, W + 1, S), actions (B, W + 1), both int64.

    noise: mistakes in the history, for training; needs a generator.
    """
    history, target = tokens[:, :-1], tokens[:, 1:].flatten(0, 1)
    action = actions[:, :-1]
    seen = history
    if isinstance(model, VisualWorldModel):
        logits = {"parallel": model(history.flatten(0, 1), action.flatten())}
    elif isinstance(model, TemporalVisualWorldModel):
        if noise is not None and generator is not None:
            seen = corrupt(history, noise, model.config.vocabulary, generator)
            hidden_past = torch.rand(len(action), 1, generator=generator) < noise.unknown_action
            last = torch.arange(action.shape[1]) == action.shape[1] - 1
            action = torch.where(hidden_past & ~last, model.config.actions, action)
        hidden = model.trunk(seen, action).flatten(0, 1)
        logits = {"parallel": model.parallel_logits(hidden)}
        if model.causal_head is not None:
            logits["ar"] = model.causal_logits(hidden, target)
    else:
        raise TypeError(f"no objective for a {type(model).__name__}")
    before = history.flatten(0, 1)
    moved = before != target
    loss, hits, changed_hits = {}, {}, {}
    for head, values in logits.items():
        flat = values.flatten(0, 1).float()
        loss[head] = F.cross_entropy(flat, target.flatten())
        if count_hits:
            right = flat.detach().argmax(-1).view_as(target) == target
            hits[head], changed_hits[head] = int(right.sum()), int((right & moved).sum())
    return Scores(target.numel(), int(moved.sum()), int((~moved).sum()), loss, hits, changed_hits)
