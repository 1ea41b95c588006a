"""What the latent dynamics learn: flow matching at the finest steps, shortcuts at longer ones, and the outcome.

Frans et al. 2024, "One step diffusion via shortcut models"; predicting the clean latents, with its loss in their space
and the weight of a level, is from Hafner et al. 2025, "Training agents inside of scalable world models". A noise level
for each frame: Chen et al. 2024, "Diffusion forcing".
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.latent.dynamics import CONTEXT_NOISE, FINEST, LatentDynamics

SHARE_CHANCES = (0.2, 0.2, 0.25, 0.15, 0.1, 0.1)
"""How often a frame of the past has each share of `CONTEXT_NOISE`."""
SAME_SHARE = 0.6
"""Share of windows whose frames all have one share of noise."""
SHORTCUTS = 4
"""One frame in so many learns a longer step."""
MOTION = 0.5
"""Weight of the first guess's squared error."""
LASTING = 0.8
"""Variance of lasting noise that is the same in every frame of a window."""


class DrawnNoise(NamedTuple):
    """What is drawn for windows of W transitions.

    shares: (B, W) int64, index into `CONTEXT_NOISE` of each frame of the past. context: (B, W, S, channels), its noise.
    noise: (B, W, S, channels), which the next frame is denoised from. level, size: (B, W) int64, see
    `LatentDynamics.denoise`; the first W * 3 / 4 are of the finest size, in the order of `frame_order`.
    """

    shares: Tensor
    context: Tensor
    noise: Tensor
    level: Tensor
    size: Tensor


def draw_noise(shape: torch.Size, lasting: float, generator: torch.Generator) -> DrawnNoise:
    """Draw for windows (B, W, S, channels). lasting: share of windows whose noise in the past is mostly the same."""
    b, w, s, c = shape
    chances = torch.tensor(SHARE_CHANCES)
    shares = torch.multinomial(chances, b * w, replacement=True, generator=generator).view(b, w)
    same = torch.rand(b, 1, generator=generator) < SAME_SHARE
    shares = torch.where(same, shares[:, :1], shares)
    stays = LASTING * (torch.rand(b, 1, 1, 1, generator=generator) < lasting).float()
    context = torch.randn(shape, generator=generator) * (1 - stays).sqrt()
    context = context + torch.randn(b, 1, s, c, generator=generator) * stays.sqrt()
    noise = torch.randn(shape, generator=generator)
    long = torch.arange(w) % SHORTCUTS == SHORTCUTS - 1
    size = torch.where(long, torch.randint(1, int(math.log2(FINEST)) + 1, (b, w), generator=generator), 0)
    level = torch.rand(b, w, generator=generator) * (FINEST >> size)
    return DrawnNoise(shares, context, noise, level.long() << size, size)


def flow_losses(network: LatentDynamics, hidden: Tensor, clean: Tensor, drawn: DrawnNoise) -> dict[str, Tensor]:
    """Weighted squared error of the clean latents: `flow` at the finest steps, `shortcut` at longer ones, `motion` of
    the first guess.

    hidden: (B, W, P, hidden), W a multiple of 4. clean: (B, W, S, channels), of the next frames.
    """
    part = [x.unflatten(1, (-1, SHORTCUTS)) for x in (hidden, clean, drawn.noise, drawn.level, drawn.size)]
    fine = [x[:, :, : SHORTCUTS - 1].flatten(0, 2) for x in part]
    long = [x[:, :, SHORTCUTS - 1].flatten(0, 1) for x in part]

    motion = (network.first_guess(hidden) - clean).square().mean()

    known, wanted, noise, level, size = fine
    tau = level[:, None, None] / FINEST
    flow = _error(network.denoise(known, tau * wanted + (1 - tau) * noise, level, size), wanted, tau)

    known, wanted, noise, level, size = long
    tau = level[:, None, None] / FINEST
    noisy = tau * wanted + (1 - tau) * noise
    target = two_half_steps(network, known, noisy, level, size)
    shortcut = _error(network.denoise(known, noisy, level, size), target, tau)
    return {"motion": MOTION * motion, "flow": flow, "shortcut": shortcut / (SHORTCUTS - 1)}


@torch.no_grad()
def two_half_steps(network: LatentDynamics, hidden: Tensor, noisy: Tensor, level: Tensor, size: Tensor) -> Tensor:
    """Return the clean latents (N, S, channels) that one step of a size must predict to get where two halves do.

    hidden: (N, S, width). noisy: (N, S, channels). level, size: (N,) int64, size at least 1.
    """
    half = size - 1
    step = ((1 << half) / FINEST)[:, None, None]
    x = noisy
    for now in (level, level + (1 << half)):
        left = 1 - now[:, None, None] / FINEST
        x = x + (network.denoise(hidden, x, now, half) - x) * (step / left)
    return noisy + (x - noisy) * (1 - level[:, None, None] / FINEST) / (2 * step)


def outcome_losses(
    network: LatentDynamics, hidden: Tensor, latents: Tensor, rewards: Tensor, ended: Tensor
) -> dict[str, Tensor]:
    """Mean nats of reward and end. hidden, latents: (B, W, S, ...), of the next frames; rewards, ended: (B, W)."""
    reward, end = network.outcome(hidden.flatten(0, 1), latents.flatten(0, 1))
    return {
        "reward": F.cross_entropy(reward.float(), rewards.flatten()),
        "ended": F.binary_cross_entropy_with_logits(end.float(), ended.flatten()),
    }


def _error(made: Tensor, wanted: Tensor, tau: Tensor) -> Tensor:
    return ((made - wanted).square() * (0.9 * tau + 0.1)).mean()


assert len(SHARE_CHANCES) == len(CONTEXT_NOISE)
