"""`reverie.engine.arrays` for torch. Nothing waits for the device unless a number is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.engine.guard import Checks, Faults
from reverie.engine.noise import keys_of
from reverie.engine.ring import AGE, SLOT, RingSnapshot
from reverie.engine.torch_noise import next_keys

if TYPE_CHECKING:
    from reverie.engine.manifest import StateSpec

DTYPES = {"float32": torch.float32, "int64": torch.int64, "uint8": torch.uint8, "bool": torch.bool}


class TorchArrays:
    """`reverie.engine.arrays.Arrays` of tensors on a device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def of(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def numpy(self, array: Tensor) -> NDArray[Any]:
        copied: NDArray[Any] = array.cpu().numpy()
        return copied

    def is_own(self, value: object) -> bool:
        return isinstance(value, Tensor)

    def zeros(self, shape: Sequence[int], dtype: str) -> Tensor:
        return torch.zeros(tuple(shape), dtype=DTYPES[dtype], device=self.device)

    def copy(self, array: Tensor) -> Tensor:
        return array.clone()

    def where(self, rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
        # Always a new tensor: the next run of a captured graph writes over what the last one gave.
        return torch.where(rows.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    def finite(self, array: Tensor) -> Tensor:
        return array.flatten(1).isfinite().all(1)

    def all_of(self, checks: Checks, batch: int) -> Tensor:
        if not checks:
            return torch.ones(batch, dtype=torch.bool, device=self.device)
        return torch.stack(list(checks.values())).all(0)

    def ring(self, batch: int, state: Mapping[str, StateSpec]) -> TorchRing:
        return TorchRing(batch, state, self.device)

    def tally(self) -> TorchTally:
        return TorchTally()

    def keys_of(self, seeds: Sequence[int]) -> Tensor:
        return self.of(keys_of(seeds).view(np.int64))

    def next_keys(self, keys: Tensor) -> Tensor:
        return next_keys(keys)


class TorchRing:
    """`reverie.engine.ring.Ring` of tensors."""

    def __init__(self, batch: int, state: Mapping[str, StateSpec], device: torch.device) -> None:
        """state: not empty; `Manifest` has checked that all of it has the same number of slots."""
        self.tensors: dict[str, Tensor] = {}
        self._axes: dict[str, int] = {}
        slots = 0
        for name, spec in state.items():
            self.tensors[name] = torch.zeros((batch, *spec.shape), dtype=DTYPES[spec.type], device=device)
            if spec.axis is not None:
                self._axes[name] = spec.axis
            slots = spec.shape[spec.axis or 0]
        ages = [name for name, spec in state.items() if spec.update == "age"]
        empty = torch.zeros((batch, slots), dtype=torch.int64, device=device)
        self._age = self.tensors[ages[0]] if ages else empty
        self._slot = torch.zeros(batch, dtype=torch.int64, device=device)
        self._rows = torch.arange(batch, device=device)

    @property
    def filled(self) -> int:
        return int((self._age > 0).sum(1).max())

    def push(self, new: Mapping[str, Tensor], good: Tensor) -> None:
        for name, axis in self._axes.items():
            at: Any = (self._rows, *[slice(None)] * axis, self._slot)  # selects (B, *shape without the slots' axis)
            ring, given = self.tensors[name], new[name]
            ring[at] = torch.where(good.reshape(-1, *[1] * (given.ndim - 1)), given, ring[at])
        older = torch.where(self._age > 0, self._age + 1, self._age)  # (B, slots)
        older[self._rows, self._slot] = 1
        self._age.copy_(torch.where(good[:, None], older, self._age))
        self._slot = torch.where(good, (self._slot + 1) % self._age.shape[1], self._slot)

    def clear(self) -> None:
        for tensor in self._content().values():
            tensor.zero_()

    def put(self, rows: Sequence[int], other: TorchRing, of: Sequence[int]) -> None:
        theirs = other._content()
        for name, tensor in self._content().items():
            tensor[list(rows)] = theirs[name][list(of)]

    def snapshot(self) -> RingSnapshot:
        return {name: tensor.clone() for name, tensor in self._content().items()}

    def restore(self, snapshot: RingSnapshot) -> None:
        mine = self._content()
        if {name: tensor.shape for name, tensor in mine.items()} != {n: x.shape for n, x in snapshot.items()}:
            raise ValueError("the snapshot was taken from another bundle or batch")
        for name, tensor in mine.items():
            tensor.copy_(snapshot[name])

    def _content(self) -> dict[str, Tensor]:
        """Everything that it holds; the ages stand twice where a graph reads them, and are one tensor."""
        return {**self.tensors, AGE: self._age, SLOT: self._slot}


class TorchTally:
    """A tally of checks that are tensors. They are counted on their device; only `faults` waits for it."""

    def __init__(self) -> None:
        self._count: Tensor | int = 0
        self._added = 0
        # Sentences of checks that come together, to (K,) int64: when each of them failed last, 0 for never.
        self._failed: dict[tuple[str, ...], Tensor] = {}

    @property
    def faults(self) -> Faults:
        last, what = 0, ""
        for sentences, times in self._failed.items():
            for sentence, time in zip(sentences, times.tolist(), strict=True):
                if time > last:
                    last, what = time, sentence
        return Faults(int(self._count), what)

    def add(self, checks: Checks, then: str) -> None:
        if not checks:
            return
        self._added += 1
        wrong = ~torch.stack(list(checks.values()))  # (K, B)
        self._count = self._count + wrong.any(0).sum()
        now, sentences = wrong.any(1) * self._added, tuple(f"{what}: {then}" for what in checks)  # (K,)
        before = self._failed.get(sentences)
        self._failed[sentences] = now if before is None else torch.maximum(before, now)

    def merge(self, other: TorchTally) -> None:
        self._count = self._count + other._count
        for sentences, theirs in other._failed.items():
            later = torch.where(theirs > 0, theirs + self._added, 0)
            mine = self._failed.get(sentences)
            self._failed[sentences] = later if mine is None else torch.maximum(mine, later)
        self._added += other._added
