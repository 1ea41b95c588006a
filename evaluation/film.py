"""Held-out play of an environment, kept as its pictures, and what can be measured without a reader of states.

An environment cannot be copied, branched or read as the built-in games can. What is left is the comparison with its
pictures: tokens one frame ahead, and how far a dream under the true actions stays like the truth.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation import metrics
from evaluation.progress import Progress, silent
from evaluation.subject import Rollout, Subject, identity
from evaluation.teacher_forced import TeacherSizes, teacher_forced
from evaluation.truth import FIRST_HELD_OUT_SEED, LEAD
from games.environment import Environment
from games.policies import HeldKeys
from games.worlds import open_world

MOST_EPISODES, MOST_TICKS = 8, LEAD + 256
"""All pictures are held in memory."""
_SEEDS_APART = 100_000


@dataclass(frozen=True)
class Film:
    """Held-out play of one environment.

    size: side of the frames. seeds: (B,) int64. pictures: (T + 1, B, size, size, 3) uint8. actions: (T, B) int64;
    actions[t] turned picture t into picture t + 1. rewards: (T, B) float32 and ended: (T, B) bool, of the same.
    """

    size: int
    seeds: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]

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

    def only(self, episodes: slice) -> Film:
        """Some episodes alone."""
        names = ("pictures", "actions", "rewards", "ended")
        return replace(self, seeds=self.seeds[episodes], **{name: getattr(self, name)[:, episodes] for name in names})

    def begin(self, subject: Subject, seed: int) -> Rollout:
        """Dreams that go on from the true frames before LEAD."""
        first = LEAD - subject.history
        return subject.dream(self.pictures[first:LEAD], self.actions[first : LEAD - 1], seed)


def record_film(
    environment: Environment, actions: tuple[str, ...], size: int, episodes: int, ticks: int, seed: int
) -> Film:
    """Play held-out episodes with held random keys. actions: those of the bundle.

    Raises ValueError with one sentence where the environment cannot be made or has other actions.
    """
    world = open_world(environment, size)
    if world.actions != actions:
        raise ValueError(f"{world.name} has other actions than the dream of it; measure it with its own game folder.")
    episodes, ticks = min(episodes, MOST_EPISODES), min(ticks, MOST_TICKS)
    seeds = FIRST_HELD_OUT_SEED + _SEEDS_APART * seed + np.arange(episodes, dtype=np.int64)
    film = Film(
        size,
        seeds,
        np.zeros((ticks + 1, episodes, size, size, 3), np.uint8),
        np.zeros((ticks, episodes), np.int64),
        np.zeros((ticks, episodes), np.float32),
        np.zeros((ticks, episodes), np.bool_),
    )
    for episode, start in enumerate(seeds.tolist()):
        policy = HeldKeys(len(actions), np.random.default_rng(start), taste=True)
        film.pictures[0, episode] = world.reset(start)
        for t in range(ticks):
            action = policy.act()
            film.actions[t, episode] = action
            frame, film.rewards[t, episode], film.ended[t, episode] = world.step(action)
            film.pictures[t + 1, episode] = frame
    return film


def measure_film(
    subject: Subject,
    film: Film,
    horizon: int,
    teacher: TeacherSizes,
    quick: bool,
    seed: int,
    progress: Progress = silent,
) -> dict[str, Any]:
    """One entry of the report; what needs a reader of states is None, or counted as nothing."""
    began = time.monotonic()
    horizon = min(horizon, film.ticks - LEAD + 1)
    entry = identity(subject)
    entry |= teacher_forced(subject, film, teacher, progress)
    entry |= {"changed_token_ceiling": None, "changed_token_ceiling_ar": None}
    entry |= {"ceiling_moments": 0, "ceiling_branches": 0, "action_follow": None, "action_follow_by_action": {}}
    entry |= {"action_follow_cases": 0, "action_follow_left_to_chance": 0}
    entry["rollout"] = _rollout(subject, film, horizon, seed, progress)
    entry |= {"drift_free_frames": None, "drift_rollouts": 0, "drift_capped_at": 0}
    entry |= {"reader_exact": None, "reader_valid": None, "reader_frames": 0}
    return entry | {
        "frames": entry["teacher_forced_frames"] + sum(part["frames"] for part in entry["rollout"].values()),
        "episodes": film.batch,
        "horizon": horizon,
        "seed": seed,
        "first_game_seed": int(film.seeds[0]),
        "quick": quick,
        "seconds": round(time.monotonic() - began, 1),
    }


def _rollout(subject: Subject, film: Film, horizon: int, seed: int, progress: Progress) -> dict[str, Any]:
    dream = film.begin(subject, seed)
    psnr = np.zeros((horizon, film.batch))
    for row in range(horizon):
        psnr[row] = metrics.psnr_db(dream.step(film.actions[LEAD - 1 + row]), film.pictures[LEAD + row])
        progress("rollout", row + 1, horizon)
    table = {}
    for first, last in metrics.SEGMENTS:
        part = psnr[first - 1 : last]
        table[f"{first}-{last}"] = {
            "psnr_db": metrics.mean_or_none(part),
            "state_fidelity": None,
            "state_fidelity_ceiling": None,
            "validity": None,
            "frames": int(part.size),
        }
    return table
