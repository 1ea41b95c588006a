"""The built-in games by name. A game is loaded when it is asked for: whoever plays one waits for no other."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.base import BatchGame, Policy
from reverie.games.errors import UnknownGame, UnknownPolicy
from reverie.games.policies import RandomPolicy

_GAMES = {
    "garden": "Garden",
    "bricks": "Bricks",
    "duel": "Duel",
    "crossing": "Crossing",
    "runner": "Runner",
    "crypt": "Crypt",
}
"""Each is a folder here: its simulator is this class of `rules`, and beside it is `policy.ExplorePolicy`, by batch and
seed. Where its state can be read off a picture there are also `reader.Reader`, by the size of the frames, and
`handover.state_from_frames`. Where no more than hearts and digits can be read there is `hud.HudReader`, by the size."""
POLICIES = ("random", "explore")


def names() -> tuple[str, ...]:
    """The built-in games."""
    return tuple(_GAMES)


def has_reader(name: str) -> bool:
    """Whether the state of that built-in game can be read off its pictures."""
    return name in _GAMES and find_spec(f"reverie.games.{name}.reader") is not None


def _part(name: str, module: str, what: str) -> Any:
    if name not in _GAMES:
        raise UnknownGame(f"There is no built-in game {name!r}; there is {', '.join(_GAMES)}.")
    return getattr(import_module(f"reverie.games.{name}.{module}"), what)


def get(name: str) -> type[BatchGame]:
    """The game of that name. Raises UnknownGame with one sentence that lists the games there are."""
    game: type[BatchGame] = _part(name, "rules", _GAMES.get(name, ""))
    return game


def reader(name: str, size: int) -> Any:
    """The state reader of that game for frames of size x size px: the garden's own, or a games.kit.reader.SceneReader.

    Raises UnknownGame, ValueError for another size.
    """
    return _part(name, "reader", "Reader")(size)


def hud_reader(name: str, size: int) -> Any:
    """The reader of a game's hearts and digits, such as games.crypt.hud.HudReader; None where there is none.

    Raises ValueError for another size.
    """
    known = name in _GAMES and find_spec(f"reverie.games.{name}.hud") is not None
    return _part(name, "hud", "HudReader")(size) if known else None


def state_from_frames(name: str, frames: NDArray[np.uint8], seed: int = 0) -> Any:
    """A snapshot of that game (batch of 1) that looks like the last of frames (T, size, size, 3) uint8.

    Raises UnknownGame, or ValueError where the frames show no picture of the game.
    """
    return _part(name, "handover", "state_from_frames")(frames, seed)


def policy(name: str, kind: str, batch: int, seed: int = 0) -> Policy:
    """A policy for a batch of that game. Raises UnknownGame or UnknownPolicy."""
    actions = len(get(name).actions)
    if kind not in POLICIES:
        raise UnknownPolicy(f"There is no policy {kind!r}; there are {' and '.join(POLICIES)}.")
    if kind == "random":
        return RandomPolicy(batch, actions, seed)
    chosen: Policy = _part(name, "policy", "ExplorePolicy")(batch, seed)
    return chosen
