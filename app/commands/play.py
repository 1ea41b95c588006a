"""`reverie play`: a dream, or the real game, in a window or without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import tyro

from reverie.app.commands.dream_settings import DreamSettings, any_of, chosen
from reverie.app.commands.option_types import Count, File, Name, Number
from reverie.app.errors import Mistake
from reverie.engine.bundle import BACKENDS
from reverie.limits import MOST_FPS


@dataclass
class Play:
    """Play a dream with the arrow keys."""

    bundle: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="[BUNDLE]", help_behavior_hint="")]] = ""
    """Name or folder of the dream, or a game folder; without one, the best that holds 20 FPS here."""
    game: Name = ""
    """Which game: of those that the dream knows, or with --real of the real ones."""
    real: bool = False
    """Play the real game."""
    fps: Number = None
    """Frames a second; without it, what the dream was recorded at (20)."""
    seed: int = 0
    """Decides the start and every random choice."""
    start: Count = None
    """Number of the start picture, from 0; by default the seed chooses."""
    image: File = None
    """Begin the dream at this picture, fitted to its size; the window first shows what the dream makes of it."""
    lucid: bool = False
    """Go back to the last good picture by itself, when the dream loses the game."""
    scale: Count = None
    """Screen pixels for one pixel of the picture; more where the help would not fit into the window."""
    fullscreen: bool = False
    """Fill the screen."""
    backend: str = "onnx"
    """What computes the dream: onnx or torch; on a GPU onnx-cuda or torch-cuda."""
    frames: Count = None
    """Stop after so many frames."""
    script: File = None
    """File of action names, one a line, repeated; plays instead of the keys."""
    record: File = None
    """Record everything to this .gif or .mp4."""
    tape: File = None
    """Write a tape: a few kB that replay this dream exactly."""
    report: File = None
    """Write the figures of this play as JSON."""
    headless: bool = False
    """Open no window."""
    unpaced: bool = False
    """As fast as it goes."""
    settings: tyro.conf.OmitArgPrefixes[DreamSettings] = field(default_factory=DreamSettings)

    def run(self, started: float) -> None:
        """Play. started: perf_counter seconds at which the command began."""
        from reverie.app.commands.play_run import play

        self.check()
        play(self, started)

    def check(self) -> None:
        """What is wrong with the options by themselves. Raises Mistake."""
        for name, value, least in (
            ("fps", self.fps, 1),
            ("frames", self.frames, 1),
            ("scale", self.scale, 1),
            ("seed", self.seed, 0),
        ):
            if value is not None and not value >= least:
                raise Mistake(f"--{name} must be at least {least}, not {value:g}.")
        if self.fps is not None and self.fps > MOST_FPS:
            raise Mistake(f"--fps must be at most {MOST_FPS}, not {self.fps:g}; --unpaced plays as fast as it goes.")
        if self.backend not in BACKENDS:
            raise Mistake(f"There is no backend '{self.backend}'; there is {any_of(BACKENDS)}.")
        chosen(self.settings)
        if self.real and self.tape:
            raise Mistake("A tape holds a dream, and --real plays the real game; use --record to keep it.")
        if self.image and (self.real or self.start is not None):
            other = "--real plays the real game" if self.real else "--start chooses a start picture"
            raise Mistake(f"--image begins the dream at a picture, and {other}; leave one of them out.")
        if self.real and self.lucid:
            raise Mistake("--lucid wakes a dream, and --real plays the real game; leave one of them out.")
        if self.headless and self.frames is None:
            raise Mistake("Without a window nobody ends the play; say how long with --frames N.")
