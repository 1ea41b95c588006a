"""States as dataclasses of arrays with one row for each trajectory: what a picture shows, and what it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import Bools, Ints
from reverie.games.rng import uniform

HEARTS = 3
TOP_SCORE = 99
GRACE = 16
"""Ticks after a lost heart, and at the beginning of a round, in which no heart is lost: from rules 2 on."""


def array(*shape: int, dtype: type = np.int64) -> dict[str, Any]:
    """The metadata of a field of a Table: an array (B, *shape)."""
    return {"shape": shape, "dtype": dtype}


@dataclass
class Table:
    """Arrays with B rows each."""

    @classmethod
    def empty(cls, batch: int) -> Self:
        """A table whose every number is zero."""
        return cls(**{f.name: np.zeros((batch, *f.metadata["shape"]), f.metadata["dtype"]) for f in fields(cls)})

    @classmethod
    def join(cls, parts: Sequence[Table]) -> Self:
        """The rows of all parts, one after the other. Parts may have further fields, which are left out."""
        return cls(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def copy(self) -> Self:
        """The same table in arrays of its own."""
        return type(self)(**{f.name: getattr(self, f.name).copy() for f in fields(self)})

    def put(self, row: int, other: Table, at: int) -> None:
        """Copy row `at` of another table into a row of this one, as far as that one has the same fields."""
        for f in fields(other):
            getattr(self, f.name)[row] = getattr(other, f.name)[at]


@dataclass
class View(Table):
    """What every picture shows in its top strip. Games add more.

    hearts (B,) 1..3, score (B,) 0..99, grace (B,) 0..GRACE: ticks to come in which no heart is lost.
    """

    hearts: Ints = field(metadata=array())
    score: Ints = field(metadata=array())
    grace: Ints = field(metadata=array())


@dataclass
class Chance(Table):
    """What feeds the counter hash: seed, salt and tick (B,)."""

    seed: NDArray[np.uint64] = field(metadata=array(dtype=np.uint64))
    salt: NDArray[np.uint64] = field(metadata=array(dtype=np.uint64))
    tick: NDArray[np.uint64] = field(metadata=array(dtype=np.uint64))

    def luck(self, purpose: int, count: int = 1) -> NDArray[np.float64]:
        """(B, count) uniform numbers in [0, 1), the same for the same seed, salt, tick and purpose."""
        return uniform(self.seed[:, None], self.salt[:, None], self.tick[:, None], purpose, np.arange(count))


@dataclass
class HeartState(View, Chance):
    """The least that a state holds. Games add what pictures show (their view) and what they do not."""


V = TypeVar("V", bound=View)


def same(kind: type[View], one: View, other: View) -> Bools:
    """(B,): where two tables show the same, in all fields of that kind of view."""
    equal = np.ones(len(one.hearts), np.bool_)
    for f in fields(kind):
        gap = getattr(one, f.name) == getattr(other, f.name)
        equal &= gap.reshape(len(equal), -1).all(axis=1)
    return equal
