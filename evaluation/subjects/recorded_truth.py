"""Held-out play of an environment, kept as its pictures.

An environment cannot be branched or read as the built-in games can, so its dreams are compared with its pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.truth import LEAD
from reverie.games.environment import Environment
from reverie.games.policies import HeldKeys
from reverie.games.worlds import open_world

MOST_EPISODES, MOST_BYTES = 8, 128 * 1024**2
"""Limits of one recording, which is held in memory."""


@dataclass(frozen=True)
class RecordedTruth:
    """Held-out play of one environment.

    size: side of the frames. seeds: (B,) int64. pictures: (T + 1, B, size, size, 3) uint8. actions: (T, B) int64;
    actions[t] turned picture t into picture t + 1. rewards: (T, B) float32 and ended: (T, B) bool, of the same.
    cut: (T, B) bool, the environment stopped at a limit of time, and picture t + 1 is of a new round.
    """

    size: int
    seeds: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    cut: NDArray[np.bool_]

    @property
    def ticks(self) -> int:
        """Transitions of each episode."""
        return len(self.actions)

    @property
    def batch(self) -> int:
        """Episodes."""
        return len(self.seeds)

    def play(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, None, NDArray[np.uint8]]]:
        """Yields (t, None, frames (B, size, size, 3) uint8) for t from `start` up to, not including, `stop`."""
        for t in range(start, self.ticks + 1 if stop is None else stop):
            yield t, None, self.pictures[t]

    def frames(self, start: int, stop: int) -> NDArray[np.uint8]:
        """(stop - start, B, size, size, 3) uint8."""
        return self.pictures[start:stop]

    def follows(self, t: int) -> NDArray[np.bool_]:
        """(B,): whether frame t follows from the LEAD frames before it, with no cut in between."""
        return np.asarray(~self.cut[max(0, t - LEAD) : t].any(axis=0))

    def uncut(self, frames: int) -> NDArray[np.bool_]:
        """(frames, B): whether the frames LEAD, LEAD + 1, ... belong to the round that a dream from LEAD goes on."""
        return np.asarray(~np.logical_or.accumulate(self.cut[: LEAD - 1 + frames])[LEAD - 1 :])

    def only(self, episodes: slice) -> RecordedTruth:
        """Some episodes alone."""
        names = ("pictures", "actions", "rewards", "ended", "cut")
        return replace(self, seeds=self.seeds[episodes], **{name: getattr(self, name)[:, episodes] for name in names})


def record_environment(
    environment: Environment,
    actions: tuple[str, ...],
    size: int,
    seeds: NDArray[np.int64],
    ticks: int,
    progress: Progress = silent,
) -> RecordedTruth:
    """Play one episode from each seed with held random keys. actions: those of the bundle.

    Raises ValueError with one sentence where the environment cannot be made or has other actions.
    """
    world = open_world(environment, size)
    if world.actions != actions:
        raise ValueError(f"{world.name} has other actions than the dream of it; measure it with its own game folder.")
    episodes = len(seeds)
    truth = RecordedTruth(
        size,
        seeds,
        np.zeros((ticks + 1, episodes, size, size, 3), np.uint8),
        np.zeros((ticks, episodes), np.int64),
        np.zeros((ticks, episodes), np.float32),
        np.zeros((ticks, episodes), np.bool_),
        np.zeros((ticks, episodes), np.bool_),
    )
    for episode, seed in enumerate(seeds.tolist()):
        policy = HeldKeys(len(world.actions), np.random.default_rng(seed), taste=True)
        truth.pictures[0, episode] = world.reset(seed)
        for t in range(ticks):
            action = policy.act()
            truth.actions[t, episode] = action
            truth.pictures[t + 1, episode], truth.rewards[t, episode], truth.ended[t, episode] = world.step(action)
            truth.cut[t, episode] = getattr(world, "cut", False)
        progress("playing", episode + 1, episodes)
    return truth
