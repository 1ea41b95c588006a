"""What is laid over the picture: the help and the menu."""

from __future__ import annotations

import pygame

from app import font, look
from app.keys import DEFAULTS, EXPLAINED, Keys

LINE = 21
ARROWS = ("up", "down", "left", "right")
MENU = ("resume", "new start", "save GIF", "help", "quit")


def draw_help(screen: pygame.Surface, keys: Keys) -> None:
    """The list of keys; in smaller letters where the window is small."""
    rows = [("↑ ↓ ← →  W A S D" if _default_arrows(keys) else _arrows(keys), "play")]
    if own := [what for what in keys.names if what not in DEFAULTS]:  # a game with actions of its own
        arrows = [what for what in ARROWS if keys.names[what]]
        rows = [(keys.shown(what), what.replace("_", " ")) for what in (*arrows, *own)]
    rows += [(keys.shown(what), EXPLAINED[what]) for what in EXPLAINED]
    rows.append(("1 – 9", "open another dream"))
    scale = 2 if screen.get_height() > LINE * (len(rows) + 4) and screen.get_width() >= 500 else 1
    line = LINE * scale // 2 + (0 if scale == 2 else 2)
    left = max(font.measure(key, scale) for key, _ in rows)
    width = left + max(font.measure(words, scale) for _, words in rows) + 34 * scale
    look.veil(screen)
    box = look.panel(screen, width, line * (len(rows) + 2))
    look.text(screen, "KEYS", (box.x + 12 * scale, box.y + line // 2), look.DREAM, scale)
    for i, (key, words) in enumerate(rows):
        y = box.y + line * i + line * 7 // 4
        look.text(screen, key, (box.x + 12 * scale, y), look.WARM, scale)
        look.text(screen, words, (box.x + 22 * scale + left, y), look.TEXT, scale)


def draw_menu(screen: pygame.Surface, chosen: int) -> None:
    """The menu with one line marked."""
    look.veil(screen)
    box = look.panel(screen, 220, 34 * len(MENU) + 60)
    look.text(screen, "REVERIE", (box.x + 24, box.y + 18), look.DREAM)
    for i, words in enumerate(MENU):
        y = box.y + 54 + 34 * i
        if i == chosen:
            pygame.draw.rect(screen, look.EDGE, pygame.Rect(box.x + 12, y - 8, box.width - 24, 32), border_radius=4)
        look.text(screen, words, (box.x + 24, y), look.TEXT if i == chosen else look.DIM)


def _default_arrows(keys: Keys) -> bool:
    return [keys.names[what] for what in ARROWS] == [
        ("up", "w"),
        ("down", "s"),
        ("left", "a"),
        ("right", "d"),
    ]


def _arrows(keys: Keys) -> str:
    return "  ".join(keys.shown(what) for what in ARROWS)
