"""Strict reading of JSON objects into dataclasses: what a file says wrongly, or says too much, is refused."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


class SchemaError(ValueError):
    """A JSON value is not what its field asks for. The message names the field."""


def read_object(cls: type[T], value: Any, where: str) -> T:
    """`value` as the dataclass `cls`, every key checked. `where` names the object in messages, '' for the outermost.

    Lists become tuples. Keys without a default must be there; keys that the dataclass lacks raise SchemaError.
    """
    assert dataclasses.is_dataclass(cls)
    if not isinstance(value, dict):
        raise SchemaError(f"{where or 'the file'} must be an object")
    fields = {field.name: field for field in dataclasses.fields(cls)}
    prefix = f"{where}." if where else ""
    if unknown := sorted(set(value) - set(fields)):
        raise SchemaError(f"the key {prefix}{unknown[0]} is not known")
    hints = typing.get_type_hints(cls)
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
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (hint,) = [a for a in arguments if a is not type(None)]
        return _read(hint, value, where)
    if dataclasses.is_dataclass(hint):
        return read_object(typing.cast(type, hint), value, where)
    if origin is tuple:
        return _read_tuple(arguments, value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise SchemaError(f"{where} must be an object")
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            value = float(value)
        except OverflowError:
            raise SchemaError(f"{where} must be a number that is not so large, not {_show(value)}") from None
    # bool is an int to Python, never to a manifest.
    if type(value) is not hint:
        raise SchemaError(f"{where} must be {_NAMES[hint]}, not {_show(value)}")
    return value


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


_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
