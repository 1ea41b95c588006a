"""Randomness as a function: a counter hash, so that a trajectory does not depend on the batch it is played in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_M1 = np.uint64(0xBF58476D1CE4E5B9)
_M2 = np.uint64(0x94D049BB133111EB)


def splitmix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The splitmix64 finaliser, element by element. Any shape, uint64 in and out; wraps around."""
    z = value + _GAMMA
    z = (z ^ (z >> np.uint64(30))) * _M1
    z = (z ^ (z >> np.uint64(27))) * _M2
    return z ^ (z >> np.uint64(31))


def bits(*counters: ArrayLike) -> NDArray[np.uint64]:
    """64 random bits for every (broadcast) tuple of counters, such as (seed, tick, purpose). Negative numbers wrap."""
    value = np.zeros(1, np.uint64)
    for counter in counters:
        value = splitmix(value ^ np.atleast_1d(np.asarray(counter)).astype(np.uint64))
    return value


def uniform(*counters: ArrayLike) -> NDArray[np.float64]:
    """Uniform numbers in [0, 1) for every tuple of counters."""
    return (bits(*counters) >> np.uint64(11)).astype(np.float64) * 2.0**-53
