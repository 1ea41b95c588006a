"""How well a diffusion decoder draws held-out frames, by its steps, beside the plain decoder."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.models.correction import Correction
from reverie.training.correction.frames import Codec, Frames, encode_decode, place_means

STEPS = (1, 2, 4, 8)
"""Numbers of sampling steps that figures are given for."""


@torch.no_grad()
def decoder_figures(decoder: Correction, codec: Codec, frames: Frames, plain: str, count: int = 64) -> dict[str, float]:
    """PSNR in dB and SSIM against the true frames, of the plain decoder and of the diffusion decoder by its steps.

    `*_flicker`: by how many levels, in the mean, drawn pixels change from frame to frame where their place does not.
    plain: what the plain decoder is called.
    """
    device, noise, numbers = next(decoder.parameters()).device, start_noise(decoder), frames.spread(count)
    patch = decoder.config.patch
    values: dict[str, list[Tensor]] = {}
    for part in np.array_split(numbers, -(-len(numbers) // 16)):
        moments = [frames.take(part + after).to(device) for after in (0, 1)]
        seen = [encode_decode(codec, moment) for moment in moments]
        drawn = {plain: [picture for _, picture in seen]}
        drawn |= {f"steps_{steps}": [decoder.sample(*pair, noise, steps) for pair in seen] for steps in STEPS}
        still = place_means((moments[0] != moments[1]).float(), patch) == 0
        for name, (first, second) in drawn.items():
            values.setdefault(f"{name}_psnr_db", []).append(psnr_db(first, moments[0]))
            values.setdefault(f"{name}_ssim", []).append(ssim(first, moments[0]))
            change = place_means((second.float() - first.float()).abs(), patch)
            values.setdefault(f"{name}_flicker", []).append(change[still])
    return {name: float(torch.cat(parts).mean()) for name, parts in values.items()}


def start_noise(decoder: Correction, seed: int = 0) -> Tensor:
    """A field of noise (H, W, 3) to begin every frame with."""
    device = next(decoder.parameters()).device
    return torch.randn(*decoder.config.size, 3, generator=torch.Generator().manual_seed(seed)).to(device)


def psnr_db(a: Tensor, b: Tensor) -> Tensor:
    """Of every frame, (N,): peak signal-to-noise ratio of frames (N, H, W, 3) uint8, at most 78 dB."""
    error = (a.float() - b.float()).square().mean((1, 2, 3)).clamp(min=1e-3)
    return 10 * torch.log10(255**2 / error)


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Of every frame, (N,): structural similarity of frames (N, H, W, 3) uint8, over windows of 8x8 pixels.

    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity", with even windows.
    """
    x, y = (frames.permute(0, 3, 1, 2).float() for frames in (a, b))
    means = [F.avg_pool2d(image, 8, 1) for image in (x, y, x * x, y * y, x * y)]
    mean_x, mean_y, square_x, square_y, product = means
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    spread = square_x - mean_x**2 + square_y - mean_y**2
    top = (2 * mean_x * mean_y + c1) * (2 * (product - mean_x * mean_y) + c2)
    return (top / ((mean_x**2 + mean_y**2 + c1) * (spread + c2))).mean((1, 2, 3))
