"""`reverie train`: a recipe and recordings become a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from app.errors import Mistake
from app.extras import needs_train


@dataclass
class Train:
    """Train a world model by a recipe on recordings."""

    recipe: tyro.conf.Positional[str]
    """Name or file of the recipe."""
    data: Path
    """Folder of the recordings."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the run."""
    minutes: float = 60.0
    """Stop after so much time."""
    resume: bool = False
    """Go on where the run stopped."""
    begin: Annotated[Path | None, tyro.conf.arg(name="from", metavar="RUN")] = None
    """Begin with what another run has learnt."""
    seed: int = 0
    """Decides every random choice."""
    devices: str = "cpu"
    """Where to train."""
    precision: str = "fp32"
    """What to compute in."""

    def run(self, started: float) -> None:
        """Train, with progress; Ctrl-C keeps the run."""
        if (self.devices, self.precision) != ("cpu", "fp32"):
            raise Mistake("This version trains with --devices cpu and --precision fp32; leave both out.")
        with needs_train():
            from training.run import train
        train(self.recipe, self.data, self.out, self.minutes, self.resume, self.seed, self.begin)
