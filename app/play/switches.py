"""The switches of a dream's settings. Each returns the message for the person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reverie.engine.manifest import MOST_STEPS

if TYPE_CHECKING:
    from reverie.engine.dream import Dream

TEMPERATURES = (0.0, 2.0)


def toggle_mode(dream: Dream) -> str:
    """parallel ↔ ar."""
    manifest = dream.bundle.manifest
    if len(manifest.modes) < 2:
        return f"{manifest.name} only has the mode {manifest.modes[0]}"
    mode = _after(dream.settings.mode, manifest.modes)
    dream.change(mode=mode)
    return "mode: " + {"ar": "autoregressive"}.get(mode, mode)


def toggle_decoder(dream: Dream) -> str:
    """vq ↔ diffusion."""
    manifest = dream.bundle.manifest
    if len(manifest.decoders) < 2:
        return f"{manifest.name} only has the decoder {manifest.decoders[0]}"
    decoder = _after(dream.settings.decoder, manifest.decoders)
    dream.change(decoder=decoder)
    return f"decoder: {decoder}"


def change_temperature(dream: Dream, by: float) -> str:
    """Warmer dreams are wilder."""
    lowest, highest = TEMPERATURES
    temperature = round(min(max(dream.settings.temperature + by, lowest), highest), 2)
    dream.change(temperature=temperature)
    return f"temperature {temperature:.2f}"


def change_passes(dream: Dream, by: int) -> str:
    """More passes make the frame of the parallel mode agree with itself, and take longer."""
    manifest = dream.bundle.manifest
    if manifest.most_passes == 1:
        return f"{manifest.name} only has one pass"
    if dream.settings.mode != "parallel":
        return "passes are for the parallel mode"
    passes = min(max(dream.settings.passes + by, 1), manifest.most_passes)
    dream.change(passes=passes)
    return f"{passes} passes" if passes > 1 else "1 pass"


def change_steps(dream: Dream, by: int) -> str:
    """More steps of the diffusion decoder draw a cleaner picture, and take longer."""
    if dream.settings.steps is None:
        return f"{dream.bundle.manifest.name} has no diffusion decoder"
    if dream.settings.decoder != "diffusion":
        return "steps are for the diffusion decoder"
    steps = min(max(dream.settings.steps + by, 1), MOST_STEPS)
    dream.change(steps=steps)
    return f"{steps} steps" if steps > 1 else "1 step"


def _after(now: str, names: Sequence[str]) -> str:
    return names[(names.index(now) + 1) % len(names)]
