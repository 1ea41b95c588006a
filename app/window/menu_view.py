"""The menu."""

from __future__ import annotations

import pygame

from reverie.app.window import theme
from reverie.app.window.display import title_of

MENU = ("resume", "new start", "start pictures", "save GIF", "help", "quit")

PITCH, LEAST_PITCH = 34, 22
"""From one line to the next, in pixels of a small window: where there is room, and at least."""


def menu(games: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the menu. games: those that can be chosen from."""
    return (MENU[0], *games, *MENU[1:])


def draw_menu(screen: pygame.Surface, chosen: int, games: tuple[str, ...], played: str) -> None:
    """The menu with one line marked, and the game that is played; in smaller letters where the window is small."""
    lines = menu(games)
    around = 60 + (28 if games else 0)
    for scale in range(theme.TEXT_SCALE * theme.unit_of(screen), 0, -1):
        unit = scale / 2
        pitch = min(PITCH, (screen.get_height() / unit - around) / len(lines))
        if pitch >= LEAST_PITCH:
            break
    height = pitch * len(lines) + around
    theme.veil(screen)
    box = theme.panel(screen, int(220 * unit), int(height * unit))
    left = box.x + int(24 * unit)
    theme.text(screen, "REVERIE", (left, box.y + int(18 * unit)), theme.DREAM, scale)
    y = 54.0
    for i, words in enumerate(lines):
        if games and i in (1, 1 + len(games)):  # a line above the games and one below them
            at = box.y + int((y - 1) * unit)
            pygame.draw.line(screen, theme.EDGE, (left, at), (box.right - int(24 * unit), at))
            y += 14
        top = box.y + int(y * unit)
        if i == chosen:
            mark = pygame.Rect(0, 0, box.width - int(24 * unit), int((pitch - 2) * unit))
            mark.center = box.centerx, top + int(8 * unit)
            pygame.draw.rect(screen, theme.EDGE, mark, border_radius=4)
        colour = theme.TEXT if i == chosen else theme.DIM
        theme.text(screen, title_of(words), (left, top), theme.DREAM if words == played else colour, scale)
        y += pitch


def several(games: tuple[str, ...]) -> tuple[str, ...]:
    """The games that can be chosen from; none where there is but one."""
    return games if len(games) > 1 else ()
