"""The built-in games by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import games.bricks.handover
import games.bricks.policy
import games.bricks.reader
import games.bricks.rules
import games.crossing.handover
import games.crossing.policy
import games.crossing.reader
import games.crossing.rules
import games.duel.handover
import games.duel.policy
import games.duel.reader
import games.duel.rules
import games.garden.handover
import games.garden.policy
import games.garden.reader
import games.garden.rules
import games.runner.handover
import games.runner.policy
import games.runner.reader
import games.runner.rules
from games.base import BatchGame, Policy
from games.errors import UnknownGame, UnknownPolicy
from games.policies import RandomPolicy


@dataclass(frozen=True)
class _Entry:
    """All there is of one game: its simulator, its state reader by size, its exploring policy by batch and seed, and
    what makes a state of frames."""

    game: type[BatchGame]
    reader: Callable[[int], Any]
    explore: Callable[[int, int], Policy]
    state_from_frames: Callable[[NDArray[np.uint8], int], Any]


_GAMES: dict[str, _Entry] = {
    entry.game.name: entry
    for entry in (
        _Entry(
            games.garden.rules.Garden,
            games.garden.reader.Reader,
            games.garden.policy.ExplorePolicy,
            games.garden.handover.state_from_frames,
        ),
        _Entry(
            games.bricks.rules.Bricks,
            games.bricks.reader.Reader,
            games.bricks.policy.ExplorePolicy,
            games.bricks.handover.state_from_frames,
        ),
        _Entry(
            games.duel.rules.Duel,
            games.duel.reader.Reader,
            games.duel.policy.ExplorePolicy,
            games.duel.handover.state_from_frames,
        ),
        _Entry(
            games.crossing.rules.Crossing,
            games.crossing.reader.Reader,
            games.crossing.policy.ExplorePolicy,
            games.crossing.handover.state_from_frames,
        ),
        _Entry(
            games.runner.rules.Runner,
            games.runner.reader.Reader,
            games.runner.policy.ExplorePolicy,
            games.runner.handover.state_from_frames,
        ),
    )
}
POLICIES = ("random", "explore")


def names() -> tuple[str, ...]:
    """The built-in games."""
    return tuple(_GAMES)


def _entry(name: str) -> _Entry:
    if name not in _GAMES:
        raise UnknownGame(f"There is no built-in game {name!r}; there is {', '.join(_GAMES)}.")
    return _GAMES[name]


def get(name: str) -> type[BatchGame]:
    """The game of that name. Raises UnknownGame with one sentence that lists the games there are."""
    return _entry(name).game


def reader(name: str, size: int) -> Any:
    """The state reader of that game for frames of size x size px: the garden's own, or a games.kit.reader.SceneReader.

    Raises UnknownGame, ValueError for another size.
    """
    return _entry(name).reader(size)


def state_from_frames(name: str, frames: NDArray[np.uint8], seed: int = 0) -> Any:
    """A snapshot of that game (batch of 1) that looks like the last of frames (T, size, size, 3) uint8.

    Raises UnknownGame, or ValueError where the frames show no picture of the game.
    """
    return _entry(name).state_from_frames(frames, seed)


def policy(name: str, kind: str, batch: int, seed: int = 0) -> Policy:
    """A policy for a batch of that game. Raises UnknownGame or UnknownPolicy."""
    entry = _entry(name)
    if kind not in POLICIES:
        raise UnknownPolicy(f"There is no policy {kind!r}; there are {' and '.join(POLICIES)}.")
    return RandomPolicy(batch, len(entry.game.actions), seed) if kind == "random" else entry.explore(batch, seed)
