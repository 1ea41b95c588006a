"""`reverie record`: play is written to disk, for training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from app.errors import Mistake


@dataclass
class Record:
    """Record play of a game or a dream, to train on."""

    world: tyro.conf.Positional[str]
    """A built-in game, a Gymnasium id (ALE/Freeway-v5), module:Class, a game folder, or a dream's name or folder."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"])] = None
    """Folder of the recording; more is added to one that is there. A game folder records into itself."""
    steps: int | None = None
    """Frames to record; without it, 20,000 or what the game.toml says."""
    policy: Literal["random", "explore", "human"] = "explore"
    """Who plays: held random keys, one that meets every kind of event, or you, in the window."""
    human: bool = False
    """You play: the same as --policy human."""
    workers: int = 1
    """Processes."""
    size: Literal[64, 128, 256] | None = None
    """Side of a frame in pixels; without it, 64 or what the game.toml says."""
    seed: int = 0
    """Decides rooms, luck and play."""
    frame_skip: int | None = None
    """Steps of a Gymnasium environment that one action is held for."""
    game: str = ""
    """Which game of a dream that knows several; without it, the first."""
    actions: str = ""
    """Names of the environment's actions that are used, with commas between; without it, all."""

    def run(self, started: float) -> None:
        """Record, with progress; Ctrl-C keeps what was recorded."""
        from app.recording import plan_recording, record_dream, record_game, record_human

        if self.steps is not None and self.steps < 2:
            raise Mistake(f"--steps must be at least 2, not {self.steps}.")
        if self.workers < 1:
            raise Mistake(f"--workers must be at least 1, not {self.workers}.")
        if self.frame_skip is not None and self.frame_skip < 1:
            raise Mistake(f"--frame-skip must be at least 1, not {self.frame_skip}.")
        plan = plan_recording(self)
        if self.human or self.policy == "human":
            record_human(plan, self.seed, started)
        elif plan.environment:
            record_game(plan, self.policy, self.workers, self.seed)
        else:
            record_dream(plan, self.seed)
