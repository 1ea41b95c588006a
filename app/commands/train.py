"""`reverie train`: a recipe and recordings become a trained run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

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
    devices: str = "auto"
    """Where to train: cpu, cuda, or a number of GPUs; auto takes a GPU where there is one."""
    precision: str = "bf16"
    """What to compute matrix products in: bf16 or fp32; weights are fp32 in either."""

    def run(self, started: float) -> None:
        """Train, with progress; Ctrl-C keeps the run."""
        with needs_train():
            from training.place import find_place
            from training.run import train
        place = find_place(self.devices, self.precision)
        train(self.recipe, self.data, self.out, self.minutes, self.resume, self.seed, self.begin, place=place)
