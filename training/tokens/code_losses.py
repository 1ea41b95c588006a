"""The loss of what each position may become: over all codes, or over those that its game shows."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.models.layers import at_once
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.tokens.cross_entropy import cross_entropy


def code_losses(
    model: TemporalVisualWorldModel, features: dict[str, Tensor], truth: Tensor, weight: Tensor | None, games: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """By head, the summed nats of the true codes, and where the likeliest one is the true one, (N,) bool.

    features: by head, (N, width). truth, games: (N,) int64. weight: (N,), what each position counts; None, one. A
    position's code is looked for among those that its game shows (and the true one): there may be many fewer of them
    than of all codes, and a dream holds no others.
    """
    parts = _parts(model, truth, games)
    nats, right = {}, {}
    for head, x in features.items():
        total, hits = torch.zeros((), device=x.device), torch.empty_like(truth, dtype=torch.bool)
        for rows, code, bias, wanted in parts:
            part, hits[rows] = cross_entropy(x[rows], code, bias, wanted, None if weight is None else weight[rows])
            total = total + part
        nats[head], right[head] = total, hits
    return nats, right


def _parts(
    model: TemporalVisualWorldModel, truth: Tensor, games: Tensor
) -> list[tuple[slice | Tensor, Tensor, Tensor, Tensor]]:
    """Positions that look among the same codes: which, the vectors and biases of these, the true one's place there."""
    bias = model.code_bias
    if at_once(truth):
        if len(model.absent) == 1:  # what is never true need not cost the memory of being ruled out
            return [(slice(None), model.table("code"), bias, truth)]
        absent = model.absent[games].scatter(1, truth[:, None], 0.0)
        return [(slice(None), model.table("code"), bias + absent, truth)]
    parts: list[tuple[slice | Tensor, Tensor, Tensor, Tensor]] = []
    for game in games.unique():
        mine = (games == game).nonzero()[:, 0]
        shown = model.absent[game] == 0
        shown[truth[mine]] = True
        own = shown.nonzero()[:, 0]
        parts.append((mine, model.table("code", own), bias[own], (shown.cumsum(0) - 1)[truth[mine]]))
    return parts
