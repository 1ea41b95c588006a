"""Colours, sizes and the crisp enlargement of the picture.

All sizes are for a small window. One twice as wide and as high as COMMON has everything but the picture twice as
large, and so on: who has a screen of many small pixels makes the window large, and can read it.
"""

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
COMMON = (640, 480)
TEXT_SCALE = 2
"""Screen pixels for a pixel of the font, in a window up to twice COMMON."""


def unit(window: tuple[int, int]) -> int:
    """How many times as large as in a small window everything but the picture is. window: width and height."""
    return max(1, min(window[0] // COMMON[0], window[1] // COMMON[1]))


def unit_of(screen: pygame.Surface) -> int:
    """The unit of the window that is drawn on."""
    return unit(screen.get_size())


class Layout(NamedTuple):
    """Where things are in a window: the picture's rectangle, and the room beside it, which may have no width."""

    picture: pygame.Rect
    side: pygame.Rect


def layout(window: tuple[int, int], size: int, side: int = 0) -> Layout:
    """The largest whole-number enlargement of a size x size picture that leaves room for header and footer, centred.

    side: pixels that are left free at the right.
    """
    margin, header, footer = (unit(window) * part for part in (MARGIN, HEADER, FOOTER))
    width, height = window[0] - side, window[1]
    scale = max(1, min((width - 2 * margin) // size, (height - header - footer) // size))
    edge = scale * size
    top = header + max(0, height - header - footer - edge) // 2
    beside = pygame.Rect(width, header, side and side - margin, height - header - footer)
    return Layout(pygame.Rect((width - edge) // 2, top, edge, edge), beside)


def window_size(size: int, scale: int) -> tuple[int, int]:
    """The window that holds a size x size picture at that enlargement, or at the least one with room for the help."""
    width, height = SMALLEST
    scale = max(scale, -(-(width - 2 * MARGIN) // size), -(-(height - HEADER - FOOTER) // size))
    units = 0
    window = (0, 0)
    while unit(window) > units:
        units += 1
        window = size * scale + 2 * units * MARGIN, size * scale + units * (HEADER + FOOTER)
    return window


def draw_picture(screen: pygame.Surface, frame: Frame, place: Layout) -> None:
    """Draw a frame (H, W, 3) uint8 with hard pixels and a thin frame around it."""
    rect = place.picture
    pygame.draw.rect(screen, PANEL, rect.inflate(12, 12), border_radius=4)
    pygame.draw.rect(screen, EDGE, rect.inflate(12, 12), width=2, border_radius=4)
    height, width = frame.shape[:2]
    small = pygame.image.frombuffer(frame.tobytes(), (width, height), "RGB")
    screen.blit(pygame.transform.scale(small, rect.size), rect)


def text(screen: pygame.Surface, words: str, at: tuple[int, int], colour: font.Colour = TEXT, scale: int = 0) -> int:
    """Write one line with its top left at `at`; returns the x where it ended. scale: 0 is that of the window."""
    surface = font.render(words, scale or TEXT_SCALE * unit_of(screen), colour)
    screen.blit(surface, at)
    return at[0] + surface.get_width()


def fitting_scale(screen: pygame.Surface, words: str, width: int) -> int:
    """The scale of the window's letters, or less where the words would not fit into so many screen pixels."""
    scales = range(TEXT_SCALE * unit_of(screen), 1, -1)
    return next((scale for scale in scales if font.measure(words, scale) <= width), 1)


def pill(screen: pygame.Surface, words: str, right: int, top: int, colour: font.Colour) -> int:
    """A small filled label whose right edge is at `right`; returns its left edge."""
    u = unit_of(screen)
    label = font.render(words, TEXT_SCALE * u, NIGHT)
    rect = pygame.Rect(right - label.get_width() - 16 * u, top, label.get_width() + 16 * u, 22 * u)
    pygame.draw.rect(screen, colour, rect, border_radius=4 * u)
    screen.blit(label, (rect.x + 8 * u, rect.y + 4 * u))
    return rect.x


def box(screen: pygame.Surface, rect: pygame.Rect, edge: font.Colour) -> None:
    """A box for words, with an edge of that colour."""
    u = unit_of(screen)
    pygame.draw.rect(screen, PANEL, rect, border_radius=5 * u)
    pygame.draw.rect(screen, edge, rect, width=2 * u, border_radius=5 * u)


def veil(screen: pygame.Surface, strength: int = 190) -> None:
    """Darken everything drawn so far, for what is laid over it."""
    shade = pygame.Surface(screen.get_size(), pygame.SRCALPHA)
    shade.fill((*NIGHT, strength))
    screen.blit(shade, (0, 0))


def panel(screen: pygame.Surface, width: int, height: int) -> pygame.Rect:
    """A framed box in the middle of the window."""
    rect = pygame.Rect(0, 0, width, height)
    rect.center = screen.get_rect().center
    box(screen, rect, EDGE)
    return rect
