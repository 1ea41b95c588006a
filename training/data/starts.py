"""The histories that the dreams of a bundle can start from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.games import registry
from reverie.training.data.record import play_shard
from reverie.training.data.recording import Recording
from reverie.training.errors import RunError

STARTS = 16
"""Start histories of a game that a run hands to its bundle."""
_ROOMS, _CALM_TICKS = 128, 40
"""Fresh rooms that are tried, and ticks without a key in each. Rooms in which nothing is lost for the longest are
taken, so that a player has a moment to look."""


def start_histories(recording: Recording, history: int) -> dict[str, NDArray[np.generic]]:
    """Starts for a bundle, as many of each game, whose actions are indices into the game's own.

    Returns frames (N, history, H, W, 3), actions (N, history - 1) uint8, seeds and games (N,) int64. A built-in game
    gives fresh rooms at the beginning of a round, seen while nobody presses a key, in which nothing is lost at once;
    any other world gives moments of recorded episodes, every second one of them the beginning. Raises RunError where
    its episodes are too short.
    """
    parts = [
        fresh_starts(game, recording.size, history, recording.rules[game])
        if game in registry.names()
        else _recorded_starts(recording, number, history)
        for number, game in enumerate(recording.games)
    ]
    all_games = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return {**all_games, "games": np.arange(len(parts)).repeat(STARTS)}


def fresh_starts(game: str, size: int, history: int, rules: int) -> dict[str, NDArray[np.generic]]:
    """Starts of a built-in game by these rules; see `start_histories`."""
    seeds, ticks = np.arange(900_000, 900_000 + _ROOMS), history + _CALM_TICKS
    rows = play_shard(registry.get(game)(_ROOMS, rules), _Idle(), seeds, ticks, size, vary=False)
    lost = rows.rewards.reshape(_ROOMS, ticks) < 0
    calm = np.where(lost.any(axis=1), lost.argmax(axis=1), ticks)
    chosen = np.sort(np.argsort(-calm, kind="stable")[:STARTS])
    frames = rows.frames.reshape(_ROOMS, ticks, *rows.frames.shape[1:])[chosen, :history]
    actions = rows.actions.reshape(_ROOMS, ticks)[chosen, : history - 1]
    return {"frames": frames, "actions": actions, "seeds": seeds[chosen]}


def _recorded_starts(recording: Recording, number: int, history: int) -> dict[str, NDArray[np.generic]]:
    mine = [episode for episode in recording.episodes if recording.game_of(episode) == number]
    long = [episode for episode in mine if episode.length >= history]
    if not long:
        raise RunError(f"{recording.folder} has no episode of {history} frames; record longer ones.")
    chosen = [long[i] for i in np.linspace(0, len(long) - 1, STARTS).astype(int)]
    # Every second one starts on the way: the beginning of a game is often always the same.
    first = [(episode.length - history) * i // STARTS if i % 2 else 0 for i, episode in enumerate(chosen)]
    parts = [recording.rows(episode) for episode in chosen]
    own = list(recording.games.values())[number]
    index = np.array([own.index(name) if name in own else 0 for name in recording.actions], np.uint8)
    return {
        "frames": np.stack([part.frames[t : t + history] for part, t in zip(parts, first, strict=True)]),
        "actions": index[np.stack([part.actions[t : t + history - 1] for part, t in zip(parts, first, strict=True)])],
        "seeds": np.array([episode.seed for episode in chosen], np.int64),
    }


class _Idle:
    """Presses nothing."""

    def act(self, game: registry.BatchGame) -> NDArray[np.int64]:
        return np.zeros(game.batch, np.int64)
