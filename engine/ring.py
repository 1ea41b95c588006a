"""The history ring: what trajectories keep of their last frames, by the manifest's `state` table; one push a frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from reverie.engine.manifest import StateSpec

RingSnapshot = dict[str, Any]
"""A copy of a ring's content: its tensors by name, and what it needs itself under names that begin with a dot."""
AGE, SLOT = ".age", ".slot"


class Ring(Protocol):
    """What `DreamBatch` does with a ring.

    tensors: what the graphs read, by the names of the state table, each (B, *shape). A tensor that is updated by `age`
    says of each slot how many frames ago it was written: 1 is the frame before this one, 0 an empty slot.
    """

    @property
    def tensors(self) -> Mapping[str, Any]: ...

    @property
    def filled(self) -> int:
        """How many slots hold a frame, of the trajectory where most do."""

    def push(self, new: Mapping[str, Any], good: Any) -> None:
        """Write one frame over the oldest slot, for the trajectories that are good (B,) bool; the others stay.

        new: by tensor, (B, *shape without the slots' axis).
        """

    def clear(self) -> None:
        """Forget every frame."""

    def put(self, rows: Sequence[int], other: Any, of: Sequence[int]) -> None:
        """Take over from another ring: its trajectory of[i] becomes number rows[i] of this one."""

    def snapshot(self) -> RingSnapshot:
        """A copy of the content."""

    def restore(self, snapshot: RingSnapshot) -> None:
        """Put a snapshot's content back. Raises ValueError if it is of another ring."""


class NumpyRing:
    """A ring of fixed numpy arrays, which graphs read as they are. A push touches one slot."""

    def __init__(self, batch: int, state: Mapping[str, StateSpec]) -> None:
        """state: not empty; `Manifest` has checked that all of it has the same number of slots."""
        self.tensors: dict[str, NDArray[Any]] = {}
        self._by_slot: dict[str, NDArray[Any]] = {}  # views of the tensors, (B, slots, ...)
        slots = 0
        for name, spec in state.items():
            self.tensors[name] = np.zeros((batch, *spec.shape), np.dtype(spec.type))
            if spec.axis is not None:
                self._by_slot[name] = np.moveaxis(self.tensors[name], spec.axis + 1, 1)
            slots = spec.shape[spec.axis or 0]
        ages = [name for name, spec in state.items() if spec.update == "age"]
        self._age = self.tensors[ages[0]] if ages else np.zeros((batch, slots), np.int64)
        # The next slot to write of each trajectory, an empty one or else the oldest.
        self._slot = np.zeros(batch, np.int64)

    @property
    def slots(self) -> int:
        """How many frames the ring holds."""
        return self._age.shape[1]

    @property
    def filled(self) -> int:
        return int(np.count_nonzero(self._age, axis=1).max())

    def push(self, new: Mapping[str, NDArray[Any]], good: NDArray[np.bool_]) -> None:
        for row in np.flatnonzero(good):
            slot, age = self._slot[row], self._age[row]
            for name, slots in self._by_slot.items():
                slots[row, slot] = new[name][row]
            np.add(age, 1, out=age, where=age > 0)
            age[slot] = 1
            self._slot[row] = (slot + 1) % self.slots

    def clear(self) -> None:
        for array in self._content().values():
            array.fill(0)

    def put(self, rows: Sequence[int], other: NumpyRing, of: Sequence[int]) -> None:
        theirs = other._content()
        for name, array in self._content().items():
            array[rows] = theirs[name][of]

    def snapshot(self) -> RingSnapshot:
        return {name: array.copy() for name, array in self._content().items()}

    def restore(self, snapshot: RingSnapshot) -> None:
        mine = self._content()
        if {name: array.shape for name, array in mine.items()} != {n: array.shape for n, array in snapshot.items()}:
            raise ValueError("the snapshot was taken from another bundle or batch")
        for name, array in mine.items():
            array[:] = snapshot[name]

    def _content(self) -> dict[str, NDArray[Any]]:
        """Everything that it holds; the ages stand twice where a graph reads them, and are one array."""
        return {**self.tensors, AGE: self._age, SLOT: self._slot}
