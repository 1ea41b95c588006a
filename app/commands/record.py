"""`reverie record`: play is written to disk, for training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from reverie.app.commands.option_types import Count, Name, Out
from reverie.app.errors import Mistake


@dataclass
class Record:
    """Record play of a game or a dream, to train on."""

    world: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="WORLD")]]
    """A built-in game, a Gymnasium id (ALE/Freeway-v5, PACKAGE:Id-v0), module:Class, a game folder, or a dream."""
    out: Out = None
    """Folder of the recording; more is added to one that is there. A game folder records into itself."""
    steps: Count = None
    """Frames to record now; by default 20,000, or in a game folder what is lacking of its `steps`."""
    policy: Annotated[Literal["random", "explore", "human"] | None, tyro.conf.arg(help_behavior_hint="")] = None
    """random: held random keys; explore: meets every kind of event; human: you, in the window; by default explore."""
    human: bool = False
    """You play: the same as --policy human."""
    workers: int = 1
    """Processes that play at once."""
    size: Annotated[Literal[64, 128, 256] | None, tyro.conf.arg(help_behavior_hint="")] = None
    """Side of a frame in pixels; without it, 64 or what the game.toml says."""
    seed: int = 0
    """Decides rooms, luck and play."""
    frame_skip: Count = None
    """Steps of a Gymnasium environment that one action is held for."""
    game: Name = ""
    """Which game of a dream that knows several; without it, the first."""
    actions: Name = ""
    """Names of the environment's actions that are used, with commas between; without it, all."""

    def run(self, started: float) -> None:
        """Record, with progress; Ctrl-C keeps what was recorded."""
        from reverie.app.commands.record_plan import plan_recording
        from reverie.app.commands.record_run import record_dream, record_game, record_human, say_enough

        if self.steps is not None and self.steps < 2:
            raise Mistake(f"--steps must be at least 2, not {self.steps}.")
        if self.seed < 0:
            raise Mistake(f"--seed must be at least 0, not {self.seed}.")
        if self.workers < 1:
            raise Mistake(f"--workers must be at least 1, not {self.workers}.")
        if self.frame_skip is not None and self.frame_skip < 1:
            raise Mistake(f"--frame-skip must be at least 1, not {self.frame_skip}.")
        plan = plan_recording(self)
        if not plan.steps:
            say_enough(plan)
        elif self.human or self.policy == "human":
            record_human(plan, self.seed, started)
        elif plan.environment:
            record_game(plan, self.policy or "explore", self.workers, self.seed)
        else:
            record_dream(plan, self.seed)
