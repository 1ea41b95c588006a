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
    """A built-in game, or a dream's name or folder."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the recording; more is added to one that is there."""
    steps: int = 20_000
    """Frames to record."""
    policy: Literal["random", "explore", "human"] = "explore"
    """Who plays: held random keys, one that meets every kind of event, or you, in the window."""
    workers: int = 1
    """Processes."""
    size: Literal[64, 128, 256] = 64
    """Side of a frame in pixels."""
    seed: int = 0
    """Decides rooms, luck and play."""

    def run(self, started: float) -> None:
        """Record, with progress; Ctrl-C keeps what was recorded."""
        from app.recording import record_dream, record_game, record_human

        if self.steps < 2:
            raise Mistake(f"--steps must be at least 2, not {self.steps}.")
        if self.workers < 1:
            raise Mistake(f"--workers must be at least 1, not {self.workers}.")
        if self.policy == "human":
            record_human(self.world, self.out, self.steps, self.size, self.seed, started)
        elif is_game(self.world):
            record_game(self.world, self.out, self.steps, self.policy, self.workers, self.size, self.seed)
        else:
            record_dream(self.world, self.out, self.steps, self.seed)


def is_game(world: str) -> bool:
    """True for a built-in game. Raises Mistake for a name that is nothing at all."""
    from engine import library
    from games import registry

    if world in registry.names():
        return True
    if world not in library.shipped() and not Path(world).is_dir():
        names = ", ".join((*registry.names(), *library.shipped()))
        raise Mistake(f"There is no world '{world}' to record; there is {names}, or a dream's folder.")
    return False
