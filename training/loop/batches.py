"""Batches: named tuples whose tensors have the batch as their first axis. Other members are shared by all parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from torch import Tensor

B = TypeVar("B", bound=NamedTuple)


def batch_size(batch: NamedTuple) -> int:
    """Number of examples in a batch."""
    return next(len(x) for x in batch if isinstance(x, Tensor))


def split_batch(batch: B, parts: int) -> list[B]:
    """Split a batch into `parts` batches of sizes that differ by one at most."""
    columns: list[Any] = [x.tensor_split(parts) if isinstance(x, Tensor) else [x] * parts for x in batch]
    return [type(batch)(*part) for part in zip(*columns, strict=True)]


def map_batch(batch: B, move: Callable[[Tensor], Tensor]) -> B:
    """Apply a function to every tensor of a batch."""
    moved: list[Any] = [move(x) if isinstance(x, Tensor) else x for x in batch]
    return type(batch)(*moved)
