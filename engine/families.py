"""The families of world models, and where each is at home. A family is imported when a bundle of it is opened.

A family is a module with what `Family` says. It adds itself with one line here, and keeps everything else that speaks
of it in files of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from reverie.schema import SchemaError

if TYPE_CHECKING:
    from reverie.engine.dynamics import Dynamics
    from reverie.engine.manifest import Manifest, SettingSpec
    from reverie.engine.settings import SettingInfo

FAMILIES: dict[str, str] = {"tokens": "reverie.engine.tokens.family", "latent": "reverie.engine.latent.family"}
"""Name in a manifest to the module that is imported for it."""


class Family(Protocol):
    """What the module of a family holds."""

    SETTINGS: Mapping[str, SettingInfo]
    """How each setting of the family is called, explained and changed."""

    def check(self, manifest: Manifest) -> None:
        """Raise SchemaError where the manifest does not declare what the family needs, or more than it uses."""

    def settings(self, manifest: Manifest) -> Mapping[str, SettingSpec]:
        """The settings of a bundle, with the default and range of those that its manifest leaves out."""

    def dynamics(self, manifest: Manifest, runtime: Any) -> Dynamics:
        """The family on what runs its graphs (`engine.runtime.Runtime`) or holds its networks (on torch)."""

    def known_settings(self, manifest: Manifest) -> Mapping[str, str | int | float]:
        """With what the known frame of a manifest is dreamt: the calmest that there is, so that machines agree."""


def all_settings() -> dict[str, SettingInfo]:
    """The settings of all families by name. Where two families have one of the same name, the first explains it."""
    found: dict[str, SettingInfo] = {}
    for name in FAMILIES:
        for setting, info in family(name).SETTINGS.items():
            known = found.setdefault(setting, info)
            choices = tuple(dict.fromkeys((*known.choices, *info.choices)))
            limits = min(known.lowest, info.lowest), max(known.highest, info.highest)
            when = known.when if known.when == info.when else {}
            found[setting] = replace(known, choices=choices, lowest=limits[0], highest=limits[1], when=when)
    return found


@cache
def _module(path: str) -> Any:
    return import_module(path)


def family(name: str) -> Family:
    """The family of that name. Raises SchemaError for one that is not known."""
    if name not in FAMILIES:
        raise SchemaError(f"the family {name!r} is not known; this version has {', '.join(FAMILIES)}")
    return cast(Family, _module(FAMILIES[name]))
