"""`reverie play`: a dream, or the real game, in a window or without one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from app.errors import Mistake
from engine.bundle import BACKENDS
from engine.manifest import MOST_STEPS


@dataclass
class Play:
    """Play a dream with the arrow keys."""

    bundle: tyro.conf.Positional[str] = ""
    """Name or folder of the dream, or a game folder; without one, the best that holds 20 FPS here."""
    game: str = ""
    """Which game: of those that the dream knows, or with --real of the real ones."""
    mode: str = ""
    """How a frame is sampled: parallel or ar."""
    decoder: str = ""
    """How a frame is drawn: vq or diffusion."""
    steps: int | None = None
    """Steps of the diffusion decoder, 1 to 8: 1 is the fastest, more are cleaner."""
    temperature: float | None = None
    """How wild the dream is: 0 takes the most likely, 1 is as learnt."""
    passes: int | None = None
    """Passes a frame of the parallel mode: 1 is the fastest, more are truer."""
    real: bool = False
    """Play the real game."""
    fps: float | None = None
    """Frames a second; without it, what the dream was recorded at (20)."""
    seed: int = 0
    """Decides the start and every random choice."""
    start: int | None = None
    """Which of the dream's start pictures."""
    scale: int | None = None
    """Screen pixels for one pixel of the picture."""
    fullscreen: bool = False
    """Fill the screen."""
    backend: str = "onnx"
    """What computes the dream: onnx or torch; on a GPU onnx-cuda or torch-cuda."""
    frames: int | None = None
    """Stop after so many frames."""
    script: Path | None = None
    """File of action names, one a line, repeated; plays instead of the keys."""
    record: Path | None = None
    """Record everything to this .gif or .mp4."""
    tape: Path | None = None
    """Write a tape: a few kB that replay this dream exactly."""
    report: Path | None = None
    """Write the figures of this play as JSON."""
    headless: bool = False
    """Open no window."""
    unpaced: bool = False
    """As fast as it goes."""

    def run(self, started: float) -> None:
        """Play. started: perf_counter seconds at which the command began."""
        from app.playing import play

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
            if value is not None and value < least:
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
            raise Mistake("--steps belongs to --decoder diffusion; leave it out.")
        if self.steps is not None and self.steps > MOST_STEPS:
            raise Mistake(f"--steps must be at most {MOST_STEPS}, not {self.steps}.")
        if self.passes is not None and self.mode == "ar":
            raise Mistake("--passes belongs to --mode parallel; leave it out.")
        if self.headless and self.frames is None and self.script is None:
            raise Mistake("Without a window nobody ends the play; say how long with --frames N.")
