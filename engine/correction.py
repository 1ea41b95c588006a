"""The sampler of a diffusion decoder: a few steps lead from noise to what a plain decoder's picture lacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from reverie.engine.arrays import Array, Arrays

GRAPH = "diffusion"
"""Name of the graph that takes one step."""
FAULT = "the diffusion decoder gave NaN or infinity"


@lru_cache
def fixed_noise(height: int, width: int) -> NDArray[np.float32]:
    """(H, W, 3) standard normal, read-only: one noise for every frame, so that what stands still does not shimmer."""
    noise = np.random.Generator(np.random.PCG64(0)).standard_normal((height, width, 3), np.float32)
    noise.flags.writeable = False
    return noise


def draw(
    step: Callable[[Mapping[str, Array]], Mapping[str, Array]], picture: Array, steps: int, arrays: Arrays
) -> tuple[Array, Array]:
    """Draw frames (B, H, W, 3) uint8 in `steps` equal steps.

    step: runs the graph on `noisy`, `level` and `target`, and on whatever else it takes. picture: (B, H, W, 3) uint8,
    the plain decoder's. Returns whose frames are good too, (B,) bool; the others keep that picture.
    """
    batch, height, width, _ = picture.shape
    noisy, frames = arrays.of(np.repeat(fixed_noise(height, width)[None], batch, 0)), picture
    for level, target in pairwise(np.linspace(1, 0, steps + 1)):
        levels = {
            name: arrays.of(np.full(batch, at, np.float32)) for name, at in (("level", level), ("target", target))
        }
        out = step({"noisy": noisy, **levels})
        noisy, frames = out["less_noisy"], out["frames"]
    good = arrays.finite(noisy)  # at level 0 it is the correction itself
    return arrays.where(good, frames, picture), good
