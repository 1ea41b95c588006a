"""The noise of a sampler: a function of trajectory, frame and place in the frame. It is never stored.

Of all codes of a frame a sampler looks at few, and computes the noise of those alone. Each trajectory has a key, one of
64 bits, that changes with every frame; the noise of a code is that number of SplitMix64 from there on. Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3"; Steele et al. 2014, "Fast splittable pseudorandom number
generators".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

GOLDEN = 0x9E3779B97F4A7C15
MULTIPLIERS = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
SHIFTS = 30, 27, 31
BITS = 23
"""Of each number: in float32 these many and a half are exact, so that no number comes out as 0 or 1."""


def keys_of(seeds: Sequence[int]) -> Keys:
    """The keys of the first frame, (B,) uint64, of trajectories with these seeds. Raises ValueError for one below 0."""
    return np.array([np.random.SeedSequence(seed).generate_state(1, np.uint64)[0] for seed in seeds], np.uint64)


def next_keys(keys: Keys) -> Keys:
    """The keys of the frames after those of `keys`."""
    return _mixed(keys)


def gumbel(keys: Keys, places: NDArray[np.integer]) -> NDArray[np.float32]:
    """Numbers of the standard Gumbel distribution, float32, of the shape that keys and places have together.

    keys: uint64. places: which number of the frame, from 0: position * V + code.
    """
    return -np.log(-np.log(_uniform(keys, places)))


def normal(keys: Keys, places: NDArray[np.integer]) -> NDArray[np.float32]:
    """Numbers of the standard normal distribution, float32, of the shape that keys and places have together.

    keys: uint64. places: which number of the frame, from 0. Box and Muller 1958, "A note on the generation of random
    normal deviates".
    """
    radius = np.sqrt(np.float32(-2) * np.log(_uniform(keys, 2 * places)))
    angle = np.float32(2 * np.pi) * _uniform(keys, 2 * places + 1)
    return np.asarray(radius * np.cos(angle))


def _uniform(keys: Keys, places: NDArray[np.integer]) -> NDArray[np.float32]:
    """Numbers between 0 and 1, neither included."""
    bits = _mixed(keys + (places.astype(np.uint64) + np.uint64(1)) * np.uint64(GOLDEN)) >> np.uint64(64 - BITS)
    return (bits.astype(np.float32) + np.float32(0.5)) * np.float32(2.0**-BITS)


def _mixed(z: Keys) -> Keys:
    z = (z ^ (z >> np.uint64(SHIFTS[0]))) * np.uint64(MULTIPLIERS[0])
    z = (z ^ (z >> np.uint64(SHIFTS[1]))) * np.uint64(MULTIPLIERS[1])
    return z ^ (z >> np.uint64(SHIFTS[2]))
