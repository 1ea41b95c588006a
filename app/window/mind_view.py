"""Draws what goes on in a dream: doubt over the picture, and beside it other futures and the bits of a frame."""

from __future__ import annotations

import numpy as np
import pygame

from reverie.app.play.mind import CURVE, Thoughts
from reverie.app.window import theme
from reverie.app.window.theme import Layout

CLEAR, STRONGEST = 60, 190
"""How strongly the least and the most unsure places are marked, of 255."""
MOST_BITS = 3.0
"""A place with so many bits or more is marked most strongly."""
LINE = 9 * theme.TEXT_SCALE + 4
LEAST_CURVE, TALLEST_CURVE = 40, 80


def side_of(window: tuple[int, int]) -> int:
    """How wide the room beside the picture is."""
    return max(100, window[0] // 5)


def draw_mind(screen: pygame.Surface, thoughts: Thoughts, place: Layout) -> None:
    """Mark where the dream was unsure, and draw the rest beside the picture, as much of it as there is room for."""
    if thoughts.unsure is not None:
        screen.blit(pygame.transform.scale(_marks(thoughts.unsure), place.picture.size), place.picture)
    u = theme.unit_of(screen)
    x, y, width, line = place.side.x, place.side.y, place.side.width, LINE * u
    theme.text(screen, "or else", (x, y), theme.DIM)
    y += line
    for picture in thoughts.futures:
        if y + width + line + LEAST_CURVE * u > place.side.bottom:
            break
        small = pygame.image.frombuffer(picture.tobytes(), picture.shape[1::-1], "RGB")
        screen.blit(pygame.transform.smoothscale(small, (width, width)), (x, y))
        y += width + 8 * u
    if thoughts.bits:
        words = f"{thoughts.bits[-1]:.1f} bits"
        theme.text(screen, words, (x, y), theme.WARM, theme.fitting_scale(screen, words, width))
        height = min(TALLEST_CURVE * u, place.side.bottom - y - line)
        _draw_curve(screen, thoughts.bits, pygame.Rect(x, y + line, width, height))


def _marks(unsure: np.ndarray) -> pygame.Surface:
    """One pixel for each place, the clearer the surer."""
    rows, columns = unsure.shape
    share = np.clip(unsure / MOST_BITS, 0, 1)
    alpha = np.where(share > 0.02, CLEAR + (STRONGEST - CLEAR) * share, 0).astype(np.uint8)
    colour = np.broadcast_to(np.array(theme.ALARM, np.uint8), (rows, columns, 3))
    marks = np.ascontiguousarray(np.concatenate([colour, alpha[..., None]], -1))
    return pygame.image.frombuffer(marks.tobytes(), (columns, rows), "RGBA")


def _draw_curve(screen: pygame.Surface, bits: tuple[float, ...], room: pygame.Rect) -> None:
    """The bits of the last frames, the newest at the right."""
    pygame.draw.rect(screen, theme.PANEL, room)
    most = max(*bits, 1.0)
    points = [
        (
            room.right - 1 - (len(bits) - 1 - number) * room.width / CURVE,
            room.bottom - 2 - (room.height - 4) * value / most,
        )
        for number, value in enumerate(bits)
    ]
    if len(points) > 1:
        pygame.draw.lines(screen, theme.WARM, False, points, 2)
