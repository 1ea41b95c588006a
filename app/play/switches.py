"""The switches of a dream's settings. Each returns the message for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.engine.families import family
from reverie.engine.settings import SettingInfo

if TYPE_CHECKING:
    from reverie.engine.dream import Dream


def toggle_mode(dream: Dream) -> str:
    """parallel ↔ ar."""
    return next_choice(dream, "mode")


def toggle_decoder(dream: Dream) -> str:
    """vq ↔ diffusion."""
    return next_choice(dream, "decoder")


def change_temperature(dream: Dream, by: float) -> str:
    """Warmer dreams are wilder."""
    return change_number(dream, "temperature", by)


def change_passes(dream: Dream, by: int) -> str:
    """More passes make the frame of the parallel mode agree with itself, and take longer."""
    return change_number(dream, "passes", by)


def change_steps(dream: Dream, by: int) -> str:
    """More steps of the diffusion decoder draw a cleaner picture, and take longer."""
    return change_number(dream, "steps", by)


def next_choice(dream: Dream, name: str) -> str:
    """The choice after the present one."""
    names = dream.bundle.manifest.choices(name)
    if len(names) < 2:
        return f"{dream.bundle.manifest.name} only has the {name} {names[0]}" if names else _lacks(dream, name)
    dream.change(**{name: names[(names.index(str(dream.settings[name])) + 1) % len(names)]})
    return _info(dream, name).says(dream.settings[name])


def change_number(dream: Dream, name: str, by: float) -> str:
    """A number of the settings, by so much, as far as the bundle lets it go."""
    spec, info = dream.bundle.manifest.settings.get(name), _info(dream, name)
    if spec is None or spec.lowest is None or spec.highest is None:
        return _lacks(dream, name)
    if not info.matters(dream.settings):
        (other, values) = next(iter(info.when.items()))
        return f"{info.title} {'are' if info.title.endswith('s') else 'is'} for the {other} {values[0]}"
    number = round(min(max(float(dream.settings[name]) + by, spec.lowest), spec.highest), 6)
    dream.change(**{name: number})
    return info.says(dream.settings[name])


def _info(dream: Dream, name: str) -> SettingInfo:
    return family(dream.bundle.manifest.family).SETTINGS[name]


def _lacks(dream: Dream, name: str) -> str:
    return f"{dream.bundle.manifest.name} has no {name}"
