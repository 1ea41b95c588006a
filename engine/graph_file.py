"""Reads an ONNX file as far as it must be known before ONNX Runtime may open it, without the package `onnx`.

An ONNX file is a protobuf message (https://protobuf.dev/programming-guides/encoding; the fields' numbers are those of
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). What no graph of a bundle needs is refused here: unknown
fields, functions, graphs within nodes, sparse tensors, texts as data, and a field that is given twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES: dict[int, np.dtype[Any]] = {
    number: np.dtype(name) for number, name in {1: "f4", 2: "u1", 3: "i1", 6: "i4", 7: "i8", 9: "?", 10: "f2"}.items()
}
"""The types of tensors that a graph may have, by ONNX's numbers."""
MOST_AXES = 8
MOST_VALUES = 256
"""Numbers of an initializer that are read, as the shapes of tensors; larger ones are weights."""

Message = dict[int, list[Any]]
"""Values by the number of their field: int for a varint, memoryview for what has a length or is a fixed number."""


class GraphError(ValueError):
    """An ONNX file is not one that may be opened. One sentence's second half: what it holds."""


@dataclass(frozen=True)
class External:
    """Where the numbers of an initializer stand: `length` bytes from `offset` of a file beside the graph."""

    location: str
    offset: int
    length: int


@dataclass(frozen=True)
class Initializer:
    """A tensor that a graph holds. value: its numbers, where they are few and whole, else None."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    external: External | None
    value: NDArray[Any] | None


@dataclass(frozen=True)
class Node:
    """An operator. inputs, outputs: by name, '' for one left out. attributes: whole numbers, numbers, texts, tuples."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class End:
    """A graph's input or output. shape: a text is a free axis; None where the file does not say it."""

    dtype: np.dtype[Any]
    shape: tuple[int | str, ...] | None


@dataclass(frozen=True)
class GraphFile:
    """What an ONNX file holds. said: shapes that it claims of values in between."""

    opset: int
    nodes: list[Node]
    inputs: dict[str, End]
    outputs: dict[str, End]
    initializers: dict[str, Initializer]
    said: dict[str, End] = field(default_factory=dict)


def parse_graph(data: bytes) -> GraphFile:
    """The content of an ONNX file. Raises GraphError for what is damaged or may not be in one."""
    model = _message(memoryview(data), {1, 2, 3, 5, 6, 7, 8, 14}, {8, 14}, "the model")
    opsets = [_message(x, {1, 2}, set(), "an opset") for x in model.get(8, [])]
    if len(opsets) != 1 or _text(opsets[0], 1) not in ("", "ai.onnx"):
        raise GraphError("it uses operators of another domain")
    if 7 not in model:
        raise GraphError("it holds no graph")
    graph = _message(_bytes(model, 7), {1, 2, 5, 10, 11, 12, 13, 16}, {1, 5, 11, 12, 13, 16}, "the graph")
    initializers = [_initializer(x) for x in graph.get(5, [])]
    return GraphFile(
        opset=_int(opsets[0], 2),
        nodes=[_node(x) for x in graph.get(1, [])],
        inputs=_named([_end(x) for x in graph.get(11, [])], "inputs"),
        outputs=_named([_end(x) for x in graph.get(12, [])], "outputs"),
        initializers=_named(initializers, "initializers"),
        said=_named([_end(x) for x in graph.get(13, [])], "values"),
    )


