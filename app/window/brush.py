"""Painting with the mouse: a patch of the picture is picked up, and put down elsewhere."""

from __future__ import annotations

import numpy as np
import pygame

from reverie.app.window import theme
from reverie.games.world import Frame

TILES = 8
"""A patch is so many times smaller than the picture: in the built-in games, a tile."""


class Brush:
    """What was picked up, if anything was."""

    def __init__(self) -> None:
        self.patch: Frame | None = None
        self._phase = (0, 0)

    def pick(self, frame: Frame, at: tuple[int, int]) -> None:
        """Pick up the patch of a frame (H, W, 3) around a pixel (y, x)."""
        side = frame.shape[0] // TILES
        top, left = (min(max(0, pixel - side // 2), frame.shape[0] - side) for pixel in at)
        self.patch = np.array(frame[top : top + side, left : left + side])
        self._phase = (top % side, left % side)

    def place(self, size: int, at: tuple[int, int]) -> tuple[int, int]:
        """Where its top left goes when it is put down around a pixel (y, x) of a picture of that size.

        It lies between the tiles as it lay where it was picked up, so that a model of tiles sees the same there.
        """
        side = size // TILES
        top, left = (
            min(max(0, round((pixel - side / 2 - phase) / side)), TILES - 1 - (phase > 0)) * side + phase
            for pixel, phase in zip(at, self._phase, strict=True)
        )
        return top, left

    def click(self, button: int, frame: Frame, at: tuple[int, int] | None) -> tuple[Frame, tuple[int, int]] | None:
        """A mouse button is pressed at a pixel (y, x) of a frame, or beside it. Returns what to paint, and where.

        The right button picks up a patch, and beside the picture lets go of it; the left puts it down.
        """
        if button == pygame.BUTTON_RIGHT and at is None:
            self.patch = None
        elif button == pygame.BUTTON_RIGHT and at:
            self.pick(frame, at)
        elif button == pygame.BUTTON_LEFT and at and self.patch is not None:
            return self.patch, self.place(frame.shape[0], at)
        return None


def pixel_at(point: tuple[int, int], picture: pygame.Rect, size: int) -> tuple[int, int] | None:
    """The pixel (y, x) of the picture under a point of the window; None beside it."""
    if not picture.collidepoint(point):
        return None
    scale = picture.width // size
    return (point[1] - picture.top) // scale, (point[0] - picture.left) // scale


def draw_brush(screen: pygame.Surface, brush: Brush, picture: pygame.Rect, size: int) -> None:
    """The patch where it would be put down, under the mouse."""
    at = pixel_at(pygame.mouse.get_pos(), picture, size)
    if brush.patch is None or at is None:
        return
    scale, side = picture.width // size, brush.patch.shape[0]
    top, left = brush.place(size, at)
    small = pygame.image.frombuffer(brush.patch.tobytes(), (side, side), "RGB")
    rect = pygame.Rect(picture.left + left * scale, picture.top + top * scale, side * scale, side * scale)
    screen.blit(pygame.transform.scale(small, rect.size), rect)
    pygame.draw.rect(screen, theme.WARM, rect, width=2)
