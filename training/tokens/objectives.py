"""The objective of the dynamics networks: a batch of token windows in, losses and hits out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.tokens.networks import Dynamics, DynamicsConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.world_model import VisualWorldModel
from reverie.schema import Within
from reverie.training.tokens.code_losses import code_losses
from reverie.training.tokens.windows import WindowArrays


class WindowTensors(NamedTuple):
    """Windows of W transitions, as tensors: `reverie.training.tokens.windows.WindowArrays` on the device.

    tokens, other_time: (B, W + 1, S) int64. actions: (B, W + 1) int64. rewards: (B, W + 1) float32. ended: (B, W + 1)
    bool. games: (B,) int64.
    """

    tokens: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    other_time: Tensor
    games: Tensor

    @classmethod
    def of(cls, drawn: WindowArrays) -> WindowTensors:
        """The same windows as tensors."""
        return cls(*map(torch.from_numpy, drawn))


@dataclass(frozen=True)
class HistoryNoise:
    """Mistakes put into the history, so that the model learns to go on from its own.

    share: share of windows that get any.
    rate: share of a window's tokens that are wrong, at most; each window draws its own rate below it.
    swap: share of windows in which a part of the picture shows another time of the same episode, for a few frames or
        for good: a creature is gone, or there twice, as in a dream that has gone wrong. The model learns to mend it.
    unknown_action: share of windows whose past actions are hidden.
    """

    share: Annotated[float, Within(0, 1)] = 0.5
    rate: Annotated[float, Within(0, 1)] = 0.05
    swap: Annotated[float, Within(0, 1)] = 0.3
    unknown_action: Annotated[float, Within(0, 1)] = 0.05


def corrupt(
    tokens: Tensor,
    other_time: Tensor,
    noise: HistoryNoise,
    vocabulary: int,
    grid: tuple[int, int],
    generator: torch.Generator,
) -> Tensor:
    """Parts from another time, and single wrong tokens: any code, that of one frame before, that of another place.

    tokens: (B, W, S) int64. other_time: the same of another time of the same episodes. Returns the same shape.
    """
    tokens = swap_parts(tokens, other_time, noise.swap, grid, generator)
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
    tokens: Tensor, other_time: Tensor, share: float, grid: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """In a share of windows, a rectangle of up to half the height and width plays another time of the same episode.

    It does so for one to three frames, or from some frame on to the end of the window. tokens, other_time: (B, W, S)
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
    position = torch.arange(s)
    y, x = position // columns, position % columns
    part = (y >= top) & (y < top + height) & (x >= left) & (x < left + width)  # (B, S)
    first = integers(0, w)
    last = torch.where(integers(0, 2) == 0, w, first + integers(0, 3))
    frame = torch.arange(w)
    when = (frame >= first) & (frame <= last)  # (B, W)
    when = when & (torch.rand(b, 1, generator=generator) < share)
    return torch.where(when[:, :, None] & part[:, None], other_time, tokens)


class TrainingBatch(NamedTuple):
    """What a step learns from: windows of W transitions, with the mistakes that were put into them.

    seen: (B, W, S) int64, the frames with mistakes, which the model sees. history, target: (B, W, S) int64, each true
    frame and the frame after it. actions: (B, W) int64. rewards: (B, W) float32. ended: (B, W) bool. games: (B,) int64.
    weight: (B, W, S) float32, the weight of each position in the loss; None where all count 1.
    own, luck: (B,) int64, how many of the last frames seen are to be the model's own (`rollouts.dream_past`), and what
    chance does in them; None where none are.
    """

    seen: Tensor
    history: Tensor
    target: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    games: Tensor
    weight: Tensor | None
    own: Tensor | None = None
    luck: Tensor | None = None


def training_batch(
    config: DynamicsConfig,
    windows: WindowTensors,
    noise: HistoryNoise | None = None,
    generator: torch.Generator | None = None,
    still_share: float = 1.0,
) -> TrainingBatch:
    """Draw all that is left to chance in what a model of this configuration is taught by a windows.

    noise: mistakes in the history, for training; needs a generator. still_share: the positions that change are all
    looked at, of the others a random share, each counting for as many as it stands for: the loss expected is the same,
    for much less work.
    """
    history, target, actions = windows.tokens[:, :-1], windows.tokens[:, 1:], windows.actions[:, :-1]
    seen, weight = history, None
    if still_share < 1:
        moved = history != target
        chosen = moved | (torch.rand(target.shape, generator=generator) < still_share)
        weight = torch.where(moved, 1.0, chosen / still_share)
    if isinstance(config, WorldModelConfig) and noise is not None and generator is not None:
        seen = corrupt(history, windows.other_time[:, :-1], noise, config.vocabulary, config.grid, generator)
        hidden_past = torch.rand(len(actions), 1, generator=generator) < noise.unknown_action
        last = torch.arange(actions.shape[1]) == actions.shape[1] - 1
        actions = torch.where(hidden_past & ~last, config.actions, actions)
    return TrainingBatch(
        seen, history, target, actions, windows.rewards[:, :-1], windows.ended[:, :-1], windows.games, weight
    )