def _message(data: memoryview, known: set[int], repeated: set[int], what: str) -> Message:
    """The fields of a message. Raises GraphError for an unknown field and for one that is given twice."""
    fields: Message = {}
    for number, value in _fields(data):
        if number not in known:
            raise GraphError(f"{what} has the unknown field {number}")
        if number in fields and number not in repeated:
            raise GraphError(f"{what} has a field twice")
        fields.setdefault(number, []).append(value)
    return fields


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield number, value
            continue
        if wire == 2:
            length, at = _varint(data, at)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise GraphError("it is damaged")
        if length > end - at:
            raise GraphError("it is cut short")
        yield number, data[at : at + length]
        at += length


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise GraphError("it is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, at
    raise GraphError("it is damaged")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _int(message: Message, number: int, default: int = 0) -> int:
    value = message.get(number, [default])[0]
    if not isinstance(value, int):
        raise GraphError("it is damaged")
    return _signed(value)


def _bytes(message: Message, number: int) -> memoryview:
    value = message.get(number, [memoryview(b"")])[0]
    if not isinstance(value, memoryview):
        raise GraphError("it is damaged")
    return value


def _text(message: Message, number: int) -> str:
    return _decoded(_bytes(message, number))


def _decoded(data: Any) -> str:
    if not isinstance(data, memoryview) or len(data) > 1024:
        raise GraphError("it is damaged")
    try:
        text = bytes(data).decode()
    except UnicodeDecodeError:
        raise GraphError("it is damaged") from None
    if not text.isprintable():  # names are shown in messages
        raise GraphError("it has a name with characters that cannot be shown")
    return text


def _ints(values: list[Any], most: int) -> list[int]:
    """Repeated numbers, each by itself or packed, as any writer may choose. Raises GraphError for more than `most`."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, int):
            numbers.append(_signed(value))
            continue
        at = 0
        while at < len(value):
            number, at = _varint(value, at)
            numbers.append(_signed(number))
            if len(numbers) > most:
                raise GraphError("it has a list that is too long")
    return numbers


def _named(items: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    named = dict(items)
    if len(named) < len(items):
        raise GraphError(f"it has two {what} of one name")
    return named


def _node(data: Any) -> Node:
    node = _message(_part(data), {1, 2, 3, 4, 5, 6, 7, 9}, {1, 2, 5, 9}, "a node")
    operator = _text(node, 4)
    if _text(node, 7) not in ("", "ai.onnx"):
        raise GraphError(f"it uses the operator {operator[:40]} of another domain")
    inputs, outputs = (tuple(_decoded(x) for x in node.get(number, [])) for number in (1, 2))
    attributes = _named([_attribute(x, operator) for x in node.get(5, [])], "attributes")
    return Node(operator, inputs, outputs, attributes)


def _attribute(data: Any, operator: str) -> tuple[str, Any]:
    try:
        field = _message(_part(data), {1, 2, 3, 4, 8, 13, 20}, {8}, "an attribute")
    except GraphError as error:
        raise GraphError(f"{error}, of the operator {operator[:40]}") from None
    match _int(field, 20):
        case 1:
            value: Any = float(np.frombuffer(_bytes(field, 2), "<f4")[0]) if len(_bytes(field, 2)) == 4 else 0.0
        case 2:
            value = _int(field, 3)
        case 3:
            value = _text(field, 4)
        case 7:
            value = tuple(_ints(field.get(8, []), 64))
        case _:
            raise GraphError(f"an attribute of the operator {operator[:40]} is of a type that none needs")
    return _text(field, 1), value


def _part(data: Any) -> memoryview:
    if not isinstance(data, memoryview):
        raise GraphError("it is damaged")
    return data


def _initializer(data: Any) -> tuple[str, Initializer]:
    known = {1, 2, 4, 5, 7, 8, 9, 12, 13, 14}
    tensor = _message(_part(data), known, {1, 4, 5, 7, 13}, "an initializer")
    name, dtype = _text(tensor, 8), _type(_int(tensor, 2))
    shape = tuple(_ints(tensor.get(1, []), MOST_AXES))
    if min(shape, default=0) < 0:
        raise GraphError(f"the initializer {name[:40]} has a size below 0")
    size = math.prod(shape)
    if _int(tensor, 14) == 1:
        return name, Initializer(dtype, shape, _external(tensor, name, size * dtype.itemsize), None)
    value = None
    if 9 in tensor:
        raw = _bytes(tensor, 9)
        fits = len(raw) == size * dtype.itemsize and not tensor.keys() & {4, 5, 7}
        if fits and dtype.kind == "i" and size <= MOST_VALUES:
            value = np.frombuffer(raw, dtype.newbyteorder("<")).reshape(shape)
    elif dtype == np.dtype("i8"):
        numbers = _ints(tensor.get(7, []), size)
        fits = len(numbers) == size and not tensor.keys() & {4, 5}
        value = np.array(numbers, np.int64).reshape(shape) if fits and size <= MOST_VALUES else None
    else:
        kept, packed = (4, 4) if dtype.kind == "f" and dtype.itemsize == 4 else (5, 1)
        length = sum(len(x) if isinstance(x, memoryview) else packed for x in tensor.get(kept, []))
        fits = length >= size * packed and not tensor.keys() & ({4, 5, 7} - {kept})
    if not fits:
        raise GraphError(f"the initializer {name[:40]} does not hold as many numbers as its shape says")
    return name, Initializer(dtype, shape, None, value)


def _external(tensor: Message, name: str, size: int) -> External:
    entries = [_message(_part(x), {1, 2}, set(), "external data") for x in tensor.get(13, [])]
    said = _named([(_text(x, 1), _text(x, 2)) for x in entries], "entries")
    numbers = [said.get(key, "0") for key in ("offset", "length")]
    if not all(x.isascii() and x.isdigit() and len(x) <= 18 for x in numbers) or tensor.keys() & {4, 5, 7, 9}:
        raise GraphError(f"the initializer {name[:40]} does not say where its numbers are")
    offset, length = map(int, numbers)
    if length != size:
        raise GraphError(f"the initializer {name[:40]} does not hold as many numbers as its shape says")
    return External(said.get("location", ""), offset, length)


def _type(number: int) -> np.dtype[Any]:
    if number not in TYPES:
        raise GraphError("it has a tensor of a type that none needs")
    return TYPES[number]


def _end(data: Any) -> tuple[str, End]:
    end = _message(_part(data), {1, 2, 3, 4}, {4}, "an input or output")
    kind = _message(_bytes(end, 2), {1, 6}, set(), "the type of an input or output")
    tensor = _message(_bytes(kind, 1), {1, 2}, set(), "the type of an input or output")
    if 1 not in kind:
        raise GraphError("it has an input or output that is no tensor")
    shape: tuple[int | str, ...] | None = None
    if 2 in tensor:
        dims = _message(_bytes(tensor, 2), {1}, {1}, "a shape").get(1, [])
        axes = [_message(_part(x), {1, 2, 3}, set(), "an axis") for x in dims]
        shape = tuple(_int(axis, 1) if 1 in axis else _text(axis, 2) for axis in axes)
    return _text(end, 1), End(_type(_int(tensor, 1)), shape)
