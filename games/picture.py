"""A picture of any shape becomes a square frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.games.world import Frame

NAMED = ("screen", "rgb", "pixels", "image")
"""Under which names an observation of several parts keeps its picture, best first."""


def as_picture(value: object) -> NDArray[np.uint8] | None:
    """What an environment gave, as (H, W, 3) uint8; None where that is no picture.

    Known are uint8 and floats in [0, 1], with channels last or first, in colour or in grey, and tables of such.
    """
    if isinstance(value, dict):
        parts = (as_picture(value[name]) for name in NAMED if name in value)
        return next((part for part in parts if part is not None), None)
    array = np.asarray(value)
    if array.ndim == 3 and array.shape[-1] not in (1, 3, 4) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or min(array.shape[:2]) < 8:
        return None
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            return None
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        return None
    return array[..., :3] if array.shape[-1] >= 3 else array.repeat(3, -1)


def letterbox(picture: NDArray[np.uint8], size: int) -> Frame:
    """(H, W, 3) uint8 as (size, size, 3) uint8: as large as fits, black beside it, each pixel the mean of its area."""
    height, width = picture.shape[:2]
    if height == width == size:
        return np.ascontiguousarray(picture)
    scale = size / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    narrow = (_areas(height, rows) @ picture.reshape(height, -1).astype(np.float32)).reshape(rows, width, 3)
    small = np.einsum("cw,rwk->rck", _areas(width, columns), narrow, optimize=True)
    frame = np.zeros((size, size, 3), np.uint8)
    top, left = (size - rows) // 2, (size - columns) // 2
    frame[top : top + rows, left : left + columns] = np.rint(small)
    return frame


@lru_cache(maxsize=64)
def _areas(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) float32: which share of each new pixel lies in each old one."""
    edges = np.linspace(0, source, target + 1)
    old = np.arange(source)
    overlap = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    shares = np.clip(overlap, 0, None)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32)
