"""Patches of frames, compared pixel by pixel. Needs numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Codes:
    """The codes that a tokenizer gives to patches. grid: rows and columns of patches. count: of different codes."""

    grid: tuple[int, int]
    count: int


def patch_hashes(frames: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.int64]:
    """A number for every patch of frames (N, H, W, 3), the same for the same pixels: (N, P) int64."""
    n, height, width, channels = frames.shape
    rows, columns = grid
    shape = (rows, height // rows, columns, width // columns, channels)
    key = np.random.default_rng(0).integers(1, 2**62, size=shape[1] * shape[3] * channels, dtype=np.int64)
    key = key.reshape(shape[1], shape[3], channels)
    parts = np.array_split(frames, max(1, n // 512))
    hashes = [np.einsum("nhpwqc,pqc->nhw", part.reshape(-1, *shape), key) for part in parts]
    return np.concatenate(hashes).reshape(n, -1)
