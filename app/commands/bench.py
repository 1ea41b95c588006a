"""`reverie bench`: how fast the dreams are here."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.app.commands.option_types import Bundles, Count, File
from reverie.app.own.game_folder import is_game_folder, read_game


@dataclass
class Bench:
    """Time every mode and decoder of the dreams on this machine."""

    bundles: Bundles = ()
    """Names or folders; without any, all that ship."""
    frames: int = 300
    """Frames to time."""
    threads: Count = None
    """Threads of the processor; by default as many as play uses."""
    baseline: bool = False
    """Time a plain pixel diffusion too, for comparison; it needs torch."""
    json: File = None
    """Write the figures here."""

    def run(self, started: float) -> None:
        """Time, and print the figures."""
        from reverie.app.play.outputs import check_writable
        from reverie.evaluation.speed.bench import bench

        if self.json is not None:
            check_writable(self.json)
        for game in (read_game(name) for name in self.bundles if is_game_folder(name)):
            game.require_dream()
        bench(self.bundles, self.frames, self.threads, self.json, baseline=self.baseline)
