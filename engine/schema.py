"""Reads JSON objects into dataclasses. Unknown keys, wrong types and numbers out of range are refused."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reverie.reading import one_line, read_regular

T = TypeVar("T")

MOST_DIGITS = 20
"""Digits of a whole number in a file: enough for 64 bits."""


class SchemaError(ValueError):
    """A JSON value is not what its field asks for. The message names the field, and can be shown on a terminal."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Within:
    """Limits of a field, given as `Annotated[int, Within(1, 512)]`.

    Of a number they are of its value, of a text of its length, of a list or an object of the number of entries.
    """

    lowest: float
    highest: float


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


def read_object(cls: type[T], value: Any, where: str) -> T:
    """`value` as the dataclass `cls`, every key checked. `where` names the object in messages, '' for the outermost.

    Lists become tuples. Keys without a default must be there; keys that the dataclass lacks raise SchemaError, and so
    does a value outside the limits that its field declares with `Within`.
    """
    assert dataclasses.is_dataclass(cls)
    if not isinstance(value, dict):
        raise SchemaError(f"{where or 'the file'} must be an object")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    if unknown := sorted(set(value) - set(fields)):
        raise SchemaError(f"the key {prefix}{unknown[0][:40]} is not known")
    hints = typing.get_type_hints(cls, include_extras=True)
    read = {}
    for name, field in fields.items():
        if name in value:
            read[name] = _read(hints[name], value[name], prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SchemaError(f"the key {prefix}{name} is missing")
    return cls(**read)


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin is typing.Annotated:
        read = _read(arguments[0], value, where)
        for limits in arguments[1:]:
            _check(limits, read, where)
        return read
    if origin in (typing.Union, types.UnionType):
        return _read_either(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return read_object(typing.cast(type, hint), value, where)
    if origin is tuple:
        return _read_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise SchemaError(f"{where} must be an object")
        for key in value:
            _read(arguments[0], key, f"a key of {where}")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    # bool is an int to Python, never to a manifest.
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise SchemaError(f"{where} must be {_NAMES[hint]}, not {_show(value)}")
    return value


def _read_either(hints: tuple[Any, ...], value: Any, where: str) -> Any:
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


def _read_tuple(arguments: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise SchemaError(f"{where} must be a list, not {_show(value)}")
    if arguments[-1] is Ellipsis:
        hints = [arguments[0]] * len(value)
    elif len(arguments) == len(value):
        hints = list(arguments)
    else:
        raise SchemaError(f"{where} must have {len(arguments)} entries, not {len(value)}")
    return tuple(_read(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(zip(hints, value, strict=True)))


def _check(limits: Within, value: Any, where: str) -> None:
    counted = not isinstance(value, int | float)
    number = len(value) if counted else value
    if not limits.lowest <= number <= limits.highest:
        what = "characters" if isinstance(value, str) else "entries"
        least, most = f"{limits.lowest:g}", f"{limits.highest:g}"
        if counted:
            raise SchemaError(f"{where} must have {least} to {most} {what}, not {number}")
        raise SchemaError(f"{where} must be {least} to {most}, not {number}")


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
