"""The history ring: cached keys and values of the last frames, one push a frame."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.engine.manifest import CacheShape

Floats = NDArray[np.float32]


class RingSnapshot(NamedTuple):
    """A copy of a ring's content."""

    keys: Floats
    values: Floats
    age: NDArray[np.int64]
    slot: NDArray[np.int64]


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
        # The next slot to write of each trajectory, an empty one or else the oldest.
        self._slot = np.zeros(batch, np.int64)

    @property
    def slots(self) -> int:
        """How many frames the ring holds."""
        return self.age.shape[1]

    @property
    def filled(self) -> int:
        """How many slots hold a frame, of the trajectory where most do."""
        return int(np.count_nonzero(self.age, axis=1).max())

    def push(self, keys: Floats, values: Floats, good: NDArray[np.bool_]) -> None:
        """Write one frame's keys and values, each (B, layers, heads, P, head_dim), over the oldest slot.

        good: (B,), whose; the others stay as they are.
        """
        for row in np.flatnonzero(good):
            slot, age = self._slot[row], self.age[row]
            self.keys[row, :, :, slot] = keys[row]
            self.values[row, :, :, slot] = values[row]
            age[age > 0] += 1
            age[slot] = 1
            self._slot[row] = (slot + 1) % self.slots

    def clear(self) -> None:
        """Forget every frame."""
        self.keys.fill(0)
        self.values.fill(0)
        self.age.fill(0)
        self._slot.fill(0)

    def put(self, rows: list[int], other: Ring) -> None:
        """Take over another ring's content: its trajectory i becomes number rows[i] of this one."""
        self.keys[rows], self.values[rows] = other.keys, other.values
        self.age[rows], self._slot[rows] = other.age, other._slot

    def snapshot(self) -> RingSnapshot:
        """A copy of the content."""
        return RingSnapshot(self.keys.copy(), self.values.copy(), self.age.copy(), self._slot.copy())

    def restore(self, snapshot: RingSnapshot) -> None:
        """Put a snapshot's content back. Raises ValueError if it is of another shape."""
        if snapshot.keys.shape != self.keys.shape:
            raise ValueError(f"the snapshot's ring is {snapshot.keys.shape}, this one {self.keys.shape}")
        self.keys[:], self.values[:], self.age[:] = snapshot.keys, snapshot.values, snapshot.age
        self._slot[:] = snapshot.slot
