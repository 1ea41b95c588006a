"""The command-line options of a dream's settings, made from what the families declare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from reverie.app.commands.option_types import Count, Name, Number
from reverie.app.errors import Mistake
from reverie.engine.families import FAMILIES, all_settings, family
from reverie.engine.settings import SettingInfo, Value, completed


def _type(info: SettingInfo) -> Any:
    kind: Any = Name if isinstance(info.default, str) else Count if isinstance(info.default, int) else Number
    return Annotated[kind, tyro.conf.arg(help=info.help)]


if TYPE_CHECKING:

    class DreamSettings:
        """One field for each setting; '' or None where it was not given."""

else:
    DreamSettings = make_dataclass(
        "DreamSettings",
        [
            (name, _type(info), field(default="" if isinstance(info.default, str) else None))
            for name, info in all_settings().items()
        ],
    )
    DreamSettings.__doc__ = "How the dream is sampled and drawn. Without an option, the dream's own value holds."


def any_of(names: Sequence[str]) -> str:
    """Names in a sentence: `a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def chosen(settings: DreamSettings) -> dict[str, Value]:
    """Return the settings that were given.

    Raises Mistake for a value that no dream can have, and ValueError for settings that exclude each other.
    """
    given: dict[str, Value] = {}
    for name, info in all_settings().items():
        value = getattr(settings, name)
        if value is None or value == "":
            continue
        option = f"--{name.replace('_', '-')}"
        if isinstance(info.default, str):
            if value not in info.choices:
                raise Mistake(f"There is no {info.title} '{value}'; there is {any_of(info.choices)}.")
        elif not value >= info.lowest:
            raise Mistake(f"{option} must be at least {info.lowest:g}, not {value:g}.")
        elif value > info.highest:
            raise Mistake(f"{option} must be at most {info.highest:g}, not {value:g}.")
        given[name] = value
    _check_together(given)
    return given


def _check_together(given: dict[str, Value]) -> None:
    """Raises ValueError where the settings exclude each other in every family that has them all."""
    troubles = []
    for infos in (family(name).SETTINGS for name in FAMILIES):
        if all(name in infos and value in (infos[name].choices or (value,)) for name, value in given.items()):
            try:
                completed(infos, given)
            except ValueError as error:
                troubles.append(error)
            else:
                return
    if troubles:
        raise troubles[0]
