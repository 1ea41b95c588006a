"""The help: what to do in the game, and the list of keys."""

from __future__ import annotations

import pygame

from reverie.app.window import font, theme
from reverie.app.window.keys import DEFAULTS, EXPLAINED, Keys

LINE = 20
ARROWS = ("up", "down", "left", "right")


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
    pads = {"a": "main button", "rewind": "rewind", "menu": "menu"}
    pad = ", ".join(f"{keys.shown_pad(what)} {word}" for what, word in pads.items() if keys.shown_pad(what))
    more = ("1 – 9", "open another dream"), ("right, left", "mouse: pick up a patch, put it down"), ("gamepad", pad)
    return [*rows, *more]


def _default_arrows(keys: Keys) -> bool:
    return all(keys.names[what] == DEFAULTS[what] for what in ARROWS)
