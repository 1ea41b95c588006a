"""The built-in games by name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from games.base import BatchGame, Policy
from games.errors import UnknownGame, UnknownPolicy
from games.garden import handover
from games.garden.policy import ExplorePolicy
from games.garden.reader import Reader
from games.garden.rules import Garden
from games.policies import RandomPolicy

_GAMES: dict[str, type[BatchGame]] = {Garden.name: Garden}
POLICIES = ("random", "explore")


def names() -> tuple[str, ...]:
    """The built-in games."""
    return tuple(_GAMES)


def get(name: str) -> type[BatchGame]:
    """The game of that name. Raises UnknownGame with one sentence that lists the games there are."""
    if name not in _GAMES:
        raise UnknownGame(f"There is no built-in game {name!r}; there is {', '.join(_GAMES)}.")
    return _GAMES[name]


def reader(name: str, size: int) -> Reader:
    """The state reader of that game for frames of size x size px. Raises UnknownGame, ValueError for another size."""
    get(name)
    return Reader(size)


def state_from_frames(name: str, frames: NDArray[np.uint8], seed: int = 0) -> Any:
    """A snapshot of that game (batch of 1) that looks like the last of frames (T, size, size, 3) uint8.

    Raises UnknownGame, or ValueError where the frames show no picture of the game.
    """
    get(name)
    return handover.state_from_frames(frames, seed)


def policy(name: str, kind: str, batch: int, seed: int = 0) -> Policy:
    """A policy for a batch of that game. Raises UnknownGame or UnknownPolicy."""
    game = get(name)
    if kind not in POLICIES:
        raise UnknownPolicy(f"There is no policy {kind!r}; there are {' and '.join(POLICIES)}.")
    return RandomPolicy(batch, len(game.actions), seed) if kind == "random" else ExplorePolicy(batch, seed)
