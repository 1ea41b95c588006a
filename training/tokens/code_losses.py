"""The cross-entropy of each position: over all codes, or over the codes that its game shows."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.models.layers import at_once
from reverie.models.tokens.world_model import TemporalVisualWorldModel
from reverie.training.tokens.cross_entropy import cross_entropy


def code_losses(
    model: TemporalVisualWorldModel, features: dict[str, Tensor], truth: Tensor, weight: Tensor | None, games: Tensor
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return by head the summed nats of the true codes, and where the likeliest code is the true one, (N,) bool.

    features: by head, (N, width). truth, games: (N,) int64. weight: (N,), of each position; None for 1. The softmax of
    a position runs over the codes that its game shows and the true one, because a dream holds no others.
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
    """Group positions by game: indices, vectors and biases of the game's codes, index of the true code among them."""
    bias = model.code_bias
    if at_once(truth):
        if len(model.absent) == 1:  # masking would only take memory
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
