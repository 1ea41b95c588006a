"""`reverie play`: a dream, or the real game, in a window or without one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from reverie.app.commands.option_types import Count, File, Name, Number
from reverie.app.errors import Mistake
from reverie.engine.bundle import BACKENDS


@dataclass
class Play:
    """Play a dream with the arrow keys."""

    bundle: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="[BUNDLE]", help_behavior_hint="")]] = ""
    """Name or folder of the dream, or a game folder; without one, the best that holds 20 FPS here."""
    game: Name = ""
    """Which game: of those that the dream knows, or with --real of the real ones."""
    mode: Name = ""
    """How a frame is sampled: parallel or ar."""
    decoder: Name = ""
    """How a frame is drawn: vq or diffusion."""
    steps: Count = None
    """Steps of the diffusion decoder, 1 to 8: 1 is the fastest, more are cleaner."""
    temperature: Number = None
    """How wild the dream is: 0 takes the most likely, 1 is as learnt."""
    passes: Count = None
    """Passes a frame of the parallel mode: 1 is the fastest, more are truer."""
    real: bool = False
    """Play the real game."""
    fps: Number = None
    """Frames a second; without it, what the dream was recorded at (20)."""
    seed: int = 0
    """Decides the start and every random choice."""
    start: Count = None
    """Number of the start picture, from 0; by default the seed chooses."""
    scale: Count = None
    """Screen pixels for one pixel of the picture."""
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
            ("passes", self.passes, 1),
            ("steps", self.steps, 1),
        ):
            if value is not None and not value >= least:
                raise Mistake(f"--{name} must be at least {least}, not {value:g}.")
        if self.fps is not None and self.fps > 240:
            raise Mistake(f"--fps must be at most 240, not {self.fps:g}; --unpaced plays as fast as it goes.")
        for name, text, known in (
            ("mode", self.mode, ("parallel", "ar")),
            ("decoder", self.decoder, ("vq", "diffusion")),
            ("backend", self.backend, BACKENDS),
        ):
            if text and text not in known:
                there = f"{', '.join(known[:-1])} and {known[-1]}"
                raise Mistake(f"There is no {name} '{text}'; there is {there}.")
        if self.real and self.tape:
            raise Mistake("A tape holds a dream, and --real plays the real game; use --record to keep it.")
        if self.steps is not None and self.decoder != "diffusion":
            raise Mistake("--steps needs --decoder diffusion; add that, or leave --steps out.")
        if self.passes is not None and self.mode == "ar":
            raise Mistake("--passes belongs to --mode parallel; leave it out.")
        if self.headless and self.frames is None:
            raise Mistake("Without a window nobody ends the play; say how long with --frames N.")
