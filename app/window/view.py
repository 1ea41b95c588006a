"""Draws the window: the picture, what stands around it, and what is laid over it."""

from __future__ import annotations

import time

import pygame

from reverie.app.play.game_loop import GameLoop, ShownFrame
from reverie.app.window import hud, theme
from reverie.app.window.about import About
from reverie.app.window.brush import Brush, draw_brush
from reverie.app.window.card import draw_card
from reverie.app.window.mind_view import draw_mind, side_of
from reverie.app.window.notices import Notices
from reverie.app.window.overlay import Overlay
from reverie.app.window.saving import Saving

FIGURES_SECONDS = 0.25
"""How often the HUD's rate changes; faster cannot be read."""


def place_of(window: tuple[int, int], shot: ShownFrame) -> theme.Layout:
    """Where the picture stands in a window of that width and height, and what is beside it."""
    side = side_of(window) if shot.status.thoughts else 0
    return theme.layout(window, shot.frame.shape[0], side)


class View:
    """Draws a frame with all that the window has to say at the time. figures: whether they stand under the picture."""

    def __init__(
        self, loop: GameLoop, about: About, notices: Notices, overlay: Overlay, brush: Brush, saving: Saving
    ) -> None:
        self._loop, self._about, self._saving = loop, about, saving
        self._notices, self._overlay, self._brush = notices, overlay, brush
        self.figures = True
        self._fps, self._fps_since = 0.0, 0.0

    def toggle_figures(self) -> None:
        """Show the figures, or hide them."""
        self.figures = not self.figures

    def draw(self, screen: pygame.Surface, shot: ShownFrame) -> None:
        """Draw all of it."""
        status, covered = shot.status, self._overlay.kind is not None
        place = place_of(screen.get_size(), shot)
        screen.fill(theme.NIGHT)
        theme.draw_picture(screen, shot.frame, place)
        if status.thoughts:
            draw_mind(screen, status.thoughts, place)
        if self._notices.card and not covered:
            draw_card(screen, self._about.card(status.real), place.picture)
        if not covered:
            draw_brush(screen, self._brush, place.picture, shot.frame.shape[0])
        hud.draw_header(screen, status, self._pills(), self._about.own_title)
        if self._notices.message and not covered:
            hud.draw_message(screen, self._notices.message)
        elif self.figures:
            hud.draw_figures(screen, status, self._loop.meter, self._steady_fps())
        else:
            hud.draw_hint(screen)
        self._overlay.draw(screen, self._about, status)

    def _pills(self) -> tuple[hud.Pill, ...]:
        """The pills in the header: paused or rewinding, played by itself, and recording."""
        waits = hud.REWIND if self._loop.rewinding else hud.PAUSED if self._loop.paused else None
        auto = hud.AUTO if self._loop.plays_itself else None
        return tuple(pill for pill in (waits, auto, hud.REC if self._saving.recording else None) if pill)

    def _steady_fps(self) -> float:
        """Frames a second, changed no more often than can be read."""
        now = time.perf_counter()
        if now - self._fps_since > FIGURES_SECONDS:
            self._fps, self._fps_since = self._loop.meter.fps, now
        return self._fps
