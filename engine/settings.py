"""The settings of a running dream. Their values are declared by a manifest, their titles and keys by its family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.engine.manifest import Manifest, SettingSpec

Value = str | int | float
Settings = Mapping[str, Value]
"""The value of every setting of a dream, by name. It is immutable: a change makes another mapping."""


@dataclass(frozen=True)
class SettingKey:
    """A key that changes a setting.

    name: of the entry in `keys.json`. key: the default, by pygame's name. help: what F1 says of it.
    """

    name: str
    key: str
    help: str


@dataclass(frozen=True)
class SettingInfo:
    """How a setting is named, explained, shown and changed.

    The command line, the HUD, F1, `keys.json`, the tape and all messages are made from this.

    title: its name in a message. help: one sentence, for the command line.
    default: of a bundle whose manifest leaves the setting out. A string is a choice of names, an int a count, a float
    a number. choices: of a choice, all names that the family knows. lowest, highest: the widest range of a bundle.
    keys: one goes to the next choice; two make a number smaller and larger. step: by how much.
    show: format of the value on the HUD; empty for a setting that the HUD leaves out. message: format of the value in
    a message, by default `title: value`. one: the message for the value 1, which the HUD leaves out.
    names: longer names of choices, for a message.
    absent: why a bundle may not have it, for the message to who changes it there.
    when: values of other settings with which this one has an effect, such as `{"mode": ("parallel",)}`.
    """

    title: str
    help: str
    default: Value
    choices: tuple[str, ...] = ()
    lowest: float = 0
    highest: float = 1
    keys: tuple[SettingKey, ...] = ()
    step: float = 1
    show: str = "{}"
    message: str = ""
    one: str = ""
    absent: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def matters(self, settings: Settings) -> bool:
        """Return whether it has an effect beside the other settings."""
        return all(settings.get(name) in values for name, values in self.when.items())

    def says(self, value: Value) -> str:
        """Return the message for a person who has just set it."""
        if self.one and value == 1:
            return self.one
        shown = self.names.get(value, value) if isinstance(value, str) else value
        return self.message.format(shown) if self.message else f"{self.title}: {shown}"


def settings_of(manifest: Manifest, chosen: Mapping[str, Value | None]) -> Settings:
    """Return the bundle's defaults with the chosen values over them; None stands for not chosen.

    Raises ValueError for what the bundle does not have.
    """
    own = {name: spec.default for name, spec in manifest.settings.items()}
    return changed(MappingProxyType(own), manifest, chosen)


def changed(settings: Settings, manifest: Manifest, chosen: Mapping[str, Value | None]) -> Settings:
    """Return the settings with the chosen values over them. Raises ValueError for what the bundle does not have."""
    given = {name: value for name, value in chosen.items() if value is not None}
    for name, value in given.items():
        if name not in manifest.settings:
            raise ValueError(f"{manifest.name} has no setting {name}; it has {', '.join(manifest.settings)}")
        given[name] = _fitting(manifest.settings[name], value, name, manifest.name)
    return MappingProxyType({**settings, **given})


def completed(infos: Mapping[str, SettingInfo], chosen: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return the chosen settings and those that they need: who chooses `steps` wants the decoder that has them.

    infos: of the bundle's family. Raises ValueError for settings that exclude each other.
    """
    given = {name: value for name, value in chosen.items() if value is not None}
    for name in list(given):
        for other, values in infos[name].when.items() if name in infos else ():
            if given.get(other, values[0]) not in values:
                raise ValueError(f"--{name.replace('_', '-')} needs --{other} {values[0]}: leave one of them out")
            given.setdefault(other, values[0])
    return given


def shown(infos: Mapping[str, SettingInfo], settings: Settings) -> str:
    """Return the settings in one line for the HUD, such as `parallel ×3  vq  T 0.80`."""
    line = ""
    for name, info in infos.items():
        value = settings.get(name)
        if value is None or not info.show or not info.matters(settings) or (info.one and value == 1):
            continue
        word = info.show.format(value)
        line += ("" if not line else " " if word.startswith("×") else "  ") + word
    return line


def _fitting(spec: SettingSpec, value: Any, name: str, bundle: str) -> Value:
    """Return the value with the setting's type: a choice, a count (int) or a number (float)."""
    if spec.choices is not None:
        if value not in spec.choices:
            raise ValueError(f"{bundle} has no {name} '{value}'; it has {', '.join(spec.choices)}")
        return str(value)
    assert spec.lowest is not None
    assert spec.highest is not None
    counts = isinstance(spec.default, int)
    try:
        number = int(value) if counts else float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if number != value or not spec.lowest <= number <= spec.highest:
        kind = "a whole number from" if counts else "a number from"
        raise ValueError(f"{name} of {bundle} must be {kind} {spec.lowest:g} to {spec.highest:g}, not {value}")
    return number
