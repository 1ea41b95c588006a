"""Recordings of several games as one, for a model that dreams them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from reverie.games import registry
from reverie.games.base import ACTIONS
from reverie.training.data.recording import INSIDE, Episode, Recording, RecordingError, Rows


def open_recording(folder: Path) -> Recording:
    """The recording in a folder, or the mixture of those in its subfolders: built-in games first, in their order.

    A subfolder may be a game folder, which holds its recording itself. Raises RecordingError.
    """
    inner = [path for path in sorted(folder.iterdir()) if has_recording(path)] if folder.is_dir() else []
    if any(folder.glob("index-*.json")) or not inner or [path.name for path in inner] == [INSIDE]:
        return Recording(folder)
    parts, known = [Recording(path) for path in inner], registry.names()
    parts.sort(key=lambda part: known.index(part.world) if part.world in known else len(known))
    return Mixture(parts) if len(parts) > 1 else parts[0]


def has_recording(folder: Path) -> bool:
    """Whether a folder is a recording, or a game folder with one."""
    return any(folder.glob("index-*.json")) or any((folder / INSIDE).glob("index-*.json"))


class Mixture(Recording):
    """Several recordings of frames of one size, each of another game. Its rate is that of the slowest.

    An action is an index into `actions`, what all the games have between them: the shared names first, in their order,
    then the others as they come. `games` gives the actions of each in that order. Their episodes are shuffled into one
    another evenly, so that the last few, which are kept out of training, are of every game.
    """

    def __init__(self, parts: Sequence[Recording]) -> None:
        """Raises RecordingError where two are of the same game, or of another size."""
        first = parts[0]
        for part in parts[1:]:
            if part.size != first.size:
                raise RecordingError(f"{part.folder} has frames of another size than {first.folder}; record it again.")
        worlds = [part.world for part in parts]
        if twice := sorted({world for world in worlds if worlds.count(world) > 1}):
            alike = " and ".join(str(part.folder) for part in parts if part.world == twice[0])
            raise RecordingError(f"{alike} are of {twice[0]}; record it into one folder, or take all but one away.")
        self.parts = list(parts)
        self.folder, self.world, self.size = first.folder, "+".join(worlds), first.size
        rates = [
            part.fps or registry.get(part.world).fps for part in parts if part.fps or part.world in registry.names()
        ]
        self.fps = min(rates) if any(part.fps for part in parts) else None
        self.environment = None
        used = dict.fromkeys(action for part in parts for action in part.actions)
        self.actions = tuple(sorted(used, key=lambda name: ACTIONS.index(name) if name in ACTIONS else len(ACTIONS)))
        self._codes = [np.array([self.actions.index(name) for name in part.actions], np.uint8) for part in parts]
        placed = [
            ((place + 0.5) / len(part.episodes), number, replace(episode, shard=f"{number}/{episode.shard}"))
            for number, part in enumerate(parts)
            for place, episode in enumerate(part.episodes)
        ]
        self.episodes = [episode for _, _, episode in sorted(placed, key=lambda entry: entry[:2])]
        self._shards = {}

    @property
    def games(self) -> dict[str, tuple[str, ...]]:
        return {part.world: tuple(sorted(part.actions, key=self.actions.index)) for part in self.parts}

    @property
    def rules(self) -> dict[str, int]:
        return {game: number for part in self.parts for game, number in part.rules.items()}

    @property
    def environments(self) -> dict[str, dict[str, Any]]:
        """How each game that is not built in is made, with its actions as `games` has them."""
        actions = self.games
        return {
            part.world: {**part.environment, "actions": list(actions[part.world])}
            for part in self.parts
            if part.environment
        }

    def game_of(self, episode: Episode) -> int:
        return int(episode.shard.partition("/")[0])

    def shard(self, name: str) -> Rows:
        """One shard's arrays; only its actions are in memory."""
        if name not in self._shards:
            number, _, inner = name.partition("/")
            rows = self.parts[int(number)].shard(inner)
            self._shards[name] = replace(rows, actions=self._codes[int(number)][rows.actions])
        return self._shards[name]
