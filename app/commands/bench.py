"""`reverie bench`: how fast the dreams are here."""

from __future__ import annotations

from dataclasses import dataclass

from app.commands.kinds import Bundles, Count, File


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
        from evaluation.bench import bench

        bench(self.bundles, self.frames, self.threads, self.json, baseline=self.baseline)
