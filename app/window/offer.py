"""Pictures of which a person chooses one, laid over the window: start pictures, endings, what became of a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pygame

from reverie.app.window import font, theme
from reverie.games.world import Frame

GAP = 14
"""Pixels between two pictures, and around them."""
SMALLEST_SIDE = 64
"""A picture smaller than so many screen pixels cannot be recognized; more of them than fit are scrolled."""


@dataclass
class Offer:
    """Pictures to choose from.

    title, hint: lines above and below them. pictures: each (H, W, 3) uint8. captions: one for each. take: what happens
    to the chosen one, by its number. numbered: the number keys choose too, from 1. chosen: the marked one.
    leave: what happens where none is taken.
    """

    title: str
    hint: str
    pictures: Sequence[Frame]
    captions: Sequence[str]
    take: Callable[[int], None]
    numbered: bool = False
    chosen: int = 0
    leave: Callable[[], None] = lambda: None

    def move(self, by: int) -> None:
        """Mark another one."""
        self.chosen = min(max(0, self.chosen + by), len(self.pictures) - 1)


def grid(window: tuple[int, int], count: int) -> tuple[int, list[pygame.Rect]]:
    """How many columns there are, and where each picture stands: as large as fits, or scrolled out of the window."""
    u = theme.unit(window)
    gap, header, smallest = GAP * u, theme.HEADER * u, SMALLEST_SIDE * u
    caption = (9 * theme.TEXT_SCALE + 6) * u
    width, height = window[0] - gap, window[1] - 2 * header
    sides = {
        columns: min(width // columns - gap, height // -(-count // columns) - gap - caption)
        for columns in range(1, count + 1)
    }
    columns = max(sides, key=sides.__getitem__)
    side = sides[columns]
    if side < smallest:
        side = smallest
        columns = max(1, min(count, width // (side + gap)))
    left = (window[0] - columns * (side + gap) + gap) // 2
    step = side + gap + caption
    above = header + max(gap, (height - -(-count // columns) * step + gap) // 2)
    return columns, [
        pygame.Rect(left + number % columns * (side + gap), above + number // columns * step, side, side)
        for number in range(count)
    ]


def draw_offer(screen: pygame.Surface, offer: Offer) -> None:
    """Draw the pictures, with a frame around the marked one, scrolled so that it can be seen."""
    screen.fill(theme.NIGHT)
    u = theme.unit_of(screen)
    line = 9 * theme.TEXT_SCALE
    _centred(screen, offer.title, u * (theme.HEADER - line) // 2, theme.DREAM)
    for picture, caption, rect, number in _shown(screen.get_size(), offer):
        marked = number == offer.chosen
        pygame.draw.rect(screen, theme.WARM if marked else theme.EDGE, rect.inflate(8 * u, 8 * u), border_radius=4 * u)
        screen.blit(_drawn(picture, rect.width), rect)
        theme.text(
            screen,
            caption,
            (rect.centerx - font.measure(caption, theme.TEXT_SCALE * u) // 2, rect.bottom + 8 * u),
            theme.TEXT if marked else theme.DIM,
        )
    _centred(screen, offer.hint, screen.get_height() - u * (theme.HEADER + line) // 2, theme.DIM)


def at(window: tuple[int, int], offer: Offer, point: tuple[int, int]) -> int | None:
    """The number of the picture under a point of the window; None where there is none."""
    return next((number for _, _, rect, number in _shown(window, offer) if rect.collidepoint(point)), None)


def columns(window: tuple[int, int], offer: Offer) -> int:
    """How many pictures stand side by side."""
    return grid(window, len(offer.pictures))[0]


def _shown(window: tuple[int, int], offer: Offer) -> list[tuple[Frame, str, pygame.Rect, int]]:
    """The pictures that can be seen whole: each with its caption, its place and its number."""
    _, rects = grid(window, len(offer.pictures))
    top, bottom = rects[0].top, window[1] - theme.unit(window) * (theme.HEADER + 9 * theme.TEXT_SCALE + 6)
    down = max(0, rects[offer.chosen].bottom - bottom)
    if down:  # whole rows
        down = next(rect.top - top for rect in rects if rect.top - top >= down)
    shown = []
    for number, (picture, caption, rect) in enumerate(zip(offer.pictures, offer.captions, rects, strict=True)):
        place = rect.move(0, -down)
        if place.top >= top and place.bottom <= bottom:
            shown.append((picture, caption, place, number))
    return shown


def _drawn(picture: Frame, side: int) -> pygame.Surface:
    """The picture at that size, its pixels hard where each of them becomes as many."""
    small = pygame.image.frombuffer(np.ascontiguousarray(picture).tobytes(), picture.shape[1::-1], "RGB")
    scale = pygame.transform.smoothscale if side % picture.shape[0] else pygame.transform.scale
    return scale(small, (side, side))


def _centred(screen: pygame.Surface, words: str, top: int, colour: font.Colour) -> None:
    u = theme.unit_of(screen)
    limit = screen.get_width() - 2 * GAP * u
    scale = theme.fitting_scale(screen, words, limit)
    theme.text(screen, words, ((screen.get_width() - font.measure(words, scale)) // 2, top), colour, scale)
