"""What the page needs for the diffusion decoder of any family beside the bundle."""

from __future__ import annotations

from reverie.engine.correction import GRAPH, fixed_noise
from reverie.engine.manifest import Manifest

NOISE = "noise.bin"


def extra_files(manifest: Manifest) -> dict[str, bytes]:
    """`noise.bin`, only with the diffusion decoder: its fixed noise, (H, W, 3) float32, little-endian."""
    if GRAPH not in manifest.graphs:
        return {}
    return {NOISE: fixed_noise(manifest.resolution, manifest.resolution).astype("<f4").tobytes()}
