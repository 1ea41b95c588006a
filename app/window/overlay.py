"""What is laid over the picture: the help, the menu, or pictures to choose from."""

from __future__ import annotations

from collections.abc import Callable

import pygame

from reverie.app.play.game_loop import GameLoop
from reverie.app.play.status import Status
from reverie.app.window import help_view, menu_view
from reverie.app.window import offer as offers
from reverie.app.window.about import About
from reverie.app.window.offer import Offer

ENTER = (pygame.K_RETURN, pygame.K_KP_ENTER, pygame.K_SPACE, "pad a")
PAD_BACK = "pad b"
"""What these buttons of a gamepad do here, whatever else they do in the game."""
WAYS = ("left", "right", "up", "down")


class Overlay:
    """At most one thing lies over the picture, and the world waits under it.

    kind: "help", "menu", "offer", or None. offer: the pictures to choose from, where they lie there.
    """

    def __init__(self, loop: GameLoop, choose: Callable[[str], None]) -> None:
        """choose: does what a line of the menu says that is no game."""
        self._loop = loop
        self._choose = choose
        self.kind: str | None = None
        self.offer: Offer | None = None
        self._lines: tuple[str, ...] = ()
        self._games: tuple[str, ...] = ()
        self._chosen = 0
        self._page, self._pages = 0, 1
        self._was_paused = False

    def show_help(self) -> None:
        """Open the help at its first page."""
        self._page = 0
        self._open("help")

    def show_menu(self, games: tuple[str, ...]) -> None:
        """Open the menu. games: all that can be played here."""
        self._games = menu_view.several(games)
        self._lines, self._chosen = menu_view.menu(self._games), 0
        self._open("menu")

    def show_offer(self, offer: Offer) -> None:
        """Let the person choose one of these pictures."""
        self.offer = offer
        self._open("offer")

    def close(self) -> None:
        """Take it away; the world goes on if it did before."""
        offer, self.offer, self.kind = self.offer, None, None
        if offer:
            offer.leave()
        self._loop.pause(self._was_paused)

    def key_down(self, key: int | str, what: str | None, window: tuple[int, int]) -> None:
        """A key or a gamepad's button, which means `what`, is pressed while it lies there.

        window: width and height in pixels.
        """
        name = key.split()[-1] if isinstance(key, str) else pygame.key.name(key)
        way = what if what in WAYS else name if name in WAYS else None
        if what == "menu" or key == PAD_BACK:
            self.close()
        elif self.kind == "help":
            self._page += 1
            if self._page >= self._pages:
                self.close()
        elif self.offer:
            self._offer_key(key, way, window, self.offer)
        elif way in ("up", "down"):
            self._chosen = (self._chosen + (1 if way == "down" else -1)) % len(self._lines)
        elif key in ENTER:
            self.close()
            line = self._lines[self._chosen]
            if 1 <= self._chosen <= len(self._games):
                self._loop.do(lambda: self._loop.session.open_game(line))
            else:
                self._choose(line)

    def click(self, point: tuple[int, int], window: tuple[int, int]) -> None:
        """The left mouse button is pressed at a point of the window."""
        if self.offer and (number := offers.at(window, self.offer, point)) is not None:
            self._take(self.offer, number)

    def draw(self, screen: pygame.Surface, about: About, status: Status) -> None:
        """Draw it over what was drawn so far."""
        if self.kind == "help":
            self._pages = help_view.draw_help(
                screen, about.keys, about.title, about.goal, about.unused(status), self._page
            )
        elif self.kind == "menu":
            menu_view.draw_menu(screen, self._chosen, self._games, status.game)
        elif self.offer:
            offers.draw_offer(screen, self.offer)

    def _open(self, kind: str) -> None:
        self.kind = kind
        self._loop.rewind(False)
        self._was_paused = self._loop.paused
        self._loop.latch.clear()
        self._loop.pause(True)

    def _offer_key(self, key: int | str, way: str | None, window: tuple[int, int], offer: Offer) -> None:
        if way:
            by = 1 if way in ("right", "down") else -1
            offer.move(by * (offers.columns(window, offer) if way in ("up", "down") else 1))
        elif key in ENTER:
            self._take(offer, offer.chosen)
        elif offer.numbered and isinstance(key, int) and 0 <= key - pygame.K_1 < len(offer.pictures):
            self._take(offer, key - pygame.K_1)

    def _take(self, offer: Offer, number: int) -> None:
        """A picture was chosen."""
        self.offer = None  # it is not left, it is taken
        self.close()
        offer.take(number)
