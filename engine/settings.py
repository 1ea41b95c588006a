"""What may be set while a dream runs: how it is sampled, and what draws it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, TypedDict, Unpack, cast

from reverie.engine.manifest import MOST_STEPS, Manifest
from reverie.engine.sampler import Sampling


class Chosen(TypedDict, total=False):
    """Those of the `Settings` that somebody chose; None is as good as left out."""

    mode: str | None
    decoder: str | None
    temperature: float | None
    min_p: float | None
    top_p: float | None
    passes: int | None
    steps: int | None


@dataclass(frozen=True)
class Settings(Sampling):
    """How a dream is sampled and drawn.

    decoder: `vq` or `diffusion`, what turns tokens into pixels.
    steps: of the diffusion decoder for a frame, 1 to 8; None for a bundle without it.
    """

    decoder: str = "vq"
    steps: int | None = None

    @property
    def chosen(self) -> Chosen:
        """All of them, for another dream of the same bundle."""
        return cast(Chosen, asdict(self))


def settings_of(manifest: Manifest, **chosen: Unpack[Chosen]) -> Settings:
    """The bundle's own, its first mode and decoder and its `sampling`, but for what was chosen.

    Raises ValueError for what the bundle does not have.
    """
    best, diffusion = manifest.sampling, manifest.diffusion
    own = Settings(
        manifest.modes[0], best.temperature, best.min_p, best.top_p, best.passes,
        manifest.decoders[0], diffusion.steps if diffusion is not None else None,
    )  # fmt: skip
    return changed(own, manifest, **chosen)


def changed(settings: Settings, manifest: Manifest, **chosen: Unpack[Chosen]) -> Settings:
    """The same but for what was chosen. Raises ValueError for what the bundle does not have."""
    given: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    name, most = manifest.name, manifest.most_passes
    for what, known in (("mode", manifest.modes), ("decoder", manifest.decoders)):
        if given.get(what, known[0]) not in known:
            raise ValueError(f"{name} has no {what} {given[what]!r}: choose {' or '.join(known)}")
    passes = given.get("passes", 1)
    if passes > most:
        why = f"{name} has no causal head to refine with" if most == 1 else f"{name} is exact after {most}"
        raise ValueError(f"passes must be at most {most}, not {passes}: {why}")
    if "steps" in given:
        if settings.steps is None:
            raise ValueError(f"steps are for a diffusion decoder, and {name} has none")
        if not 1 <= given["steps"] <= MOST_STEPS:
            raise ValueError(f"steps must be 1 to {MOST_STEPS}, not {given['steps']}")
    return replace(settings, **given)
