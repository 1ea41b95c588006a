"""`reverie.engine.noise` of tensors, on their device: the same numbers, up to the rounding of the logarithm."""

from __future__ import annotations

import math

from torch import Tensor

from reverie.engine.noise import BITS, GOLDEN, MULTIPLIERS, SHIFTS


def next_keys(keys: Tensor) -> Tensor:
    """`reverie.engine.noise.next_keys` of a tensor (B,) int64, the bits of which are those of uint64."""
    return _mixed(keys)


def gumbel(keys: Tensor, places: Tensor) -> Tensor:
    """`reverie.engine.noise.gumbel` of tensors: keys and places, int64, to float32."""
    return _uniform(keys, places).log_().neg_().log_().neg_()


def normal(keys: Tensor, places: Tensor) -> Tensor:
    """`reverie.engine.noise.normal` of tensors: keys and places, int64, to float32."""
    radius = (-2 * _uniform(keys, 2 * places).log()).sqrt()
    return radius * (2 * math.pi * _uniform(keys, 2 * places + 1)).cos()


def _uniform(keys: Tensor, places: Tensor) -> Tensor:
    bits = _shifted(_mixed(keys + (places + 1) * _signed(GOLDEN)), 64 - BITS)
    return (bits.float() + 0.5) * 2.0**-BITS


def _mixed(z: Tensor) -> Tensor:
    z = (z ^ _shifted(z, SHIFTS[0])) * _signed(MULTIPLIERS[0])
    z = (z ^ _shifted(z, SHIFTS[1])) * _signed(MULTIPLIERS[1])
    return z ^ _shifted(z, SHIFTS[2])


def _shifted(z: Tensor, by: int) -> Tensor:
    return (z >> by) & ((1 << (64 - by)) - 1)  # int64 fills up with its sign, and uint64 with zeros


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
