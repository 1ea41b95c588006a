"""The card on which a fresh window says what it is."""

from __future__ import annotations

import pygame

from reverie.app.window import font, theme


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