@dataclass
class Scores:
    """Counts over the positions of some windows, as scalar tensors, so that the processor never waits for a GPU.

    positions: number of positions with a weight. changed: those of them whose token changes. copied: positions whose
    token does not change. loss: mean nats by head: of a token, or of a transition for `outcome`. hits, changed_hits: by
    head that predicts tokens, how often its most likely token is the true one.
    """

    positions: int
    changed: Tensor
    copied: Tensor
    loss: dict[str, Tensor]
    hits: dict[str, Tensor]
    changed_hits: dict[str, Tensor]


def window_scores(model: torch.nn.Module, windows: WindowTensors) -> Scores:
    """Teacher-forced scores of every transition in windows, as they are."""
    return batch_scores(model, training_batch(_known(model).config, windows))


def batch_scores(model: torch.nn.Module, batch: TrainingBatch) -> Scores:
    """Teacher-forced scores of a batch. Hits and `positions` are of what was looked at."""
    model = _known(model)
    target, moved = batch.target.flatten(0, 1), (batch.history != batch.target).flatten(0, 1)
    chosen = None if batch.weight is None else batch.weight.flatten() > 0

    def pick(x: Tensor) -> Tensor:
        """(N, S, ...) to (chosen positions, ...)."""
        return x.flatten(0, 1) if chosen is None else x.flatten(0, 1)[chosen]

    truth, changes = pick(target), pick(moved)
    weight = None if batch.weight is None else pick(batch.weight.flatten(0, 1))
    nats: dict[str, Tensor] = {}
    right: dict[str, Tensor] = {}
    other_losses = {}
    if isinstance(model, VisualWorldModel):
        logits = pick(model(batch.seen.flatten(0, 1), batch.actions.flatten())).float()
        each = F.cross_entropy(logits, truth, reduction="none")
        nats["parallel"] = (each if weight is None else each * weight).sum()
        right["parallel"] = logits.detach().argmax(-1) == truth
    else:
        hidden = model.trunk(batch.seen, batch.actions, batch.games).flatten(0, 1)
        features = {"parallel": model.to_code(pick(hidden))}
        if model.causal_to_code is not None:
            features["ar"] = model.causal_to_code(pick(model.causal_features(hidden, target, batch.games)))
        games = pick(batch.games.repeat_interleave(len(target) // len(batch.games))[:, None].expand_as(target))
        nats, right = code_losses(model, features, truth, weight, games)
        if model.outcome_head is not None:
            # Detached, so that the outcome's loss does not train the trunk.
            other_losses["outcome"] = outcome_loss(model, hidden.detach(), batch)
    loss = other_losses | {head: total / target.numel() for head, total in nats.items()}
    hits = {head: hit.sum() for head, hit in right.items()}
    changed_hits = {head: (hit & changes).sum() for head, hit in right.items()}
    return Scores(truth.numel(), changes.sum(), (~moved).sum(), loss, hits, changed_hits)


def _known(model: torch.nn.Module) -> Dynamics:
    if not isinstance(model, VisualWorldModel | TemporalVisualWorldModel):
        raise TypeError(f"no objective for a {type(model).__name__}")
    return model


def outcome_loss(model: TemporalVisualWorldModel, hidden: Tensor, batch: TrainingBatch) -> Tensor:
    """Mean nats of the reward and of the round's end. hidden: (B * W, S, width)."""
    rewards, ended = model.outcome(hidden, batch.target.flatten(0, 1))
    values = torch.tensor(model.config.rewards, device=hidden.device)
    kind = (batch.rewards.reshape(-1, 1) - values).abs().argmin(-1)  # the nearest value that there is
    over = batch.ended.flatten().float()
    return F.cross_entropy(rewards.float(), kind) + F.binary_cross_entropy_with_logits(ended.float(), over)
