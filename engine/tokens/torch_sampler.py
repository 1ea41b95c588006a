"""`reverie.engine.tokens.sampler` of tensors on their device: the same draws, up to the rounding of the noise."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reverie.engine.settings import Settings
from reverie.engine.torch_noise import gumbel


def draw(logits: Tensor, keys: Tensor, settings: Settings) -> Tensor:
    """`reverie.engine.tokens.sampler.draw` of tensors.

    logits: (B, S, V) float32. keys: (B,) int64, of the frame's noise. Returns tokens (B, S) int64.
    """
    temperature, min_p, top_p = (float(settings[name]) for name in ("temperature", "min_p", "top_p"))
    if temperature == 0:
        return logits.argmax(-1)
    kept = _kept(logits, min_p, top_p)
    at = kept.flatten().nonzero()[:, 0]  # (N,), of B * S * V
    trajectory, place = at // logits[0].numel(), at % logits[0].numel()
    scores = torch.full_like(logits, -float("inf"))
    scores.view(-1)[at] = logits.flatten()[at] + gumbel(keys[trajectory], place) * temperature
    return scores.argmax(-1)


def entropy(logits: Tensor, settings: Settings) -> Tensor:
    """`reverie.engine.tokens.sampler.entropy` of tensors (B, S, V)."""
    temperature, min_p, top_p = (float(settings[name]) for name in ("temperature", "min_p", "top_p"))
    if temperature == 0:
        return torch.zeros_like(logits[..., 0])
    kept = _kept(logits, min_p, top_p)
    p = (logits / temperature).masked_fill(~kept, -float("inf")).softmax(-1)
    return torch.special.entr(p).sum(-1) / float(np.log(2))


def _kept(logits: Tensor, min_p: float, top_p: float) -> Tensor:
    """Which codes may be drawn, (B, S, V) bool."""
    floor = logits.amax(-1, keepdim=True) + float(np.log(min_p)) if min_p > 0 else -float("inf")  # (B, S, 1)
    kept = logits >= floor
    return kept & ~outside_nucleus(logits, top_p) if top_p < 1 else kept


def outside_nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Which codes are not among the likeliest that have `top_p` together. logits: (..., V). Returns the same shape."""
    p = (logits - logits.amax(-1, keepdim=True)).exp()
    enough = top_p * p.sum(-1)  # (...)
    least = torch.ones_like(enough)
    unsure = enough > 1  # elsewhere the likeliest alone has enough
    falling = p[unsure].sort(-1, descending=True).values  # (N, V)
    last = (falling.cumsum(-1) >= enough[unsure][:, None]).int().argmax(-1)  # (N,)
    least[unsure] = falling.gather(-1, last[:, None])[:, 0]
    return p < least[..., None]
