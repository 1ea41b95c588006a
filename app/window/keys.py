"""Which key and which button of a gamepad does what. A person may rebind any of it in `keys.json`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from reverie.app.errors import Mistake
from reverie.engine.families import all_settings
from reverie.reading import why
from reverie.schema import SchemaError, read_json

_SETTINGS = {
    key.name: (setting, by, key)
    for setting, info in all_settings().items()
    for key, by in zip(info.keys, (-1, 1) if len(info.keys) == 2 else (1,), strict=False)
}
SETTING_KEYS: dict[str, tuple[str, int]] = {name: (setting, by) for name, (setting, by, _) in _SETTINGS.items()}
"""Entries that change a setting of the dream → which one, and in which direction."""

DEFAULTS: dict[str, tuple[str, ...]] = {
    "up": ("up", "w"),
    "down": ("down", "s"),
    "left": ("left", "a"),
    "right": ("right", "d"),
    "a": ("j", "left ctrl"),
    "hand over": ("tab",),
    "next game": ("n",),
    "rewind": ("backspace",),
    "pause": ("p", "space"),
    "step": (".",),
    "new start": ("return",),
    "start pictures": ("f2",),
    "play itself": ("o",),
    "branch": ("k",),
    "wake": ("b",),
    "mind": ("i",),
    "save moment": ("f5",),
    "load moment": ("f9",),
    **{name: (key.key,) for name, (_, _, key) in _SETTINGS.items()},
    "gif": ("g",),
    "record": ("r",),
    "hud": ("h",),
    "help": ("f1",),
    "fullscreen": ("f11",),
    "menu": ("escape",),
}
"""What can be done → the keys that do it, by pygame's key names. Names of actions play; 1-9 always choose a bundle."""

PADS: dict[str, tuple[str, ...]] = {
    **{way: (f"pad {way}", f"stick {way}") for way in ("up", "down", "left", "right")},
    "a": ("pad a",),
    "rewind": ("pad b",),
    "start pictures": ("pad x",),
    "hand over": ("pad y",),
    "new start": ("pad back",),
    "menu": ("pad start",),
    "branch": ("pad left shoulder",),
    "mind": ("pad right shoulder",),
    "wake": ("pad left trigger",),
    "play itself": ("pad right trigger",),
    "pause": ("pad right stick",),
}
"""What can be done → the buttons of a gamepad that do it. What is not named here has none."""
PAD_BUTTONS = frozenset(("pad guide", "pad left stick", *(button for buttons in PADS.values() for button in buttons)))
"""All buttons of a gamepad: the cross is `pad up`, its left stick is `stick up`, ..., and pressed `pad left stick`."""

EXPLAINED: dict[str, str] = {
    "a": "the game's main button",
    "hand over": "dream / real game",
    "next game": "next game, if there is one",
    "rewind": "rewind while it is held",
    "pause": "pause",
    "step": "one single step",
    "new start": "new start",
    "start pictures": "choose a start picture",
    "play itself": "it plays itself",
    "branch": "four futures to choose from",
    "wake": "back to the last good picture",
    "mind": "where the dream is unsure",
    "save moment": "save this moment",
    "load moment": "back to the saved moment",
    **{name: key.help for name, (_, _, key) in _SETTINGS.items()},
    "gif": "save the last 10 s as GIF",
    "record": "start or stop recording",
    "hud": "figures on or off",
    "help": "this help",
    "fullscreen": "full screen",
    "menu": "menu, quit",
}
MOST_BYTES = 1 << 20
"""A longer `keys.json` is not opened."""
RECORD_AS = "record as"
"""The one setting that is no key: "gif" or "mp4"."""


def config_path() -> Path | None:
    """Where the person's `keys.json` is looked for. REVERIE_CONFIG names another folder.

    None where the person has no home folder: then there are the default keys.
    """
    if folder := os.environ.get("REVERIE_CONFIG"):
        return Path(folder) / "keys.json"
    name = "APPDATA" if sys.platform == "win32" else "XDG_CONFIG_HOME"
    if folder := os.environ.get(name):
        return Path(folder) / "reverie" / "keys.json"
    try:
        home = Path.home()
    except RuntimeError:  # neither HOME nor the system's list of users knows one
        return None
    return (home if sys.platform == "win32" else home / ".config") / "reverie" / "keys.json"


