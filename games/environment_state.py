"""Copies of an environment's state, so that a game goes back without being played again."""

from __future__ import annotations

import copy
import inspect
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_SECONDS = 0.05
"""Seconds that copying a state may take: it is copied several times a second while the game is played."""
SHARED = ("pygame",)
"""Packages whose objects are not part of a state, such as clocks and fonts; pictures are, and are copied."""


@dataclass(frozen=True)
class EnvironmentState:
    """Everything that decides how an environment goes on.

    layers: the attributes of every wrapper and of the environment inside, outermost first. own: what the innermost
    environment's `clone_state` gave, None where its attributes are its state. nbytes: roughly what it takes in memory.
    """

    layers: tuple[dict[str, Any], ...]
    own: Any
    nbytes: int


def copy_state(env: Any) -> EnvironmentState | None:
    """Return a copy of the environment's state, None where it cannot be copied in time.

    An environment that has `clone_state` and `restore_state`, as those of the Arcade Learning Environment, is asked for
    it; of any other its attributes are copied. One that holds what cannot be copied, such as a program of its own,
    gives None. What lies outside it, such as Python's own random numbers, is not part of the copy.
    """
    began = time.perf_counter()
    memo: dict[int, Any] = {}
    try:
        layers, own = _attributes(env), None
        if _clones(inner := _layers(env)[-1]):
            given = {"include_rng": True} if "include_rng" in inspect.signature(inner.clone_state).parameters else {}
            own = inner.clone_state(**given)
            layers = layers[:-1]
        memo = _shared(env)
        kept = len(memo)
        copied = copy.deepcopy(layers, memo)
    except Exception:  # whatever a stranger's class raises when it is copied, it cannot be
        return None
    made = list(memo.values())[kept:]
    # Such an object is copied by making it anew: the copy begins where the game begins.
    if any(base.__name__ == "EzPickle" for value in made for base in type(value).__mro__):
        return None
    if time.perf_counter() - began > MOST_SECONDS:
        return None
    return EnvironmentState(copied, own, sum(sys.getsizeof(value) for value in made))


def restore_state(env: Any, state: EnvironmentState) -> None:
    """Bring the environment back to a state that `copy_state` gave; the state can be used again."""
    if state.own is not None:
        _layers(env)[-1].restore_state(state.own)
    copied = copy.deepcopy(state.layers, _shared(env))
    for layer, attributes in zip(_layers(env), copied, strict=False):
        inside = {"env": layer.env} if "env" in vars(layer) else {}
        vars(layer).clear()
        vars(layer).update(attributes, **inside)


def _layers(env: Any) -> list[Any]:
    """The environment's wrappers, outermost first, and the environment inside."""
    return list(_unwrapping(env))


def _unwrapping(env: Any) -> Iterator[Any]:
    yield env
    while "env" in vars(env):
        env = env.env
        yield env


def _attributes(env: Any) -> tuple[dict[str, Any], ...]:
    return tuple({name: value for name, value in vars(layer).items() if name != "env"} for layer in _layers(env))


def _clones(env: Any) -> bool:
    return callable(getattr(env, "clone_state", None)) and callable(getattr(env, "restore_state", None))


def _shared(env: Any) -> dict[int, Any]:
    """What a copy refers to as it is: the layers themselves, modules, and what draws."""
    memo = {id(layer): layer for layer in _layers(env)}
    for layer in _layers(env):
        for value in vars(layer).values():
            kind = type(value)
            drawing = kind.__module__.partition(".")[0] in SHARED and not hasattr(kind, "__deepcopy__")
            if drawing or inspect.ismodule(value):
                memo[id(value)] = value
    return memo
