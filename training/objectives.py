"""What the dynamics networks are trained on: a batch of windows in, losses and hits out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from models.v1.world_model import VisualWorldModel
from models.world_model import TemporalVisualWorldModel
from training.windows import Drawn


class Batch(NamedTuple):
    """Windows of W transitions, as tensors; `training.windows.Drawn` says what is in them.

    tokens, elsewhen: (B, W + 1, S) int64. actions: (B, W + 1) int64. rewards: (B, W + 1) float32. ended: (B, W + 1)
    bool.
    """

    tokens: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    elsewhen: Tensor

    @classmethod
    def of(cls, drawn: Drawn) -> Batch:
        """The same windows as tensors."""
        return cls(*map(torch.from_numpy, drawn))

    def split(self, parts: int) -> list[Batch]:
        """As many batches, of as equal a size as can be."""
        return [Batch(*part) for part in zip(*(x.tensor_split(parts) for x in self), strict=True)]


@dataclass(frozen=True)
class HistoryNoise:
    """Mistakes put into the history, so that the model learns to go on from its own.

    share: share of windows that get any.
    rate: share of a window's tokens that are wrong, at most; each window draws its own rate below it.
    swap: share of windows in which a part of the picture shows another time of the same episode, for a few frames or
        for good: a creature is gone, or there twice, as in a dream that has gone wrong. The model learns to mend it.
    unknown_action: share of windows whose past actions are hidden.
    """

    share: float = 0.5
    rate: float = 0.05
    swap: float = 0.3
    unknown_action: float = 0.05


def corrupt(
    tokens: Tensor,
    elsewhen: Tensor,
    noise: HistoryNoise,
    vocabulary: int,
    grid: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    """Parts from another time, and single wrong tokens: any code, that of one frame before, that of another place.

    tokens: (B, W, S) int64. elsewhen: the same of another time of the same episodes. Returns the same shape.
    """
    tokens = swap_parts(tokens, elsewhen, noise.swap, grid, generator)
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


def swap_parts(
    tokens: Tensor, elsewhen: Tensor, share: float, grid: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """In a share of windows, a rectangle of up to half the height and width plays another time of the same episode.

    It does so for one to three frames, or from some frame on to the end of the window. tokens, elsewhen: (B, W, S)
    int64; returns the same shape.
    """
    b, w, s = tokens.shape
    h, columns = grid

    def integers(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (b, 1), generator=generator)

    height, width, top, left = (
        integers(2, h // 2 + 1),
        integers(2, columns // 2 + 1),
        integers(0, h),
        integers(0, columns),
    )
    place = torch.arange(s)
    y, x = place // columns, place % columns
    part = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)  # (B, S)
    first = integers(0, w)
    last = torch.where(integers(0, 2) == 0, w, first + integers(0, 3))
    frame = torch.arange(w)
    when = (frame >= first) & (frame <= last)  # (B, W)
    when = when & (torch.rand(b, 1, generator=generator) < share)
    return torch.where(when[:, :, None] & part[:, None], elsewhen, tokens)


@dataclass
class Scores:
    """Sums over the positions of some windows.

    positions, changed: number of positions, and of those whose token changes. loss: mean nats by head, a token or, of
    `outcome`, a transition. hits, changed_hits: by head that draws tokens, where the most likely one is the true one.
    """

    positions: int
    changed: int
    copied: int
    loss: dict[str, Tensor]
    hits: dict[str, int]
    changed_hits: dict[str, int]

    @classmethod
    def join(cls, parts: list[Scores]) -> Scores:
        """The sum of the scores of parts of a batch, losses included."""
        total = parts[0]
        for part in parts[1:]:
            total.positions += part.positions
            total.changed += part.changed
            total.copied += part.copied
            for head in total.loss:
                total.loss[head] = total.loss[head] + part.loss[head]
            for head in total.hits:
                total.hits[head] += part.hits[head]
                total.changed_hits[head] += part.changed_hits[head]
        return total


def window_scores(
    model: torch.nn.Module,
    batch: Batch,
    noise: HistoryNoise | None = None,
    generator: torch.Generator | None = None,
    still_share: float = 1.0,
) -> Scores:
    """Teacher-forced scores of every transition in windows.

    noise: mistakes in the history, for training; needs a generator. still_share: the positions that change are all
    looked at, of the others a random share, each counting for as many as it stands for: the loss expected is the same,
    for much less work. Hits and `positions` are of what was looked at.
    """
    history, target = batch.tokens[:, :-1], batch.tokens[:, 1:].flatten(0, 1)
    action = batch.actions[:, :-1]
    seen = history
    before = history.flatten(0, 1)
    moved = before != target
    chosen = moved | (torch.rand(target.shape, generator=generator) < still_share) if still_share < 1 else None

    def pick(x: Tensor) -> Tensor:
        """(N, S, ...) to (chosen positions, ...)."""
        return x.flatten(0, 1) if chosen is None else x.flatten(0, 1)[chosen.flatten()]

    loss = {}
    if isinstance(model, VisualWorldModel):
        logits = {"parallel": pick(model(history.flatten(0, 1), action.flatten()))}
    elif isinstance(model, TemporalVisualWorldModel):
        if noise is not None and generator is not None:
            grid = model.config.grid
            seen = corrupt(history, batch.elsewhen[:, :-1], noise, model.config.vocabulary, grid, generator)
            hidden_past = torch.rand(len(action), 1, generator=generator) < noise.unknown_action
            last = torch.arange(action.shape[1]) == action.shape[1] - 1
            action = torch.where(hidden_past & ~last, model.config.actions, action)
        hidden = model.trunk(seen, action).flatten(0, 1)
        logits = {"parallel": model.parallel_logits(pick(hidden))}
        if model.causal_head is not None:
            logits["ar"] = model.causal_code(pick(model.causal_features(hidden, target)))
        if model.outcome_head is not None:
            # Detached: reading off what the trunk knows must not change what it learns.
            loss["outcome"] = outcome_loss(model, hidden.detach(), target, batch)
    else:
        raise TypeError(f"no objective for a {type(model).__name__}")
    truth, changes = pick(target), pick(moved)
    weight = torch.where(changes, 1.0, 1 / still_share)
    hits, changed_hits = {}, {}
    for head, values in logits.items():
        loss[head] = (F.cross_entropy(values.float(), truth, reduction="none") * weight).sum() / target.numel()
        right = values.detach().argmax(-1) == truth
        hits[head], changed_hits[head] = int(right.sum()), int((right & changes).sum())
    return Scores(truth.numel(), int(changes.sum()), int((~moved).sum()), loss, hits, changed_hits)


def outcome_loss(model: TemporalVisualWorldModel, hidden: Tensor, target: Tensor, batch: Batch) -> Tensor:
    """Mean nats of the reward and of the round's end. hidden: (B * W, S, width), target: (B * W, S)."""
    rewards, ended = model.outcome(hidden, target)
    values = torch.tensor(model.config.rewards)
    kind = (batch.rewards[:, :-1].reshape(-1, 1) - values).abs().argmin(-1)  # the nearest value that there is
    over = batch.ended[:, :-1].flatten().float()
    return F.cross_entropy(rewards.float(), kind) + F.binary_cross_entropy_with_logits(ended.float(), over)
