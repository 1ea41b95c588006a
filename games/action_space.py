"""Which spaces of actions can be played: those that are a few choices, which get numbers and names."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.games.errors import UnsuitableGame
from reverie.limits import MOST_ACTIONS

MOST_COMBINATIONS = 64
TOGETHER = "+"
"""Stands between the names of what is pressed together."""
NOOP = "noop"


@dataclass(frozen=True)
class _Part:
    """One choice of several that are made at once. first: its lowest value, which stands for nothing."""

    name: str
    first: int
    count: int


@dataclass(frozen=True)
class PlayableActions:
    """The actions of a space, numbered from 0. names: of each. codes: what the environment is given for each."""

    names: tuple[str, ...]
    codes: tuple[Any, ...]
    _space: Any
    _parts: tuple[_Part, ...]

    def numbers(self, stored: Any) -> NDArray[np.int64]:
        """The numbers (T,) of T actions as Minari stores them: an array, or one for each part of a nested space.

        Raises ValueError where they are not of this space.
        """
        columns = list(_columns(self._space, stored))
        numbers = np.zeros(len(columns[0]), np.int64)
        for part, column in zip(self._parts, columns, strict=True):
            values = np.asarray(column, np.int64) - part.first
            if ((values < 0) | (values >= part.count)).any():
                raise ValueError("an action lies outside its space")
            numbers = numbers * part.count + values
        return numbers


def playable_actions(space: Any, source: str, env: Any = None) -> PlayableActions:
    """Number and name the actions of a space of Gymnasium's, or of a class that has `n`.

    Buttons, several choices at once, and tables of such become combinations, the first of which presses nothing.
    source: names the game in the message. env: is asked for the names, where there is one.
    Raises UnsuitableGame with one sentence for what cannot be played.
    """
    parts = tuple(_parts(space, "", source))
    count = math.prod(part.count for part in parts)
    if _is_plain(space):
        if not 1 <= count < MOST_ACTIONS:
            raise UnsuitableGame(f"{source} has {count} actions; at most {MOST_ACTIONS - 1} can be recorded.")
        names = _given_names(env, count) or [f"action{index}" for index in range(count)]
        return PlayableActions(tuple(names), tuple(range(parts[0].first, parts[0].first + count)), space, parts)
    if not 1 <= count <= MOST_COMBINATIONS:
        raise UnsuitableGame(
            f"{source} has {count:,} combinations of actions ({_shown(space)}), and at most {MOST_COMBINATIONS} can be "
            "played: wrap it in a class that has fewer, and name it module:Class."
        )
    if own := _button_names(env, len(parts)):
        parts = tuple(_Part(name, part.first, part.count) for name, part in zip(own, parts, strict=True))
    chosen = list(itertools.product(*(range(part.count) for part in parts)))
    names = _given_names(env, count) or [_combination(parts, values) for values in chosen]
    codes = [_code(space, iter([p.first + v for p, v in zip(parts, values, strict=True)])) for values in chosen]
    return PlayableActions(tuple(names), tuple(codes), space, parts)


def together(action: str, held: Sequence[str], actions: Sequence[str]) -> str:
    """The action of all keys that are held: the largest combination of `action` and others that the game has."""
    pressed = {action, *held}
    fitting = [
        name
        for name in actions
        if TOGETHER in name and action in (parts := name.split(TOGETHER)) and pressed.issuperset(parts)
    ]
    return max(fitting, key=lambda name: name.count(TOGETHER), default=action)


def _is_plain(space: Any) -> bool:
    """True for numbered actions: Discrete, and any class that has `n` alone."""
    return isinstance(getattr(space, "n", None), int | np.integer) and type(space).__name__ != "MultiBinary"


def _inner(space: Any) -> list[tuple[str, Any]] | None:
    """The spaces inside a Tuple or Dict, with their names; None for any other."""
    inner = getattr(space, "spaces", None)
    if isinstance(inner, Mapping):
        return [(str(name), part) for name, part in inner.items()]
    if isinstance(inner, tuple | list):
        return [(f"part{index}", part) for index, part in enumerate(inner)]
    return None


def _parts(space: Any, name: str, source: str) -> Iterator[_Part]:
    if _is_plain(space):
        yield _Part(name, int(getattr(space, "start", 0)), int(space.n))
    elif type(space).__name__ == "MultiBinary":
        for index in range(_most(math.prod(space.shape), source, space)):
            yield _Part(f"{name}_{index}" if name else f"button{index}", 0, 2)
    elif (counts := getattr(space, "nvec", None)) is not None:
        counts = np.ravel(counts)
        _most(len(counts), source, space)
        first = np.broadcast_to(np.ravel(getattr(space, "start", 0)), counts.shape)
        for index, (start, count) in enumerate(zip(first, counts, strict=True)):
            usual = f"button{index}" if count == 2 else f"part{index}"
            yield _Part(f"{name}_{index}" if name else usual, int(start), int(count))
    elif inner := _inner(space):
        for own, part in inner:
            yield from _parts(part, f"{name}_{own}" if name else own, source)
    else:
        raise UnsuitableGame(
            f"{source} has no numbered actions ({_shown(space)}); only Discrete, MultiBinary and MultiDiscrete ones "
            "can be played, and tables of them: wrap it in a class that has them, and name it module:Class."
        )


def _most(count: int, source: str, space: Any) -> int:
    """How many parts a space has. Raises UnsuitableGame where so many cannot have few combinations."""
    if count > MOST_COMBINATIONS:
        raise UnsuitableGame(f"{source} has {count:,} actions at once ({_shown(space)}), more than can be played.")
    return count


def _code(space: Any, values: Iterator[int]) -> Any:
    """What a space is given for the values of its parts."""
    if _is_plain(space):
        return next(values)
    if (inner := _inner(space)) is not None:
        built = [_code(part, values) for _, part in inner]
        return dict(zip(space.spaces, built, strict=True)) if isinstance(space.spaces, Mapping) else tuple(built)
    count = math.prod(space.shape)
    return np.array([next(values) for _ in range(count)], getattr(space, "dtype", np.int64)).reshape(space.shape)


def _columns(space: Any, stored: Any) -> Iterator[Any]:
    """What is stored of each part, (T,)."""
    if _is_plain(space):
        yield np.ravel(stored)
    elif (inner := _inner(space)) is not None:
        keys = list(space.spaces) if isinstance(space.spaces, Mapping) else range(len(inner))
        for key, (_, part) in zip(keys, inner, strict=True):
            yield from _columns(part, stored[key])
    else:
        yield from np.asarray(stored).reshape(len(stored), -1).T


def _combination(parts: Sequence[_Part], values: Sequence[int]) -> str:
    pressed = [
        part.name if part.count == 2 else f"{part.name}_{value}"
        for part, value in zip(parts, values, strict=True)
        if value
    ]
    return TOGETHER.join(pressed) or NOOP


def _given_names(env: Any, count: int) -> list[str] | None:
    """What the environment calls its actions, in small letters; None where it does not say."""
    given: list[Any] = []
    if hasattr(env, "get_action_meanings"):
        given = list(env.get_action_meanings())
    elif hasattr(env, "button_map") and hasattr(env, "game"):
        buttons = [button.name for button in env.game.get_available_buttons()]
        rows = [[b for b, down in zip(buttons, row, strict=False) if down] for row in env.button_map]
        given = [TOGETHER.join(row) or NOOP for row in rows]
    else:
        for words in (getattr(env, "action_names", None), getattr(env, "actions", None)):
            if isinstance(words, Mapping):  # number → name, as some write it
                words = [words[index] for index in range(count)] if set(words) == set(range(count)) else None
            with contextlib.suppress(TypeError):
                given = given or [getattr(word, "name", word) for word in words or ()]
    return _clean(given, count)


def _button_names(env: Any, count: int) -> list[str] | None:
    """What the environment calls each of its buttons; None where it does not say."""
    for words in (getattr(env, "buttons", None), getattr(env, "action_names", None)):
        if isinstance(words, list | tuple) and len(words) == count:
            return _clean([f"button{i}" if word is None else word for i, word in enumerate(words)], count)
    return None


def _clean(given: Sequence[Any], count: int) -> list[str] | None:
    names = [str(name).strip().lower().replace(" ", "_") for name in given[:count]]
    return names if len(names) == count == len(set(names)) else None


def _shown(space: Any) -> str:
    text = " ".join(str(space).split())
    return text if len(text) <= 80 else f"{text[:77]}..."
