"""The diffusion decoder's sampler: a few steps lead from noise to a picture of the tokens."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reverie.engine.guard import Bools
from reverie.engine.runtime import Runtime
from reverie.engine.tokens.sampler import Floats, Tokens

Frames = NDArray[np.uint8]


@lru_cache
def fixed_noise(height: int, width: int) -> Floats:
    """(H, W, 3) standard normal, read-only: one noise for every frame, so that what stands still does not shimmer."""
    noise = np.random.Generator(np.random.PCG64(0)).standard_normal((height, width, 3), np.float32)
    noise.flags.writeable = False
    return noise


def sample(runtime: Runtime, tokens: Tokens, vq: Frames, steps: int) -> tuple[Frames, Bools]:
    """Draw tokens (B, S) as frames (B, H, W, 3) uint8 in `steps` equal steps.

    vq: (B, H, W, 3) uint8, the VQ decoder's picture of them. (B,): whose are good; the others keep that picture.
    """
    batch, height, width, _ = vq.shape
    noisy, frames = np.repeat(fixed_noise(height, width)[None], batch, 0), vq
    for level, target in pairwise(np.linspace(1, 0, steps + 1)):
        levels = {"level": np.full(batch, level, np.float32), "target": np.full(batch, target, np.float32)}
        out = runtime.call("diffusion", {"noisy": noisy, **levels, "tokens": tokens, "vq": vq})
        noisy, frames = out["less_noisy"], out["frames"]
    good = np.asarray(np.isfinite(noisy).reshape(batch, -1).all(1))  # at level 0 it is the correction itself
    return frames if good.all() else np.where(good[:, None, None, None], frames, vq), good
