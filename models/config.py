"""Reads configuration dataclasses from JSON and TOML, with types and limits checked and one sentence for a mistake."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration with a mistake: where it stands, what it is, and what is wanted, without a full stop."""


@dataclass(frozen=True)
class Range:
    """Limits of a number, both included. It annotates a field: `Annotated[int, Range(1, 64)]`."""

    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"from {self.lowest:,g} to {self.highest:,g}"


def read_config(kind: type[T], content: object, where: str) -> T:
    """Build the dataclass `kind` from a table. Lists become tuples.

    where: for the message, `file: section`, or `file:` for the whole file. Raises ConfigError for an unknown or missing
    key, a wrong type, NaN, a number outside the field's `Range`, and whatever the dataclass refuses with a ValueError.
    """
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where.rstrip(':')} must be a table, not {_shown(content)}")
    known = {field.name: field for field in fields(kind) if field.init}  # type: ignore[arg-type]
    if unknown := sorted(str(key) for key in content if key not in known):
        raise ConfigError(f"{where.rstrip(':')} has an unknown key {unknown[0][:60]!r}; there are {', '.join(known)}")
    hints = _hints(kind)  # type: ignore[arg-type]
    values = {}
    for name, field in known.items():
        if name in content:
            values[name] = _value(
                hints[name], content[name], f"{where} {name}" if where.endswith(":") else f"{where}.{name}"
            )
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where.rstrip(':')} lacks the key {name!r}")
    try:
        return kind(**values)
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{where.rstrip(':')}: {str(error).rstrip('.')}") from error


@lru_cache(maxsize=256)
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _value(hint: Any, value: object, where: str, limits: Range | None = None) -> Any:
    """Check a value against a type hint."""
    if hint is Any:
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _value(arguments[0], value, where, next((x for x in arguments[1:] if isinstance(x, Range)), None))
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        return _value(next(x for x in arguments if x is not type(None)), value, where, limits)
    if is_dataclass(hint):
        return read_config(hint, value, where)  # type: ignore[arg-type]
    if origin is tuple:
        return _tuple(arguments, value, where, limits)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} must be a table, not {_shown(value)}")
        return {str(key): _value(arguments[1], x, f"{where}.{key}") for key, x in value.items()}
    if hint in (int, float):
        return _number(hint, value, where, limits)
    if not isinstance(value, hint):
        raise ConfigError(f"{where} must be {_NAMES.get(hint, hint.__name__)}, not {_shown(value)}")
    return value


def _tuple(arguments: tuple[Any, ...], value: object, where: str, limits: Range | None) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(f"{where} must be a list, not {_shown(value)}")
    if arguments[-1] is ...:
        hints = [arguments[0]] * len(value)
    elif len(value) != len(arguments):
        raise ConfigError(f"{where} must be a list of {len(arguments)}, not of {len(value)}")
    else:
        hints = list(arguments)
    return tuple(_value(hint, x, f"{where}[{i}]", limits) for i, (hint, x) in enumerate(zip(hints, value, strict=True)))


def _number(kind: type[int] | type[float], value: object, where: str, limits: Range | None) -> int | float:
    wanted = f"{_NAMES[kind]}{f' {limits}' if limits else ''}"
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise ConfigError(f"{where} must be {wanted}, not {_shown(value)}")
    if (limits and not limits.lowest <= value <= limits.highest) or not math.isfinite(value):
        raise ConfigError(f"{where} must be {wanted}, not {_shown(value)}")
    return kind(value)


_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**18:
        return "a huge number"  # Python refuses to print a number of thousands of digits
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
