"""The history ring: cached keys and values of the last frames, one push a frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.manifest import CacheShape

Floats = NDArray[np.float32]


class RingSnapshot(NamedTuple):
    """A copy of a ring's content."""

    keys: Floats
    values: Floats
    age: NDArray[np.int64]
    slot: int


class Ring:
    """Fixed arrays that the dynamics graph reads as they are.

    keys, values: (B, layers, heads, slots, P, head_dim) float32, P positions a frame. age: (B, slots) int64, how many
    frames ago a slot was written (1 = the frame before this one), 0 = empty. A push overwrites the oldest slot and
    touches no other.
    """

    def __init__(self, batch: int, shape: CacheShape) -> None:
        size = (batch, shape.layers, shape.heads, shape.slots, shape.positions, shape.head_dim)
        self.keys: Floats = np.zeros(size, np.float32)
        self.values: Floats = np.zeros(size, np.float32)
        self.age = np.zeros((batch, shape.slots), np.int64)
        self._slot = 0  # the next slot to write: an empty one, or else the oldest

    @property
    def slots(self) -> int:
        """How many frames the ring holds."""
        return self.age.shape[1]

    @property
    def filled(self) -> int:
        """How many slots hold a frame."""
        return int(np.count_nonzero(self.age[0]))

    def push(self, keys: Floats, values: Floats) -> None:
        """Write one frame's keys and values, each (B, layers, heads, P, head_dim), over the oldest slot."""
        self.keys[:, :, :, self._slot] = keys
        self.values[:, :, :, self._slot] = values
        self.age[self.age > 0] += 1
        self.age[:, self._slot] = 1
        self._slot = (self._slot + 1) % self.slots

    def clear(self) -> None:
        """Forget every frame."""
        self.keys.fill(0)
        self.values.fill(0)
        self.age.fill(0)
        self._slot = 0

    def snapshot(self) -> RingSnapshot:
        """A copy of the content."""
        return RingSnapshot(self.keys.copy(), self.values.copy(), self.age.copy(), self._slot)

    def restore(self, snapshot: RingSnapshot) -> None:
        """Put a snapshot's content back. Raises ValueError if it is of another shape."""
        if snapshot.keys.shape != self.keys.shape:
            raise ValueError(f"the snapshot's ring is {snapshot.keys.shape}, this one {self.keys.shape}")
        self.keys[:], self.values[:], self.age[:] = snapshot.keys, snapshot.values, snapshot.age
        self._slot = snapshot.slot
