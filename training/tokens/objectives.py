"""What the dynamics networks are trained on: a batch of windows in, losses and hits out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.tokens.networks import Dynamics, DynamicsConfig
from reverie.models.tokens.world_model import TemporalVisualWorldModel, WorldModelConfig
from reverie.models.v1.world_model import VisualWorldModel
from reverie.training.tokens.code_losses import code_losses
from reverie.training.tokens.windows import Drawn


class Batch(NamedTuple):
    """Windows of W transitions, as tensors; `reverie.training.tokens.windows.Drawn` says what is in them.

    tokens, elsewhen: (B, W + 1, S) int64. actions: (B, W + 1) int64. rewards: (B, W + 1) float32. ended: (B, W + 1)
    bool. games: (B,) int64.
    """

    tokens: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    elsewhen: Tensor
    games: Tensor

    @classmethod
    def of(cls, drawn: Drawn) -> Batch:
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


class Lesson(NamedTuple):
    """What a step learns from: windows of W transitions, and what the model is shown of them.

    seen: (B, W, S) int64, the frames with the mistakes put into them. history, target: (B, W, S) int64, each true frame
    and the one that follows. actions: (B, W) int64. rewards: (B, W) float32. ended: (B, W) bool. games: (B,) int64.
    weight: (B, W, S) float32, what each position counts, 0 where it is not looked at; None where all of them are.
    """

    seen: Tensor
    history: Tensor
    target: Tensor
    actions: Tensor
    rewards: Tensor
    ended: Tensor
    games: Tensor
    weight: Tensor | None

    def split(self, parts: int) -> list[Lesson]:
        """As many lessons, of as equal a size as can be."""
        columns = [[None] * parts if x is None else x.tensor_split(parts) for x in self]
        return [Lesson(*part) for part in zip(*columns, strict=True)]

    def moved(self, move: Callable[[Tensor], Tensor]) -> Lesson:
        """The same lesson somewhere else."""
        return Lesson._make(None if x is None else move(x) for x in self)


def prepare(
    config: DynamicsConfig,
    batch: Batch,
    noise: HistoryNoise | None = None,
    generator: torch.Generator | None = None,
    still_share: float = 1.0,
) -> Lesson:
    """Draw all that is left to chance in what a model of this configuration is taught by a batch.

    noise: mistakes in the history, for training; needs a generator. still_share: the positions that change are all
    looked at, of the others a random share, each counting for as many as it stands for: the loss expected is the same,
    for much less work.
    """
    history, target, actions = batch.tokens[:, :-1], batch.tokens[:, 1:], batch.actions[:, :-1]
    seen, weight = history, None
    if still_share < 1:
        moved = history != target
        looked_at = moved | (torch.rand(target.shape, generator=generator) < still_share)
        weight = torch.where(moved, 1.0, looked_at / still_share)
    if isinstance(config, WorldModelConfig) and noise is not None and generator is not None:
        seen = corrupt(history, batch.elsewhen[:, :-1], noise, config.vocabulary, config.grid, generator)
        hidden_past = torch.rand(len(actions), 1, generator=generator) < noise.unknown_action
        last = torch.arange(actions.shape[1]) == actions.shape[1] - 1
        actions = torch.where(hidden_past & ~last, config.actions, actions)
    return Lesson(seen, history, target, actions, batch.rewards[:, :-1], batch.ended[:, :-1], batch.games, weight)


@dataclass
class Scores:
    """Sums over the positions of some windows, as tensors without axes, so that nobody waits for a device to count.

    positions: number of positions looked at. changed: of those, the ones whose token changes. copied: positions whose
    token does not. loss: mean nats by head, a token or, of `outcome`, a transition. hits, changed_hits: by head that
    draws tokens, where the most likely one is the true one.
    """

    positions: int
    changed: Tensor
    copied: Tensor
    loss: dict[str, Tensor]
    hits: dict[str, Tensor]
    changed_hits: dict[str, Tensor]

    @classmethod
    def join(cls, parts: list[Scores]) -> Scores:
        """The sum of the scores of parts of a batch, losses included."""
        total = parts[0]
        for part in parts[1:]:
            total.positions += part.positions
            total.changed = total.changed + part.changed
            total.copied = total.copied + part.copied
            for mine, others in (
                (total.loss, part.loss),
                (total.hits, part.hits),
                (total.changed_hits, part.changed_hits),
            ):
                for head in mine:
                    mine[head] = mine[head] + others[head]
        return total


def window_scores(model: torch.nn.Module, batch: Batch) -> Scores:
    """Teacher-forced scores of every transition in windows, as they are."""
    return lesson_scores(model, prepare(_known(model).config, batch))


def lesson_scores(model: torch.nn.Module, lesson: Lesson) -> Scores:
    """Teacher-forced scores of a lesson. Hits and `positions` are of what was looked at."""
    model = _known(model)
    target, moved = lesson.target.flatten(0, 1), (lesson.history != lesson.target).flatten(0, 1)
    chosen = None if lesson.weight is None else lesson.weight.flatten() > 0

    def pick(x: Tensor) -> Tensor:
        """(N, S, ...) to (chosen positions, ...)."""
        return x.flatten(0, 1) if chosen is None else x.flatten(0, 1)[chosen]

    truth, changes = pick(target), pick(moved)
    weight = None if lesson.weight is None else pick(lesson.weight.flatten(0, 1))
    nats: dict[str, Tensor] = {}
    right: dict[str, Tensor] = {}
    further = {}
    if isinstance(model, VisualWorldModel):
        logits = pick(model(lesson.seen.flatten(0, 1), lesson.actions.flatten())).float()
        each = F.cross_entropy(logits, truth, reduction="none")
        nats["parallel"] = (each if weight is None else each * weight).sum()
        right["parallel"] = logits.detach().argmax(-1) == truth
    else:
        hidden = model.trunk(lesson.seen, lesson.actions, lesson.games).flatten(0, 1)
        features = {"parallel": model.to_code(pick(hidden))}
        if model.causal_to_code is not None:
            features["ar"] = model.causal_to_code(pick(model.causal_features(hidden, target)))
        games = pick(lesson.games.repeat_interleave(len(target) // len(lesson.games))[:, None].expand_as(target))
        nats, right = code_losses(model, features, truth, weight, games)
        if model.outcome_head is not None:
            # Detached: reading off what the trunk knows must not change what it learns.
            further["outcome"] = outcome_loss(model, hidden.detach(), lesson)
    loss = further | {head: total / target.numel() for head, total in nats.items()}
    hits = {head: hit.sum() for head, hit in right.items()}
    changed_hits = {head: (hit & changes).sum() for head, hit in right.items()}
    return Scores(truth.numel(), changes.sum(), (~moved).sum(), loss, hits, changed_hits)


def _known(model: torch.nn.Module) -> Dynamics:
    if not isinstance(model, VisualWorldModel | TemporalVisualWorldModel):
        raise TypeError(f"no objective for a {type(model).__name__}")
    return model


class Objective(torch.nn.Module):
    """A lesson to its scores, as one network: what is compiled, and what several processes share."""

    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, lesson: Lesson) -> dict[str, Any]:
        """The fields of the `Scores`."""
        s = lesson_scores(self.model, lesson)
        counts = {"positions": s.positions, "changed": s.changed, "copied": s.copied}
        return {**counts, "loss": s.loss, "hits": s.hits, "changed_hits": s.changed_hits}


def outcome_loss(model: TemporalVisualWorldModel, hidden: Tensor, lesson: Lesson) -> Tensor:
    """Mean nats of the reward and of the round's end. hidden: (B * W, S, width)."""
    rewards, ended = model.outcome(hidden, lesson.target.flatten(0, 1))
    values = torch.tensor(model.config.rewards, device=hidden.device)
    kind = (lesson.rewards.reshape(-1, 1) - values).abs().argmin(-1)  # the nearest value that there is
    over = lesson.ended.flatten().float()
    return F.cross_entropy(rewards.float(), kind) + F.binary_cross_entropy_with_logits(ended.float(), over)
