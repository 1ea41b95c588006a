"""Hostile changes to values, texts and bytes, the same ones for the same random numbers."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

Path_ = list[Any]
"""Keys and indices that lead to a value in a JSON value."""

NUMBERS: list[Any] = [
    *(0, 1, -1, 2, 7, 255, 256, 65535, 65536, 2**31, 2**40, 2**53, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 10**18),
    *(0.5, -0.0, 1e-300, 1e300, 1.5, math.nan, math.inf, -math.inf),
]
TEXTS = [
    *("", " ", "\0", "a" * 3000, "💥", "\udcff", "../x", "/etc/passwd", "C:\\x", "file\nname", "%s%n", "{0.__class__}"),
    *("NaN", "1e999", "null", "true", "__import__('os')", "noop", "garden", "\u202e", "-", "--help", "é" * 200),
]


def code(marker: Path) -> str:
    """A text that would leave a mark if anything ever ran it as Python."""
    return f"__import__('pathlib').Path({str(marker)!r}).touch()"


def mutated_json(value: Any, rng: Random, marker: Path, changes: int = 0) -> Any:
    """A copy of a JSON value with one to three changes somewhere in it."""
    value = copy.deepcopy(value)
    for _ in range(changes or rng.choice([1, 1, 1, 2, 3])):
        value = _changed(value, rng, marker)
    return value


def as_text(value: Any, rng: Random) -> bytes:
    """The text of a JSON value, now and then damaged, or of another encoding."""
    data = json.dumps(value).encode("utf-8", "surrogatepass")
    match rng.randrange(24):
        case 0:
            return mutated_bytes(data, rng)
        case 1:
            return b"\xef\xbb\xbf" + data
        case 2:
            return data.decode("utf-8", "replace").encode("utf-16")
        case 3:
            return b"[" * rng.choice([1000, 200_000]) + data
        case 4:
            return data.replace(b"1", b"1" * rng.choice([30, 5000]), 1)
        case 5:
            return data + data
    return data


def mutated_bytes(data: bytes, rng: Random) -> bytes:
    """Bytes with a few of them changed, cut out, doubled or put in."""
    out = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(out) + 1)
        length = min(rng.choice([1, 2, 4, 8, 64, 4096]), max(1, len(out) - at))
        match rng.randrange(7):
            case 0 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at : at + length] = rng.randbytes(length)
            case 2:
                del out[at : at + length]
            case 3:
                out[at:at] = out[at : at + length]
            case 4:
                out[at : at + length] = b"\xff" * length
            case 5:
                out[at : at + length] = bytes(length)
            case 6:
                del out[at:]
    return bytes(out)


def _paths(value: Any, path: Path_) -> list[Path_]:
    found = [path]
    if isinstance(value, dict):
        for key, item in value.items():
            found += _paths(item, [*path, key])
    elif isinstance(value, list):
        for index, item in enumerate(value[:50]):
            found += _paths(item, [*path, index])
    return found


def _changed(value: Any, rng: Random, marker: Path) -> Any:
    path = rng.choice(_paths(value, []))
    if not path:
        return rng.choice([None, [], {}, 1, "x", value, [value]])
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    last = path[-1]
    old = parent[last]
    change: Callable[[], Any] = rng.choice(
        [
            lambda: rng.choice(NUMBERS),
            lambda: rng.choice(TEXTS),
            lambda: code(marker),
            lambda: rng.choice([None, True, False, [], {}, [[]], {"": {}}]),
            lambda: [old] * rng.choice([0, 2, 3, 1000]),
            lambda: {"x": old},
            lambda: str(old),
            lambda: _nested(rng.choice([5, 50, 200])),
            lambda: _near(old, rng),
            lambda: _near(old, rng),
        ]
    )
    match rng.randrange(10):
        case 0:
            del parent[last]
        case 1 if isinstance(parent, dict):
            parent[rng.choice([*TEXTS, "extra", code(marker)])] = change()
        case 2 if isinstance(parent, list):
            parent[last:last] = [copy.deepcopy(old)] * rng.choice([1, 2, 100])
        case 3 if isinstance(parent, dict) and len(parent) > 1:
            parent[last] = copy.deepcopy(parent[rng.choice(sorted(parent, key=str))])
        case _:
            parent[last] = change()
    return value


def _near(old: Any, rng: Random) -> Any:
    """A value of the same type that is a little off."""
    if isinstance(old, bool):
        return not old
    if isinstance(old, int):
        return rng.choice([old + 1, old - 1, -old, old * 2, old * 1000, float(old), str(old)])
    if isinstance(old, float):
        return rng.choice([old + 1, -old, old * 1e6, int(old) if math.isfinite(old) else 0])
    if isinstance(old, str):
        return rng.choice([old + "x", old[:-1], old.upper(), old * 50, " " + old])
    if isinstance(old, list):
        return rng.choice([old[:-1], old[::-1], old + old, old[1:]])
    if isinstance(old, dict):
        return dict(list(old.items())[: rng.randrange(len(old) + 1)])
    return 0


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value
