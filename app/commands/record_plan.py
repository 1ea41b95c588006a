"""What `reverie record` records, where to, and how many frames: decided and checked before anything is written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.app.extras import needs_games
from reverie.app.own.game_folder import SIZES, GameFolder, add_module_folder, begin_game, is_game_folder, read_game
from reverie.engine import library
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.worlds import may_be_environment, open_world

if TYPE_CHECKING:
    from reverie.app.commands.record import Record

STEPS = 20_000
"""Frames to record where neither the person nor a `game.toml` says how many."""


@dataclass(frozen=True)
class Plan:
    """What `reverie record` is to do.

    world: as it was named. environment: how a real game is made, None for a dream. out: folder of the recording.
    folder: the game folder that `out` lies in, if any. game: of a dream, None for its first. there: frames that a game
    folder's recording holds already.
    """

    world: str
    environment: Environment | None
    out: Path
    steps: int
    size: int
    folder: GameFolder | None
    game: str | None = None
    there: int = 0


def plan_recording(options: Record) -> Plan:
    """From the options of `reverie record`. An environment gets a game folder. Raises Mistake or ValueError.

    A game folder's recording grows by `options.steps`, or up to what its `game.toml` says.
    """
    world, steps, size, out = options.world, options.steps or STEPS, options.size or 64, options.out
    if is_game_folder(world):
        game = read_game(world)
        add_module_folder(game.folder)
        if game.parts:
            raise Mistake(f"{world} is a folder of games; record each of them: reverie record {game.parts[0].folder}")
        if game.environment is None:
            raise Mistake(f"{game.folder / 'game.toml'} names no source to record; import videos or add one.")
        if out is not None or options.size or options.frame_skip or options.actions or options.game:
            raise Mistake(
                f"{game.folder / 'game.toml'} says how {world} is recorded; leave the options out, or edit it."
            )
        if game.source not in registry.names():
            _try(game.environment, game.size)
        there = frames_in(game.recording)
        left = max(0, game.steps - there)
        return Plan(world, game.environment, game.recording, options.steps or left, game.size, game, there=there)
    if out is None:
        raise Mistake(f"Say where to record to: reverie record {world} -o FOLDER")
    if out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; name a folder.")
    environment = _environment(options)
    if environment is None:
        _check_dream(options)
    if environment is None or environment.source in registry.names():
        return Plan(world, environment, out, steps, size, None, options.game or None)
    if size not in SIZES:
        raise Mistake(f"--size {size} is for built-in games; a game folder takes {' or '.join(map(str, SIZES))}.")
    actions, fps = _try(environment, size)
    game = begin_game(out, environment, actions, size, fps)
    made = game.environment or environment
    return Plan(world, made, game.recording, steps, size, game, there=frames_in(game.recording))


def _check_dream(options: Record) -> None:
    """Raises Mistake for what a dream cannot be recorded with."""
    if options.size:
        raise Mistake(f"--size is for real games, and {options.world} has its own; leave it out.")
    if options.workers > 1:
        raise Mistake(f"--workers is for real games, and {options.world} is a dream; leave it out.")
    if options.policy == "explore":
        raise Mistake(f"--policy explore is for real games, and {options.world} is a dream; random or human plays it.")


def frames_in(recording: Path) -> int:
    """How many frames a recording holds, or those of the games in a folder together; 0 where there is none yet.

    Raises ValueError where it cannot be read.
    """
    from reverie.training.data.mixture import has_recording, open_recording

    inner = recording.iterdir() if recording.is_dir() else ()
    return len(open_recording(recording)) if has_recording(recording) or any(map(has_recording, inner)) else 0


def _try(environment: Environment, size: int) -> tuple[tuple[str, ...], int]:
    """Make the game once, so that a mistake shows before anything is written; its actions and frames a second."""
    with needs_games():
        world = open_world(environment, size)
        world.step(len(world.actions) - 1)
    getattr(world, "close", lambda: None)()
    return world.actions, world.fps


def _environment(options: Record) -> Environment | None:
    """How the real game is made; None for a dream. Raises Mistake for a name that is nothing at all."""
    world = options.world
    names = tuple(name.strip().lower() for name in options.actions.split(",") if name.strip())
    folder = Path(world).is_dir()
    made = world not in registry.names() and not folder and may_be_environment(world)
    if options.game and (made or world in registry.names()):
        raise Mistake(f"--game chooses among the games of a dream, and {world} is no dream; leave it out.")
    if made:
        return Environment(world, names, options.frame_skip or 1)
    if names or options.frame_skip:
        raise Mistake("--actions and --frame-skip belong to Gymnasium environments; leave them out.")
    if world in registry.names():
        return Environment(world)
    if world not in library.shipped() and not folder:
        known = ", ".join((*registry.names(), *library.shipped()))
        raise Mistake(
            f"There is no world '{world}' to record; there is {known}, any Gymnasium id such as ALE/Freeway-v5, "
            f"PACKAGE:Id-v0, module:Class, or a dream's folder."
        )
    return None
