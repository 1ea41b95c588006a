"""What may be set while a dream runs. A manifest says what may be chosen, its family how that is called and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.engine.manifest import Manifest, SettingSpec

Value = str | int | float
Settings = Mapping[str, Value]
"""Every setting of a dream by name. It never changes: another one takes its place."""


@dataclass(frozen=True)
class SettingInfo:
    """How a setting is called, explained, shown and changed. It is plain data, from which all that is seen is made.

    title: what it is called in a message, such as `temperature`. help: one sentence, for the command line and F1.
    keys: what its keys are called and press, `{"cooler": "[", "warmer": "]"}`: one goes on to the next choice, two
    make a number less and more. step: by how much. show: format of the value on the HUD, such as `T {:.2f}`.
    message: format of the value in a message, `{title} {value}` where none is given; `one` where the value is 1.
    names: of choices that a message calls otherwise.
    when: other settings and the values of them with which this one matters, `{"mode": ("parallel",)}`.
    """

    title: str
    help: str
    keys: Mapping[str, str] = field(default_factory=dict)
    step: float = 1
    show: str = "{}"
    message: str = ""
    one: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def matters(self, settings: Settings) -> bool:
        """Whether it makes a difference beside the other settings."""
        return all(settings.get(name) in values for name, values in self.when.items())

    def says(self, value: Value) -> str:
        """The message for a person who has just set it."""
        if self.one and value == 1:
            return self.one
        shown = self.names.get(value, value) if isinstance(value, str) else value
        return self.message.format(shown) if self.message else f"{self.title}: {shown}"


def settings_of(manifest: Manifest, chosen: Mapping[str, Value | None]) -> Settings:
    """The bundle's own settings, but for what was chosen; None is as good as left out.

    Raises ValueError for what the bundle does not have.
    """
    own = {name: spec.default for name, spec in manifest.settings.items()}
    return changed(MappingProxyType(own), manifest, chosen)


def changed(settings: Settings, manifest: Manifest, chosen: Mapping[str, Value | None]) -> Settings:
    """The same but for what was chosen. Raises ValueError for what the bundle does not have."""
    given = {name: value for name, value in chosen.items() if value is not None}
    for name, value in given.items():
        if name not in manifest.settings:
            raise ValueError(f"{manifest.name} has no setting {name}; it has {', '.join(manifest.settings)}")
        given[name] = _fitting(manifest.settings[name], value, name, manifest.name)
    return MappingProxyType({**settings, **given})


def _fitting(spec: SettingSpec, value: Any, name: str, bundle: str) -> Value:
    """The value as the setting has it: a choice, a count (int) or a number (float)."""
    if spec.choices is not None:
        if value not in spec.choices:
            raise ValueError(f"{bundle} has no {name} {value!r}: choose {' or '.join(spec.choices)}")
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
