"""Which keys play the actions of a game that nobody has written keys for."""

from __future__ import annotations

import re
from pathlib import Path

from reverie.app.window.keys import DEFAULTS, Keys
from reverie.games.action_space import TOGETHER

GUESSES: tuple[tuple[str, tuple[str, ...]], ...] = (
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


def keys_for(actions: tuple[str, ...], given: dict[str, tuple[str, ...]] | None = None) -> dict[str, tuple[str, ...]]:
    """Action → keys, for every action but the first, which is no key at all. given: keys that a person chose."""
    given = given or {}
    # What is pressed together needs no key of its own where each of it has one.
    singles = [name for name in actions[1:] if given.get(name) or not set(name.split(TOGETHER)) <= {*actions} - {name}]
    keys = {action: given[action] for action in actions[1:] if given.get(action)}
    taken = {key for names in keys.values() for key in names}
    for exact in (True, False):
        for action in singles:
            for word, fitting in GUESSES:
                free = tuple(key for key in fitting if key not in taken)
                if action not in keys and free and (action == word if exact else word in re.split(r"[_+]", action)):
                    keys[action] = free
                    taken.update(free)
    for action in singles:
        spare = next((key for key in SPARE if key not in taken), None)
        if action not in keys and spare:
            keys[action] = (spare,)
            taken.add(spare)
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
    names = names_of_game(own.names, actions, given)
    files = {**own.files, **(dict.fromkeys(given, file) if given and file else {})}
    return own if names is own.names else Keys(names, own.record_as, files)


def names_of_game(
    own: dict[str, tuple[str, ...]], actions: tuple[str, ...], given: dict[str, tuple[str, ...]] | None = None
) -> dict[str, tuple[str, ...]]:
    """As `keys_of_game`, of what is done → names of keys."""
    playing = ("up", "down", "left", "right", "a")
    if not given and set(actions[1:]) <= set(playing):
        if "a" not in actions or "up" in actions:
            return own
        # Nothing else is up in such a game, and people jump with it.
        return {**own, "up": (), "a": own["a"] + own["up"]}
    # Keys that a person has bound in their own file stay with what they bound them to.
    kept = {action: own[action] for action in playing if action in actions and own[action] != DEFAULTS[action]}
    play = keys_for(actions, {**kept, **(given or {})})
    taken = {key for names in play.values() for key in names}
    rest = {what: tuple(key for key in names if key not in taken) for what, names in own.items() if what not in play}
    return {**rest, **play}
