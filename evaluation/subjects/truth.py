"""Held-out trajectories of a built-in game, kept as actions and replayed for their frames.

The games are fast and deterministic given (seed, actions), so replaying a thousand frames costs less than keeping them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from reverie.evaluation.subjects.subject import Rollout, Subject
from reverie.games.base import FIRST_HELD_OUT_SEED, BatchGame, Policy

LEAD = 16
"""True frames before the first prediction, the same for every bundle. A bundle that looks at more gets no more."""

SEEDS_APART = 100_000
"""Game seeds between those of one evaluation seed and those of the next."""
_TWIN_SALT = 0x7157
_NOT_BY_TICK = ("make", "size", "seeds")


class Played(Protocol):
    """True trajectories of any game, as their pictures; see `PlayedTruth` for the shapes."""

    @property
    def size(self) -> int: ...
    @property
    def seeds(self) -> NDArray[np.int64]: ...
    @property
    def actions(self) -> NDArray[np.int64]: ...
    @property
    def rewards(self) -> NDArray[np.float32]: ...
    @property
    def ended(self) -> NDArray[np.bool_]: ...
    @property
    def cut(self) -> NDArray[np.bool_]: ...
    @property
    def ticks(self) -> int: ...
    @property
    def batch(self) -> int: ...
    def only(self, episodes: slice) -> Self:
        """Some trajectories alone."""

    def play(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, Any, NDArray[np.uint8]]]:
        """Yields (t, the game or None, frames (B, size, size, 3) uint8)."""

    def frames(self, start: int, stop: int) -> NDArray[np.uint8]:
        """(stop - start, B, size, size, 3) uint8."""

    def follows(self, t: int) -> NDArray[np.bool_]:
        """(B,): whether frame t follows from the LEAD frames before it, with no cut in between."""

    def uncut(self, frames: int) -> NDArray[np.bool_]:
        """(frames, B): whether the frames LEAD, LEAD + 1, ... belong to the round that a dream from LEAD goes on."""


def begin(subject: Subject, truth: Played, seed: int) -> Rollout:
    """Dreams that go on from the true frames before LEAD."""
    first = LEAD - subject.history
    return subject.dream(truth.frames(first, LEAD), truth.actions[first : LEAD - 1], seed)


@dataclass(frozen=True)
class PlayedTruth:
    """Held-out trajectories of one built-in game.

    make: builds the batched game. seeds: (B,) int64. actions: (T, B) int64; actions[t] turns frame t into frame t +
    1. rewards: (T, B) float32 and ended: (T, B) bool, of the same transitions.
    """

    make: Callable[[int], BatchGame]
    size: int
    seeds: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]

    @property
    def ticks(self) -> int:
        return len(self.actions)

    @property
    def batch(self) -> int:
        return len(self.seeds)

    def head(self, episodes: int) -> Self:
        """The first `episodes` trajectories alone."""
        return self.only(slice(episodes))

    def only(self, episodes: slice) -> Self:
        """Some trajectories alone; they are the same, for a trajectory does not depend on its batch."""
        kept = {f.name: getattr(self, f.name)[:, episodes] for f in fields(self) if f.name not in _NOT_BY_TICK}
        return replace(self, seeds=self.seeds[episodes], **kept)

    def play(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, BatchGame, NDArray[np.uint8]]]:
        """Replay. Yields (t, game, frames (B, size, size, 3) uint8) for t from `start` up to, not including, `stop`.

        The game stands at tick t when it is yielded; whoever plays with it must restore it before the next is asked
        for.
        """
        stop = self.ticks + 1 if stop is None else stop
        if not 0 <= start <= stop <= self.ticks + 1:
            raise ValueError(f"These trajectories have frames 0 to {self.ticks}, not {start} to {stop - 1}.")
        game = self.start()
        for t in range(stop):
            if t >= start:
                yield t, game, game.render(self.size)
            if t + 1 < stop:
                game.step(self.actions[t])

    def start(self) -> BatchGame:
        """The game as it stood at frame 0."""
        game = self.make(self.batch)
        game.reset(self.seeds, vary=True)
        return game

    def frames(self, start: int, stop: int) -> NDArray[np.uint8]:
        """(stop - start, B, size, size, 3) uint8: the frames from `start` up to, not including, `stop`."""
        made = np.empty((stop - start, self.batch, self.size, self.size, 3), np.uint8)
        for t, _, frames in self.play(start, stop):
            made[t - start] = frames
        return made

    @property
    def cut(self) -> NDArray[np.bool_]:
        """(T, B), all false."""
        return np.zeros(self.actions.shape, np.bool_)

    def follows(self, t: int) -> NDArray[np.bool_]:
        """(B,), all true: a built-in game has no limit of time."""
        return np.ones(self.batch, np.bool_)

    def uncut(self, frames: int) -> NDArray[np.bool_]:
        """(frames, B), all true."""
        return np.ones((frames, self.batch), np.bool_)


@dataclass(frozen=True)
class Truth(PlayedTruth):
    """Trajectories with the player's place, of a game whose pictures show it.

    player: (T + 1, B, 2) float, the player's position in pixels of a frame of `size`. twin: the same for a game with
    the same start and actions, but other luck from frame LEAD on: how far apart two true games drift is the limit of
    what any dream can keep up with.
    """

    player: NDArray[np.float64]
    twin: NDArray[np.float64]


def held_out_seeds(seed: int, episodes: int) -> NDArray[np.int64]:
    """Game seeds (episodes,) of one evaluation seed: 1,000,000 + 100,000 * seed + 0, 1, ..."""
    if seed < 0 or episodes < 1:
        raise ValueError("An evaluation needs a seed >= 0 and episodes >= 1.")
    return FIRST_HELD_OUT_SEED + SEEDS_APART * seed + np.arange(episodes, dtype=np.int64)


def record_play(
    make: Callable[[int], BatchGame], policy: Policy, size: int, seeds: NDArray[np.int64], ticks: int
) -> PlayedTruth:
    """Play a trajectory of `ticks` ticks from each seed with `policy`, from varied states (any score, any place)."""
    if ticks < LEAD:
        raise ValueError(f"An evaluation needs at least {LEAD} ticks.")
    game = make(len(seeds))
    game.reset(seeds, vary=True)
    actions = np.zeros((ticks, len(seeds)), np.int64)
    rewards, ended = np.zeros(actions.shape, np.float32), np.zeros(actions.shape, np.bool_)
    for t in range(ticks):
        actions[t] = policy.act(game)
        rewards[t], ended[t] = game.step(actions[t])
    return PlayedTruth(make, size, seeds, actions, rewards, ended)


def record_truth(
    make: Callable[[int], BatchGame],
    policy: Policy,
    position: Callable[[BatchGame], NDArray[Any]],
    size: int,
    episodes: int,
    ticks: int,
    seed: int,
) -> Truth:
    """Play `episodes` held-out trajectories of `ticks` ticks with `policy`.

    position: gives the players' (B, 2) position in pixels at 64x64, out of the simulator's own state.
    """
    played = record_play(make, policy, size, held_out_seeds(seed, episodes), ticks)

    def positions(other_luck: bool) -> NDArray[np.float64]:
        game, where = played.start(), np.zeros((ticks + 1, episodes, 2))
        for t in range(ticks + 1):
            where[t] = position(game)
            if other_luck and t == LEAD - 1:
                game.branch(_TWIN_SALT)
            if t < ticks:
                game.step(played.actions[t])
        return where * (size / 64)

    return Truth(**vars(played), player=positions(False), twin=positions(True))
