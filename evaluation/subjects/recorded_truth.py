"""Held-out play of an environment, kept as its pictures, and what can be measured without a reader of states.

An environment cannot be copied, branched or read as the built-in games can. What is left is the comparison with its
pictures: tokens one frame ahead, how far a dream under the true actions stays like the truth, and whether the actions
can be told from the dream as they can from the game.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.metrics import arithmetic
from reverie.evaluation.metrics.teacher_forced import TeacherSizes, teacher_forced
from reverie.evaluation.progress import Progress, silent
from reverie.evaluation.subjects.subject import Rollout, Subject, identity
from reverie.evaluation.subjects.truth import LEAD
from reverie.games.base import FIRST_HELD_OUT_SEED
from reverie.games.environment import Environment
from reverie.games.policies import HeldKeys
from reverie.games.world import World
from reverie.games.worlds import open_world

if TYPE_CHECKING:
    from reverie.evaluation.metrics.inverse_dynamics import InverseDynamics

MOST_EPISODES, MOST_BYTES = 8, 128 * 1024**2
"""All pictures are held in memory."""
LESSONS, LESSONS_IN_A_HURRY, LESSON_TICKS = 96, 4, 256
"""Episodes from which it is learnt to tell actions, and their length."""
_SEEDS_APART = 100_000
_LESSONS_FROM = _SEEDS_APART // 2


@dataclass(frozen=True)
class Film:
    """Held-out play of one environment.

    size: side of the frames. seeds: (B,) int64. pictures: (T + 1, B, size, size, 3) uint8. actions: (T, B) int64;
    actions[t] turned picture t into picture t + 1. rewards: (T, B) float32 and ended: (T, B) bool, of the same.
    judge: tells actions from pictures; None where torch, which it needs, is not installed.
    """

    size: int
    seeds: NDArray[np.int64]
    pictures: NDArray[np.uint8]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    judge: InverseDynamics | None = None

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
    environment: Environment,
    actions: tuple[str, ...],
    size: int,
    episodes: int,
    ticks: int,
    seed: int,
    lessons: int = 0,
    progress: Progress = silent,
) -> Film:
    """Play held-out episodes with held random keys. actions: those of the bundle.

    lessons: further held-out episodes, from which the film's judge learns; none, no judge.

    Raises ValueError with one sentence where the environment cannot be made or has other actions.
    """
    world = open_world(environment, size)
    if world.actions != actions:
        raise ValueError(f"{world.name} has other actions than the dream of it; measure it with its own game folder.")
    first, episodes = FIRST_HELD_OUT_SEED + _SEEDS_APART * seed, min(episodes, MOST_EPISODES)
    ticks = min(ticks, MOST_BYTES // (episodes * size * size * 3) - 1)
    film = _played(world, size, first + np.arange(episodes, dtype=np.int64), ticks)
    if not lessons:
        return film
    try:
        from reverie.evaluation.metrics.inverse_dynamics import SIDE, InverseDynamics
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        return film
    seeds = first + _LESSONS_FROM + np.arange(lessons, dtype=np.int64)
    lesson = _played(open_world(environment, min(size, SIDE)), min(size, SIDE), seeds, LESSON_TICKS, progress)
    judge = InverseDynamics(len(actions), seed)
    judge.learn(lesson.pictures, lesson.actions, progress=progress)
    return replace(film, judge=judge)


def _played(world: World, size: int, seeds: NDArray[np.int64], ticks: int, progress: Progress = silent) -> Film:
    """An episode of held random keys from each seed."""
    episodes = len(seeds)
    film = Film(
        size,
        seeds,
        np.zeros((ticks + 1, episodes, size, size, 3), np.uint8),
        np.zeros((ticks, episodes), np.int64),
        np.zeros((ticks, episodes), np.float32),
        np.zeros((ticks, episodes), np.bool_),
    )
    for episode, start in enumerate(seeds.tolist()):
        policy = HeldKeys(len(world.actions), np.random.default_rng(start), taste=True)
        film.pictures[0, episode] = world.reset(start)
        for t in range(ticks):
            action = policy.act()
            film.actions[t, episode] = action
            frame, film.rewards[t, episode], film.ended[t, episode] = world.step(action)
            film.pictures[t + 1, episode] = frame
        progress("playing", episode + 1, episodes)
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
    entry |= _obedience(entry["rollout"], film, horizon)
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
    told: dict[str, list[NDArray[np.bool_]]] = {"action_accuracy": [], "action_accuracy_real": []}
    before = film.pictures[LEAD - 1]
    for row in range(horizon):
        t = LEAD - 1 + row
        after = dream.step(film.actions[t])
        psnr[row] = arithmetic.psnr_db(after, film.pictures[t + 1])
        if film.judge is not None:
            told["action_accuracy"].append(film.judge.named(before, after) == film.actions[t])
            real = film.judge.named(film.pictures[t], film.pictures[t + 1])
            told["action_accuracy_real"].append(real == film.actions[t])
        before = after
        progress("rollout", row + 1, horizon)
    table = {}
    for name, (first, last) in zip(arithmetic.SEGMENT_NAMES, arithmetic.SEGMENTS, strict=True):
        part = psnr[first - 1 : last]
        table[name] = {
            "psnr_db": arithmetic.mean_or_none(part),
            "state_fidelity": None,
            "state_fidelity_ceiling": None,
            "validity": None,
            **{key: arithmetic.mean_or_none(np.array(hits[first - 1 : last], float)) for key, hits in told.items()},
            "frames": int(part.size),
        }
    return table


def _obedience(rollout: dict[str, Any], film: Film, horizon: int) -> dict[str, Any]:
    """How many of the actions can be told from the dream, and from the game, over all of the rollout's frames."""
    pressed = np.bincount(film.actions[LEAD - 1 : LEAD - 1 + horizon].ravel())
    common = float(pressed.max() / pressed.sum())
    result: dict[str, Any] = {"action_accuracy_most_common": common if film.judge else None}
    for key in ("action_accuracy", "action_accuracy_real"):
        parts = [part for part in rollout.values() if part[key] is not None]
        frames = sum(part["frames"] for part in parts)
        result[key] = sum(part[key] * part["frames"] for part in parts) / frames if frames else None
    return result
