"""Which keys and buttons play the actions of a game that nobody has written keys for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from reverie.app.window.keys import DEFAULTS, PADS, Keys, split
from reverie.games.action_space import TOGETHER

M = TypeVar("M", bound=Mapping[str, tuple[str, ...]])
Guesses = tuple[tuple[str, tuple[str, ...]], ...]

GUESSES: Guesses = (
    ("left", ("left", "a")),
    ("right", ("right", "d")),
    ("up", ("up", "w")),
    ("forward", ("up", "w")),
    ("down", ("down", "s")),
    ("back", ("down", "s")),
    ("fire", ("space",)),
    ("attack", ("space",)),
    ("jump", ("space",)),
    ("toggle", ("space",)),
)
"""Words in an action's name, and keys that fit; an action that is called exactly so comes first."""
SPARE = tuple("jluyqectfnikbo")
"""Keys for all other actions, in this order: first those that do nothing else."""
PLAYING = ("up", "down", "left", "right", "a")
"""Actions that have keys of their own."""
PAD_GUESSES: Guesses = tuple((word, PADS[keys[0]] if keys[0] in PLAYING else PADS["a"]) for word, keys in GUESSES)
SPARE_PADS = tuple(f"pad {name}" for name in ("a", "b", "x", "y", "left shoulder", "right shoulder"))


def keys_for(
    actions: tuple[str, ...],
    given: dict[str, tuple[str, ...]] | None = None,
    guesses: Guesses = GUESSES,
    spare: tuple[str, ...] = SPARE,
) -> dict[str, tuple[str, ...]]:
    """Action → keys, for every action but the first, which is no key at all. given: keys that a person chose."""
    given = given or {}
    # What is pressed together needs no key of its own where each of it has one.
    singles = [name for name in actions[1:] if given.get(name) or not set(name.split(TOGETHER)) <= {*actions} - {name}]
    keys = {action: given[action] for action in actions[1:] if given.get(action)}
    taken = {key for names in keys.values() for key in names}
    for exact in (True, False):
        for action in singles:
            for word, fitting in guesses:
                free = tuple(key for key in fitting if key not in taken)
                if action not in keys and free and (action == word if exact else word in re.split(r"[_+]", action)):
                    keys[action] = free
                    taken.update(free)
    for action in singles:
        free_key = next((key for key in spare if key not in taken), None)
        if action not in keys and free_key:
            keys[action] = (free_key,)
            taken.add(free_key)
    return {action: keys.get(action, ()) for action in actions[1:]}


def keys_of_game(
    own: Keys,
    actions: tuple[str, ...],
    given: dict[str, tuple[str, ...]] | None = None,
    file: Path | None = None,
) -> Keys:
    """The person's own keys, with those that play this game over them: what a game needs, the window gives up.

    given, file: keys of this game that a person wrote, and where. Raises Mistake, which names the file, for a key that
    does not exist or has two meanings.
    """
    parts = {action: split(keys) for action, keys in (given or {}).items()}
    names = names_of_game(own.names, actions, given)
    pads = pads_of_game(own.pads, actions, {action: pads for action, (_, pads) in parts.items() if pads})
    files = {**own.files, **(dict.fromkeys(given, file) if given and file else {})}
    return own if names is own.names and pads is own.pads else Keys(names, own.record_as, files, pads)


def names_of_game(
    own: dict[str, tuple[str, ...]], actions: tuple[str, ...], given: dict[str, tuple[str, ...]] | None = None
) -> dict[str, tuple[str, ...]]:
    """As `keys_of_game`, of what is done → names of keys."""
    if not given and set(actions[1:]) <= set(PLAYING):
        return _up_is_a(own, actions)
    # Keys that a person has bound in their own file stay with what they bound them to.
    kept = {action: own[action] for action in PLAYING if action in actions and own[action] != DEFAULTS[action]}
    chosen = {action: split(keys)[0] for action, keys in (given or {}).items()}
    return _over_window(own, keys_for(actions, {**kept, **chosen}))


def pads_of_game(
    own: Mapping[str, tuple[str, ...]], actions: tuple[str, ...], given: dict[str, tuple[str, ...]]
) -> Mapping[str, tuple[str, ...]]:
    """As `names_of_game`, of what is done → buttons of a gamepad."""
    if not given and set(actions[1:]) <= set(PLAYING):
        return _up_is_a(own, actions)
    kept = {action: own[action] for action in PLAYING if action in actions}
    return _over_window(own, keys_for(actions, {**kept, **given}, PAD_GUESSES, SPARE_PADS))


def _up_is_a(own: M, actions: tuple[str, ...]) -> M | dict[str, tuple[str, ...]]:
    """Where nothing is up, people press the main button with it."""
    if "a" not in actions or "up" in actions:
        return own
    return {**own, "up": (), "a": own["a"] + own["up"]}


def _over_window(own: Mapping[str, tuple[str, ...]], play: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What a game needs, the window gives up."""
    taken = {key for names in play.values() for key in names}
    rest = {what: tuple(key for key in names if key not in taken) for what, names in own.items() if what not in play}
    return {**rest, **play}
