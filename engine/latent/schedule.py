"""How the way from noise to a clean frame is divided into steps of sizes that a denoiser has learnt."""

from __future__ import annotations

from typing import NamedTuple

FINEST = 8
"""Steps of the finest schedule. A step is a half, a quarter or an eighth of the way, or all of it."""


class Step(NamedTuple):
    """One step of denoising.

    level: how much of the way is behind, in eighths. size: the step's length is 2 ** size eighths.
    share: which part of the way that is left the step goes.
    """

    level: int
    size: int
    share: float


def schedule(steps: int) -> tuple[Step, ...]:
    """Return 1 to 8 steps: as equal as they can be, the smaller ones last, where details are decided.

    Every level is a multiple of its step's length, as in training. Raises ValueError for another number of steps.
    """
    if not 1 <= steps <= FINEST:
        raise ValueError(f"steps must be 1 to {FINEST}, not {steps}")
    sizes = [FINEST.bit_length() - 1]
    while len(sizes) < steps:
        at = len(sizes) - 1 - sizes[::-1].index(max(sizes))  # the last of the longest
        sizes[at : at + 1] = [sizes[at] - 1] * 2
    made, level = [], 0
    for size in sizes:
        made.append(Step(level, size, (1 << size) / (FINEST - level)))
        level += 1 << size
    return tuple(made)
