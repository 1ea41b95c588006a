"""The past of a window as the model itself would have dreamt it, because that is what a dream will see."""

from __future__ import annotations

import torch
from torch import Tensor

from reverie.models.latent.dynamics import LatentDynamics
from reverie.models.latent.rollout import LatentRing

STEPS = 2
"""Denoising steps of the model's own frames."""
BEFORE = 8
"""True frames that they go on from."""


@torch.no_grad()
def redraw_context(
    network: LatentDynamics, past: Tensor, actions: Tensor, games: Tensor, own: Tensor, noise: Tensor
) -> Tensor:
    """Replace the last `own` frames of some windows by what the network predicts from the frames before them.

    past, noise: (B, W, S, channels). actions: (B, W) int64. games: (B,) int64. own: (B,) int64, 0 for windows that
    stay as they are. Returns the new past.
    """
    chosen = own.nonzero()[:, 0]
    most = int(own.max())
    if not most:
        return past
    past = past.clone()
    w = past.shape[1]
    mine, done, game = past[chosen], actions[chosen], games[chosen]
    ring = LatentRing.empty(network, len(chosen))
    first = max(0, w - most - BEFORE)
    for t in range(first, w - 1):
        hidden = ring.step(mine[:, t], done[:, t], game)
        begins = own[chosen] >= w - 1 - t
        if bool(begins.any()):
            made = network.sample(hidden, noise[chosen, t], STEPS)
            mine[:, t + 1] = torch.where(begins[:, None, None], made, mine[:, t + 1])
    past[chosen] = mine
    return past
