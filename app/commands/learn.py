"""`reverie learn`: from a game's name to its dream, in one command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from reverie.app.commands.option_types import Count, Name, Number, Out
from reverie.app.errors import Mistake


@dataclass
class Learn:
    """Learn a game and play its dream: record or import, train, export, verify, play. The same command goes on."""

    source: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="SOURCE")]]
    """A built-in game, a Gymnasium id (ALE/Breakout-v5, PACKAGE:Id-v0), module:Class, a folder of videos with logs, a
    Minari dataset, a game folder, or a folder of game folders: one model then learns all of these games."""
    out: Out = None
    """The game folder that all of it goes into; a game folder as SOURCE has itself."""
    minutes: Number = None
    """Minutes for everything until the dream opens, earlier sessions included; by default 60."""
    size: Annotated[Literal[64, 128] | None, tyro.conf.arg(help_behavior_hint="")] = None
    """Side of a frame in pixels; without it, 64 or what the game.toml says."""
    frame_skip: Count = None
    """Steps of a Gymnasium environment that one action is held for."""
    actions: Name = ""
    """Names of the environment's actions that are used, with commas between; without it, all."""
    seed: int = 0
    """Decides every random choice."""
    anyway: bool = False
    """Train although the recording looks broken."""
    open: bool = False
    """Open run/progress.html in a browser: it shows what is learnt, and loads itself again."""
    headless: bool = False
    """Open no window when the dream is there."""

    def run(self, started: float) -> None:
        """Do what is not done yet. After Ctrl-C, or however the process ends, the same command goes on."""
        from reverie.app.learn.run import learn

        if self.minutes is not None and self.minutes <= 0:
            raise Mistake(f"--minutes must be more than 0, not {self.minutes:g}.")
        if self.seed < 0:
            raise Mistake(f"--seed must be at least 0, not {self.seed}.")
        if self.frame_skip is not None and self.frame_skip < 1:
            raise Mistake(f"--frame-skip must be at least 1, not {self.frame_skip}.")
        learn(self, started)
