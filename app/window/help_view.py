"""The help: what to do in the game, and the list of keys."""

from __future__ import annotations

import pygame

from reverie.app.window import font, theme
from reverie.app.window.keys import DEFAULTS, EXPLAINED, Keys

LINE = 20
NARROWEST = 60
"""Font pixels that the words of an entry have at least, before the letters become smaller."""
ARROWS = ("up", "down", "left", "right")
Entry = tuple[str, list[str]]
"""A key, and what it does in lines."""


def draw_help(screen: pygame.Surface, keys: Keys, title: str, goal: str, unused: frozenset[str], page: int = 0) -> int:
    """The game's title, what to do in it, and the list of keys, on as many pages as letters that can be read need.

    unused: entries of EXPLAINED that have nothing to do here. page: which of them is drawn, from 0. Returns how many
    there are. Small letters are for a window that is too narrow for others.
    """
    rows = _help_rows(keys, unused)
    for scale in range(theme.TEXT_SCALE * theme.unit_of(screen), 0, -1):
        left = max(font.measure(key, scale) for key, _ in rows)
        room = screen.get_width() - left - 34 * scale
        if room >= NARROWEST * scale:
            break
    line = LINE * scale // 2 if scale > 1 else LINE // 2 + 2
    entries = [(key, font.wrapped(words, scale, room)) for key, words in rows]
    width = left + max(font.measure(part, scale) for _, parts in entries for part in parts) + 34 * scale
    goal_lines = font.wrapped(goal, scale, width - 24 * scale) if goal else []
    pages = _pages(entries, (screen.get_height() - line * 9 // 4) // line - len(goal_lines))
    longest = max(sum(len(parts) for _, parts in shown) for shown in pages)
    height = line * (longest + len(goal_lines) + (len(pages) > 1)) + line * 9 // 4
    theme.veil(screen)
    box = theme.panel(screen, width, height)
    x, y = box.x + 12 * scale, box.y + line // 2
    theme.text(screen, title, (x, y), theme.DREAM, scale)
    y += line * 5 // 4
    for words in goal_lines:
        theme.text(screen, words, (x, y), theme.DIM, scale)
        y += line
    for key, parts in pages[page]:
        theme.text(screen, key, (x, y), theme.WARM, scale)
        for part in parts:
            theme.text(screen, part, (box.x + 22 * scale + left, y), theme.TEXT, scale)
            y += line
    if len(pages) > 1:
        more = f"page {page + 1} of {len(pages)}, any key: {'the next' if page + 1 < len(pages) else 'back'}"
        theme.text(screen, more, (x, box.bottom - line * 5 // 4), theme.DIM, scale)
    return len(pages)


def _pages(entries: list[Entry], room: int) -> list[list[Entry]]:
    """Entries on as few pages as hold them, about equally long. room: lines for them, and for one that says so."""
    if sum(len(parts) for _, parts in entries) <= room:
        return [entries]
    fewest = len(_filled(entries, room - 1))
    return next(pages for lines in range(1, room) if len(pages := _filled(entries, lines)) == fewest)


def _filled(entries: list[Entry], lines: int) -> list[list[Entry]]:
    """Entries on pages of so many lines, or of one entry."""
    pages: list[list[Entry]] = [[]]
    for entry in entries:
        if pages[-1] and sum(len(parts) for _, parts in (*pages[-1], entry)) > lines:
            pages.append([])
        pages[-1].append(entry)
    return pages


def _help_rows(keys: Keys, unused: frozenset[str]) -> list[tuple[str, str]]:
    """Keys, and what they do."""
    arrows = [what for what in ARROWS if keys.names[what]]
    rows = [("↑ ↓ ← →  W A S D" if _default_arrows(keys) else "  ".join(keys.shown(what) for what in arrows), "play")]
    if own := [what for what in keys.names if what not in DEFAULTS]:  # a game with actions of its own
        rows = [(keys.shown(what), what.replace("_", " ")) for what in (*arrows, *own)]
    pads = {"a": "main button", "rewind": "rewind", "menu": "menu"}
    pad = ", ".join(
        f"{keys.shown_pad(what)} {word}" for what, word in pads.items() if keys.shown_pad(what) and what not in unused
    )
    rows += [("gamepad", pad), *((keys.shown(what), words) for what, words in EXPLAINED.items() if what not in unused)]
    return [*rows, ("1 – 9", "open another dream"), ("right, left", "mouse: pick up a patch, put it down")]


def _default_arrows(keys: Keys) -> bool:
    return all(keys.names[what] == DEFAULTS[what] for what in ARROWS)
