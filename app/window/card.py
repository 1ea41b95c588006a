"""The card on which a fresh window says what it is."""

from __future__ import annotations

import pygame

from reverie.app.window import font, theme


def draw_card(screen: pygame.Surface, sentences: tuple[str, ...], picture: pygame.Rect) -> None:
    """A few sentences in the lower part of the picture, in smaller letters where they would cover half of it."""
    u = theme.unit_of(screen)
    for scale in range(theme.TEXT_SCALE * u, 0, -1):
        width = picture.width - 48 * u
        lines = [(line, n) for n, each in enumerate(sentences) for line in font.wrapped(each, scale, width)]
        height = 11 * scale * len(lines) + 6 * scale * (len(sentences) + 1)
        if height <= picture.height // 2:
            break
    box = pygame.Rect(picture.left + 8 * u, picture.bottom - 8 * u - height, picture.width - 16 * u, height)
    theme.box(screen, box, theme.DREAM)
    colours = (theme.DREAM, theme.TEXT, theme.WARM)
    for row, (line, number) in enumerate(lines):
        top = box.y + 6 * scale * (number + 1) + 11 * scale * row
        theme.text(screen, line, (box.x + 16 * u, top), colours[number % len(colours)], scale)
