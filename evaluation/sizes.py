"""How much an evaluation measures."""

from __future__ import annotations

from dataclasses import dataclass, field

from reverie.evaluation.subjects.truth import LEAD

EVALUATION_SECONDS = 13 * 60.0
"""What one entry of the report may take by default. Only the search for where a dream drifts is cut short by it."""


@dataclass(frozen=True)
class TeacherSizes:
    """Teacher-forced frames. ticks: predicted frames of each episode. picture_every: each so many ticks the predicted
    frame is decoded and compared."""

    ticks: int = 256
    picture_every: int = 8


@dataclass(frozen=True)
class BranchSizes:
    """Branches of the real game. moments: ticks of each episode, `every` so many ticks. branches: futures of each."""

    moments: int = 16
    every: int = 16
    branches: int = 32


@dataclass(frozen=True)
class ActionSizes:
    """Actions that are held. moments: histories of each episode, `every` so many ticks."""

    moments: int = 6
    every: int = 40


@dataclass(frozen=True)
class RolloutSizes:
    """Frames that are dreamt.

    horizon: frames of the long rollouts. short: frames that all episodes are dreamt for. long_episodes: so many of
    them go on to the horizon. recorded: frames of all episodes of a game without a state reader. drift_rollouts,
    drift_cap: how many dreams are followed, and how far, to find where they drift.
    """

    horizon: int = 1024
    short: int = 256
    long_episodes: int = 16
    recorded: int = 1024
    drift_rollouts: int = 3
    drift_cap: int = 10_000


@dataclass(frozen=True)
class AliveSizes:
    """How long dreams live, of games without a state reader.

    bank: real frames that a dreamt one is compared with. dreams, frames: how many are followed, and how far, when all
    others end at the horizon.
    """

    bank: int = 20_000
    dreams: int = 8
    frames: int = 10_000


@dataclass(frozen=True)
class Sizes:
    """All sizes of an evaluation.

    judge_episodes: episodes of further play that say what a game without a state reader is like; 0: there are none, and
    nothing is measured that needs them. lucid: dreams that wake by themselves; 0: none. turns: times that a
    first-person dream turns once round. judge_steps: of training a judge of clips; 0: there is none. seconds: what one
    entry may take.
    """

    episodes: int = 32
    horizon: int = 1024
    quick: bool = False
    judge_episodes: int = 96
    lucid: int = 0
    turns: int = 32
    judge_steps: int = 1000
    seconds: float = EVALUATION_SECONDS
    teacher: TeacherSizes = field(default_factory=TeacherSizes)
    branch: BranchSizes = field(default_factory=BranchSizes)
    actions: ActionSizes = field(default_factory=ActionSizes)
    rollout: RolloutSizes = field(default_factory=RolloutSizes)
    alive: AliveSizes = field(default_factory=AliveSizes)

    @classmethod
    def default(cls, episodes: int = 32, horizon: int = 1024) -> Sizes:
        """The run whose figures may be quoted."""
        return cls(episodes, horizon, rollout=RolloutSizes(horizon=horizon, recorded=horizon))

    @classmethod
    def in_a_hurry(cls, episodes: int = 32, horizon: int = 1024) -> Sizes:
        """At most two minutes for an entry; too few frames to quote."""
        return cls(
            min(episodes, 8),
            min(horizon, 512),
            quick=True,
            judge_episodes=4,
            turns=8,
            judge_steps=60,
            seconds=0.0,
            teacher=TeacherSizes(ticks=64),
            branch=BranchSizes(moments=4, branches=16),
            actions=ActionSizes(moments=2),
            rollout=RolloutSizes(min(horizon, 512), short=64, long_episodes=2, recorded=min(horizon, 256)),
        )

    @property
    def ticks(self) -> int:
        """Ticks that each real trajectory needs."""
        return LEAD + max(
            self.horizon,
            self.teacher.ticks,
            self.branch.moments * self.branch.every,
            self.actions.moments * self.actions.every,
        )