class Keys:
    """Key code, or name of a gamepad's button → what it does."""

    def __init__(
        self,
        names: dict[str, tuple[str, ...]],
        record_as: str = "gif",
        files: Mapping[str, Path] = MappingProxyType({}),
        pads: Mapping[str, tuple[str, ...]] = MappingProxyType(PADS),
    ) -> None:
        """names: keys by pygame's names. pads: buttons of a gamepad. files: where a person wrote an entry's.

        Raises Mistake for a key name that pygame does not know, or one key with two meanings.
        """
        self.names = names
        self.pads = pads
        self.record_as = record_as
        self.files = files
        self.does: dict[int | str, str] = {}
        for what, keys in (*names.items(), *pads.items()):
            for key in keys:
                code = self._code(key, what)
                if code in self.does:
                    other = self.does[code]
                    where = " and ".join(str(file) for file in dict.fromkeys(map(files.get, (other, what))) if file)
                    raise Mistake(f"{where}: the key '{key}' is both '{other}' and '{what}'; give each its own.")
                self.does[code] = what

    def _code(self, key: str, what: str) -> int | str:
        import pygame

        if key in PAD_BUTTONS:
            return key
        try:
            return pygame.key.key_code(key)
        except ValueError as error:
            raise Mistake(
                f"{self.files[what]}: there is no key '{key}' (for '{what}'); try a name like 'space', 'f5' or 'pad a'."
            ) from error

    def shown(self, what: str) -> str:
        """The keys of one entry as the help writes them."""
        names = {"return": "Enter", "escape": "Esc", "up": "↑", "down": "↓", "left": "←", "right": "→"}
        if not self.names[what]:
            return "no key"
        return " ".join(
            names.get(key, key if len(key) == 1 and not key.isalpha() else key.capitalize()) for key in self.names[what]
        )

    def shown_pad(self, what: str) -> str:
        """The first button of one entry as the help writes it; empty where it has none."""
        return next((button.removeprefix("pad ").capitalize() for button in self.pads.get(what, ())), "")


def split(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys of a list, and the buttons of a gamepad that stand in it."""
    return tuple(k for k in keys if k not in PAD_BUTTONS), tuple(k for k in keys if k in PAD_BUTTONS)


def load_keys(path: Path | None = None) -> Keys:
    """The default keys with the person's own over them: `{"pause": ["p", "pad x"], "record as": "mp4"}`.

    A list that names keys alone leaves the gamepad's buttons as they are, and the other way round.
    Raises Mistake with one sentence for a file that is not such a table.
    """
    path = path or config_path()
    names, pads, record_as = dict(DEFAULTS), dict(PADS), "gif"
    files, own_keys, own_pads = {}, dict[str, tuple[str, ...]](), dict[str, tuple[str, ...]]()
    if path is None:
        return Keys(names)
    try:
        own, _ = read_json(path, MOST_BYTES)
    except FileNotFoundError:
        return Keys(names)
    except (OSError, SchemaError) as error:
        reason = why(error) if isinstance(error, OSError) else error
        raise Mistake(f"{path} cannot be read: {reason}; mend it or delete it.") from error
    if not isinstance(own, dict):
        raise Mistake(f'{path} must be a table such as {{"pause": ["p"]}}.')
    for what, keys in own.items():
        if what == RECORD_AS:
            if keys not in ("gif", "mp4"):
                raise Mistake(f'{path}: \'{RECORD_AS}\' must be "gif" or "mp4".')
            record_as = keys
        elif what not in names:
            raise Mistake(f"{path}: nothing is called '{what[:40]}'; there is {', '.join((*names, RECORD_AS))}.")
        elif not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise Mistake(f"{path}: the keys of '{what}' must be a list of key names.")
        else:
            files[what] = path
            of_keys, of_pads = split(tuple(keys))
            if of_keys or not keys:
                own_keys[what] = of_keys
            if of_pads or not keys:
                own_pads[what] = of_pads
    return Keys(_over(names, own_keys), record_as, files, _over(pads, own_pads))


def _over(names: dict[str, tuple[str, ...]], own: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """A person's own entries over the default ones.

    Default keys give way, so that a new one takes no key from a person who bound it to something else before.
    """
    taken = {key for keys in own.values() for key in keys}
    return {what: tuple(key for key in keys if key not in taken) for what, keys in names.items()} | own
