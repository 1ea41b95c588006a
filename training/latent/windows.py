"""Windows of consecutive frames out of many episodes, as latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.training.data.recording import Recording, held_out_count
from reverie.training.files import beside

LOG_EVERY = 50_000
"""Frames from one line of the log to the next."""
Encode = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""Frames (N, H, W, 3) uint8 to latents (N, S, channels)."""


@dataclass(frozen=True)
class LatentEpisodes:
    """All episodes of a recording, one after the other, as latents.

    latents: (N, S, channels) float16. actions: (N,) uint8. rewards: (N,) float32. ended: (N,) bool. starts, lengths,
    games: (E,) int64, the games by number.
    """

    latents: NDArray[np.float16]
    actions: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    games: NDArray[np.int64]

    def part(self, first: int, last: int) -> LatentEpisodes:
        """The episodes from `first` on, up to `last` or, where that is their number, to the end."""
        bounds = np.append(self.starts, len(self.latents))
        rows, episodes = slice(bounds[first], bounds[last]), slice(first, last)
        return LatentEpisodes(
            self.latents[rows],
            self.actions[rows],
            self.rewards[rows],
            self.ended[rows],
            self.starts[episodes] - bounds[first],
            self.lengths[episodes],
            self.games[episodes],
        )


def write_latents(path: Path, recording: Recording, encode: Encode, log: Callable[[str], None]) -> None:
    """Write the latents of a recording into the file `path`."""
    latents, rows, done = [], [], 0
    for episode in recording.episodes:
        rows.append(recording.rows(episode))
        latents.append(encode(np.asarray(rows[-1].frames)).astype(np.float16))
        if done // LOG_EVERY != (done + episode.length) // LOG_EVERY:
            log(f"latents: {done + episode.length:,} of {len(recording):,} frames")
        done += episode.length
    lengths = np.array([episode.length for episode in recording.episodes], np.int64)
    episodes = LatentEpisodes(
        np.concatenate(latents),
        np.concatenate([part.actions for part in rows]),
        np.concatenate([part.rewards for part in rows]),
        np.concatenate([part.ended for part in rows]),
        np.cumsum(lengths) - lengths,
        lengths,
        np.array([recording.game_of(episode) for episode in recording.episodes], np.int64),
    )
    with beside(path) as part, part.open("wb") as file:
        np.savez(file, **vars(episodes))


def read_latents(path: Path) -> LatentEpisodes:
    """Read what `write_latents` has written."""
    with np.load(path, allow_pickle=False) as arrays:
        return LatentEpisodes(**arrays)


def split_episodes(episodes: LatentEpisodes, frames: int) -> tuple[LatentEpisodes, LatentEpisodes]:
    """Return the episodes to train on and the held-out ones: the last few, with one of `frames` frames at least.

    Where no such episode would be left to learn from, both parts are all episodes.
    """
    count = len(episodes.starts)
    long = np.flatnonzero(episodes.lengths >= frames)
    border = min(count - held_out_count(count), int(long[-1]))
    if long[0] >= border:
        return episodes, episodes
    return episodes.part(0, border), episodes.part(border, count)


class LatentArrays(NamedTuple):
    """Windows out of episodes.

    latents: (N, length, S, channels) float32. actions: (N, length) int64. rewards: (N, length) float32, ended: (N,
    length) bool, of the transition from each frame to the next. games: (N,) int64.
    """

    latents: NDArray[np.float32]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    games: NDArray[np.int64]


class LatentWindows:
    """Draws windows that never cross an episode's end."""

    def __init__(self, episodes: LatentEpisodes, length: int, rare_share: float = 0.0) -> None:
        """length: frames of a window. rare_share: share of windows that hold a reward or the end of a round; each kind
        of them is drawn equally often. Raises ValueError where no episode is long enough.
        """
        self.episodes, self.length, self.rare_share = episodes, length, rare_share
        room = np.maximum(episodes.lengths - length + 1, 0)
        self.first = np.concatenate([np.arange(s, s + n) for s, n in zip(episodes.starts, room, strict=True)])
        if not len(self.first):
            raise ValueError(f"no episode has {length} frames")
        allowed = np.zeros(len(episodes.latents), bool)
        allowed[self.first] = True
        values = np.unique(episodes.rewards)
        kinds = [episodes.rewards == value for value in values if value] + [episodes.ended]
        # A transition at row r stands in the windows that start at r - length + 2 .. r.
        spread = [(np.flatnonzero(kind)[:, None] - np.arange(length - 1)).ravel() for kind in kinds]
        inside = [rows[(rows >= 0) & allowed[rows]] for rows in spread]
        self.rare = [rows for rows in inside if len(rows)]

    def draw(self, count: int, rng: np.random.Generator) -> LatentArrays:
        """`count` windows."""
        e = self.episodes
        first = self.first[rng.integers(len(self.first), size=count)]
        for place in np.flatnonzero(rng.random(count) < self.rare_share) if self.rare else ():
            kind = self.rare[rng.integers(len(self.rare))]
            first[place] = kind[rng.integers(len(kind))]
        rows = first[:, None] + np.arange(self.length)
        games = e.games[np.searchsorted(e.starts, first, side="right") - 1]
        return LatentArrays(
            e.latents[rows].astype(np.float32), e.actions[rows].astype(np.int64), e.rewards[rows], e.ended[rows], games
        )
