"""From what a person names to the game folder in which it is learnt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.app.errors import Mistake
from reverie.app.own.game_folder import (
    GAME,
    GameFolder,
    add_module_folder,
    begin_game,
    begin_mixture,
    games_in,
    is_game_folder,
    read_game,
)
from reverie.games import registry
from reverie.games.environment import Environment
from reverie.games.worlds import may_be_environment

if TYPE_CHECKING:
    from reverie.app.commands.learn import Learn


def open_source(options: Learn, known: str) -> GameFolder:
    """The game folder of what is to be learnt; one is made where there is none, and play that exists is imported.

    known: the source that the folder was made for, "" for one that `learn` has not seen. Raises Mistake or ValueError.
    """
    source, out = options.source, options.out
    if is_game_folder(source) or (Path(source).is_dir() and games_in(Path(source))):
        game = read_game(source) if is_game_folder(source) else begin_mixture(Path(source))
        if out is not None and out.absolute() != game.folder.absolute():
            raise Mistake(f"{source} is a game folder, and all of it stays there; leave -o out.")
        if options.size or options.frame_skip or options.actions:
            raise Mistake(f"{game.folder / GAME} says how {source} is recorded; leave the options out, or edit it.")
    elif out is None:
        raise Mistake(f"Say where all of it goes: reverie learn {source} -o runs/NAME")
    elif known and known != source:
        raise Mistake(f"{out} is there for {known}; choose another folder for {source}.")
    elif known and is_game_folder(out):
        game = read_game(out)
    elif out.exists() and not out.is_dir():
        raise Mistake(f"{out} is a file; name a folder.")
    else:
        game = _begin(options, out)
    for one in (*game.parts, game):
        add_module_folder(one.folder)
    return game


def _begin(options: Learn, out: Path) -> GameFolder:
    source, size = options.source, options.size or 64
    if source in registry.names():
        if options.frame_skip or options.actions:
            raise Mistake(f"{source} is built in and played as it is; leave --frame-skip and --actions out.")
        kind = registry.get(source)
        return begin_game(out, Environment(source), kind.actions, size, kind.fps)
    if Path(source).exists() or is_dataset(source):
        if options.frame_skip or options.actions:
            raise Mistake(f"{source} was recorded as it is; leave --frame-skip and --actions out.")
        if (out / "recording").is_dir() and is_game_folder(out):
            return read_game(out)
        from reverie.app.own.exchange import import_play

        return import_play(source, out, options.size)
    if not may_be_environment(source):
        raise Mistake(
            f"There is no game '{source}' to learn; there is {', '.join(registry.names())}, any Gymnasium id such as "
            f"ALE/Freeway-v5, PACKAGE:Id-v0, module:Class, a folder of videos, a Minari dataset, a game folder, or a "
            f"folder of game folders."
        )
    from reverie.app.commands.record import Record
    from reverie.app.commands.record_plan import plan_recording

    how = Record(source, out, size=options.size, frame_skip=options.frame_skip, actions=options.actions)
    folder = plan_recording(how).folder
    assert folder is not None
    return folder


def is_dataset(name: str) -> bool:
    """Whether Minari has a dataset of that name on this machine."""
    root = Path(os.environ.get("MINARI_DATASETS_PATH") or Path.home() / ".minari" / "datasets")
    return (root / name / "data" / "metadata.json").is_file()
