"""`reverie render`: draws a tape again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from reverie.app.commands.kinds import Name
from reverie.app.errors import Mistake


@dataclass
class Render:
    """Draw a tape again: as it was, or with another sampler."""

    tape: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="TAPE")]]
    """The tape."""
    out: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE", help_behavior_hint="")] = None
    """Write it to this .gif or .mp4."""
    bundle: Name = ""
    """Name or folder of the dream, when it is not the one that the tape names."""
    mode: Literal["", "parallel", "ar"] = ""
    """Draw with this sampler from beginning to end."""
    decoder: Literal["", "vq", "diffusion"] = ""
    """Draw with this decoder from beginning to end."""
    check: bool = False
    """Fail (exit code 1) unless the frames are those that were played."""

    def run(self, started: float) -> None:
        """Replay, check, write."""
        from reverie.app.commands.rendering import render

        if self.out is None and not self.check:
            raise Mistake("Say where to draw the tape with -o OUT.gif, or --check it.")
        if self.check and (self.mode or self.decoder):
            raise Mistake(
                "--check compares with the frames that were played, and --mode and --decoder change them; use one."
            )
        render(self.tape, self.out, self.bundle, self.mode or None, self.decoder or None, self.check)
