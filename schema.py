"""Reads JSON and TOML into dataclasses: every kind of file is checked here, key by key, before anything is made of it.

Unknown and missing keys, wrong types, NaN and what is beyond the limits of its field raise `SchemaError`, one sentence
that says where it stands, what it is and what is wanted.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from reverie.reading import one_line, read_regular

T = TypeVar("T")

MOST_DIGITS = 20
"""Digits of a whole number in a JSON file: enough for 64 bits."""


class SchemaError(ValueError):
    """A value is not what its field asks for. The message names the field, has no full stop, and fits on one line."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Within:
    """Limits of a field, both included, given as `Annotated[int, Within(1, 512)]`.

    Of a number they are of its value, of a text of its length, of a list or a table of the number of entries.
    """

    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{_number(self.lowest)} to {_number(self.highest)}"


def read_json(file: Path, most_bytes: int) -> tuple[Any, bytes]:
    """The JSON value of a file, and its bytes. Nothing larger than `most_bytes` is read.

    Raises OSError where it is no regular file, too large or cannot be read, SchemaError where it is not JSON.
    """
    data = read_regular(file, most_bytes)
    try:
        return json.loads(data.decode("utf-8-sig"), parse_int=_whole, parse_constant=_no_number), data
    except SchemaError:
        raise
    except (ValueError, RecursionError):
        raise SchemaError("it is not JSON") from None


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise SchemaError(f"it holds a number of {len(digits)} digits")
    return int(digits)


def _no_number(text: str) -> float:
    raise SchemaError(f"it holds {text}, which is no number of JSON")


def read_object(kind: type[T], value: object, where: str = "") -> T:
    """`value`, a table of JSON or TOML, as the dataclass `kind`. Lists become tuples.

    where: names the table in messages, '' for the whole file; after a colon, as in `recipe.toml:`, keys stand alone.
    Raises SchemaError for an unknown or missing key, a wrong type, a value outside the limits that its field declares
    with `Within`, and whatever the dataclass itself refuses with a ValueError.
    """
    name = where.rstrip(":") or "it"
    if not isinstance(value, Mapping):
        raise SchemaError(f"{name} must be a table of keys and values, not {_shown(value)}")
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}  # type: ignore[arg-type]
    if unknown := sorted(str(key) for key in value if key not in fields):
        raise SchemaError(f"{name} has an unknown key '{unknown[0][:40]}'; there are {', '.join(fields)}")
    prefix = f"{where} " if where.endswith(":") else f"{where}." if where else ""
    hints, read = _hints(kind), {}  # type: ignore[arg-type]
    for key, field in fields.items():
        if key in value:
            read[key] = _read(hints[key], value[key], prefix + key)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise SchemaError(f"{name} lacks the key '{key}'")
    try:
        return kind(**read)
    except SchemaError:
        raise
    except ValueError as error:
        raise SchemaError(f"{where.rstrip(':')}: {error}".removeprefix(": ").rstrip(".")) from error


@lru_cache(maxsize=256)
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def _read(hint: Any, value: object, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Annotated:
        read = _read(arguments[0], value, where)
        for limits in arguments[1:]:
            if read is not None:
                _check(limits, read, where)
        return read
    if origin in (typing.Union, types.UnionType):
        return _read_either(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return read_object(typing.cast(type, hint), value, where)
    if origin is tuple:
        return _read_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise SchemaError(f"{where} must be a table of keys and values, not {_shown(value)}")
        for key in value:
            _read(arguments[0], key, f"a key of {where}")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    return _read_plain(hint, value, where)


def _read_plain(hint: Any, value: object, where: str) -> Any:
    """Return a text, a number or a truth value. A whole number serves as any number."""
    read = value
    if hint is float and type(value) is int:
        try:
            read = float(value)
        except OverflowError:
            read = math.inf
    # bool is an int to Python, never to a file.
    if type(read) is not hint or (hint is float and not math.isfinite(read)):  # type: ignore[arg-type]
        raise SchemaError(f"{where} must be {_NAMES[hint]}, not {_shown(value)}")
    return read


def _read_either(hints: tuple[Any, ...], value: object, where: str) -> Any:
    """Return a value of one of several types. The error message is that of the nearest type."""
    if value is None and type(None) in hints:
        return None
    wanted = [hint for hint in hints if hint is not type(None)]
    if len(wanted) == 1:
        return _read(wanted[0], value, where)
    for hint in wanted:
        plain = typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint
        if type(value) is plain:
            return _read(hint, value, where)
    raise SchemaError(f"{where} must be {' or '.join(_NAMES.get(hint, 'something else') for hint in wanted)}")


def _read_tuple(arguments: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SchemaError(f"{where} must be a list, not {_shown(value)}")
    if arguments[-1] is Ellipsis:
        hints = [arguments[0]] * len(value)
    elif len(arguments) == len(value):
        hints = list(arguments)
    else:
        raise SchemaError(f"{where} must have {len(arguments)} entries, not {len(value)}")
    return tuple(_read(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(zip(hints, value, strict=True)))


def _check(limits: Within, value: Any, where: str) -> None:
    counted = not isinstance(value, int | float)
    if limits.lowest <= (len(value) if counted else value) <= limits.highest:
        return
    if counted:
        what = "characters" if isinstance(value, str) else "entries"
        raise SchemaError(f"{where} must have {limits} {what}, not {len(value)}")
    raise SchemaError(f"{where} must be {limits}, not {_shown(value)}")


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _number(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) and abs(number) < 10**15 else f"{number:g}"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list"
    if type(value) is int and abs(value) >= 10**MOST_DIGITS:
        return "a huge number"  # Python refuses to print a number of thousands of digits
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
