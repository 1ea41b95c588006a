"""The arithmetic of token figures: arrays in, numbers out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nll_bits(logits: NDArray[np.float32], tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bits that each token costs under the model. logits: (..., V), tokens: (...). Returns (...) float64."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=-1, dtype=np.float64))
    chosen = np.take_along_axis(shifted, tokens[..., None], axis=-1)[..., 0]
    return np.asarray((log_total - chosen) / np.log(2.0))


def perplexity(counts: NDArray[np.int64]) -> float:
    """How many codes, all used equally, would be as varied as these. counts: (V,), how often each code occurred."""
    share = counts[counts > 0] / max(int(counts.sum()), 1)
    return float(np.exp(-(share * np.log(share)).sum()))


def patches_changed(before: NDArray[np.uint8], after: NDArray[np.uint8], grid: tuple[int, int]) -> NDArray[np.bool_]:
    """Which patches have a pixel that differs. (N, H, W, 3) twice; returns (N, h*w) bool, row-major as tokens are."""
    count, height, width, _ = before.shape
    rows, columns = grid
    differs = (before != after).any(axis=3).reshape(count, rows, height // rows, columns, width // columns)
    return np.asarray(differs.any(axis=(2, 4)).reshape(count, rows * columns))
