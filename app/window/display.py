"""Opening the window on the person's screen."""

from __future__ import annotations

import os
import sys

import pygame

from reverie.app.errors import Mistake
from reverie.app.window import theme
from reverie.games import registry

SHARE_OF_SCREEN = 0.8
TALLEST = 640
"""Edge of the picture in screen pixels, at most; for each further COMMON_LINES that the screen has, as much again."""
COMMON_LINES = 1080


def may_open() -> bool:
    """Whether there is anything that a window could be opened on."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)


def open_display(size: int, scale: int | None, fullscreen: bool) -> pygame.Surface:
    """Open the window for size x size pictures and say that the dream is loading.

    scale: screen pixels a picture pixel takes; None picks the largest that leaves some of the desktop free.
    Raises Mistake when there is no display.
    """
    # Without a display SDL would complain on its own behind our sentence.
    if not may_open():
        raise _no_display("neither DISPLAY nor WAYLAND_DISPLAY is set")
    try:
        # Not pygame.init(): sound is not needed, and gamepads can wait until there is a picture.
        pygame.display.init()
        asked = os.environ.get("SDL_VIDEODRIVER")
        if not asked and pygame.display.get_driver() in ("dummy", "offscreen"):
            raise pygame.error("only a driver without a picture was found")
        if scale is None:
            scale = _scale_for(size, *pygame.display.get_desktop_sizes()[0])
        flags = pygame.RESIZABLE | (pygame.FULLSCREEN if fullscreen else 0)
        screen = pygame.display.set_mode((0, 0) if fullscreen else theme.window_size(size, scale), flags)
    except pygame.error as error:
        raise _no_display(str(error).rstrip(".")) from error
    pygame.display.set_caption("Reverie")
    pygame.key.stop_text_input()
    screen.fill(theme.NIGHT)
    theme.text(screen, "falling asleep…", (theme.MARGIN, 14), theme.DIM)
    pygame.display.flip()
    return screen


def _scale_for(size: int, width: int, height: int) -> int:
    """The largest enlargement that leaves some of a desktop of that width and height free."""
    most = TALLEST * max(1, height // COMMON_LINES) // size
    fitting = (
        scale
        for scale in range(most, 1, -1)
        if all(a <= b for a, b in zip(theme.window_size(size, scale), (width, SHARE_OF_SCREEN * height), strict=True))
    )
    return next(fitting, 1)


def resize(size: int, scale: int) -> pygame.Surface:
    """Make the open window fit size x size pictures at that enlargement."""
    return pygame.display.set_mode(theme.window_size(size, scale), pygame.RESIZABLE)


def name_window(title: str) -> None:
    """Say in the window's frame which game it shows."""
    pygame.display.set_caption(f"{title} – Reverie")


def title_of(game: str) -> str:
    """What a game is called by people."""
    return registry.get(game).title if game in registry.names() else game


def goal_of(game: str) -> str:
    """What to do in a game, in one sentence; empty for one that is not built in."""
    return registry.get(game).goal if game in registry.names() else ""


def _no_display(reason: str) -> Mistake:
    return Mistake(f"There is no display to open a window on ({reason}); `--headless` plays without one.")
