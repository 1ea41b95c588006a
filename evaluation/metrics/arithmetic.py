"""The arithmetic of the figures: arrays in, numbers out, nothing about games or models."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PSNR_CAP_DB = 60.0
"""What a frame that is exactly right scores, in place of infinity; no decoder here comes near it otherwise."""

SEGMENTS: tuple[tuple[int, int], ...] = ((1, 16), (17, 64), (65, 256), (257, 1024))
"""The stretches of a rollout that are reported apart, by the number of the dreamt frame, both ends included."""
SEGMENT_NAMES = tuple(f"{first}-{last}" for first, last in SEGMENTS)
"""What the reports call them."""

SEEN_SIDE = 64
"""Largest side in pixels of what a network that judges pictures sees; larger frames are halved."""

DRIFT_RUN = 8
"""So many frames in a row that are no legal picture of the game: the dream has drifted."""

_SSIM_WINDOW, _SSIM_SIGMA, _SSIM_K1, _SSIM_K2 = 11, 1.5, 0.01, 0.03


def psnr_db(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Peak signal-to-noise ratio of each frame, in dB.

    a, b: (N, H, W, 3) uint8. Returns (N,) float64: 10 log10(255² / mse), with one mean squared error for a frame's
    pixels and channels together, at most PSNR_CAP_DB. A figure over many frames is the mean of these.
    """
    _same_shape(a, b)
    difference = a.astype(np.float32) - b.astype(np.float32)
    mse = np.mean(difference * difference, axis=(1, 2, 3), dtype=np.float64)
    return np.asarray(10.0 * np.log10(255.0**2 / np.maximum(mse, 255.0**2 / 10 ** (PSNR_CAP_DB / 10))))


def enlarged(frames: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Frames (N, H, W, 3) uint8 with every pixel drawn as a square of pixels, so that they are `size` wide.

    Raises ValueError where that is no whole number of times as wide.
    """
    if size % frames.shape[2]:
        raise ValueError(f"Pictures {frames.shape[2]} px wide cannot be enlarged to {size} in whole pixels.")
    times = size // frames.shape[2]
    return frames.repeat(times, axis=1).repeat(times, axis=2)


def shrunk(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(..., H, W, 3) with sides halved until they are no longer than SEEN_SIDE."""
    while frames.shape[-2] > SEEN_SIDE:
        *n, height, width, _ = frames.shape
        halves = frames.reshape(*n, height // 2, 2, width // 2, 2, 3)
        frames = np.rint(halves.mean((-4, -2), dtype=np.float32)).astype(np.uint8)
    return frames


def ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Structural similarity of each frame (Wang et al. 2004).

    a, b: (N, H, W, 3) uint8, H and W at least 11. Returns (N,) float64. Gaussian window 11x11 with sigma 1.5, K1 =
    0.01, K2 = 0.03, range 255; each colour channel by itself, over the windows that lie wholly inside, then the mean.
    """
    _same_shape(a, b)
    rows, columns = _blur_matrix(a.shape[1]), _blur_matrix(a.shape[2])
    x = np.moveaxis(a, 3, 1).astype(np.float64)
    y = np.moveaxis(b, 3, 1).astype(np.float64)

    def blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(rows @ image @ columns.T)

    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x * mean_x
    var_y = blur(y * y) - mean_y * mean_y
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (_SSIM_K1 * 255) ** 2, (_SSIM_K2 * 255) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    )
    return np.asarray(similarity.mean(axis=(1, 2, 3)))


@cache
def _blur_matrix(length: int) -> NDArray[np.float64]:
    """(length - 10, length): the Gaussian window as a matrix, so that BLAS does the filtering."""
    if length < _SSIM_WINDOW:
        raise ValueError(f"SSIM needs pictures of at least {_SSIM_WINDOW} px, not {length}.")
    offsets = np.arange(_SSIM_WINDOW) - _SSIM_WINDOW // 2
    window = np.exp(-(offsets**2) / (2 * _SSIM_SIGMA**2))
    window /= window.sum()
    matrix = np.zeros((length - _SSIM_WINDOW + 1, length))
    for row in range(len(matrix)):
        matrix[row, row : row + _SSIM_WINDOW] = window
    return matrix


def drift_free(valid: NDArray[np.bool_]) -> int | None:
    """How many frames came before the first of 8 in a row that are not valid. valid: (T,) bool. None: there is none."""
    run = 0
    for index, good in enumerate(valid):
        run = 0 if good else run + 1
        if run == DRIFT_RUN:
            return index + 1 - DRIFT_RUN
    return None


def mean_or_none(values: NDArray[np.float64] | NDArray[np.bool_]) -> float | None:
    """The mean, or None where there is nothing to take it of: nothing measured is not zero."""
    return float(np.mean(values, dtype=np.float64)) if values.size else None


def auc(scores: NDArray[Any], labels: NDArray[np.bool_]) -> float | None:
    """Area under ROC: how often a true one scores higher than a false one, ties counting half. None without both.

    scores, labels: (N,).
    """
    true, false = np.sort(scores[labels]), np.sort(scores[~labels])
    if not len(true) or not len(false):
        return None
    below, upto = (np.searchsorted(false, true, side) for side in ("left", "right"))
    return float((below + upto).sum() / (2 * len(true) * len(false)))


class Share:
    """A running share: how many of how many. `value` is None while nothing was counted."""

    def __init__(self) -> None:
        self.hits = 0
        self.of = 0

    def add(self, hits: NDArray[np.bool_], among: NDArray[np.bool_] | None = None) -> None:
        """Count `hits` (any shape, bool), only where `among` (the same shape) holds if it is given."""
        self.hits += int((hits if among is None else hits & among).sum())
        self.of += int(hits.size if among is None else among.sum())

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None


class F1:
    """A running F1 of labels of which 0 means that nothing happens: micro-averaged over the other labels.

    `value` is None while nothing happened and nothing was said to.
    """

    def __init__(self) -> None:
        self.right = 0
        self.said = 0
        self.of = 0

    def add(self, said: NDArray[Any], true: NDArray[Any]) -> None:
        """Count predicted and true labels, numbers or bools of the same shape."""
        self.right += int(((said == true) & (true != 0)).sum())
        self.said += int((said != 0).sum())
        self.of += int((true != 0).sum())

    @property
    def value(self) -> float | None:
        return 2 * self.right / (self.said + self.of) if self.said + self.of else None


def _same_shape(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> None:
    if a.shape != b.shape or a.ndim != 4:
        raise ValueError(f"Two stacks of frames (N, H, W, 3) are compared, not {a.shape} and {b.shape}.")
