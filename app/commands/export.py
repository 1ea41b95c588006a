"""`reverie export`: a trained run becomes a bundle."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from app.extras import needs_train


@dataclass
class Export:
    """Turn a trained run into a checked bundle."""

    run_dir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(name="run", metavar="RUN")]]
    """Folder of the run."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])]
    """Folder of the new bundle."""
    precision: Literal["fp32", "fp16", "int8"] = "fp16"
    """How the weights are stored."""
    programs: bool = False
    """Add torch programs, for `play --backend torch`."""

    def run(self, started: float) -> None:
        """Export, check against torch, and say where it is."""
        with needs_train():
            from export.run_export import export_run
        export_run(self.run_dir, self.out, self.precision, self.programs)
        print(f"exported {self.out}")
