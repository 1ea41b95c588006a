"""Text in the project's own pixel font (assets/font.txt)."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import resources

import pygame

ROWS = 9
"""Rows of a line in font pixels: seven above the baseline, two below."""
SPACE = 3
DIGITS = "0123456789"

Colour = tuple[int, int, int]


@cache
def glyphs() -> dict[str, tuple[int, tuple[int, ...]]]:
    """Character → (width in font pixels, rows as five-bit numbers). Digits share one width so figures stand still."""
    table = {}
    for line in resources.files("reverie.assets").joinpath("font.txt").read_text(encoding="utf-8").splitlines():
        character, _, rest = line.partition(" ")
        if character == "##" or not rest:
            continue
        rows = tuple(int(row, 16) for row in rest.split())
        ink = 0
        for row in rows:
            ink |= row
        width = 5 - ((ink & -ink).bit_length() - 1) if ink else SPACE
        table[character] = (5 if character in DIGITS else width, rows)
    table[" "] = (SPACE, ())
    return table


def measure(text: str, scale: int) -> int:
    """Width of a line in screen pixels."""
    table = glyphs()
    return scale * max(0, sum(table.get(c, table["?"])[0] + 1 for c in text) - 1)


@lru_cache(maxsize=256)
def render(text: str, scale: int, colour: Colour) -> pygame.Surface:
    """One line of text on a transparent surface, `ROWS * scale` pixels high. Unknown characters show as `?`."""
    table = glyphs()
    small = pygame.Surface((max(1, measure(text, 1)), ROWS), pygame.SRCALPHA)
    x = 0
    for character in text:
        width, rows = table.get(character, table["?"])
        for y, row in enumerate(rows):
            for column in range(width):
                if row >> (4 - column) & 1:
                    small.set_at((x + column, y), colour)
        x += width + 1
    return pygame.transform.scale(small, (small.get_width() * scale, ROWS * scale))


def wrapped(words: str, scale: int, limit: int) -> list[str]:
    """Lines of whole words, none wider than `limit` screen pixels: a word that would be, such as a path, is broken."""
    lines = [""]
    parts = (part for word in words.split() for part in _broken(word, scale, limit))
    for word in parts:
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and measure(longer, scale) > limit:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _broken(word: str, scale: int, limit: int) -> list[str]:
    """A word in parts that are no wider than `limit` screen pixels, or one character."""
    parts = [""]
    for character in word:
        if parts[-1] and measure(parts[-1] + character, scale) > limit:
            parts.append("")
        parts[-1] += character
    return parts
