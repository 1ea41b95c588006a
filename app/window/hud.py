"""Header, figures, messages: what stands around the picture."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import pygame

from reverie.app.play.meter import Meter
from reverie.app.play.status import Status
from reverie.app.window import font, theme
from reverie.engine.likeness import GOOD, cells_of


class Pill(NamedTuple):
    """A word in the header, and its colour."""

    word: str
    colour: tuple[int, int, int]


REAL, DREAM = Pill("REAL", theme.REAL), Pill("DREAM", theme.DREAM)
PAUSED, REWIND, REC = Pill("PAUSED", theme.WARM), Pill("REWIND", theme.WARM), Pill("REC", theme.ALARM)
AUTO = Pill("AUTO", theme.WARM)
LINES = 2
"""Of a message that are seen at once."""


def draw_header(screen: pygame.Surface, status: Status, pills: tuple[Pill, ...], title: str = "") -> None:
    """The name of what is played on the left; on the right what kind of world it is, and what else is going on.

    The product's name comes first where there is room for it.

    title: what the person calls the game; without one, its name.
    """
    u = theme.unit_of(screen)
    top = u * (theme.HEADER - 22) // 2
    left = screen.get_width() - u * (theme.MARGIN - 8)
    for word, colour in (REAL if status.real else DREAM, *pills):
        left = theme.pill(screen, word, left - 8 * u, top, colour)
    dreamt_by = "" if status.real else status.bundle
    name = " · ".join(dict.fromkeys(part for part in (title or status.game, dreamt_by) if part))
    x, scale = u * theme.MARGIN, u * theme.TEXT_SCALE
    product = "REVERIE"
    needs = font.measure(product, scale) + 14 * u
    if x + needs + font.measure(name, scale) <= left - 8 * u:  # the window's frame says it too
        theme.text(screen, product, (x, top + 4 * u), theme.DIM)
        x += needs
    theme.text(screen, _shortened(name, left - 8 * u - x, scale), (x, top + 4 * u), theme.TEXT)


def draw_figures(screen: pygame.Surface, status: Status, meter: Meter, fps: float) -> None:
    """Two lines under the picture: speed with its stages, and the dream's switches."""
    u = theme.unit_of(screen)
    margin, top = u * theme.MARGIN, screen.get_height() - u * (theme.FOOTER - 11)
    stages = "  ".join(
        f"{stage} {ms:.1f}" for stage, ms in status.timings.items() if stage in ("dynamics", "sample", "decode")
    )
    x = theme.text(screen, f"{fps:.1f} fps", (margin, top), theme.TEXT)
    x = theme.text(screen, f"{meter.last_ms:.1f} ms", (x + 14 * u, top), theme.TEXT)
    x = _if_room(screen, status.compared, x, top)
    _if_room(screen, stages, x, top)
    top += 22 * u
    score = f"reward {status.score:g}" if status.score is not None else ""
    if status.real:
        x = theme.text(screen, f"the real game   seed {status.seed}", (margin, top), theme.DIM)
        _if_room(screen, score, x, top)
        return
    x = theme.text(screen, status.shown, (margin, top), theme.DIM)
    x = _if_room(screen, f"faults {status.faults}" if status.faults else "", x, top, theme.ALARM)
    x = _if_room(screen, score, x, top)
    if status.far is not None:
        colour = theme.ALARM if status.far > GOOD else theme.DIM
        x = _if_room(screen, f"likeness {cells_of(status.far)}", x, top, colour)
    cells = "■" * min(status.history, status.slots) + "□" * max(0, status.slots - status.history)
    x = _if_room(screen, f"late {meter.late}", x, top)
    _if_room(screen, f"history {cells}", x, top)


def draw_hint(screen: pygame.Surface) -> None:
    """What stands under the picture when the figures are off."""
    u = theme.unit_of(screen)
    theme.text(screen, "F1 help", (u * theme.MARGIN, screen.get_height() - u * (theme.FOOTER - 30)), theme.DIM)


def message_parts(words: str, window: tuple[int, int]) -> list[str]:
    """A message in parts that have room in the place of the figures, one after the other."""
    u = theme.unit(window)
    lines = font.wrapped(words, u * theme.TEXT_SCALE, window[0] - u * (2 * theme.MARGIN + 24))
    return [" ".join(lines[first : first + LINES]) for first in range(0, len(lines), LINES)]


def draw_message(screen: pygame.Surface, words: str) -> None:
    """A part of a message in the place of the figures."""
    u = theme.unit_of(screen)
    scale = u * theme.TEXT_SCALE
    lines = font.wrapped(words, scale, screen.get_width() - u * (2 * theme.MARGIN + 24))[:LINES]
    size = max(font.measure(line, scale) for line in lines) + 24 * u, 11 * scale * len(lines) + 8 * u
    box = pygame.Rect((0, 0), size)
    box.midbottom = (screen.get_width() // 2, screen.get_height() - 2 * u)
    theme.box(screen, box, theme.DREAM)
    for i, line in enumerate(lines):
        theme.text(screen, line, (box.x + 12 * u, box.y + 6 * u + 11 * scale * i), theme.TEXT)


def _if_room(screen: pygame.Surface, words: str, x: int, top: int, colour: font.Colour = theme.DIM) -> int:
    """Write behind what ended at x, unless it would run out of the window. Returns the x where it ended."""
    u = theme.unit_of(screen)
    if not words or x + u * (14 + theme.MARGIN) + font.measure(words, u * theme.TEXT_SCALE) > screen.get_width():
        return x
    return theme.text(screen, words, (x + 14 * u, top), colour)


@lru_cache(maxsize=16)
def _shortened(words: str, room: int, scale: int) -> str:
    """As much as there is room for, with … where something is left out."""
    if font.measure(words, scale) <= room:
        return words
    while words and font.measure(words + "…", scale) > room:
        words = words[:-1].rstrip(" ·-")
    return words + "…"
