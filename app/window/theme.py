"""Colours, sizes and the crisp enlargement of the picture."""

from __future__ import annotations

from typing import NamedTuple

import pygame

from reverie.app.window import font
from reverie.games.world import Frame

NIGHT = (11, 13, 22)
PANEL = (20, 24, 38)
EDGE = (44, 52, 78)
TEXT = (214, 222, 240)
DIM = (112, 124, 156)
DREAM = (150, 128, 255)
REAL = (116, 208, 134)
WARM = (255, 190, 92)
ALARM = (255, 98, 104)

MARGIN = 16
HEADER = 40
FOOTER = 56
SMALLEST = (340, 400)
"""A smaller window has no room for the help, so none is opened: width and height in pixels."""
TEXT_SCALE = 2


class Layout(NamedTuple):
    """Where things are in a window: the picture's rectangle, and the room beside it, which may have no width."""

    picture: pygame.Rect
    side: pygame.Rect


def layout(window: tuple[int, int], size: int, side: int = 0) -> Layout:
    """The largest whole-number enlargement of a size x size picture that leaves room for header and footer, centred.

    side: pixels that are left free at the right.
    """
    width, height = window[0] - side, window[1]
    scale = max(1, min((width - 2 * MARGIN) // size, (height - HEADER - FOOTER) // size))
    edge = scale * size
    top = HEADER + max(0, height - HEADER - FOOTER - edge) // 2
    beside = pygame.Rect(width, HEADER, side and side - MARGIN, height - HEADER - FOOTER)
    return Layout(pygame.Rect((width - edge) // 2, top, edge, edge), beside)


def window_size(size: int, scale: int) -> tuple[int, int]:
    """The window that holds a size x size picture at that enlargement, or at the least one with room for the help."""
    width, height = SMALLEST
    scale = max(scale, -(-(width - 2 * MARGIN) // size), -(-(height - HEADER - FOOTER) // size))
    return size * scale + 2 * MARGIN, size * scale + HEADER + FOOTER


def draw_picture(screen: pygame.Surface, frame: Frame, place: Layout) -> None:
    """Draw a frame (H, W, 3) uint8 with hard pixels and a thin frame around it."""
    rect = place.picture
    pygame.draw.rect(screen, PANEL, rect.inflate(12, 12), border_radius=4)
    pygame.draw.rect(screen, EDGE, rect.inflate(12, 12), width=2, border_radius=4)
    height, width = frame.shape[:2]
    small = pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB")
    screen.blit(pygame.transform.scale(small, rect.size), rect)


def text(
    screen: pygame.Surface, words: str, at: tuple[int, int], colour: font.Colour = TEXT, scale: int = TEXT_SCALE
) -> int:
    """Write one line with its top left at `at`; returns the x where it ended."""
    surface = font.render(words, scale, colour)
    screen.blit(surface, at)
    return at[0] + surface.get_width()


def pill(screen: pygame.Surface, words: str, right: int, top: int, colour: font.Colour) -> int:
    """A small filled label whose right edge is at `right`; returns its left edge."""
    label = font.render(words, TEXT_SCALE, NIGHT)
    rect = pygame.Rect(right - label.get_width() - 16, top, label.get_width() + 16, 22)
    pygame.draw.rect(screen, colour, rect, border_radius=4)
    screen.blit(label, (rect.x + 8, rect.y + 4))
    return rect.x


def veil(screen: pygame.Surface, strength: int = 190) -> None:
    """Darken everything drawn so far, for what is laid over it."""
    shade = pygame.Surface(screen.get_size(), pygame.SRCALPHA)
    shade.fill((*NIGHT, strength))
    screen.blit(shade, (0, 0))


def panel(screen: pygame.Surface, width: int, height: int) -> pygame.Rect:
    """A framed box in the middle of the window."""
    rect = pygame.Rect(0, 0, width, height)
    rect.center = screen.get_rect().center
    pygame.draw.rect(screen, PANEL, rect, border_radius=6)
    pygame.draw.rect(screen, EDGE, rect, width=2, border_radius=6)
    return rect
