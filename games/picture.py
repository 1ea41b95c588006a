"""A picture of any shape becomes a square frame."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.world import Frame

NAMED = ("screen", "rgb", "pixels", "image")
"""Under which names an observation of several parts keeps its picture, best first."""
LEAST_SIDE = 8
MOST_STACKED = 16
DIM = 32
"""What is never brighter than this is no picture, but a grid of small numbers that mean something."""


def as_picture(value: object) -> NDArray[np.uint8] | None:
    """What an environment gave, as (H, W, 3) uint8; None where that is no picture.

    Known are uint8 and floats in [0, 1], with channels last or first, in colour or in grey, tables and tuples of such,
    and lists, of which the last is taken.
    """
    array = _array(value)
    return None if array is None else _coloured(array)


class PictureReader:
    """Finds the pictures in what one environment shows, frame after frame.

    An array of three layers may be a picture in colour or three grey pictures, one after another: a stack. A stack is
    known by its layers, each of which moves on by one place with every step; the newest of them is the picture.
    """

    def __init__(self) -> None:
        self._before: NDArray[Any] | None = None
        self._newest = [-1, 0]
        self._known = False
        self._brightest = 0.0

    def begin(self) -> None:
        """What is looked at next does not follow from what was."""
        self._before = None

    def look(self, value: object) -> None:
        """Look at every observation in turn, before `picture` reads one."""
        if self._known and self._brightest >= DIM:
            return
        if (array := _array(value)) is None:
            return
        if array.size:
            self._brightest = max(self._brightest, float(array.max()) * (1 if array.dtype == np.uint8 else 255))
        axis = _stacked_axis(array)
        if self._known or axis is None:
            return
        layers = np.moveaxis(array, axis, 0)
        if (before := self._before) is not None and before.shape == layers.shape:
            moved_on = {-1: (layers[:-1], before[1:]), 0: (layers[1:], before[:-1])}
            self._newest = [end for end in self._newest if np.array_equal(*moved_on[end])]
            # A picture that stands still in grey is the same in both readings.
            self._known = not self._newest or bool((layers != layers[:1]).any())
        self._before = layers.copy()

    def picture(self, value: object) -> NDArray[np.uint8] | None:
        """The newest picture, (H, W, 3) uint8; None where there is none."""
        array = _array(value)
        if array is None:
            return None
        axis = _stacked_axis(array)
        coloured = array.ndim == 3 and _is_coloured(array)
        if axis is not None and self._newest and (self._known or not coloured):
            array = np.take(array, self._newest[0], axis)
        return _coloured(array)

    @property
    def is_dim(self) -> bool:
        """True where all that was looked at has small numbers only, and not all of them zero."""
        return 0 < self._brightest < DIM


def _array(value: object) -> NDArray[Any] | None:
    """The part of a value that may show a picture, or a stack of them."""
    if isinstance(value, dict):
        names = [*(name for name in NAMED if name in value), *(name for name in value if name not in NAMED)]
        parts = (_array(value[name]) for name in names)
        return next((part for part in parts if part is not None), None)
    if isinstance(value, tuple):
        return next((part for part in map(_array, value) if part is not None), None)
    if isinstance(value, list):  # pictures since the last one, as environments draw that gather them
        return _array(value[-1]) if value else None
    array = np.asarray(value)
    if not 2 <= array.ndim <= 4 or not (array.dtype == np.uint8 or np.issubdtype(array.dtype, np.floating)):
        return None
    if array.dtype != np.uint8 and not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        return None
    if array.ndim == 4:
        return array if array.shape[0] <= MOST_STACKED and array.size and _is_coloured(array[0]) else None
    sides = array.shape if array.ndim == 2 else array.shape[:-1] if array.shape[-1] <= MOST_STACKED else array.shape[1:]
    return array if min(sides) >= LEAST_SIDE and (array.ndim == 2 or min(array.shape) <= MOST_STACKED) else None


def _stacked_axis(array: NDArray[Any]) -> int | None:
    """Along which axis an array may hold several pictures; None where it can only hold one."""
    if array.ndim == 4:
        return 0
    if array.ndim == 2:
        return None
    axis = 2 if array.shape[-1] <= MOST_STACKED else 0
    return axis if array.shape[axis] > 1 else None


def _is_coloured(array: NDArray[Any]) -> bool:
    """True where the shape is that of one picture with channels."""
    return array.ndim == 3 and (array.shape[-1] in (1, 3, 4) or array.shape[0] in (1, 3))


def _coloured(array: NDArray[Any]) -> NDArray[np.uint8] | None:
    """One picture of any form as (H, W, 3) uint8."""
    if array.ndim == 3 and array.shape[-1] not in (1, 3, 4) and array.shape[0] in (1, 3):
        array = array.transpose(1, 2, 0)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[-1] not in (1, 3, 4) or min(array.shape[:2]) < LEAST_SIDE:
        return None
    if array.dtype != np.uint8:
        array = np.rint(array * 255).astype(np.uint8)
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
