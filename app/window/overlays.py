"""What is laid over the picture: the help and the menu."""

from __future__ import annotations

import pygame

from reverie.app.window import font, theme
from reverie.app.window.display import title_of
from reverie.app.window.keys import DEFAULTS, EXPLAINED, Keys

LINE = 20
ARROWS = ("up", "down", "left", "right")
MENU = ("resume", "new start", "start pictures", "save GIF", "help", "quit")


def draw_help(screen: pygame.Surface, keys: Keys, title: str, goal: str, unused: frozenset[str], page: int = 0) -> int:
    """The game's title, what to do in it, and the list of keys, on as many pages as letters that can be read need.

    unused: entries of EXPLAINED that have nothing to do here. page: which of them is drawn, from 0. Returns how many
    there are. Small letters are for a window that is too narrow for others.
    """
    rows = _help_rows(keys, unused)
    for scale in (2, 1):
        left = max(font.measure(key, scale) for key, _ in rows)
        width = left + max(font.measure(words, scale) for _, words in rows) + 34 * scale
        if width <= screen.get_width():
            break
    line = LINE if scale == 2 else LINE // 2 + 2
    goal_lines = font.wrapped(goal, scale, width - 24 * scale) if goal else []
    room = (screen.get_height() - line * 9 // 4) // line - len(goal_lines)
    if len(rows) > room:
        room -= 1  # the line that says that there is more
    pages = -(-len(rows) // room)
    each = -(-len(rows) // pages)
    shown = rows[page * each : (page + 1) * each]
    height = line * (each + len(goal_lines) + (pages > 1)) + line * 9 // 4
    theme.veil(screen)
    box = theme.panel(screen, width, height)
    x, y = box.x + 12 * scale, box.y + line // 2
    theme.text(screen, title, (x, y), theme.DREAM, scale)
    y += line * 5 // 4
    for words in goal_lines:
        theme.text(screen, words, (x, y), theme.DIM, scale)
        y += line
    for key, words in shown:
        theme.text(screen, key, (x, y), theme.WARM, scale)
        theme.text(screen, words, (box.x + 22 * scale + left, y), theme.TEXT, scale)
        y += line
    if pages > 1:
        more = f"page {page + 1} of {pages}, any key: {'the next' if page + 1 < pages else 'back'}"
        theme.text(screen, more, (x, box.bottom - line * 5 // 4), theme.DIM, scale)
    return pages


def _help_rows(keys: Keys, unused: frozenset[str]) -> list[tuple[str, str]]:
    """Keys, and what they do."""
    arrows = [what for what in ARROWS if keys.names[what]]
    rows = [("↑ ↓ ← →  W A S D" if _default_arrows(keys) else "  ".join(keys.shown(what) for what in arrows), "play")]
    if own := [what for what in keys.names if what not in DEFAULTS]:  # a game with actions of its own
        rows = [(keys.shown(what), what.replace("_", " ")) for what in (*arrows, *own)]
    rows += [(keys.shown(what), words) for what, words in EXPLAINED.items() if what not in unused]
    return [*rows, ("1 – 9", "open another dream"), ("right, left", "mouse: pick up a patch, put it down")]


def draw_card(screen: pygame.Surface, sentences: tuple[str, ...], picture: pygame.Rect) -> None:
    """A few sentences in the lower part of the picture, in smaller letters where they would cover half of it."""
    for scale in (theme.TEXT_SCALE, 1):
        lines = [
            (line, n) for n, each in enumerate(sentences) for line in font.wrapped(each, scale, picture.width - 48)
        ]
        height = 11 * scale * len(lines) + 6 * scale * (len(sentences) + 1)
        if height <= picture.height // 2:
            break
    box = pygame.Rect(picture.left + 8, picture.bottom - 8 - height, picture.width - 16, height)
    pygame.draw.rect(screen, theme.PANEL, box, border_radius=5)
    pygame.draw.rect(screen, theme.DREAM, box, width=2, border_radius=5)
    colours = (theme.DREAM, theme.TEXT, theme.WARM)
    for row, (line, number) in enumerate(lines):
        top = box.y + 6 * scale * (number + 1) + 11 * scale * row
        theme.text(screen, line, (box.x + 16, top), colours[number % len(colours)], scale)


def menu(games: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the menu. games: those that can be chosen from."""
    return (MENU[0], *games, *MENU[1:])


def draw_menu(screen: pygame.Surface, chosen: int, games: tuple[str, ...], played: str) -> None:
    """The menu with one line marked, and the game that is played; in smaller letters where the window is small."""
    lines = menu(games)
    height = 34 * len(lines) + 60 + (28 if games else 0)
    scale = 2 if screen.get_height() > height else 1
    unit = scale / 2
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
            mark = pygame.Rect(box.x + int(12 * unit), top - int(8 * unit), box.width - int(24 * unit), int(32 * unit))
            pygame.draw.rect(screen, theme.EDGE, mark, border_radius=4)
        colour = theme.TEXT if i == chosen else theme.DIM
        theme.text(screen, title_of(words), (left, top), theme.DREAM if words == played else colour, scale)
        y += 34


def several(games: tuple[str, ...]) -> tuple[str, ...]:
    """The games that can be chosen from; none where there is but one."""
    return games if len(games) > 1 else ()


def _default_arrows(keys: Keys) -> bool:
    return all(keys.names[what] == DEFAULTS[what] for what in ARROWS)
