"""`reverie import`: play that was recorded elsewhere becomes a recording."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass
class Import:
    """Import videos with action logs, or a Minari dataset, into a game folder."""

    source: tyro.conf.Positional[Annotated[str, tyro.conf.arg(metavar="SOURCE")]]
    """A folder of videos, each with a .csv or .jsonl of its actions; or a Minari dataset, by its folder or name."""
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")]
    """The game folder; a game.toml is written where there is none."""
    size: Literal[64, 128] | None = None
    """Side of a frame in pixels; without it, what the dataset or the game.toml says, or 64."""

    def run(self, started: float) -> None:
        """Import, with progress, and say what comes next."""
        from reverie.app.own.exchange import import_play

        print(import_play(self.source, self.out, self.size).next_step(), file=sys.stderr)
