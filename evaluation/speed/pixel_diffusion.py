"""The baseline of the benchmark: a plain world model that diffuses pixels.

Its shape is that of Alonso et al. 2024, "Diffusion for world modeling: visual details matter in Atari" (DIAMOND): a
U-Net of four levels with 64 channels each, the past four frames as further input channels, blocks conditioned on the
actions and the noise level, and three Euler steps a frame. Its weights are random: only its speed is measured.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from reverie.evaluation.pages.tables import BASELINE
from reverie.evaluation.speed.machine import peak_rss_mb

CHANNELS, LEVELS, HISTORY, CONDITIONING, STEPS = 64, 4, 4, 256, 3
WARM_UP = 3


class Block(nn.Module):
    """Two 3x3 convolutions with a residual connection, each behind a norm that the conditioning scales and shifts."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(inputs, CHANNELS, 1) if inputs != CHANNELS else nn.Identity()
        self.norms = nn.ModuleList(nn.GroupNorm(2, n, affine=False) for n in (inputs, CHANNELS))
        self.modulation = nn.ModuleList(nn.Linear(CONDITIONING, 2 * n) for n in (inputs, CHANNELS))
        self.convs = nn.ModuleList(nn.Conv2d(n, CHANNELS, 3, padding=1) for n in (inputs, CHANNELS))

    def forward(self, x: Tensor, conditioning: Tensor) -> Tensor:
        y = x
        for norm, modulate, conv in zip(self.norms, self.modulation, self.convs, strict=True):
            scale, shift = modulate(conditioning)[:, :, None, None].chunk(2, 1)
            y = conv(F.silu(norm(y) * (1 + scale) + shift))
        return self.shortcut(x) + y


class PixelUNet(nn.Module):
    """noisy (B, 3, H, W) and history (B, 12, H, W) float, level (B,) float, actions (B, 4) int64 to (B, 3, H, W)."""

    def __init__(self, actions: int) -> None:
        super().__init__()
        self.action = nn.Embedding(actions, CONDITIONING // HISTORY)
        self.condition = nn.Sequential(
            nn.Linear(CONDITIONING + 1, CONDITIONING), nn.SiLU(), nn.Linear(CONDITIONING, CONDITIONING)
        )
        self.conv_in = nn.Conv2d(3 + 3 * HISTORY, CHANNELS, 3, padding=1)
        self.encoder = nn.ModuleList(nn.ModuleList(Block(CHANNELS) for _ in range(2)) for _ in range(LEVELS))
        self.down = nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS, 3, 2, 1) for _ in range(LEVELS - 1))
        self.middle = nn.ModuleList(Block(CHANNELS) for _ in range(2))
        self.decoder = nn.ModuleList(nn.ModuleList(Block(2 * CHANNELS) for _ in range(3)) for _ in range(LEVELS))
        self.up = nn.ModuleList(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(LEVELS - 1))
        self.conv_out = nn.Conv2d(CHANNELS, 3, 3, padding=1)

    def forward(self, noisy: Tensor, history: Tensor, level: Tensor, actions: Tensor) -> Tensor:
        conditioning = self.condition(torch.cat([self.action(actions).flatten(1), level[:, None]], 1))
        x = self.conv_in(torch.cat([noisy, history], 1))
        skips = [x]
        for number, blocks in enumerate(self.encoder):
            if number:
                x = self.down[number - 1](x)
                skips.append(x)
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(x, conditioning)
                skips.append(x)
        for block in self.middle:
            x = block(x, conditioning)
        for number, blocks in enumerate(self.decoder):
            if number:
                x = self.up[number - 1](F.interpolate(x, scale_factor=2.0))
            assert isinstance(blocks, nn.ModuleList)
            for block in blocks:
                x = block(torch.cat([x, skips.pop()], 1), conditioning)
        return self.conv_out(F.silu(x))


@torch.no_grad()
def baseline_row(resolution: int, actions: int, frames: int, threads: int, seed: int) -> dict[str, Any]:
    """A row of the benchmark for the plain pixel diffusion, at batch 1 on `threads` threads."""
    torch.set_num_threads(threads)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = PixelUNet(actions).eval()
    history = torch.randn(1, 3 * HISTORY, resolution, resolution, generator=generator)
    pressed = torch.randint(actions, (1, HISTORY), generator=generator)
    sigmas = torch.linspace(1, 0, STEPS + 1)
    times = np.zeros(frames)
    for number in range(-WARM_UP, frames):
        start = time.perf_counter()
        x = torch.randn(1, 3, resolution, resolution, generator=generator)
        for now, then in pairwise(sigmas):  # Euler steps along dx/dsigma = (x - clean) / sigma
            clean = network(x, history, now[None], pressed)
            x = x + (x - clean) / now * (then - now)
        history = torch.cat([history[:, 3:], x.clamp(-1, 1)], 1)
        if number >= 0:
            times[number] = time.perf_counter() - start
    milliseconds = times * 1e3
    with FlopCounterMode(display=False) as counter:
        network(x, history, sigmas[:1], pressed)
    gflop = STEPS * counter.get_total_flops() / 1e9
    return {
        "bundle": BASELINE,
        "mode": "parallel",
        "decoder": "pixels",
        "steps": STEPS,
        "decoder_steps": STEPS,
        "backend": "torch",
        "threads": threads,
        "parameters": sum(p.numel() for p in network.parameters()),
        "resolution": resolution,
        "fps": float(1 / times.mean()),
        "frame_ms": {
            "p50": float(np.percentile(milliseconds, 50)),
            "p95": float(np.percentile(milliseconds, 95)),
            "max": float(milliseconds.max()),
        },
        "stages_ms": {"dynamics": float(milliseconds.mean())},
        "gflop_dynamics": gflop,
        "gflop_per_frame": gflop,
        "peak_rss_mb": peak_rss_mb(),
    }


if __name__ == "__main__":
    print(json.dumps(baseline_row(*map(int, sys.argv[1:]))))
