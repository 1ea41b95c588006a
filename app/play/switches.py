"""Changes a setting of a running dream. Each function returns the message for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.engine.families import all_settings, family

if TYPE_CHECKING:
    from reverie.engine.dream import Dream


def change_setting(dream: Dream, name: str, by: int) -> str:
    """Go to the next choice of a setting, or change a number by so many of its steps, inside the bundle's range."""
    manifest = dream.bundle.manifest
    spec, info = manifest.settings.get(name), family(manifest.family).SETTINGS.get(name)
    if spec is None or info is None:
        why = all_settings()[name].absent
        return f"{manifest.name} has no {title_of_setting(name)}" + (f": {why}" if why else "")
    if spec.choices is not None:
        if len(spec.choices) < 2:
            return f"{manifest.name} only has the {info.title} {spec.choices[0]}"
        following = spec.choices.index(str(dream.settings[name])) + 1
        dream.change(**{name: spec.choices[following % len(spec.choices)]})
        return info.says(dream.settings[name])
    assert spec.lowest is not None
    assert spec.highest is not None
    if not info.matters(dream.settings):
        other, values = next(iter(info.when.items()))
        return f"{info.title} {'are' if info.title.endswith('s') else 'is'} for the {other} {values[0]}"
    number = round(min(max(float(dream.settings[name]) + by * info.step, spec.lowest), spec.highest), 6)
    dream.change(**{name: number})
    return info.says(dream.settings[name])


def title_of_setting(name: str) -> str:
    """Return what a setting is called in a message."""
    return all_settings()[name].title
