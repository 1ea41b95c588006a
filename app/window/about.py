"""What the window says about the game that is played, and the keys that play it."""

from __future__ import annotations

from collections.abc import Sequence

from reverie.app.own.game_folder import GAME, GameFolder
from reverie.app.play.status import Status
from reverie.app.window.display import goal_of, title_of
from reverie.app.window.game_keys import keys_of_game
from reverie.app.window.keys import SETTING_KEYS, Keys


class About:
    """One game at a time: `follow` goes to another one.

    game: its name. own_title: what the person calls it, empty where its name is all there is. keys: those that play it,
    and the person's own for the rest.
    """

    def __init__(self, own: Keys, folder: GameFolder | None, game: str, actions: Sequence[str]) -> None:
        """own: the person's own keys. folder: of the game, where it has one.

        Raises Mistake for a key of the folder's that does not exist.
        """
        self._own = own
        self._folder = folder
        self.own_title = folder.title if folder else ""
        self.follow(game, actions)

    def follow(self, game: str, actions: Sequence[str]) -> None:
        """Another game is played, with these actions. Raises as `__init__`."""
        self.game, self._actions = game, tuple(actions)
        given = (self._folder.keys, self._folder.folder / GAME) if self._folder else ()
        self.keys = keys_of_game(self._own, self._actions, *given)

    @property
    def title(self) -> str:
        """What the game is called by people."""
        return self.own_title or title_of(self.game)

    @property
    def goal(self) -> str:
        """What to do in it, in one sentence; empty where nobody said it."""
        return goal_of(self.game)

    @property
    def greeting(self) -> str:
        """What to do, and where to read more."""
        return f"{self.goal} {self._hints()}".strip()

    def card(self, real: bool) -> tuple[str, str, str]:
        """What a fresh window shows, what to do, and where the keys are: a line of each."""
        dream = "You are in a dream: a network draws every picture, and no game runs behind it."
        about = "This is the real game, from which dreams are learnt." if real else dream
        return about, self.goal or f"Play {self.title} as you like.", self._hints()

    def unused(self, status: Status) -> frozenset[str]:
        """Entries of the help that have nothing to do in this game, or change what this dream does not have."""
        unused = {"a"} - set(self._actions)
        if status.settings:
            unused |= {name for name, (setting, _) in SETTING_KEYS.items() if setting not in status.settings}
        return frozenset(unused if len(status.games) > 1 else unused | {"next game"})

    def _hints(self) -> str:
        """The keys that one has to know."""
        hints = {"a": "main button", "help": "all keys"}
        here = {"help", *self._actions} & {what for what, keys in self.keys.names.items() if keys}
        return " ".join(
            f"{self.keys.shown(what).split(' ')[0]}: {words}." for what, words in hints.items() if what in here
        )
