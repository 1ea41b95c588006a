"""The few things that a dream does with arrays itself, so that it runs on numpy and on a device alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.engine.guard import Checks, NumpyTally, Tally
from reverie.engine.noise import keys_of, next_keys
from reverie.engine.ring import NumpyRing, Ring

if TYPE_CHECKING:
    from reverie.engine.manifest import StateSpec

__all__ = ["Array", "Arrays", "Checks", "NumpyArrays"]

Array = Any
"""An array of numpy, or a tensor of torch: what both have in common (shape, dtype, indexing, arithmetic) is used."""


class Arrays(Protocol):
    """A kind of array."""

    def of(self, array: NDArray[Any]) -> Array:
        """A numpy array as this kind; shared where it can be."""

    def numpy(self, array: Array) -> NDArray[Any]:
        """An array of this kind as one of numpy; shared where it can be."""

    def is_own(self, value: object) -> bool:
        """Whether a value is on a device already, so that looking at it would hold everything up."""

    def zeros(self, shape: Sequence[int], dtype: str) -> Array:
        """Zeros: float32, int64, uint8 or bool."""

    def copy(self, array: Array) -> Array:
        """A copy."""

    def where(self, rows: Array, new: Array, old: Array) -> Array:
        """new where rows (B,) bool is true, old elsewhere; both (B, ...). May be `new` itself where all are true."""

    def finite(self, array: Array) -> Array:
        """(B,) bool: whose numbers (B, ...) are all finite."""

    def all_of(self, checks: Checks, batch: int) -> Array:
        """(B,) bool: who passed every one of the checks; everybody where there is none."""

    def ring(self, batch: int, state: Mapping[str, StateSpec]) -> Ring:
        """An empty ring."""

    def tally(self) -> Tally:
        """A tally of faults at 0."""

    def keys_of(self, seeds: Sequence[int]) -> Array:
        """Keys of the noise of the first frame (B,): see `engine.noise`."""

    def next_keys(self, keys: Array) -> Array:
        """Keys of the noise of the frame after."""


class NumpyArrays:
    """numpy's, on the processor."""

    def of(self, array: NDArray[Any]) -> NDArray[Any]:
        """As it is."""
        return array

    def numpy(self, array: NDArray[Any]) -> NDArray[Any]:
        """As it is."""
        return array

    def is_own(self, value: object) -> bool:
        """Never: numpy's arrays are looked at for free."""
        return False

    def zeros(self, shape: Sequence[int], dtype: str) -> NDArray[Any]:
        return np.zeros(tuple(shape), np.dtype(dtype))

    def copy(self, array: NDArray[Any]) -> NDArray[Any]:
        return array.copy()

    def where(self, rows: NDArray[np.bool_], new: NDArray[Any], old: NDArray[Any]) -> NDArray[Any]:
        return new if rows.all() else np.where(rows.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    def finite(self, array: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(array).reshape(len(array), -1).all(1))

    def all_of(self, checks: Checks, batch: int) -> NDArray[np.bool_]:
        return np.logical_and.reduce([np.ones(batch, np.bool_), *checks.values()])

    def ring(self, batch: int, state: Mapping[str, StateSpec]) -> Ring:
        return NumpyRing(batch, state)

    def tally(self) -> Tally:
        return NumpyTally()

    def keys_of(self, seeds: Sequence[int]) -> NDArray[np.uint64]:
        return keys_of(seeds)

    def next_keys(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return next_keys(keys)
