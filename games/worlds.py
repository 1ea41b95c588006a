"""One door to every real game: the built-in ones by name, any other through its environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.errors import UnsuitableGame
from reverie.games.real import ReadableGame, RealGame
from reverie.games.world import World


@runtime_checkable
class RealWorld(World, Protocol):
    """A real game. name: what recordings and bundles call it. fps: frames a second it is meant for."""

    name: str
    fps: int


def open_world(environment: Environment, size: int = 64, rules: int | None = None) -> RealWorld:
    """The game, ready to be reset. rules: of a built-in game, None for the newest.

    Raises ValueError for what cannot be played, ModuleNotFoundError for its package.
    """
    if environment.source in registry.names():
        readable = registry.has_reader(environment.source)
        return (ReadableGame if readable else RealGame)(environment.source, size, rules)
    from reverie.games.gymnasium_world import GymWorld

    return GymWorld(environment, size)


def environment_of(world: str, actions: tuple[str, ...], training: Mapping[str, object] | None = None) -> Environment:
    """How the real game of a bundle is made.

    training: what the bundle says of its training. A bundle only names what is registered here, for it may come from
    anybody: raises UnsuitableGame where it names a module, which is code that is to be run.
    """
    several = (training or {}).get("environments")
    written = several.get(world) if isinstance(several, dict) else (training or {}).get("environment")
    environment = Environment.from_json(written) if isinstance(written, dict) else None
    if environment is None or environment.source != world:
        environment = named(world, actions)
    if environment.module:
        raise UnsuitableGame(f"The real game of this dream, {world}, is only made from its own game folder.")
    return environment


def may_be_environment(name: str) -> bool:
    """True for what is written like a Gymnasium id, `module:Id-v0` or `module:Class`, whether there is one or not."""
    return re.fullmatch(r"([\w.]+:)?\w[\w./-]*-v\d+|[\w.]+:\w+", name) is not None or name.startswith(("ALE/",))


def named(world: str, actions: tuple[str, ...] = ()) -> Environment:
    """What a bundle's or recording's world is made from when no more is known than its name and its actions."""
    if world in registry.names():
        return Environment(world)
    return Environment(world, actions)
